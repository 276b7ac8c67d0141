// Tensor expressions, their derivatives, and their compilation to ONNX.
export { attentionParts } from "./attention.ts"
export type { ByteRange, Bytes, StoredType } from "./builder.ts"
export { type CompiledGraph, type CompileOptions, compile, type WeightSource } from "./compile.ts"
export * from "./dim.ts"
export { gradient, topological } from "./gradient.ts"
export type { IntegerWeight } from "./integers.ts"
export * from "./ops.ts"
export { type DataType, ShapeError, scope, type Tensor } from "./tensor.ts"
