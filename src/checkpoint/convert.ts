// Writes a checkpoint anew with blockwise 4-bit or 8-bit weights, tensor by tensor and row by row, so that
// memory stays far below the file's size.
import { basename } from "node:path"
import { AtelierError } from "../request/errors.ts"
import { type BlockFormat, checkFormat, quantiseRows, repackQ4, repackQ8 } from "./blocks.ts"
import { type QuantisationRecord, quantisationKey } from "./encodings.ts"
import { type WrittenFile, writeWhole } from "./files.ts"
import { encodeFloats } from "./numbers.ts"
import { matrixShape, openRows, rowRanges } from "./read.ts"
import { ROW_LAYOUT, rowEntries } from "./rows.ts"
import type { Checkpoint, StoredTensor } from "./tensor.ts"
import { type TensorEntry, writeSafetensors } from "./write.ts"

/** Where the work stands: the tensor at hand, and bytes of the source done and in total. */
export interface ConversionProgress {
  name: string
  done: number
  total: number
}

export interface ConversionOptions {
  /** Tensors for which this says true are not made blockwise. */
  keep?: (name: string) => boolean
  onProgress?: (progress: ConversionProgress) => void
  signal?: AbortSignal
}

/** What happens to one tensor. */
type Plan =
  | { kind: "copy" }
  | { kind: "float"; type: "F32" | "F16" }
  | { kind: "repack"; format: BlockFormat }
  | { kind: "quantise"; format: BlockFormat }
  | { kind: "rows"; bits: 4 | 8 }

/**
 * Quantises the large linears (2-D weights in `blocks.*` and `layers.*` whose rows divide into blocks) of a
 * checkpoint in canonical names to `bits` with one scale per `blockSize` values, or per output ("row": fastest,
 * coarsest); everything else keeps its float type, as typical builds do. GGUF Q4_0 and Q8_0 that already have the wanted form are repacked without loss.
 * Writes `<target>.part`, renames it, and leaves size and sha256 in `<target>.json`.
 * Throws out_of_range (bits, block size), file_write (full disk, abort; the part is removed).
 */
export async function quantiseCheckpoint(
  source: Checkpoint,
  target: string,
  options: ConversionOptions & { bits: 4 | 8; blockSize: number | "row" },
): Promise<WrittenFile> {
  const { bits, blockSize } = options
  if (blockSize === "row")
    return await write(source, target, options, { bits, blockSize: 32, perOutput: true }, (tensor) =>
      planRows(tensor, bits, options),
    )
  checkFormat({ bits, blockSize }, blockSize)
  return await write(source, target, options, { bits, blockSize }, (tensor) =>
    planQuantise(tensor, { bits, blockSize }, options),
  )
}

/**
 * Brings a checkpoint into forms that the engine runs directly: Q4_0 and Q8_0 are repacked without loss;
 * K-quants, Q4_1, Q5, fp8 and int8 become 8-bit blocks of `blockSize` (32 unless told), and floats where they are not
 * multiplied; floats stay.
 * Writes as `quantiseCheckpoint` does.
 */
export async function convertCheckpoint(
  source: Checkpoint,
  target: string,
  options: ConversionOptions & { blockSize?: number } = {},
): Promise<WrittenFile> {
  const format: BlockFormat = { bits: 8, blockSize: options.blockSize ?? 32 }
  checkFormat(format, format.blockSize)
  return await write(source, target, options, format, (tensor) => planConvert(tensor, format, options))
}

/** Whether `convertCheckpoint` would change anything: some tensor is in a form that cannot be run directly. */
export function needsConversion(source: Checkpoint): boolean {
  return [...source.tensors.values()].some((tensor) => !runs(tensor))
}

const largeLinear = /^(blocks|layers)\.\d+\..+\.weight$/
const embedding = "embed_tokens.weight"

// Integers only serve in products: embeddings are looked up, and modulation tables are added.
const isMultiplied = (name: string): boolean => name !== embedding && !name.endsWith(".lin")

function runs(tensor: StoredTensor): boolean {
  return isFloat(tensor) || (isMultiplied(tensor.name) && Boolean(tensor.quantisation ?? tensor.perOutput))
}

