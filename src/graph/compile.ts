// Compiles expressions to an ONNX model: one emission rule per operator, weights as byte ranges of their files.
import { attentionParts } from "./attention.ts"
import { type ByteRange, type Bytes, GraphBuilder, type StoredType } from "./builder.ts"
import { type Dim, divDims, type Shape, showShape } from "./dim.ts"
import { type Fusions, findFusions } from "./fuse.ts"
import { topological } from "./gradient.ts"
import {
  type IntegerValue,
  type IntegerWeight,
  integerProduct,
  integerWeight,
  type QuantisedTokens,
  quantiseTokens,
} from "./integers.ts"
import type * as o from "./ops.ts"
import type { DataType, Operator, Tensor } from "./tensor.ts"

/** Where a weight's numbers are. */
export type WeightSource =
  | { kind: "file"; type: Exclude<StoredType, "U8" | "I8">; range: ByteRange }
  /** Blockwise integers for MatMulNBits: data [N, K/blockSize, blockSize*bits/8], scales [N, K/blockSize] f32. */
  | { kind: "blocks"; bits: 4 | 8; blockSize: number; data: Bytes; scales: Bytes }
  /** One scale per output, int8 products: several times faster than blocks where many tokens are computed. */
  | IntegerWeight
  | { kind: "values"; data: Float32Array }
  /** Fed at every run: what a trainer updates. */
  | { kind: "input" }

export interface CompileOptions {
  name?: string
  weights?: (name: string, shape: readonly number[]) => WeightSource
  /**
   * "fused" lets ONNX Runtime's own attention kernels run; "tiled" makes sure that none holds the scores of all queries
   * and keys, whose bits differ a little; "parts" writes attention out, as training needs.
   */
  attention?: "fused" | "tiled" | "parts"
  /** MatMulNBits compute: 0 float32, 4 int8. */
  accuracyLevel?: 0 | 4
  /** 4-bit `integers`: expand at every run (memory of 4 bits) or once at load (speed and memory of 8 bits). */
  unpack?: "run" | "load"
  /** Whether this machine multiplies signed bytes exactly, also those unpacked at every run. */
  signedBytes?: boolean
}

export interface CompiledGraph {
  model: Uint8Array
  inputs: { name: string; type: DataType; shape: Shape }[]
  outputs: { name: string; type: DataType; shape: Shape }[]
}

type Emit = (b: GraphBuilder, node: Tensor, inputs: string[], context: Context) => string

interface Context {
  options: CompileOptions
  values: Map<Tensor, string>
  blocks: Map<Tensor, Extract<WeightSource, { kind: "blocks" }>>
  integers: Map<Tensor, IntegerValue>
  /** Activations that were quantised once for several products. */
  tokens: Map<Tensor, QuantisedTokens>
  /** Factors [...,1] that a value still lacks. */
  pending: Map<Tensor, string>
  fusions: Fusions
  /** Values of [B,H,L,e] expressions that stand as [B,L,H,e]. */
  tokenMajor: Map<Tensor, string>
  value: (t: Tensor) => string
  emit: (t: Tensor) => string
}

const simple =
  (opType: string): Emit =>
  (b, n, inputs) =>
    b.node(opType, inputs, {}, { where: n.where })

function reshapeTarget(b: GraphBuilder, x: Tensor, target: Shape): string {
  const copied = target.map((d, i): Dim => (typeof d === "string" && d === x.shape[i] ? 0 : d))
  const open = copied.filter((d) => typeof d === "string")
  if (open.length <= 1) return b.integers(copied.map((d) => (typeof d === "string" ? -1 : d)))
  return b.shape(target)
}

function emitMatmul(b: GraphBuilder, n: Tensor, inputs: string[], context: Context): string {
  const { a: transA, b: transB } = n.attributes as { a: boolean; b: boolean }
  const weight = n.inputs[1]!
  const blocks = context.blocks.get(weight)
  if (blocks) {
    const [rows, columns] = weight.shape as [number, number]
    const [data, scales] = inputs[1]!.split("|") as [string, string]
    return b.microsoft(
      "MatMulNBits",
      [inputs[0]!, data, scales],
      {
        K: { int: columns },
        N: { int: rows },
        bits: { int: blocks.bits },
        block_size: { int: blocks.blockSize },
        accuracy_level: { int: context.options.accuracyLevel ?? 4 },
      },
      n.where,
    )
  }
  const integers = context.integers.get(weight)
  if (integers) return emitIntegers(b, n, context).value
  if (!transA && !transB) return b.node("MatMul", inputs, {}, { where: n.where })
  return b.microsoft(
    "FusedMatMul",
    inputs,
    { transA: { int: +transA }, transB: { int: +transB }, alpha: 1 },
    n.where,
  )
}

