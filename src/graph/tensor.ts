// The tensor expression: a node of an immutable graph with an operator, inputs, a shape and a type.
import { type Dim, type Shape, showShape } from "./dim.ts"

export type DataType = "float32" | "int64" | "bool"

/** The closed operator set. Each has a shape rule (ops.ts), an ONNX form (emit.ts), a derivative (gradient.ts). */
export type Operator =
  | "input" // fed at run time
  | "parameter" // a named weight
  | "constant"
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "max" // element-wise maximum
  | "neg"
  | "exp"
  | "log"
  | "sqrt"
  | "abs"
  | "tanh"
  | "sigmoid"
  | "silu" // x sigmoid(x)
  | "gelu" // tanh approximation
  | "matmul"
  | "reshape"
  | "transpose"
  | "slice"
  | "concat"
  | "expand"
  | "pad"
  | "sum"
  | "softmax"
  | "rmsNorm"
  | "rope"
  | "attention"
  | "gather"
  | "scatterAdd"
  | "cast"
  | "greater" // a > b, as bool
  | "conv"
  | "convTranspose"

export type Attribute =
  | number
  | string
  | boolean
  | readonly number[]
  | readonly Dim[]
  | Float32Array
  | BigInt64Array
export type Attributes = Readonly<Record<string, Attribute>>

export interface Tensor {
  readonly op: Operator
  readonly inputs: readonly Tensor[]
  readonly attributes: Attributes
  readonly shape: Shape
  readonly type: DataType
  /** Where it was written: the path of scopes, for messages and for node names. */
  readonly where: string
}

/** A shape rule was broken while an expression was written. */
export class ShapeError extends Error {
  override readonly name = "ShapeError"
}

const scopes: string[] = []

/** Runs `build` under a name that prefixes the names of the expressions it writes. */
export function scope<T>(name: string, build: () => T): T {
  scopes.push(name)
  try {
    return build()
  } finally {
    scopes.pop()
  }
}

const currentScope = (): string => scopes.join(".")

export function node(
  op: Operator,
  inputs: readonly Tensor[],
  shape: Shape,
  attributes: Attributes = {},
  type: DataType = "float32",
): Tensor {
  return { op, inputs, attributes, shape, type, where: currentScope() }
}

/** Throws a ShapeError that names the expression, what it got and what it wanted. */
export function shapeError(op: string, problem: string, ...operands: readonly Tensor[]): never {
  const place = currentScope()
  const shapes = operands.map((t) => showShape(t.shape)).join(" and ")
  throw new ShapeError(`${place ? `${place}: ` : ""}${op} of ${shapes}: ${problem}`)
}
