// Files: exact positional reads, and writes that appear under their final name only when they are whole.
import { createHash, type Hash } from "node:crypto"
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"
import { AtelierError } from "../request/errors.ts"

const maxRead = 1 << 30 // Linux reads at most 2^31 - 4096 bytes per call

/** Reads exactly `length` bytes at `offset`. Throws model_invalid when the file ends before that. */
export async function readExactly(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(maxRead, length - done), offset + done)
    if (bytesRead === 0)
      throw new AtelierError(
        "model_invalid",
        `The file ended at byte ${offset + done} where ${length - done} more bytes were expected; it changed while it was read.`,
      )
    done += bytesRead
  }
  return bytes
}

/** Opens for reading. Throws file_not_found, or file_not_found with the cause when it may not be read. */
export async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r")
  } catch (cause) {
    const code = errorCode(cause)
    const reason = code === "ENOENT" ? "does not exist" : `cannot be read (${code ?? String(cause)})`
    throw new AtelierError("file_not_found", `The file ${path} ${reason}; check the path.`, { cause })
  }
}

/** The system's word for what went wrong (ENOENT, ENOSPC, ...), if it has one. */
export function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string"
    ? thrown.code
    : undefined
}

/** What a finished file is: its path, size in bytes and sha256 in hexadecimal digits. */
export interface WrittenFile {
  path: string
  bytes: number
  sha256: string
}

const batchBytes = 1 << 20

/**
 * A file that is written to `<path>.part` and renamed when whole: fsync first, so that after a power
 * cut either the old file or the complete new one is there. Hashes what passes through.
 */
export class PartFile {
  readonly path: string
  private readonly file: FileHandle
  private readonly hash: Hash = createHash("sha256")
  private bytes = 0
  // Small tensors (norm scales) would cost one system call each; they are gathered to 1 MiB.
  private readonly batch = new Uint8Array(batchBytes)
  private batched = 0

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.file = file
  }

  static async create(path: string): Promise<PartFile> {
    await mkdir(dirname(path), { recursive: true })
    return new PartFile(path, await open(`${path}.part`, "w"))
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.hash.update(bytes)
    this.bytes += bytes.byteLength
    if (this.batched + bytes.byteLength > batchBytes) await this.flush()
    if (bytes.byteLength > batchBytes) return this.writeAll(bytes)
    this.batch.set(bytes, this.batched)
    this.batched += bytes.byteLength
  }

  /** Makes the file durable and gives it its final name. */
  async finish(): Promise<WrittenFile> {
    await this.flush()
    await this.file.sync()
    await this.file.close()
    await rename(`${this.path}.part`, this.path)
    await syncFolder(dirname(this.path))
    return { path: this.path, bytes: this.bytes, sha256: this.hash.digest("hex") }
  }

  /** Closes and removes the `.part`; the final name is not touched. */
  async discard(): Promise<void> {
    await this.file.close().catch(() => {}) // already closed when the rename itself failed
    await rm(`${this.path}.part`, { force: true })
  }

  private async flush(): Promise<void> {
    await this.writeAll(this.batch.subarray(0, this.batched))
    this.batched = 0
  }

  private async writeAll(bytes: Uint8Array): Promise<void> {
    let done = 0
    while (done < bytes.byteLength) {
      const { bytesWritten } = await this.file.write(bytes, done, Math.min(maxRead, bytes.byteLength - done))
      done += bytesWritten
    }
  }
}

/** A new name is durable only after its folder is synced; Windows has no such call and needs none. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return
  const folder = await open(path, "r")
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * Runs `body` on a fresh part file and finishes it; on any failure the part is removed.
 * Throws file_write for a full disk, missing permission or an aborted signal; AtelierErrors pass unchanged.
 */
export async function writeWhole(
  path: string,
  body: (file: PartFile) => Promise<void>,
  signal?: AbortSignal,
): Promise<WrittenFile> {
  let part: PartFile | undefined
  try {
    signal?.throwIfAborted()
    part = await PartFile.create(path)
    await body(part)
    signal?.throwIfAborted()
    return await part.finish()
  } catch (cause) {
    await part?.discard()
    if (cause instanceof AtelierError) throw cause
    throw new AtelierError("file_write", `The file ${path} was not written: ${reasonOf(cause, signal)}.`, {
      cause,
    })
  }
}

function reasonOf(cause: unknown, signal: AbortSignal | undefined): string {
  if (signal?.aborted) return "the work was cancelled, and the unfinished part was removed"
  const code = errorCode(cause)
  if (code === "ENOSPC") return "the disk is full; free some space and start again"
  if (code === "EFBIG") return "the file would be larger than this system allows; write to another disk"
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return "writing there is not permitted; choose another folder"
  return cause instanceof Error ? cause.message : String(cause)
}