/** An integer product. `row` scales its outputs; `postpone` leaves its steps per token to who reads `reader`. */
function emitIntegers(
  b: GraphBuilder,
  n: Tensor,
  context: Context,
  options: { row?: string; postpone?: boolean } = {},
): { value: string; step: string } {
  const [x, weight] = n.inputs as [Tensor, Tensor]
  let tokens = context.tokens.get(x)
  if (!tokens) {
    tokens = quantiseTokens(b, context.value(x), x.shape, context.pending.get(x))
    context.tokens.set(x, tokens)
  }
  const value = integerProduct(b, tokens, context.integers.get(weight)!, {
    row: options.row,
    where: n.where,
  })
  if (options.postpone) return { value, step: tokens.step }
  return { value: b.node("Mul", [value, tokens.step], {}, { where: n.where }), step: "" }
}

/** Writes what findFusions found at `n`. Gives whether `n` has its value. */
function emitFused(b: GraphBuilder, n: Tensor, context: Context): boolean {
  const { scaledNorms, scaledProducts, postponed } = context.fusions
  const rowOf = (row: Tensor): string => b.node("Reshape", [context.emit(row), b.integers([-1])])
  const normed = scaledNorms.get(n)
  if (normed) {
    const { norm, row } = normed
    const scale = b.node("Mul", [context.emit(norm.inputs[1]!), rowOf(row)])
    context.values.set(n, emitters.rmsNorm(b, norm, [context.value(norm.inputs[0]!), scale], context))
    return true
  }
  const scaled = scaledProducts.get(n)
  if (scaled) {
    context.values.set(n, emitIntegers(b, scaled.product, context, { row: rowOf(scaled.row) }).value)
    return true
  }
  const later = postponed.get(n)
  if (!later) return false
  const { value, step } = emitIntegers(b, later.product, context, { postpone: true })
  context.values.set(n, b.node("Mul", [context.value(later.other), value], {}, { where: n.where }))
  context.pending.set(n, step)
  return true
}

function emitParameter(b: GraphBuilder, n: Tensor, context: Context): string {
  const name = n.attributes.name as string
  const shape = n.shape as readonly number[]
  const source = context.options.weights?.(name, shape)
  if (!source) throw new Error(`No weights were given for ${name} ${showShape(shape)}.`)
  switch (source.kind) {
    case "input":
      b.input(name, "float32", shape)
      return name
    case "values":
      return b.floats(source.data, shape)
    case "file": {
      const value = b.external(`weight:${name}`, source.type, shape, source.range)
      return source.type === "F32" ? value : b.node("Cast", [value], { to: { int: 1 } })
    }
    case "blocks": {
      const [rows, columns] = shape as [number, number]
      const perRow = columns / source.blockSize
      const bytes = (source.blockSize * source.bits) / 8
      context.blocks.set(n, source)
      const data = b.weight(`weight:${name}`, "U8", [rows, perRow, bytes], source.data)
      const scales = b.weight(`scale:${name}`, "F32", [rows, perRow], source.scales)
      return `${data}|${scales}`
    }
    case "integers": {
      const value = integerWeight(b, name, shape as readonly [number, number], source, {
        // Of constants ONNX Runtime itself sees to it (runtime/session.ts).
        signed: context.options.unpack !== "run" || context.options.signedBytes === true,
        unpackAtRun: context.options.unpack === "run",
      })
      context.integers.set(n, value)
      return value.data
    }
  }
}

/**
 * Attention's kernel reads [B,L,H*e], as projections write it. So [B,H,L,e] views of projections, and their norms and
 * rotations, are not laid out until something else asks for them. Gives whether `n` is such a node.
 */
