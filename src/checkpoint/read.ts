// Tensor values as float32, whatever their stored form; in row chunks, so that any size fits in memory.
import type { FileHandle } from "node:fs/promises"
import { AtelierError } from "../request/errors.ts"
import { dequantiseRows } from "./blocks.ts"
import { openForReading, readExactly } from "./files.ts"
import { decodeBlocks, isBlockType } from "./ggml.ts"
import { aligned, decodeNumbers } from "./numbers.ts"
import { type PackedRows, unpackRows } from "./rows.ts"
import { type Checkpoint, elementCount, type StoredTensor } from "./tensor.ts"

/** Rows and columns of a tensor seen as a matrix: [N, rest]; vectors and scalars are one row. */
export function matrixShape(tensor: StoredTensor): { rows: number; columns: number } {
  const rows = tensor.shape.length < 2 ? 1 : tensor.shape[0]!
  return { rows, columns: rows === 0 ? 0 : elementCount(tensor.shape) / rows }
}

/** The tensor of that name. Throws model_invalid when the checkpoint has none. */
export function tensorNamed(checkpoint: Checkpoint, name: string): StoredTensor {
  const tensor = checkpoint.tensors.get(name)
  if (!tensor) throw new AtelierError("model_invalid", `${checkpoint.path} has no tensor ${name}.`)
  return tensor
}

/** All values of a tensor, row-major. Throws model_invalid (no such tensor), unsupported (no such decoder). */
export async function readTensor(checkpoint: Checkpoint, name: string): Promise<Float32Array> {
  const tensor = tensorNamed(checkpoint, name)
  return await readRows(tensor, 0, matrixShape(tensor).rows)
}

/** The values of rows [first, first+count), row-major. */
export async function readRows(tensor: StoredTensor, first: number, count: number): Promise<Float32Array> {
  await using reader = await openRows(tensor)
  return await reader.values(first, count)
}

/** The stored bytes of a whole tensor, as they are. */
export async function readBytes(tensor: StoredTensor): Promise<Uint8Array> {
  const file = await openForReading(tensor.file)
  try {
    return await readExactly(file, tensor.offset, tensor.length)
  } finally {
    await file.close()
  }
}

/** Rows of one tensor while its file is open. */
export interface RowReader extends AsyncDisposable {
  /** Decoded values of rows [first, first+count). */
  values(first: number, count: number): Promise<Float32Array>
  /** Their stored bytes. */
  bytes(first: number, count: number): Promise<Uint8Array>
}

/** Opens a tensor for repeated reads of rows. */
export async function openRows(tensor: StoredTensor): Promise<RowReader> {
  const { rows, columns } = matrixShape(tensor)
  const rowBytes = rows === 0 ? 0 : tensor.length / rows
  const file = await openForReading(tensor.file)
  try {
    const packed = tensor.perOutput && (await packedOf(file, tensor))
    const scale = tensor.scale && (await readRows(tensor.scale, 0, matrixShape(tensor.scale).rows))
    const bytes = (first: number, count: number) =>
      readExactly(file, tensor.offset + first * rowBytes, count * rowBytes)
    return {
      bytes,
      values: async (first, count) => {
        if (packed)
          return unpackRows(packed, first, count, { bits: tensor.perOutput!.bits, n: rows, k: columns })
        const stored = await bytes(first, count)
        if (tensor.quantisation) return await dequantised(tensor, stored, first, count, columns)
        const values = new Float32Array(count * columns)
        if (isBlockType(tensor.type)) decodeBlocks(tensor.type, stored, values)
        else decodeNumbers(tensor.type, stored, values)
        if (scale) applyScale(values, columns, scale, first)
        if (tensor.rotation) rotateGroups(values, tensor.rotation)
        return values
      },
      [Symbol.asyncDispose]: () => file.close(),
    }
  } catch (thrown) {
    await file.close()
    throw thrown
  }
}

// Input-major, so every row lies all over the tensor: it is read whole, once.
async function packedOf(file: FileHandle, { perOutput, offset, length }: StoredTensor): Promise<PackedRows> {
  const scales = aligned(await readBytes(perOutput!.scale), Float32Array)
  return { data: await readExactly(file, offset, length), scales }
}

const chunkValues = 1 << 20 // 4 MiB of float32

/** [first row, number of rows] pairs that cover a tensor in chunks of about a million values. */
export function* rowRanges(tensor: StoredTensor): Generator<[first: number, count: number]> {
  const { rows, columns } = matrixShape(tensor)
  const step = Math.max(1, Math.floor(chunkValues / Math.max(1, columns)))
  for (let first = 0; first < rows; first += step) yield [first, Math.min(step, rows - first)]
}

async function dequantised(
  tensor: StoredTensor,
  stored: Uint8Array,
  first: number,
  count: number,
  columns: number,
): Promise<Float32Array> {
  const format = tensor.quantisation!
  const scales = await readScales(format.scale, first, count, columns / format.blockSize)
  return dequantiseRows({ quantised: stored, scales }, count, columns, format)
}

async function readScales(scale: StoredTensor, first: number, count: number, perRow: number) {
  const file: FileHandle = await openForReading(scale.file)
  try {
    const bytes = await readExactly(file, scale.offset + first * perRow * 4, count * perRow * 4)
    return aligned(bytes, Float32Array)
  } finally {
    await file.close()
  }
}

function applyScale(values: Float32Array, columns: number, scale: Float32Array, firstRow: number): void {
  for (let i = 0, row = firstRow; i < values.length; i += columns, row++) {
    const factor = scale[scale.length === 1 ? 0 : row]!
    for (let j = i; j < i + columns; j++) values[j]! *= factor
  }
}

/**
 * Multiplies each contiguous group of `size` = 4^n values by R, the n-fold Kronecker power of
 * H4 = 1/2 [[1,1,1,-1],[1,1,-1,1],[1,-1,1,1],[-1,1,1,1]], in place. R is its own inverse.
 * One pass per factor, n*size operations per group instead of size^2.
 */
export function rotateGroups(values: Float32Array, size: number): void {
  for (let stride = 1; stride < size; stride *= 4)
    for (let start = 0; start < values.length; start += 4 * stride)
      for (let i = start; i < start + stride; i++) {
        const a = values[i]!
        const b = values[i + stride]!
        const c = values[i + 2 * stride]!
        const d = values[i + 3 * stride]!
        values[i] = 0.5 * (a + b + c - d)
        values[i + stride] = 0.5 * (a + b - c + d)
        values[i + 2 * stride] = 0.5 * (a - b + c + d)
        values[i + 3 * stride] = 0.5 * (-a + b + c + d)
      }
}