function planQuantise(tensor: StoredTensor, format: BlockFormat, options: ConversionOptions): Plan {
  if (tensor.shape.length !== 2 || !largeLinear.test(tensor.name))
    return planConvert(tensor, { bits: 8, blockSize: 32 }, options)
  if (options.keep?.(tensor.name) || tensor.shape[1]! % format.blockSize !== 0)
    return planConvert(tensor, format, options)
  const ready = repackFormat(tensor)
  if (ready?.bits === format.bits && ready.blockSize === format.blockSize)
    return { kind: "repack", format: ready }
  const own = tensor.quantisation
  if (own?.bits === format.bits && own.blockSize === format.blockSize) return { kind: "copy" }
  return { kind: "quantise", format }
}

function planRows(tensor: StoredTensor, bits: 4 | 8, options: ConversionOptions): Plan {
  const large = tensor.shape.length === 2 && largeLinear.test(tensor.name)
  // Four bits pair inputs.
  if (!large || options.keep?.(tensor.name) || (bits === 4 && tensor.shape[1]! % 2 !== 0))
    return planConvert(tensor, { bits: 8, blockSize: 32 }, options)
  return tensor.perOutput?.bits === bits ? { kind: "copy" } : { kind: "rows", bits }
}

function planConvert(tensor: StoredTensor, format: BlockFormat, options: ConversionOptions): Plan {
  if (runs(tensor)) return { kind: "copy" }
  // Hundreds of millions of values that were rounded already: half of float32's bytes lose nothing that counts.
  if (tensor.name === embedding) return { kind: "float", type: "F16" }
  const float: Plan = { kind: "float", type: "F32" }
  if (options.keep?.(tensor.name) || tensor.shape.length !== 2 || !isMultiplied(tensor.name)) return float
  const ready = repackFormat(tensor)
  if (ready) return { kind: "repack", format: ready }
  const blockSize = [format.blockSize, 32, 16].find((size) => tensor.shape[1]! % size === 0)
  return blockSize === undefined ? float : { kind: "quantise", format: { bits: 8, blockSize } }
}

function isFloat({ type, scale }: StoredTensor): boolean {
  return !scale && (type === "F32" || type === "F16" || type === "BF16")
}

function repackFormat({ type }: StoredTensor): BlockFormat | undefined {
  if (type === "Q4_0") return { bits: 4, blockSize: 32 }
  if (type === "Q8_0") return { bits: 8, blockSize: 32 }
  return undefined
}

async function write(
  source: Checkpoint,
  target: string,
  options: ConversionOptions,
  format: BlockFormat & { perOutput?: true },
  plan: (tensor: StoredTensor) => Plan,
): Promise<WrittenFile> {
  if (source.files.includes(target))
    throw new AtelierError(
      "file_write",
      `${target} is the file being read; choose another name for the result.`,
    )
  const tensors = [...source.tensors.values()]
  const total = tensors.reduce((sum, tensor) => sum + tensor.length, 0)
  const { bits, blockSize } = format
  const record: QuantisationRecord = { bits, blockSize, rowLayout: ROW_LAYOUT, tensors: {} }
  const entries: TensorEntry[] = []
  let done = 0
  const advance = (tensor: StoredTensor, rows: number) => {
    done += (tensor.length / matrixShape(tensor).rows) * rows
    options.onProgress?.({ name: tensor.name, done: Math.round(done), total })
  }
  for (const tensor of tensors) entries.push(...entriesOf(tensor, plan(tensor), record, advance))
  // Two-byte tensors go last, so that every float32 and every block begins at a multiple of four bytes.
  const ordered = entries.toSorted((a, b) => Number(isNarrow(a)) - Number(isNarrow(b)))
  const metadata = { ...keptMetadata(source), [quantisationKey]: JSON.stringify(record) }
  const written = await writeSafetensors(target, ordered, metadata, options.signal)
  const sidecar = { sha256: written.sha256, bytes: written.bytes, source: basename(source.path), ...format }
  await writeWhole(`${target}.json`, (file) =>
    file.write(Buffer.from(`${JSON.stringify(sidecar, null, 2)}\n`)),
  )
  return written
}

