// What a checkpoint is: named tensors as byte ranges of files on disk. Imports nothing.

/** Values per block and bytes per block of every stored type; a plain number type is a block of one value. */
export const storedTypes = {
  F64: { values: 1, bytes: 8 },
  F32: { values: 1, bytes: 4 },
  F16: { values: 1, bytes: 2 },
  BF16: { values: 1, bytes: 2 },
  F8_E4M3: { values: 1, bytes: 1 },
  F8_E5M2: { values: 1, bytes: 1 },
  F8_E8M0: { values: 1, bytes: 1 },
  I64: { values: 1, bytes: 8 },
  U64: { values: 1, bytes: 8 },
  I32: { values: 1, bytes: 4 },
  U32: { values: 1, bytes: 4 },
  I16: { values: 1, bytes: 2 },
  U16: { values: 1, bytes: 2 },
  I8: { values: 1, bytes: 1 },
  U8: { values: 1, bytes: 1 },
  BOOL: { values: 1, bytes: 1 },
  // GGUF blocks (architecture.md 6)
  Q4_0: { values: 32, bytes: 18 },
  Q4_1: { values: 32, bytes: 20 },
  Q5_0: { values: 32, bytes: 22 },
  Q5_1: { values: 32, bytes: 24 },
  Q8_0: { values: 32, bytes: 34 },
  Q2_K: { values: 256, bytes: 84 },
  Q3_K: { values: 256, bytes: 110 },
  Q4_K: { values: 256, bytes: 144 },
  Q5_K: { values: 256, bytes: 176 },
  Q6_K: { values: 256, bytes: 210 },
} as const

/** How the values of a tensor lie on disk: safetensors' own names, and GGUF's for blocks. */
export type StoredType = keyof typeof storedTypes

/** Blockwise integers in the layout of ONNX Runtime's MatMulNBits: w = scale * (q - 2^(bits-1)). */
export interface BlockQuantisation {
  bits: 4 | 8
  /** Values along the input dimension that share one scale. */
  blockSize: number
  /** F32 [N, K/blockSize]. */
  scale: StoredTensor
}

/**
 * One tensor as a byte range [offset, offset+length) of `file`, in little-endian row-major order.
 * `shape` is always the logical one: for a blockwise tensor [N, K], although the bytes on disk are
 * uint8 [N, K/blockSize, blockSize*bits/8], and for one with a scale per output [N, K], although they are [K, N].
 */
export interface StoredTensor {
  name: string
  type: StoredType
  shape: readonly number[]
  file: string
  offset: number
  length: number
  /** fp8_scaled and int8_tensorwise: value = stored * scale; one value, or one per row. */
  scale?: StoredTensor
  /** int8_convrot: each group of this many inputs (a power of 4) was multiplied by a Hadamard matrix. */
  rotation?: number
  /** Blockwise 4-bit or 8-bit integers; `type` is U8. */
  quantisation?: BlockQuantisation
  /** Integers with one scale per output (8 bits) or two (4 bits), input-major (rows.ts); `type` is I8. */
  perOutput?: { bits: 4 | 8; scale: StoredTensor }
}

/** All tensors of one file, of a set of shards, or of one component in canonical names. */
export interface Checkpoint {
  /** What was opened: a file, an index or a folder. */
  path: string
  files: readonly string[]
  tensors: ReadonlyMap<string, StoredTensor>
  /** The header's own words, values as strings. */
  metadata: Readonly<Record<string, string>>
}

/** Number of values of a shape; 1 for a scalar []. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Bytes that `shape` takes in `type`, or undefined when its values do not fill whole blocks. */
export function storedLength(type: StoredType, shape: readonly number[]): number | undefined {
  const { values, bytes } = storedTypes[type]
  if (values > 1 && (shape.at(-1) ?? 1) % values !== 0) return undefined
  return (elementCount(shape) / values) * bytes
}

/** A shape as people write it: [6144, 64]. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`
}
