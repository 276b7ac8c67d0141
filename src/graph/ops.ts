// The operators as functions over expressions: each checks its shapes when it is written.
import { addDims, type Dim, divDims, mulDims, type Shape, sameShape, showShape, sizeOf } from "./dim.ts"
import { type DataType, node, shapeError, type Tensor } from "./tensor.ts"

/** A tensor fed at run time. Shape may hold names; each name is bound by the first input that has it alone. */
export const input = (name: string, shape: Shape, type: DataType = "float32"): Tensor =>
  node("input", [], shape, { name }, type)

/** A weight, addressed by its checkpoint name. */
export const parameter = (name: string, shape: Shape): Tensor => node("parameter", [], shape, { name })

export function constant(value: number | readonly number[] | Float32Array, shape?: Shape): Tensor {
  const data = typeof value === "number" ? Float32Array.of(value) : Float32Array.from(value)
  return node("constant", [], shape ?? (typeof value === "number" ? [] : [data.length]), { data })
}

const lift = (x: Tensor | number): Tensor => (typeof x === "number" ? constant(x) : x)

/** numpy broadcasting of two shapes. */
function broadcast(op: string, a: Tensor, b: Tensor): Shape {
  const rank = Math.max(a.shape.length, b.shape.length)
  return Array.from({ length: rank }, (_, i): Dim => {
    const x = a.shape[a.shape.length - rank + i] ?? 1
    const y = b.shape[b.shape.length - rank + i] ?? 1
    if (x === y || y === 1) return x
    if (x === 1) return y
    return shapeError(op, `axis ${i} has sizes ${x} and ${y}`, a, b)
  })
}

const binary =
  (op: "add" | "sub" | "mul" | "div" | "max") =>
  (a: Tensor | number, b: Tensor | number): Tensor => {
    const [x, y] = [lift(a), lift(b)]
    return node(op, [x, y], broadcast(op, x, y))
  }
export const add = binary("add")
export const sub = binary("sub")
export const mul = binary("mul")
export const div = binary("div")
export const maximum = binary("max")

const unary =
  (op: "neg" | "exp" | "log" | "sqrt" | "abs" | "tanh" | "sigmoid" | "silu" | "gelu") =>
  (x: Tensor): Tensor =>
    node(op, [x], x.shape)
export const neg = unary("neg")
export const exp = unary("exp")
export const log = unary("log")
export const sqrt = unary("sqrt")
export const abs = unary("abs")
export const tanh = unary("tanh")
export const sigmoid = unary("sigmoid")
export const silu = unary("silu")
/** GELU, tanh approximation: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
export const gelu = unary("gelu")

export const square = (x: Tensor): Tensor => mul(x, x)

/** Batched matrix product of the last two axes, either transposed first; leading axes broadcast. */
export function matmul(a: Tensor, b: Tensor, transposed: { a?: boolean; b?: boolean } = {}): Tensor {
  if (a.shape.length < 2 || b.shape.length < 2) shapeError("matmul", "both need at least two axes", a, b)
  const [m, k] = transposed.a ? [a.shape.at(-1)!, a.shape.at(-2)!] : [a.shape.at(-2)!, a.shape.at(-1)!]
  const [k2, n] = transposed.b ? [b.shape.at(-1)!, b.shape.at(-2)!] : [b.shape.at(-2)!, b.shape.at(-1)!]
  if (k !== k2) shapeError("matmul", `inner sizes ${k} and ${k2} differ`, a, b)
  const lead = broadcast(
    "matmul",
    { ...a, shape: a.shape.slice(0, -2) },
    { ...b, shape: b.shape.slice(0, -2) },
  )
  return node("matmul", [a, b], [...lead, m, n], { a: !!transposed.a, b: !!transposed.b })
}

