// Reads the header of a .safetensors file, strictly: 8 bytes of length, JSON, then the tensors without holes.
// Format: https://github.com/huggingface/safetensors#format
import { AtelierError } from "../request/errors.ts"
import { openForReading, readExactly } from "./files.ts"
import {
  type Checkpoint,
  formatShape,
  type StoredTensor,
  type StoredType,
  storedLength,
  storedTypes,
} from "./tensor.ts"

const maxHeader = 100_000_000 // the format's own limit

interface HeaderEntry {
  type: StoredType
  shape: number[]
  start: number
  end: number
}

/**
 * Opens one .safetensors file; reads only its header.
 * Throws file_not_found, or model_invalid naming the tensor, what was expected and what was found.
 */
export async function openSafetensors(path: string): Promise<Checkpoint> {
  const file = await openForReading(path)
  try {
    const { size } = await file.stat()
    if (size < 8) throw invalid(path, `it has ${size} bytes, and even an empty one has 10`)
    const prefix = await readExactly(file, 0, 8)
    const headerLength = new DataView(prefix.buffer).getBigUint64(0, true)
    if (headerLength > maxHeader)
      throw invalid(path, `its header claims ${headerLength} bytes, and ${maxHeader} is the format's limit`)
    const dataStart = 8 + Number(headerLength)
    if (dataStart > size)
      throw invalid(path, `it is truncated: the header needs ${dataStart} bytes, and the file has ${size}`)
    const header = parseHeader(path, await readExactly(file, 8, dataStart - 8))
    const entries = Object.entries(header)
      .filter(([name]) => name !== "__metadata__")
      .map(([name, entry]) => [name, checkEntry(path, name, entry)] as const)
    checkLayout(path, entries, dataStart, size)
    const tensors = new Map<string, StoredTensor>()
    for (const [name, { type, shape, start, end }] of entries)
      tensors.set(name, { name, type, shape, file: path, offset: dataStart + start, length: end - start })
    return { path, files: [path], tensors, metadata: checkMetadata(path, header.__metadata__) }
  } finally {
    await file.close()
  }
}

function invalid(path: string, reason: string): AtelierError {
  return new AtelierError("model_invalid", `${path} is not a usable safetensors file: ${reason}.`)
}

function parseHeader(path: string, bytes: Uint8Array): Record<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AtelierError(
      "model_invalid",
      `${path} is not a usable safetensors file: its header is not JSON (${reason}).`,
      { cause },
    )
  }
  if (!isRecord(header)) throw invalid(path, "its header is not a JSON object")
  return header
}

function checkMetadata(path: string, metadata: unknown): Record<string, string> {
  if (metadata === undefined) return {}
  if (!isRecord(metadata)) throw invalid(path, "its __metadata__ is not a JSON object")
  const words: Record<string, string> = {}
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") throw invalid(path, `its __metadata__ entry ${key} is not a string`)
    words[key] = value
  }
  return words
}

function checkEntry(path: string, name: string, entry: unknown): HeaderEntry {
  if (!isRecord(entry)) throw invalid(path, `the header entry of tensor ${name} is not an object`)
  const { dtype, shape, data_offsets: offsets } = entry
  if (typeof dtype !== "string" || !Object.hasOwn(storedTypes, dtype))
    throw invalid(
      path,
      `tensor ${name} has the type ${JSON.stringify(dtype)}, which the format does not know`,
    )
  const type = dtype as StoredType
  if (!isCounts(shape)) throw invalid(path, `tensor ${name} has the shape ${JSON.stringify(shape)}`)
  if (!isCounts(offsets) || offsets.length !== 2)
    throw invalid(path, `tensor ${name} has the data_offsets ${JSON.stringify(offsets)}`)
  const [start, end] = offsets as [number, number]
  const expected = storedLength(type, shape)
  if (end - start !== expected)
    throw invalid(
      path,
      `tensor ${name} (${type} ${formatShape(shape)}) needs ${expected} bytes, and its data_offsets [${start}, ${end}] hold ${end - start}`,
    )
  return { type, shape, start, end }
}

// Every byte of the data section belongs to exactly one tensor; the format forbids holes and overlaps, so
// that no file can hide a payload or read one tensor as another.
function checkLayout(
  path: string,
  entries: (readonly [string, HeaderEntry])[],
  dataStart: number,
  size: number,
) {
  let position = 0
  let previous = "the header"
  for (const [name, { start, end }] of entries.toSorted(
    ([, a], [, b]) => a.start - b.start || a.end - b.end,
  )) {
    if (start < position)
      throw invalid(
        path,
        `tensor ${name} begins at byte ${start} and overlaps ${previous}, which ends at ${position}`,
      )
    if (start > position)
      throw invalid(
        path,
        `tensor ${name} begins at byte ${start}, ${start - position} bytes after the end of ${previous}`,
      )
    if (dataStart + end > size)
      throw invalid(
        path,
        `it is truncated: tensor ${name} ends at byte ${dataStart + end}, and the file has ${size} bytes; download it again`,
      )
    position = end
    previous = `tensor ${name}`
  }
  if (dataStart + position !== size)
    throw invalid(path, `${previous} ends at byte ${dataStart + position}, and the file goes on to ${size}`)
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}

/** A JSON object (not an array, not null). */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
