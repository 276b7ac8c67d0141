// Writes .safetensors files: streaming, hashed, and never half under the final name.
import { AtelierError } from "../request/errors.ts"
import { type WrittenFile, writeWhole } from "./files.ts"
import { encodeFloats } from "./numbers.ts"
import { formatShape, type StoredType, storedLength } from "./tensor.ts"

/**
 * One tensor to write. Bytes are taken as they are (little-endian, in `type`); a Float32Array is encoded
 * into `type` (F32, F16, BF16, F8_E4M3). A function makes the bytes only when their turn comes, in chunks
 * of any size, so that a tensor never has to be in memory whole.
 */
export interface TensorEntry {
  name: string
  type: StoredType
  shape: readonly number[]
  data: Uint8Array | Float32Array | (() => AsyncIterable<Uint8Array> | Iterable<Uint8Array>)
}

/**
 * Writes `entries` in their order to `path` (via `<path>.part`, fsync, rename) and returns size and sha256.
 * The header stands first in the format, so all entries are gathered before the first byte is written:
 * pass large data as functions. Throws file_write (full disk, permission, abort; the part is removed), and
 * out_of_range when an entry's data does not fit its type and shape.
 */
export async function writeSafetensors(
  path: string,
  entries: Iterable<TensorEntry> | AsyncIterable<TensorEntry>,
  metadata: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<WrittenFile> {
  const gathered: TensorEntry[] = []
  for await (const entry of entries) gathered.push(entry)
  const header = safetensorsHeader(gathered, metadata)
  return await writeWhole(
    path,
    async (file) => {
      await file.write(header)
      for (const entry of gathered) {
        let written = 0
        for await (const chunk of chunksOf(entry)) {
          signal?.throwIfAborted()
          written += chunk.byteLength
          await file.write(chunk)
        }
        const expected = entryLength(entry)
        if (written !== expected) throw wrongLength(entry, expected, written)
      }
    },
    signal,
  )
}

/** Length, JSON and the spaces that bring the first tensor to a multiple of 64 bytes. */
function safetensorsHeader(
  entries: readonly TensorEntry[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = Object.create(null)
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata
  let position = 0
  for (const entry of entries) {
    if (entry.name in header || entry.name === "__metadata__")
      throw new AtelierError(
        "out_of_range",
        `Two tensors to write have the name ${entry.name}; names must differ.`,
      )
    const end = position + entryLength(entry)
    header[entry.name] = { dtype: entry.type, shape: entry.shape, data_offsets: [position, end] }
    position = end
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const length = Math.ceil((8 + json.length) / 64) * 64
  const bytes = new Uint8Array(length).fill(0x20)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length - 8), true)
  bytes.set(json, 8)
  return bytes
}

function entryLength({ name, type, shape }: TensorEntry): number {
  const length = storedLength(type, shape)
  if (length === undefined)
    throw new AtelierError(
      "out_of_range",
      `Tensor ${name} of shape ${formatShape(shape)} does not fill blocks of ${type}.`,
    )
  return length
}

const encodeChunk = 1 << 22 // values; bounds the encoded copy to 16 MiB

function* chunksOfArray(type: StoredType, data: Uint8Array | Float32Array): Generator<Uint8Array> {
  if (data instanceof Uint8Array) return yield data
  for (let start = 0; start < data.length; start += encodeChunk)
    yield encodeFloats(type, data.subarray(start, start + encodeChunk))
}

function chunksOf({ type, data }: TensorEntry): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  return typeof data === "function" ? data() : chunksOfArray(type, data)
}

function wrongLength(entry: TensorEntry, expected: number, found: number): AtelierError {
  return new AtelierError(
    "out_of_range",
    `Tensor ${entry.name} (${entry.type} ${formatShape(entry.shape)}) needs ${expected} bytes, and its data gave ${found}.`,
  )
}