function isNarrow({ type }: TensorEntry): boolean {
  return type === "F16" || type === "BF16"
}

// Short words only: GGUF files carry chat templates, and markers of the old encoding would be wrong.
function keptMetadata({ metadata }: Checkpoint): Record<string, string> {
  const kept = Object.entries(metadata).filter(
    ([key, value]) => key !== "_quantization_metadata" && value.length < 1000,
  )
  return Object.fromEntries(kept)
}

function entriesOf(
  tensor: StoredTensor,
  plan: Plan,
  record: QuantisationRecord,
  advance: (tensor: StoredTensor, rows: number) => void,
): TensorEntry[] {
  const { name, shape } = tensor
  if (plan.kind === "float")
    return [{ name, type: plan.type, shape, data: () => floatRows(tensor, plan.type, advance) }]
  const [n, k] = shape as [number, number]
  if (plan.kind === "rows")
    return rowEntries(name, { bits: plan.bits, n, k }, () => valueRows(tensor, advance))
  if (plan.kind === "copy" && tensor.perOutput) {
    const { bits, scale } = tensor.perOutput
    return [
      { name, type: "I8", shape: [(k * bits) / 8, n], data: () => storedRows(tensor, advance) },
      { name: `${name}_scale`, type: "F32", shape: scale.shape, data: () => storedRows(scale, () => {}) },
    ]
  }
  if (plan.kind === "copy" && !tensor.quantisation)
    return [{ name, type: tensor.type, shape, data: () => storedRows(tensor, advance) }]
  const format = plan.kind === "copy" ? tensor.quantisation! : plan.format
  const { bits, blockSize } = format
  if (bits !== record.bits || blockSize !== record.blockSize) record.tensors![name] = { bits, blockSize }
  const blocks = k / blockSize
  const weight = { name, type: "U8" as const, shape: [n, blocks, (blockSize * bits) / 8] }
  const scale = { name: `${name}_scale`, type: "F32" as const, shape: [n, blocks] }
  if (plan.kind === "copy")
    return [
      { ...weight, data: () => storedRows(tensor, advance) },
      { ...scale, data: () => storedRows(tensor.quantisation!.scale, () => {}) },
    ]
  // The scales of a tensor stay in memory until its integers are written: at most a thirty-second of it.
  let scales: Uint8Array[] = []
  return [
    { ...weight, data: () => blockRows(tensor, plan, advance, (part) => scales.push(bytesOf(part))) },
    {
      ...scale,
      data: () => {
        const parts = scales
        scales = []
        return parts
      },
    },
  ]
}

async function* blockRows(
  tensor: StoredTensor,
  plan: Plan & { format: BlockFormat },
  advance: (tensor: StoredTensor, rows: number) => void,
  keepScales: (scales: Float32Array) => void,
): AsyncGenerator<Uint8Array> {
  await using reader = await openRows(tensor)
  for (const [first, count] of rowRanges(tensor)) {
    const { quantised, scales } =
      plan.kind === "repack"
        ? (plan.format.bits === 4 ? repackQ4 : repackQ8)(await reader.bytes(first, count))
        : quantiseRows(await reader.values(first, count), count, tensor.shape[1]!, plan.format)
    keepScales(scales)
    yield quantised
    advance(tensor, count)
  }
}

async function* valueRows(tensor: StoredTensor, advance: (tensor: StoredTensor, rows: number) => void) {
  await using reader = await openRows(tensor)
  for (const [first, count] of rowRanges(tensor)) {
    yield { first, values: await reader.values(first, count) }
    advance(tensor, count)
  }
}

async function* floatRows(
  tensor: StoredTensor,
  type: "F32" | "F16",
  advance: (tensor: StoredTensor, rows: number) => void,
) {
  for await (const { values } of valueRows(tensor, advance)) yield encodeFloats(type, values)
}

async function* storedRows(tensor: StoredTensor, advance: (tensor: StoredTensor, rows: number) => void) {
  await using reader = await openRows(tensor)
  for (const [first, count] of rowRanges(tensor)) {
    yield await reader.bytes(first, count)
    advance(tensor, count)
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
