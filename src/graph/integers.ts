// Products with one scale per output: weights are 8-bit or 4-bit integers, activations become 8-bit per token.
import type { Bytes, GraphBuilder } from "./builder.ts"
import { mulDims, type Shape } from "./dim.ts"

/** A weight [N,K] in the form that checkpoint/rows.ts describes, as it lies in the file. */
export interface IntegerWeight {
  kind: "integers"
  bits: 4 | 8
  data: Bytes
  scales: Bytes
}

/** Names of an emitted weight's values. */
export interface IntegerValue {
  bits: 4 | 8
  /** Whether the product gets signed bytes: always for 8 bits. */
  signed: boolean
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

/**
 * Declares the weight's two ranges. `unpackAtRun` leaves 4-bit weights packed in memory and expands their low nibbles at
 * every run; otherwise the session keeps 8 bits per weight.
 */
export function integerWeight(
  b: GraphBuilder,
  name: string,
  [rows, columns]: readonly [number, number],
  source: IntegerWeight,
  options: { signed: boolean; unpackAtRun: boolean },
): IntegerValue {
  const { bits } = source
  const signed = bits === 8 || options.signed
  const data = b.weight(`weight:${name}`, signed ? "I8" : "U8", [(columns * bits) / 8, rows], source.data)
  if (bits === 4 && options.unpackAtRun) b.replaceable(data)
  return {
    bits,
    signed,
    rows,
    columns,
    data,
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

/** x W^T [...,N] without the tokens' steps: the caller multiplies by `step`; `row` [N] multiplies the outputs. */
export function integerProduct(
  b: GraphBuilder,
  tokens: QuantisedTokens,
  w: IntegerValue,
  options: { row?: string; where: string },
): string {
  const { row, where } = options
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
  const type = w.signed ? "I8" : "U8"
  const part = (x: string, from: number, to: number, axis: number): string =>
    b.node("Slice", [x, b.integers([from]), b.integers([to]), b.integers([axis])])
  const scales = (half: number): string =>
    b.node("Reshape", [part(scale, half, half + 1, 0), b.integers([-1])])
  const low = b.node("BitwiseAnd", [w.data, b.bytes(0x0f, type)])
  // The byte as it is: the high nibble was rounded knowing the low one below it. Where products of signed bytes
  // overflow it is taken around 128 instead, which costs a pass.
  const high = w.signed ? w.data : b.node("BitwiseXor", [w.data, b.bytes(0x80, type)])
  // A step of the high nibble is 16 of the byte.
  const sixteenth = b.node("Mul", [scales(1), b.floats(Float32Array.of(1 / 16), [])])
  return b.node("Add", [
    product(part(tokens.values, 0, half, -1), low, scales(0), b.bytes(8, type)),
    product(part(tokens.values, half, w.columns, -1), high, sixteenth, w.signed ? undefined : middle),
  ])
}