/** Same elements, new shape; one entry may be -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const open = shape.indexOf(-1)
  const known = mulDims(...shape.filter((d) => d !== -1))
  const rest = open < 0 ? undefined : divDims(sizeOf(x.shape), known)
  if (open >= 0 && rest === undefined) shapeError("reshape", `does not divide into ${showShape(shape)}`, x)
  const target = open < 0 ? shape : shape.map((d) => (d === -1 ? rest! : d))
  if (sizeOf(target) !== sizeOf(x.shape)) shapeError("reshape", `cannot become ${showShape(target)}`, x)
  return sameShape(x.shape, target) ? x : node("reshape", [x], target)
}

/** Axes in a new order. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  if ([...order].sort((a, b) => a - b).some((axis, i) => axis !== i) || order.length !== x.shape.length)
    shapeError("transpose", `the order [${order}] does not name every axis once`, x)
  if (order.every((axis, i) => axis === i)) return x
  return node(
    "transpose",
    [x],
    order.map((axis) => x.shape[axis]!),
    { order },
  )
}

/** x[..., start:end, ...] on one axis; `end` undefined means to the end. `length` says what is left when symbolic. */
export function slice(x: Tensor, axis: number, start: Dim, end: Dim): Tensor {
  const at = axis < 0 ? axis + x.shape.length : axis
  const size = x.shape[at]
  if (size === undefined) shapeError("slice", `there is no axis ${axis}`, x)
  if (typeof size === "number" && typeof end === "number" && (end > size || (start as number) >= end))
    shapeError("slice", `${start} to ${end} is not inside axis ${axis}`, x)
  if (start === 0 && end === size) return x
  const length = addDims(end, mulDims(-1, start))
  return node("slice", [x], x.shape.toSpliced(at, 1, length), { axis: at, start, end })
}

/** Equal parts along an axis. */
export function split(x: Tensor, parts: number, axis = -1): Tensor[] {
  const at = axis < 0 ? axis + x.shape.length : axis
  const each = divDims(x.shape[at]!, parts)
  if (typeof each !== "number") return shapeError("split", `axis ${axis} does not divide into ${parts}`, x)
  return Array.from({ length: parts }, (_, i) => slice(x, at, i * each, (i + 1) * each))
}

export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0]!
  const at = axis < 0 ? axis + first.shape.length : axis
  for (const part of parts)
    if (
      part.shape.length !== first.shape.length ||
      part.shape.some((d, i) => i !== at && d !== first.shape[i])
    )
      shapeError("concat", `sizes differ outside axis ${at}`, first, part)
  if (parts.length === 1) return first
  const total = addDims(...parts.map((p) => p.shape[at]!))
  return node("concat", parts, first.shape.toSpliced(at, 1, total), { axis: at }, first.type)
}

/** Repeats axes of size 1 until the shape is `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  const target = broadcast("expand", x, { ...x, shape })
  if (!sameShape(target, shape)) shapeError("expand", `cannot become ${showShape(shape)}`, x)
  return sameShape(x.shape, shape) ? x : node("expand", [x], shape)
}

/** Zeros around: before and after each axis. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[]): Tensor {
  if (before.every((n) => n === 0) && after.every((n) => n === 0)) return x
  const shape = x.shape.map((d, i) => addDims(d, before[i]! + after[i]!))
  return node("pad", [x], shape, { before, after })
}

const axesOf = (x: Tensor, axes: readonly number[]): number[] =>
  axes.map((a) => (a < 0 ? a + x.shape.length : a)).sort((a, b) => a - b)

export function sum(x: Tensor, axes: readonly number[], keep = false): Tensor {
  const at = axesOf(x, axes)
  if (at.length === 0) return x
  const shape = keep
    ? x.shape.map((d, i) => (at.includes(i) ? 1 : d))
    : x.shape.filter((_, i) => !at.includes(i))
  return node("sum", [x], shape, { axes: at, keep })
}

/** Mean over axes of known size. */
export function mean(x: Tensor, axes: readonly number[], keep = false): Tensor {
  const count = mulDims(...axesOf(x, axes).map((a) => x.shape[a]!))
  if (typeof count !== "number") return shapeError("mean", "the axes need known sizes", x)
  return mul(sum(x, axes, keep), 1 / count)
}

/** Softmax over the last axis. */
export const softmax = (x: Tensor): Tensor => node("softmax", [x], x.shape)

/** x / sqrt(mean(x^2, last axis) + epsilon) * scale; scale [last axis]. */
export function rmsNorm(x: Tensor, scale: Tensor, epsilon: number): Tensor {
  if (scale.shape.length !== 1 || scale.shape[0] !== x.shape.at(-1))
    shapeError("rmsNorm", "the scale must have the size of the last axis", x, scale)
  return node("rmsNorm", [x, scale], x.shape, { epsilon })
}

/**
 * Rotary embedding of x [B,H,L,e] by tables cosine and sine [L,e/2]. `interleaved` turns adjacent pairs
 * (2k, 2k+1) as the DiT does; otherwise pairs (k, k+e/2) as Qwen does.
 */
export function rope(x: Tensor, cosine: Tensor, sine: Tensor, interleaved: boolean): Tensor {
  const half = divDims(x.shape.at(-1)!, 2)
  if (x.shape.length !== 4 || cosine.shape[0] !== x.shape[2] || cosine.shape[1] !== half)
    shapeError("rope", "wants [B,H,L,e] and tables [L,e/2]", x, cosine)
  if (!sameShape(cosine.shape, sine.shape)) shapeError("rope", "the tables differ", cosine, sine)
  return node("rope", [x, cosine, sine], x.shape, { interleaved })
}

