// Random weights of any network, streamed to a safetensors file, and where a compiled graph finds each of them.
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { openSafetensors, type TensorEntry, writeSafetensors } from "../src/checkpoint/index.ts"
import type { Tensor, WeightSource } from "../src/graph/index.ts"
import { topological } from "../src/graph/index.ts"
import type { Precision } from "./geometry.ts"

export const folder = new URL("../data/bench/", import.meta.url).pathname

/** How the linears of the main blocks are stored: one scale per output, or blocks of a size. */
export type Layout = "rows" | number

export interface WeightFile {
  file: string
  source: (name: string, shape: readonly number[]) => WeightSource
}

const chunkBytes = 1 << 24

/**
 * The same 16 MiB again and again, so that nothing large is held. Every tensor starts elsewhere in it: ONNX Runtime
 * keeps equal weights only once, which would flatter the peak memory.
 */
function* repeated(chunk: Uint8Array, length: number, start: number): Generator<Uint8Array> {
  let from = start % chunk.length
  for (let left = length; left > 0; from = 0) {
    const part = chunk.subarray(from, Math.min(chunk.length, from + left))
    left -= part.length
    yield part
  }
}

function randomBytes(): Uint8Array {
  const words = new Uint32Array(chunkBytes / 4)
  let state = 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer)
}

/** Uniform floats of a spread, as F32 or BF16 bytes. */
function randomFloats(spread: number, type: "F32" | "BF16"): Uint8Array {
  const raw = new Int32Array(randomBytes().buffer)
  const values = Float32Array.from(raw, (v) => (v / 2 ** 31) * spread)
  if (type === "F32") return new Uint8Array(values.buffer)
  const bits = new Uint32Array(values.buffer)
  return new Uint8Array(Uint16Array.from(bits, (v) => v >>> 16).buffer)
}

/** The linears that quantised builds store as integers: those of the main blocks. */
const quantised = (name: string, shape: readonly number[]): boolean =>
  name.startsWith("blocks.") && shape.length === 2

export const parametersOf = (outputs: readonly Tensor[]): Map<string, readonly number[]> =>
  new Map(
    topological(outputs)
      .filter((t) => t.op === "parameter")
      .map((t) => [t.attributes.name as string, t.shape as readonly number[]]),
  )

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

function* entries(
  parameters: ReadonlyMap<string, readonly number[]>,
  precision: Precision,
  layout: Layout,
): Generator<TensorEntry> {
  const integers = randomBytes()
  const plain = precision === "f32" ? "F32" : "BF16"
  const floats = new Map<string, Uint8Array>()
  const spreadOf = (spread: number, type: "F32" | "BF16"): Uint8Array => {
    const key = `${spread}${type}`
    const made = floats.get(key) ?? randomFloats(spread, type)
    floats.set(key, made)
    return made
  }
  let tensors = 0
  const entry = (name: string, type: "F32" | "BF16" | "U8" | "I8", shape: number[], chunk: Uint8Array) => {
    const length = count(shape) * { F32: 4, BF16: 2, U8: 1, I8: 1 }[type]
    const start = 4 * 9973 * tensors++
    return { name, type, shape, data: () => repeated(chunk, length, start) }
  }
  for (const [name, shape] of parameters) {
    const [n, k] = shape as [number, number]
    const spread = Math.fround(shape.length === 1 ? 0.05 : Math.sqrt(3 / shape.at(-1)!))
    if (precision === "f32" || !quantised(name, shape)) {
      yield entry(name, plain, [...shape], spreadOf(spread, plain))
      continue
    }
    const bits = precision === "q8" ? 8 : 4
    // Scales positive and nearly alike: the sum of their squares is what a trained layer has.
    const key = `${spread}${bits}`
    const scales =
      floats.get(key) ??
      new Uint8Array(new Float32Array(chunkBytes / 4).fill((2 * spread) / 2 ** bits).buffer)
    floats.set(key, scales)
    if (layout === "rows") {
      yield entry(name, "I8", [(k * bits) / 8, n], integers)
      yield entry(`${name}_scale`, "F32", bits === 8 ? [n] : [2, n], scales)
    } else {
      yield entry(name, "U8", [n, k / layout, (layout * bits) / 8], integers)
      yield entry(`${name}_scale`, "F32", [n, k / layout], scales)
    }
  }
}

/** Makes the file unless it is there. */
export async function weightFile(
  name: string,
  outputs: readonly Tensor[],
  precision: Precision,
  layout: Layout,
): Promise<WeightFile> {
  mkdirSync(folder, { recursive: true })
  const file = `${name}-${precision === "f32" ? "f32" : `${precision}-${layout}`}.safetensors`
  const path = join(folder, file)
  const parameters = parametersOf(outputs)
  if (!existsSync(path)) await writeSafetensors(path, entries(parameters, precision, layout))
  const { tensors } = await openSafetensors(path)
  const range = (tensor: string) => {
    const { offset, length } = tensors.get(tensor)!
    return { file, offset, length }
  }
  const bits = precision === "q8" ? 8 : 4
  return {
    file: path,
    source: (weight, shape) => {
      if (precision === "f32" || !quantised(weight, shape))
        return { kind: "file", type: precision === "f32" ? "F32" : "BF16", range: range(weight) }
      const integers = { bits, data: range(weight), scales: range(`${weight}_scale`) } as const
      return layout === "rows"
        ? { kind: "integers", ...integers }
        : { kind: "blocks", blockSize: layout, ...integers }
    },
  }
}
