// Writes ONNX: values, nodes, initialisers and sizes that are only known at run time.
import onnxProto from "onnx-proto"
import { type Dim, type Shape, termsOf } from "./dim.ts"
import type { DataType } from "./tensor.ts"

const { onnx } = onnxProto
type NodeProto = InstanceType<typeof onnx.NodeProto>
type TensorProto = InstanceType<typeof onnx.TensorProto>
type AttributeValue = number | string | readonly number[] | { int: number } | { ints: readonly number[] }

const ONNX_TYPE = {
  float32: onnx.TensorProto.DataType.FLOAT,
  int64: onnx.TensorProto.DataType.INT64,
  bool: onnx.TensorProto.DataType.BOOL,
  uint8: onnx.TensorProto.DataType.UINT8,
} as const satisfies Record<DataType | "uint8", number>

/** A byte range of a file beside the model, used as it stands. */
export interface ByteRange {
  /** Path relative to the folder that the session resolves external data in. */
  file: string
  offset: number
  length: number
}

/** Where numbers are: in a file, or in memory when the model is small. */
export type Bytes = ByteRange | Uint8Array | Float32Array

const STORED = {
  F32: onnx.TensorProto.DataType.FLOAT,
  F16: onnx.TensorProto.DataType.FLOAT16,
  BF16: onnx.TensorProto.DataType.BFLOAT16,
  U8: onnx.TensorProto.DataType.UINT8,
  I8: onnx.TensorProto.DataType.INT8,
} as const
export type StoredType = keyof typeof STORED

export class GraphBuilder {
  readonly nodes: NodeProto[] = []
  readonly initializers: TensorProto[] = []
  readonly inputs: InstanceType<typeof onnx.ValueInfoProto>[] = []
  readonly outputs: InstanceType<typeof onnx.ValueInfoProto>[] = []
  #next = 0
  readonly #sizes = new Map<string, string>()
  readonly #middles = new Map<Dim, string>()
  readonly #shapes = new Map<string, string>()
  readonly #symbols = new Map<string, { value: string; axis: number; times: number }>()
  readonly #constants = new Map<string, string>()

  fresh(hint: string): string {
    return `${hint}_${this.#next++}`
  }

  /** Appends a node with one output and returns the output's name. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
    options: { domain?: string; where?: string; output?: string } = {},
  ): string {
    const output = options.output ?? this.fresh(opType)
    this.nodes.push(
      onnx.NodeProto.create({
        opType,
        domain: options.domain ?? "",
        name: `${options.where ? `${options.where}/` : ""}${output}`,
        input: [...inputs],
        output: [output],
        attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      }),
    )
    return output
  }

  microsoft(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
    where?: string,
  ): string {
    return this.node(opType, inputs, attributes, { domain: "com.microsoft", where })
  }

  floats(data: Float32Array, shape: readonly number[]): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return this.#constant("float", onnx.TensorProto.DataType.FLOAT, bytes, shape)
  }

  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
    return this.#constant("int", onnx.TensorProto.DataType.INT64, bytes, shape)
  }

  /** One byte as a scalar; -1 and 255 are the same bits. */
  bytes(value: number, type: "U8" | "I8"): string {
    return this.stored(type, [], Uint8Array.of(value & 255))
  }

  /** The zero point 128 for `count` rows, uint8 [count]. */
  middle(count: Dim): string {
    const known = this.#middles.get(count)
    if (known) return known
    const value = this.node("Expand", [this.bytes(128, "U8"), this.size(count)])
    this.#middles.set(count, value)
    return value
  }

  /** A constant from its bytes. */
  stored(type: StoredType, shape: readonly number[], bytes: Uint8Array): string {
    return this.#constant("stored", STORED[type], bytes, shape)
  }

