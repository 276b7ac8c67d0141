// Products with one scale per output: weights are 8-bit or 4-bit integers, activations become 8-bit per token.
import type { Bytes, GraphBuilder } from "./builder.ts"
import { mulDims, type Shape } from "./dim.ts"

/**
 * A weight [N,K] whose rows each have one scale, stored input-major so that ONNX Runtime's integer product reads it
 * as it lies in the file.
 *
 * 8 bits: data I8 [K,N], scales F32 [N]; w[n,k] = scale[n] * data[k,n].
 * 4 bits: data I8 [K/2,N], scales F32 [2,N]. The low nibble of data[k,n] is input k as 0..15 around 8, the high
 * nibble input K/2+k in two's complement -8..7; each half has its own scale.
 */
export interface IntegerWeight {
  kind: "integers"
  bits: 4 | 8
  data: Bytes
  scales: Bytes
}

/** Names of an emitted weight's values. */
export interface IntegerValue {
  bits: 4 | 8
  data: string
  scales: string
  rows: number
  columns: number
}

/** Activations as uint8 around 128 in the shape of their floats, and what one step is worth per token, [...,1]. */
export interface QuantisedTokens {
  values: string
  step: string
}

/** Declares the weight's two ranges. */
export function integerWeight(
  b: GraphBuilder,
  name: string,
  [rows, columns]: readonly [number, number],
  source: IntegerWeight,
): IntegerValue {
  const { bits } = source
  const halves = 8 / bits
  return {
    bits,
    rows,
    columns,
    data: b.weight(`weight:${name}`, "I8", [columns / halves, rows], source.data),
    scales: b.weight(`scale:${name}`, "F32", bits === 8 ? [rows] : [2, rows], source.scales),
  }
}

/** x [...,K] float: each token's largest magnitude becomes 127. `pending` is a factor [...,1] that x still lacks. */
export function quantiseTokens(b: GraphBuilder, x: string, shape: Shape, pending?: string): QuantisedTokens {
  const largest = b.node("ReduceMax", [b.node("Abs", [x]), b.integers([-1])], { keepdims: { int: 1 } })
  const unit = b.floats(Float32Array.of(1 / 127), [])
  // A token of zeros divides zero by zero: whatever byte that gives is multiplied by its step, 0.
  const step = b.node("Mul", [largest, unit])
  const perToken = b.node("Reshape", [step, b.integers([-1])])
  // The operator wants one scale per row of a matrix.
  const matrix = b.node("Reshape", [x, b.integers([-1, shape.at(-1) as number])])
  const quantised = b.node("QuantizeLinear", [matrix, perToken, b.middle(mulDims(...shape.slice(0, -1)))], {
    axis: { int: 0 },
  })
  return {
    values: b.node("Reshape", [quantised, b.shape(shape)]),
    step: pending === undefined ? step : b.node("Mul", [step, pending]),
  }
}

/**
 * x W^T [...,N] without the tokens' steps: the caller multiplies by `step`; `row` [N] multiplies the outputs. `unpackAtRun` expands 4-bit weights at
 * every run, so that only the packed form stays in memory; otherwise the session keeps 8 bits per weight.
 */
