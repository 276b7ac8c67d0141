// Blockwise 4-bit and 8-bit integers in the layout of ONNX Runtime's com.microsoft.MatMulNBits.
// Imports only the errors and number formats. Layout: for a weight [N, K], bytes [N, K/blockSize,
// blockSize*bits/8] with the low nibble first, scales F32 [N, K/blockSize]; w = scale * (q - 2^(bits-1)).
import { AtelierError } from "../request/errors.ts"
import { halfTable } from "./numbers.ts"

/** Block sizes are powers of two from 16 on; K must be a multiple. */
export interface BlockFormat {
  bits: 4 | 8
  blockSize: number
}

/** Blockwise integers of some rows. */
export interface BlockRows {
  /** uint8 [rows, K/blockSize, blockSize*bits/8]. */
  quantised: Uint8Array
  /** [rows, K/blockSize]. */
  scales: Float32Array
}

/** Throws out_of_range when `format` cannot hold rows of `k` values. */
export function checkFormat({ bits, blockSize }: BlockFormat, k: number): void {
  if (bits !== 4 && bits !== 8)
    throw new AtelierError("out_of_range", `Quantisation to ${bits} bits is not possible; 4 and 8 are.`)
  if (
    !Number.isInteger(blockSize) ||
    blockSize < 16 ||
    blockSize > 256 ||
    (blockSize & (blockSize - 1)) !== 0
  )
    throw new AtelierError(
      "out_of_range",
      `Block size ${blockSize} is not possible; use 16, 32, 64, 128 or 256.`,
    )
  if (k % blockSize !== 0)
    throw new AtelierError("out_of_range", `Rows of ${k} values do not divide into blocks of ${blockSize}.`)
}

/**
 * Quantises a row-major weight [n, k]. Error per value at most scale/2 for 8 bits, where scale is
 * max|w|/127 over the block; for 4 bits scale is about max|w|/8.
 */
export function quantiseRows(weight: Float32Array, n: number, k: number, format: BlockFormat): BlockRows {
  checkFormat(format, k)
  const { bits, blockSize } = format
  const blocks = (n * k) / blockSize
  const quantised = new Uint8Array((n * k * bits) / 8)
  const scales = new Float32Array(blocks)
  const magnitudes = new Int32Array(weight.buffer, weight.byteOffset, n * k)
  const quantiseBlock = bits === 4 ? quantiseBlock4 : quantiseBlock8
  for (let block = 0; block < blocks; block++)
    scales[block] = quantiseBlock(weight, magnitudes, block * blockSize, blockSize, quantised)
  return { quantised, scales }
}

// `(x + 0.5) | 0` rounds the positive numbers here as Math.round does, without its call.
function quantiseBlock8(
  weight: Float32Array,
  bits: Int32Array,
  start: number,
  size: number,
  out: Uint8Array,
): number {
  const largest = Math.abs(extremeOf(weight, bits, start, size))
  const inverse = largest > 0 ? 127 / largest : 0
  for (let i = start; i < start + size; i++) out[i] = (weight[i]! * inverse + 128.5) | 0
  return largest / 127
}

// The value of largest magnitude becomes exactly -8, the end of the range that has no positive partner
// (as GGUF's Q4_0 does): 16 levels are used instead of 15. Then the scale that fits those levels best in the
// least-squares sense replaces max/8; it costs one division and lowers the error of every block.
function quantiseBlock4(
  weight: Float32Array,
  bits: Int32Array,
  start: number,
  size: number,
  out: Uint8Array,
): number {
  const extreme = extremeOf(weight, bits, start, size)
  const inverse = extreme === 0 ? 0 : -8 / extreme
  let dot = 0
  let square = 0
  for (let i = start; i < start + size; i += 2) {
    const low = weight[i]!
    const high = weight[i + 1]!
    const lowLevel = Math.min(15, (low * inverse + 8.5) | 0)
    const highLevel = Math.min(15, (high * inverse + 8.5) | 0)
    out[i >> 1] = lowLevel | (highLevel << 4)
    dot += low * (lowLevel - 8) + high * (highLevel - 8)
    square += (lowLevel - 8) * (lowLevel - 8) + (highLevel - 8) * (highLevel - 8)
  }
  return square === 0 ? 0 : dot / square
}

// The value of largest magnitude, with its sign. Magnitudes of floats order as their bits without the sign
// do; comparing integers was a third faster here than comparing floats, and a NaN comes out as the largest.
function extremeOf(weight: Float32Array, bits: Int32Array, start: number, size: number): number {
  let largest = 0
  let at = start
  for (let i = start; i < start + size; i++) {
    const magnitude = bits[i]! & 0x7fffffff
    if (magnitude > largest) {
      largest = magnitude
      at = i
    }
  }
  return weight[at]!
}

/** The float32 weight [n, k] of blockwise rows. */
export function dequantiseRows(rows: BlockRows, n: number, k: number, format: BlockFormat): Float32Array {
  const weight = new Float32Array(n * k)
  const { quantised, scales } = rows
  const { bits, blockSize } = format
  if (bits === 8)
    for (let i = 0; i < weight.length; i++)
      weight[i] = scales[Math.floor(i / blockSize)]! * (quantised[i]! - 128)
  else
    for (let i = 0; i < weight.length; i += 2) {
      const scale = scales[Math.floor(i / blockSize)]!
      const pair = quantised[i >> 1]!
      weight[i] = scale * ((pair & 15) - 8)
      weight[i + 1] = scale * ((pair >> 4) - 8)
    }
  return weight
}

/** GGUF Q4_0 blocks (18 bytes) as 4-bit blocks of 32: the same integers in another order, no loss. */
export function repackQ4(blocks: Uint8Array): BlockRows {
  const count = blocks.length / 18
  const quantised = new Uint8Array(count * 16)
  const scales = new Float32Array(count)
  for (let block = 0; block < count; block++) {
    const from = block * 18
    const to = block * 16
    scales[block] = halfTable[blocks[from]! | (blocks[from + 1]! << 8)]!
    for (let i = 0; i < 8; i++) {
      const even = blocks[from + 2 + 2 * i]! // low nibble: value 2i; high nibble: value 16 + 2i
      const odd = blocks[from + 3 + 2 * i]!
      quantised[to + i] = (even & 15) | ((odd & 15) << 4)
      quantised[to + 8 + i] = (even >> 4) | (odd & 0xf0)
    }
  }
  return { quantised, scales }
}

/** GGUF Q8_0 blocks (34 bytes) as 8-bit blocks of 32: signed bytes move by 128, no loss. */
export function repackQ8(blocks: Uint8Array): BlockRows {
  const count = blocks.length / 34
  const quantised = new Uint8Array(count * 32)
  const scales = new Float32Array(count)
  for (let block = 0; block < count; block++) {
    const from = block * 34
    scales[block] = halfTable[blocks[from]! | (blocks[from + 1]! << 8)]!
    for (let i = 0; i < 32; i++) quantised[block * 32 + i] = blocks[from + 2 + i]! ^ 0x80
  }
  return { quantised, scales }
}