function emitTokenMajor(b: GraphBuilder, n: Tensor, context: Context): boolean {
  const [x, ...rest] = n.inputs as [Tensor, ...Tensor[]]
  const order = n.attributes.order as readonly number[] | undefined
  if (n.op === "transpose" && order?.join() === "0,2,1,3") {
    context.tokenMajor.set(n, context.value(x))
    return true
  }
  const standing = x && context.tokenMajor.get(x)
  if (standing === undefined) return false
  if (n.op === "rmsNorm") {
    context.tokenMajor.set(n, emitters.rmsNorm(b, n, [standing, context.value(rest[0]!)], context))
    return true
  }
  const [, heads, , size] = n.shape
  if (n.op !== "rope" || typeof heads !== "number" || typeof size !== "number") return false
  const merged = b.node("Reshape", [standing, b.integers([0, 0, heads * size])])
  const turned = emitters.rope(b, n, [merged, ...rest.map((r) => context.value(r))], context)
  context.tokenMajor.set(n, b.node("Reshape", [turned, b.integers([0, 0, heads, size])]))
  return true
}

/** Whether ONNX Runtime's kernel computes this attention: with no bias, or with one that only masks keys. */
function hasKernel(n: Tensor, { attention }: CompileOptions): boolean {
  if (n.op !== "attention" || attention === "parts") return false
  const bias = n.inputs[3]
  return bias === undefined || (bias.shape.length === 4 && bias.shape[1] === 1 && bias.shape[2] === 1)
}

function emitAttention(b: GraphBuilder, n: Tensor, _inputs: string[], context: Context): string {
  const [q, k, v, bias] = n.inputs as [Tensor, Tensor, Tensor, Tensor?]
  if (!hasKernel(n, context.options)) return context.emit(attentionParts(q, k, v, bias).output)
  const [batch, heads, length, size] = q.shape as [Dim, number, Dim, number]
  const [, keyHeads, keys] = k.shape as [Dim, number, Dim, number]
  const tokens = (x: Tensor): string =>
    context.tokenMajor.get(x) ?? b.node("Transpose", [context.value(x)], { perm: { ints: [0, 2, 1, 3] } })
  const merged = (x: string, width: number): string =>
    b.node("Reshape", [x, b.integers([0, 0, heads * width])])
  // MultiHeadAttention wants one key head per query head; its tiled kernel never holds the L x S scores.
  const groups = heads / keyHeads
  const repeated = (x: string, axis: number, wide: Shape, target: Shape): string => {
    const apart = b.node("Unsqueeze", [x, b.integers([axis])])
    return b.node("Reshape", [b.node("Expand", [apart, b.shape(wide)]), b.shape(target)])
  }
  const attend = (inputs: string[]): string =>
    b.microsoft(
      "MultiHeadAttention",
      inputs,
      { num_heads: { int: heads }, scale: 1 / Math.sqrt(size) },
      n.where,
    )
  const spread = (x: string, width: number): string =>
    merged(
      groups === 1 ? x : repeated(x, 3, [batch, keys, keyHeads, groups, width], [batch, keys, heads, width]),
      width,
    )
  // Keys by heads, the kernel takes for remembered ones and holds all scores: quicker where they are few.
  if (!bias && context.options.attention === "tiled")
    return attend([merged(tokens(q), size), spread(tokens(k), size), spread(tokens(v), size)])
  if (!bias) {
    const headMajor = (x: Tensor): string => {
      const value = context.value(x)
      const [wide, target] = [
        [batch, keyHeads, groups, keys, size],
        [batch, heads, keys, size],
      ]
      return groups === 1 ? value : repeated(value, 2, wide, target)
    }
    return attend([merged(tokens(q), size), headMajor(k), headMajor(v)])
  }
  // Given a bias, the kernel would hold all scores, several times over. So the bias becomes one more entry of every
  // key, and every query has a 1 there: (q, 1)(k, bias sqrt(e)) / sqrt(e) = q k / sqrt(e) + bias.
  const beside = (x: string, column: string, shape: Shape): string =>
    b.node("Concat", [x, b.node("Expand", [column, b.shape(shape)])], { axis: { int: -1 } })
  const ones = b.floats(Float32Array.of(1), [])
  const column = b.node("Mul", [
    b.node("Transpose", [context.value(bias)], { perm: { ints: [0, 3, 1, 2] } }),
    b.floats(Float32Array.of(Math.sqrt(size)), []),
  ]) // [B,S,1,1]
  return attend([
    merged(beside(tokens(q), ones, [batch, length, heads, 1]), size + 1),
    spread(beside(tokens(k), column, [batch, keys, keyHeads, 1]), size + 1),
    spread(tokens(v), size),
  ])
}