export function integerProduct(
  b: GraphBuilder,
  tokens: QuantisedTokens,
  w: IntegerValue,
  options: { unpackAtRun: boolean; row?: string; where: string },
): string {
  const { unpackAtRun, row, where } = options
  const unit = b.floats(Float32Array.of(1), [])
  const middle = b.bytes(128, "U8")
  const product = (values: string, data: string, scales: string, zero?: string): string =>
    b.microsoft(
      "MatMulIntegerToFloat",
      [values, data, unit, scales, middle, ...(zero === undefined ? [] : [zero])],
      {},
      where,
    )
  const scale = row === undefined ? w.scales : b.node("Mul", [w.scales, row])
  if (w.bits === 8) return product(tokens.values, w.data, scale)
  const half = w.columns / 2
  const part = (x: string, from: number, to: number, axis: number): string =>
    b.node("Slice", [x, b.integers([from]), b.integers([to]), b.integers([axis])])
  const mask = (bits: number): string => {
    const value = b.bytes(bits, "I8")
    // A mask that depends on an input keeps ONNX Runtime from unpacking once and holding the result.
    return unpackAtRun ? b.node("BitwiseOr", [value, runTimeZero(b)]) : value
  }
  const scales = (half: number): string =>
    b.node("Reshape", [part(scale, half, half + 1, 0), b.integers([-1])])
  const low = b.node("BitwiseAnd", [w.data, mask(0x0f)])
  const high = b.node("BitwiseAnd", [w.data, mask(0xf0)])
  // The high nibble stands as 16 times its value.
  const sixteenth = b.node("Mul", [scales(1), b.floats(Float32Array.of(1 / 16), [])])
  return b.node("Add", [
    product(part(tokens.values, 0, half, -1), low, scales(0), b.bytes(8, "I8")),
    product(part(tokens.values, half, w.columns, -1), high, sixteenth),
  ])
}

function runTimeZero(b: GraphBuilder): string {
  const size = b.node("Cast", [b.anySize()], { to: { int: 3 } })
  return b.node("BitwiseAnd", [size, b.bytes(0, "I8")])
}

/** Packs a row-major weight [n,k] for `IntegerWeight`. Scales are max/127, or for 4 bits those of least squared error. */
export function packIntegers(
  weight: Float32Array,
  n: number,
  k: number,
  bits: 4 | 8,
): { data: Uint8Array; scales: Float32Array } {
  if (bits === 4 && k % 2 !== 0) throw new RangeError(`4-bit rows need an even length, and ${k} is odd.`)
  if (bits === 8) {
    const data = new Int8Array(k * n)
    const scales = new Float32Array(n)
    for (let row = 0; row < n; row++) {
      const scale = largestOf(weight, row * k, k) / 127
      scales[row] = scale
      const inverse = scale > 0 ? 1 / scale : 0
      for (let i = 0; i < k; i++) data[i * n + row] = Math.round(weight[row * k + i]! * inverse)
    }
    return { data: new Uint8Array(data.buffer), scales }
  }
  const half = k / 2
  const data = new Uint8Array(half * n)
  const scales = new Float32Array(2 * n)
  for (let side = 0; side < 2; side++)
    for (let row = 0; row < n; row++) {
      const start = row * k + side * half
      const scale = bestScale4(weight, start, half)
      scales[side * n + row] = scale
      const inverse = scale > 0 ? 1 / scale : 0
      for (let i = 0; i < half; i++) {
        const level = Math.max(-8, Math.min(7, Math.round(weight[start + i]! * inverse)))
        data[i * n + row]! |= side === 0 ? level + 8 : (level & 15) << 4
      }
    }
  return { data, scales }
}

function largestOf(x: Float32Array, start: number, count: number): number {
  let largest = 0
  for (let i = start; i < start + count; i++) largest = Math.max(largest, Math.abs(x[i]!))
  return largest
}

/** Long rows have outliers that would waste most of 16 levels: the scale is searched, and what exceeds it is clipped. */
function bestScale4(x: Float32Array, start: number, count: number): number {
  const largest = largestOf(x, start, count)
  if (largest === 0) return 0
  let best = largest / 7
  let least = Number.POSITIVE_INFINITY
  for (let ratio = 0.35; ratio <= 1.001; ratio += 0.05) {
    const scale = (largest * ratio) / 7.5
    const inverse = 1 / scale
    let error = 0
    for (let i = start; i < start + count; i++) {
      const level = Math.max(-8, Math.min(7, Math.round(x[i]! * inverse)))
      error += (x[i]! - level * scale) ** 2
    }
    if (error < least) {
      least = error
      best = scale
    }
  }
  return Math.fround(best)
}