  /** Small constants are shared: thousands of nodes use the same few numbers. */
  #constant(hint: string, dataType: number, bytes: Uint8Array, dims: readonly number[]): string {
    const key =
      bytes.length <= 256 ? `${dataType}:${dims}:${Buffer.from(bytes).toString("base64")}` : undefined
    const known = key && this.#constants.get(key)
    if (known) return known
    const name = this.fresh(hint)
    this.initializers.push(onnx.TensorProto.create({ name, dataType, dims: [...dims], rawData: bytes }))
    if (key) this.#constants.set(key, name)
    return name
  }

  weight(name: string, type: StoredType, shape: readonly number[], source: Bytes): string {
    if ("file" in source) return this.external(name, type, shape, source)
    return this.stored(type, shape, new Uint8Array(source.buffer, source.byteOffset, source.byteLength))
  }

  /**
   * Lets a run bring another value for a weight. None does; but ONNX Runtime then neither computes with the weight
   * beforehand nor keeps a second copy in the order that a product wants: it stays where it is mapped.
   */
  replaceable(name: string): void {
    if (this.inputs.some((i) => i.name === name)) return
    const { dataType, dims } = this.initializers.find((i) => i.name === name)!
    this.inputs.push(valueInfo(name, dataType!, dims!.map(Number)))
  }

  external(name: string, type: StoredType, shape: readonly number[], range: ByteRange): string {
    const entry = (key: string, value: string | number) =>
      onnx.StringStringEntryProto.create({ key, value: String(value) })
    this.initializers.push(
      onnx.TensorProto.create({
        name,
        dataType: STORED[type],
        dims: [...shape],
        dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
        externalData: [
          entry("location", range.file),
          entry("offset", range.offset),
          entry("length", range.length),
        ],
      }),
    )
    return name
  }

  input(name: string, type: DataType | "uint8", shape: Shape): void {
    this.inputs.push(valueInfo(name, ONNX_TYPE[type], shape))
    shape.forEach((dim, axis) => {
      if (typeof dim === "number") return
      // An axis "h" or "8*h" tells the size h; sums and products of names do not.
      const [term, ...others] = termsOf(dim)
      const symbol = term!.symbols[0]!
      if (others.length > 0 || term!.symbols.length !== 1 || this.#symbols.has(symbol)) return
      this.#symbols.set(symbol, { value: name, axis, times: term!.coefficient })
    })
  }

  output(name: string, type: DataType, shape: Shape): void {
    this.outputs.push(valueInfo(name, ONNX_TYPE[type], shape))
  }

  /** An int64 value of shape [1] that holds a dimension at run time. */
  size(dim: Dim): string {
    if (typeof dim === "number") return this.integers([dim])
    const known = this.#sizes.get(dim)
    if (known) return known
    const terms = termsOf(dim).map(({ coefficient, symbols }) => {
      const factors = symbols.map((s) => this.#symbol(s))
      if (coefficient !== 1 || factors.length === 0) factors.push(this.integers([coefficient]))
      return factors.reduce((a, b) => this.node("Mul", [a, b]))
    })
    const value = terms.reduce((a, b) => this.node("Add", [a, b]))
    this.#sizes.set(dim, value)
    return value
  }

  #symbol(name: string): string {
    const known = this.#sizes.get(name)
    if (known) return known
    const source = this.#symbols.get(name)
    if (!source) throw new Error(`No input of the graph has an axis that tells ${name}.`)
    const axis = this.node("Shape", [source.value], {
      start: { int: source.axis },
      end: { int: source.axis + 1 },
    })
    const value = source.times === 1 ? axis : this.node("Div", [axis, this.integers([source.times])])
    this.#sizes.set(name, value)
    return value
  }

  /** A shape at run time, as the second input of Reshape or Expand. */
  shape(dims: Shape): string {
    if (dims.every((d) => typeof d === "number")) return this.integers(dims as readonly number[])
    const key = dims.join()
    const known = this.#shapes.get(key)
    if (known) return known
    const sizes = dims.map((d) => this.size(d))
    const value = this.node("Concat", sizes, { axis: { int: 0 } })
    this.#shapes.set(key, value)
    return value
  }

  model(name: string): Uint8Array {
    const model = onnx.ModelProto.create({
      irVersion: 10,
      producerName: "atelier",
      opsetImport: [
        onnx.OperatorSetIdProto.create({ domain: "", version: 21 }),
        onnx.OperatorSetIdProto.create({ domain: "com.microsoft", version: 1 }),
      ],
      graph: onnx.GraphProto.create({
        name,
        node: this.nodes,
        initializer: this.initializers,
        input: this.inputs,
        output: this.outputs,
      }),
    })
    return onnx.ModelProto.encode(model).finish()
  }
}

function attribute(name: string, value: AttributeValue): InstanceType<typeof onnx.AttributeProto> {
  const kinds = onnx.AttributeProto.AttributeType
  if (typeof value === "number") return onnx.AttributeProto.create({ name, type: kinds.FLOAT, f: value })
  if (typeof value === "string")
    return onnx.AttributeProto.create({ name, type: kinds.STRING, s: new TextEncoder().encode(value) })
  if ("int" in value) return onnx.AttributeProto.create({ name, type: kinds.INT, i: value.int })
  if ("ints" in value) return onnx.AttributeProto.create({ name, type: kinds.INTS, ints: [...value.ints] })
  return onnx.AttributeProto.create({ name, type: kinds.FLOATS, floats: [...value] })
}

function valueInfo(name: string, elemType: number, shape: Shape): InstanceType<typeof onnx.ValueInfoProto> {
  const dim = shape.map((d) =>
    typeof d === "number"
      ? onnx.TensorShapeProto.Dimension.create({ dimValue: d })
      : onnx.TensorShapeProto.Dimension.create({ dimParam: d }),
  )
  return onnx.ValueInfoProto.create({
    name,
    type: onnx.TypeProto.create({
      tensorType: onnx.TypeProto.Tensor.create({ elemType, shape: onnx.TensorShapeProto.create({ dim }) }),
    }),
  })
}
