// Where pictures are kept: the port of the blob store, and the names of what lies in it.
import { createHash } from "node:crypto"

/** Bytes by key. Keys are `[a-z0-9/.-]`, given by this service only. */
export interface BlobStore {
  /** Resolves when the bytes are durable (unless `fleeting`): on disk and synced, or acknowledged by S3. */
  put(key: string, bytes: Uint8Array, options?: { fleeting?: boolean }): Promise<void>
  /** null when absent. */
  get(key: string): Promise<Uint8Array | null>
  has(key: string): Promise<boolean>
  delete(key: string): Promise<void>
  /** Every blob whose key starts with the prefix, in any order. */
  list(prefix: string): AsyncIterable<ListedBlob>
}

export interface ListedBlob {
  key: string
  /** When it was written last, by the clock of what keeps it. */
  written: Date
}

export const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex")

/** Content-addressed key: the same picture twice is one file, and a damaged file betrays itself. */
export const blobKey = (hash: string): string => `sha256/${hash.slice(0, 2)}/${hash}`

/** In one folder: one for every job would be left behind. */
export const previewKey = (jobId: string, place: number): string => `previews/${jobId}.${place}`
/** The job of a preview's key. */
export const jobOfPreview = (key: string): string => /^previews\/([0-9a-f-]*)/.exec(key)![1]!

/** Stores bytes under their own hash and returns it. */
export async function putContent(blobs: BlobStore, bytes: Uint8Array): Promise<string> {
  const hash = sha256(bytes)
  // Written even when present: a power cut may have left a short file of the same name before a sync.
  await blobs.put(blobKey(hash), bytes)
  return hash
}

/** To be called when the row stands: before, a file of `putContent` is nobody's, and goes with the last row that had the same. */
export async function confirmContent(blobs: BlobStore, hash: string, bytes: Uint8Array): Promise<void> {
  if (!(await blobs.has(blobKey(hash)))) await blobs.put(blobKey(hash), bytes)
}
