// Compiles expressions to an ONNX model: one emission rule per operator, weights as byte ranges of their files.
import { attentionParts } from "./attention.ts"
import { type ByteRange, GraphBuilder, type StoredType } from "./builder.ts"
import { type Dim, divDims, type Shape, showShape } from "./dim.ts"
import { topological } from "./gradient.ts"
import type * as o from "./ops.ts"
import type { DataType, Operator, Tensor } from "./tensor.ts"

/** Where a weight's numbers are. */
export type WeightSource =
  | { kind: "file"; type: Exclude<StoredType, "U8">; range: ByteRange }
  /** Blockwise integers for MatMulNBits: data [N, K/blockSize, blockSize*bits/8], scales [N, K/blockSize] f32. */
  | { kind: "blocks"; bits: 4 | 8; blockSize: number; data: ByteRange; scales: ByteRange }
  | { kind: "values"; data: Float32Array }
  /** Fed at every run: what a trainer updates. */
  | { kind: "input" }

export interface CompileOptions {
  name?: string
  weights?: (name: string, shape: readonly number[]) => WeightSource
  /** "fused" lets ONNX Runtime's own attention kernels run; "parts" writes attention out, as training needs. */
  attention?: "fused" | "parts"
  /** MatMulNBits compute: 0 float32, 4 int8. */
  accuracyLevel?: 0 | 4
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
  if (!transA && !transB) return b.node("MatMul", inputs, {}, { where: n.where })
  return b.microsoft(
    "FusedMatMul",
    inputs,
    { transA: { int: +transA }, transB: { int: +transB }, alpha: 1 },
    n.where,
  )
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
      const data = b.external(`weight:${name}`, "U8", [rows, perRow, bytes], source.data)
      const scales = b.external(`scale:${name}`, "F32", [rows, perRow], source.scales)
      return `${data}|${scales}`
    }
  }
}

function emitAttention(b: GraphBuilder, n: Tensor, inputs: string[], context: Context): string {
  const [q, k, v, bias] = n.inputs as [Tensor, Tensor, Tensor, Tensor?]
  if (context.options.attention === "parts" || bias) return context.emit(attentionParts(q, k, v, bias).output)
  const [batch, heads, length, size] = q.shape as [Dim, number, Dim, number]
  const [, keyHeads, keys] = k.shape as [Dim, number, Dim, number]
  const merge = (x: string): string => {
    const swapped = b.node("Transpose", [x], { perm: { ints: [0, 2, 1, 3] } })
    return b.node("Reshape", [swapped, b.integers([0, 0, heads * size])])
  }
  // MultiHeadAttention wants one key head per query head; its tiled kernel never holds the L x S scores.
  const repeat = (x: string): string => {
    if (keyHeads === heads) return x
    const groups = heads / keyHeads
    const apart = b.node("Unsqueeze", [x, b.integers([2])])
    const wide = b.node("Expand", [apart, b.shape([batch, keyHeads, groups, keys, size])])
    return b.node("Reshape", [wide, b.shape([batch, heads, keys, size])])
  }
  void length
  return b.microsoft(
    "MultiHeadAttention",
    [merge(inputs[0]!), repeat(inputs[1]!), repeat(inputs[2]!)],
    { num_heads: { int: heads } },
    n.where,
  )
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
  const context: Context = {
    options,
    values: new Map(),
    blocks: new Map(),
    emit: (root) => {
      for (const n of topological([root])) {
        if (context.values.has(n)) continue
        if (n.op === "parameter") context.values.set(n, emitParameter(b, n, context))
        else {
          for (const i of n.inputs)
            if (context.blocks.has(i) && (n.op !== "matmul" || i === n.inputs[0] || !n.attributes.b))
              throw new Error(
                `${i.attributes.name}: blockwise weights only serve as the transposed side of a product.`,
              )
          const inputs = n.inputs.map((i) => context.values.get(i)!)
          context.values.set(n, emitters[n.op](b, n, inputs, context))
        }
      }
      return context.values.get(root)!
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