const emitters: Record<Exclude<Operator, "parameter">, Emit> = {
  input: (b, n) => {
    const name = n.attributes.name as string
    b.input(name, n.type, n.shape)
    return name
  },
  constant: (b, n) => b.floats(n.attributes.data as Float32Array, n.shape as readonly number[]),
  add: simple("Add"),
  sub: simple("Sub"),
  mul: simple("Mul"),
  div: simple("Div"),
  max: simple("Max"),
  neg: simple("Neg"),
  exp: simple("Exp"),
  log: simple("Log"),
  sqrt: simple("Sqrt"),
  abs: simple("Abs"),
  tanh: simple("Tanh"),
  sigmoid: simple("Sigmoid"),
  silu: (b, n, x) => b.microsoft("QuickGelu", x, { alpha: 1 }, n.where),
  gelu: (b, n, x) => b.node("Gelu", x, { approximate: "tanh" }, { where: n.where }),
  matmul: emitMatmul,
  reshape: (b, n, [x]) =>
    b.node("Reshape", [x!, reshapeTarget(b, n.inputs[0]!, n.shape)], {}, { where: n.where }),
  transpose: (b, n, x) =>
    b.node("Transpose", x, { perm: { ints: n.attributes.order as readonly number[] } }, { where: n.where }),
  slice: (b, n, [x]) => {
    const { axis, start, end } = n.attributes as { axis: number; start: Dim; end: Dim }
    const last = end === n.inputs[0]!.shape[axis] ? b.integers([2 ** 31 - 1]) : b.size(end)
    return b.node("Slice", [x!, b.size(start), last, b.integers([axis])], {}, { where: n.where })
  },
  concat: (b, n, xs) =>
    b.node("Concat", xs, { axis: { int: n.attributes.axis as number } }, { where: n.where }),
  expand: (b, n, [x]) => b.node("Expand", [x!, b.shape(n.shape)], {}, { where: n.where }),
  pad: (b, n, [x]) => {
    const { before, after } = n.attributes as { before: readonly number[]; after: readonly number[] }
    return b.node("Pad", [x!, b.integers([...before, ...after])], {}, { where: n.where })
  },
  sum: (b, n, [x]) => {
    const { axes, keep } = n.attributes as { axes: readonly number[]; keep: boolean }
    return b.node("ReduceSum", [x!, b.integers(axes)], { keepdims: { int: +keep } }, { where: n.where })
  },
  softmax: (b, n, x) => b.node("Softmax", x, { axis: { int: -1 } }, { where: n.where }),
  rmsNorm: (b, n, x) =>
    b.node(
      "SimplifiedLayerNormalization",
      x,
      { axis: { int: -1 }, epsilon: n.attributes.epsilon as number, stash_type: { int: 1 } },
      { where: n.where },
    ),
  rope: (b, n, [x, cosine, sine]) =>
    b.microsoft(
      "RotaryEmbedding",
      [x!, b.integers([0]), cosine!, sine!],
      { interleaved: { int: n.attributes.interleaved ? 1 : 0 } },
      n.where,
    ),
  attention: emitAttention,
  gather: (b, n, x) => b.node("Gather", x, { axis: { int: 0 } }, { where: n.where }),
  scatterAdd: (b, n, [updates, ids]) => {
    const zeros = b.node("ConstantOfShape", [b.shape(n.shape)])
    const index = b.node("Unsqueeze", [ids!, b.integers([1])])
    return b.node("ScatterND", [zeros, index, updates!], { reduction: "add" }, { where: n.where })
  },
  cast: (b, n, x) =>
    b.node("Cast", x, { to: { int: { float32: 1, int64: 7, bool: 9 }[n.type] } }, { where: n.where }),
  greater: simple("Greater"),
  conv: (b, n, x) => {
    const { stride, padding } = n.attributes as { stride: number; padding: readonly number[] }
    const attributes = { strides: { ints: [stride, stride] }, pads: { ints: padding } }
    return b.node("Conv", x, attributes, { where: n.where })
  },
  convTranspose: (b, n, x) => {
    const { stride, padding } = n.attributes as { stride: number; padding: o.Padding }
    const [, , kh, kw] = n.inputs[1]!.shape as [Dim, Dim, number, number]
    // What a strided convolution dropped at the end must come back as zeros.
    const missing = [2, 3].map((axis) => {
      const [size, small] = [n.shape[axis]!, n.inputs[0]!.shape[axis]!]
      const [kernel, pads] = axis === 2 ? [kh, padding[0] + padding[2]] : [kw, padding[1] + padding[3]]
      if (typeof size !== "number" || typeof small !== "number")
        return divDims(size, small) === stride ? 0 : 0
      return size - (stride * (small - 1) + kernel - pads)
    })
    const attributes = {
      strides: { ints: [stride, stride] },
      pads: { ints: padding },
      output_padding: { ints: missing },
    }
    return b.node("ConvTranspose", x, attributes, { where: n.where })
  },
}

