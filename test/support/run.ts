// Runs expressions in a real ONNX Runtime session: what the graph tests stand on.
import * as ort from "onnxruntime-node"
import { type CompileOptions, compile, type DataType, type Tensor } from "../../src/graph/index.ts"
import { SETTINGS } from "../../src/runtime/session.ts"

export type Feed = { data: Float32Array | BigInt64Array; shape: readonly number[] }

export const floats = (data: readonly number[] | Float32Array, shape: readonly number[]): Feed => ({
  data: Float32Array.from(data),
  shape,
})
export const ids = (data: readonly number[], shape: readonly number[]): Feed => ({
  data: BigInt64Array.from(data, BigInt),
  shape,
})

/** Compiles the outputs, feeds inputs and returns every output as numbers. */
export async function run(
  outputs: Record<string, Tensor>,
  feeds: Record<string, Feed>,
  options?: CompileOptions,
): Promise<Record<string, { data: Float32Array; shape: readonly number[] }>> {
  const { model } = compile(outputs, options)
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: { session: SETTINGS },
  })
  const types: Record<string, DataType> = {}
  const input = Object.fromEntries(
    Object.entries(feeds).map(([name, f]) => {
      types[name] = f.data instanceof BigInt64Array ? "int64" : "float32"
      return [name, new ort.Tensor(types[name] as "float32", f.data as Float32Array, f.shape)]
    }),
  )
  const result = await session.run(input)
  await session.release()
  return Object.fromEntries(
    Object.entries(result).map(([name, t]) => [
      name,
      { data: Float32Array.from(t.data as Float32Array), shape: t.dims },
    ]),
  )
}

/** Numbers in -1..1 from a seed: enough for checks, the same on every machine. */
export function noise(count: number, seed = 1): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state / 2 ** 32) * 2 - 1
  })
}