/**
 * softmax(q k^T / sqrt(e) + bias) v with grouped heads: q [B,H,L,e], k and v [B,KV,S,e], query head h reads
 * key head floor(h / (H/KV)); bias, if given, broadcasts over [B,1,L,S]. Gives [B,L,H*e], heads merged.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, bias?: Tensor): Tensor {
  const [batch, heads, length, size] = q.shape as [Dim, number, Dim, number]
  const groups = divDims(heads, k.shape[1]!)
  if (!sameShape(k.shape, v.shape) || typeof groups !== "number" || k.shape[3] !== size)
    shapeError("attention", "heads, head sizes or key and value do not fit", q, k, v)
  return node("attention", bias ? [q, k, v, bias] : [q, k, v], [batch, length, mulDims(heads, size)])
}

/** Rows of a table [V,D] by integer ids [...]: gives [...,D]. */
export function gather(table: Tensor, ids: Tensor): Tensor {
  if (table.shape.length !== 2 || ids.type !== "int64")
    shapeError("gather", "wants a matrix and int64 ids", table, ids)
  return node("gather", [table, ids], [...ids.shape, table.shape[1]!])
}

/** The transpose of gather: a table [rows,D] of zeros with `updates` [M,D] added at `ids` [M]. */
export function scatterAdd(updates: Tensor, ids: Tensor, rows: number): Tensor {
  return node("scatterAdd", [updates, ids], [rows, updates.shape[1]!], { rows })
}

export const cast = (x: Tensor, type: DataType): Tensor =>
  x.type === type ? x : node("cast", [x], x.shape, {}, type)

/** Symmetric or one-sided zero padding of a convolution: [top, left, bottom, right]. */
export type Padding = readonly [number, number, number, number]

/** 2-D convolution: x [B,C,H,W], weight [O,C,kh,kw], bias [O] -> [B,O,H',W']. */
export function conv(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: { stride?: number; padding?: Padding } = {},
): Tensor {
  const { stride = 1, padding = [0, 0, 0, 0] } = options
  const [batch, channels, height, width] = x.shape as [Dim, Dim, Dim, Dim]
  const [out, inner, kh, kw] = weight.shape as [Dim, Dim, number, number]
  if (channels !== inner) shapeError("conv", `channels ${channels} and ${inner} differ`, x, weight)
  const side = (size: Dim, kernel: number, before: number, after: number): Dim => {
    const span = before + after - kernel + stride
    if (typeof size === "number") return Math.floor((size + span) / stride)
    const whole = span === 0 ? size : addDims(size, span)
    // A symbolic side strides exactly: floor((2h + 1 - 1) / 2) = h.
    const exact = divDims(span > 0 && span < stride ? size : whole, stride)
    return exact ?? shapeError("conv", `the side ${size} does not divide by the stride ${stride}`, x, weight)
  }
  const h = side(height, kh, padding[0], padding[2])
  const w = side(width, kw, padding[1], padding[3])
  return node("conv", bias ? [x, weight, bias] : [x, weight], [batch, out, h, w], { stride, padding })
}

/** The input derivative of conv: y [B,O,H',W'], weight [O,C,kh,kw] -> `shape` [B,C,H,W]. */
export function convTranspose(
  y: Tensor,
  weight: Tensor,
  shape: Shape,
  options: { stride: number; padding: Padding },
): Tensor {
  return node("convTranspose", [y, weight], shape, { stride: options.stride, padding: options.padding })
}

/** Repeats every pixel twice along both sides: [B,C,H,W] -> [B,C,2H,2W]. */
export function upsampleNearest(x: Tensor): Tensor {
  const [b, c, h, w] = x.shape as [Dim, Dim, Dim, Dim]
  const wide = expand(reshape(x, [b, c, h, 1, w, 1]), [b, c, h, 2, w, 2])
  return reshape(wide, [b, c, mulDims(2, h), mulDims(2, w)])
}

/** x W^T + bias, weight [out,in] as checkpoints store it. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const y = matmul(x, weight, { b: true })
  return bias ? add(y, bias) : y
}

/** a > b, element-wise, as bool. */
export function greater(a: Tensor | number, b: Tensor | number): Tensor {
  const [x, y] = [lift(a), lift(b)]
  return node("greater", [x, y], broadcast("greater", x, y), {}, "bool")
}