/**
 * Compiles named outputs. Inputs appear in the order in which the expressions use them. Throws when a weight is
 * missing or stands in a form that its use does not allow.
 */
export function compile(
  outputs: Readonly<Record<string, Tensor>>,
  options: CompileOptions = {},
): CompiledGraph {
  const b = new GraphBuilder()
  const roots = Object.values(outputs)
  const isIntegers = (w: Tensor): boolean =>
    w.op === "parameter" &&
    options.weights?.(w.attributes.name as string, w.shape as readonly number[]).kind === "integers"
  const context: Context = {
    options,
    values: new Map(),
    blocks: new Map(),
    integers: new Map(),
    tokens: new Map(),
    pending: new Map(),
    fusions: findFusions(options.attention === "parts" ? [] : roots, isIntegers),
    tokenMajor: new Map(),
    value: (t) => {
      const known = context.values.get(t)
      if (known !== undefined) return known
      const standing = context.tokenMajor.get(t)!
      const value = b.node("Transpose", [standing], { perm: { ints: [0, 2, 1, 3] } })
      context.values.set(t, value)
      return value
    },
    emit: (root) => {
      for (const n of topological([root])) {
        if (context.values.has(n) || context.tokenMajor.has(n) || context.fusions.covered.has(n)) continue
        if (n.op === "parameter") context.values.set(n, emitParameter(b, n, context))
        else {
          for (const i of n.inputs)
            if (
              (context.blocks.has(i) || context.integers.has(i)) &&
              (n.op !== "matmul" || i === n.inputs[0] || !n.attributes.b)
            )
              throw new Error(
                `${i.attributes.name}: integer weights only serve as the transposed side of a product.`,
              )
          if (options.attention !== "parts" && (emitTokenMajor(b, n, context) || emitFused(b, n, context)))
            continue
          // Attention takes its inputs as they stand.
          const inputs = hasKernel(n, options) ? [] : n.inputs.map((i) => context.value(i))
          context.values.set(n, emitters[n.op](b, n, inputs, context))
        }
      }
      return context.value(root)
    },
  }
  // Inputs first: sizes known only at run time are read off them.
  const order = topological(roots)
  const inputs = order.filter((n) => n.op === "input")
  for (const n of inputs) context.emit(n)
  const described = Object.entries(outputs).map(([name, t]) => {
    b.node("Identity", [context.emit(t)], {}, { output: name })
    b.output(name, t.type, t.shape)
    return { name, type: t.type, shape: t.shape }
  })
  const fed = order.filter(
    (n) =>
      n.op === "parameter" &&
      options.weights?.(n.attributes.name as string, n.shape as readonly number[]).kind === "input",
  )
  return {
    model: b.model(options.name ?? "graph"),
    inputs: [...inputs, ...fed].map((n) => ({
      name: n.attributes.name as string,
      type: n.type,
      shape: n.shape,
    })),
    outputs: described,
  }
}
