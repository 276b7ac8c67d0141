// Weights with one scale per output, as ONNX Runtime's integer product reads them: made, read back, and written.
import type { StoredTensor } from "./tensor.ts"
import type { TensorEntry } from "./write.ts"

/** The version of the 4-bit layout below, which files name: the one before had high nibbles rounded by themselves. */
export const ROW_LAYOUT = 2

/**
 * A weight [N,K] stored input-major, so that no product has to transpose it.
 *
 * 8 bits: data I8 [K,N], scales F32 [N]; w[n,k] = scale[n] * data[k,n].
 * 4 bits: data I8 [K/2,N], scales F32 [2,N]; w[n,k] = scale[0,n] * ((data[k,n] & 15) - 8), and
 * w[n,K/2+k] = scale[1,n] * data[k,n] / 16. The second reads the whole byte, so that a product needs no unpacking for
 * that half; its high nibble is rounded after the low one is known, which leaves it as near as 4 bits of its own.
 */
export interface PackedRows {
  data: Uint8Array
  scales: Float32Array
}

export interface RowFormat {
  bits: 4 | 8
  /** Outputs. */
  n: number
  /** Inputs; even for 4 bits. */
  k: number
}

/** Packs a whole row-major weight. Scales are max/127, or for 4 bits those of least squared error. */
export function packIntegers(weight: Float32Array, n: number, k: number, bits: 4 | 8): PackedRows {
  const packed = emptyRows({ bits, n, k })
  packRows(packed, weight, 0, { bits, n, k })
  return packed
}

function emptyRows({ bits, n, k }: RowFormat): PackedRows {
  if (bits === 4 && k % 2 !== 0) throw new RangeError(`4-bit rows need an even length, and ${k} is odd.`)
  return { data: new Uint8Array((n * k * bits) / 8), scales: new Float32Array((n * 8) / bits) }
}

/** Packs rows `first` and following, as many as `values` holds, into their columns. */
function packRows(packed: PackedRows, values: Float32Array, first: number, { bits, n, k }: RowFormat): void {
  const { data, scales } = packed
  const halves = 8 / bits
  const inner = k / halves
  const count = values.length / k
  for (let side = 0; side < halves; side++)
    for (let i = 0; i < count; i++) {
      const start = i * k + side * inner
      const scale = bits === 8 ? largestOf(values, start, inner) / 127 : bestScale4(values, start, inner)
      scales[side * n + first + i] = scale
    }
  // Strips of inputs: the cache lines that a strip writes stay at hand while all rows of the chunk go by. The low nibbles
  // of all come first: the high ones take them into account.
  for (let side = 0; side < halves; side++)
    for (let strip = 0; strip < inner; strip += 64)
      for (let i = 0; i < count; i++) {
        const row = first + i
        const scale = scales[side * n + row]!
        const inverse = scale > 0 ? 1 / scale : 0
        const start = i * k + side * inner
        for (let j = strip; j < Math.min(inner, strip + 64); j++) {
          const at = j * n + row
          const steps = values[start + j]! * inverse
          if (bits === 8) data[at] = Math.round(steps) & 255
          else if (side === 0) data[at] = nibble(steps) + 8
          else data[at]! |= (nibble(steps - (data[at]! & 15) / 16) & 15) << 4
        }
      }
}

const nibble = (steps: number): number => Math.max(-8, Math.min(7, Math.round(steps)))

/** Float rows [first, first+count) of a packed weight. */
export function unpackRows(
  { data, scales }: PackedRows,
  first: number,
  count: number,
  { bits, n, k }: RowFormat,
): Float32Array {
  const inner = (k * bits) / 8
  const values = new Float32Array(count * k)
  for (let i = 0; i < count; i++)
    for (let j = 0; j < inner; j++) {
      const [row, byte] = [first + i, data[j * n + first + i]!]
      if (bits === 8) values[i * k + j] = ((byte << 24) >> 24) * scales[row]!
      else {
        values[i * k + j] = ((byte & 15) - 8) * scales[row]!
        values[i * k + inner + j] = (((byte << 24) >> 24) / 16) * scales[n + row]!
      }
    }
  return values
}

/** The two tensors of a weight. Its packed form is whole in memory while it is written, its floats are not. */
export function rowEntries(
  name: string,
  format: RowFormat,
  chunks: () => AsyncIterable<{ first: number; values: Float32Array }>,
): TensorEntry[] {
  const { bits, n, k } = format
  let scales: Float32Array = new Float32Array()
  const data = async function* () {
    const packed = emptyRows(format)
    for await (const { first, values } of chunks()) packRows(packed, values, first, format)
    scales = packed.scales
    yield packed.data
  }
  return [
    { name, type: "I8", shape: [(k * bits) / 8, n], data },
    {
      name: `${name}_scale`,
      type: "F32",
      shape: bits === 8 ? [n] : [2, n],
      data: () => [new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength)],
    },
  ]
}

/** A stored pair in this form as one logical tensor [N,K], or undefined when the two do not fit. */
export function joinRows(weight: StoredTensor, scale: StoredTensor): StoredTensor | undefined {
  const [inner, n] = weight.shape
  const bits = scale.shape.length === 1 ? 8 : 4
  const fits =
    weight.shape.length === 2 &&
    scale.type === "F32" &&
    scale.shape.at(-1) === n &&
    (bits === 8 || (scale.shape.length === 2 && scale.shape[0] === 2))
  return fits ? { ...weight, shape: [n!, (inner! * 8) / bits], perOutput: { bits, scale } } : undefined
}

function largestOf(x: Float32Array, start: number, count: number): number {
  let largest = 0
  for (let i = start; i < start + count; i++) largest = Math.max(largest, Math.abs(x[i]!))
  return largest
}

const BINS = 256
const counts = new Float64Array(BINS)

/**
 * Long rows have outliers that would waste most of 16 levels: the scale is searched, and what exceeds it is clipped. The
 * search goes over a histogram of magnitudes, ten times faster than over the values.
 */
function bestScale4(x: Float32Array, start: number, count: number): number {
  const largest = largestOf(x, start, count)
  if (largest === 0) return 0
  const perBin = (BINS - 1e-3) / largest
  counts.fill(0)
  for (let i = start; i < start + count; i++) counts[(Math.abs(x[i]!) * perBin) | 0]!++
  let best = largest / 7
  let least = Number.POSITIVE_INFINITY
  for (let ratio = 0.35; ratio <= 1.001; ratio += 0.05) {
    const scale = (largest * ratio) / 7.5
    let error = 0
    for (let bin = 0; bin < BINS; bin++) {
      const magnitude = (bin + 0.5) / perBin
      const level = Math.min(7.5, (magnitude / scale + 0.5) | 0) // 7 above zero, 8 below
      error += counts[bin]! * (magnitude - level * scale) ** 2
    }
    if (error < least) {
      least = error
      best = scale
    }
  }
  return Math.fround(best)
}
