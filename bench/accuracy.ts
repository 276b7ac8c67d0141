// What each stored precision does to the velocity: random S-size weights, float32 as the yardstick.
import * as ort from "onnxruntime-node"
import { packIntegers, quantiseRows } from "../src/checkpoint/index.ts"
import { compile, type WeightSource } from "../src/graph/index.ts"
import { stepFeeds, stepOutputs } from "./evaluate.ts"
import { geometries } from "./geometry.ts"
import { parametersOf } from "./weights.ts"

interface Variant {
  name: string
  bits: 4 | 8
  layout: "rows" | number
  accuracyLevel?: 0 | 4
}

const variants: readonly Variant[] = [
  { name: "q8, one scale per output", bits: 8, layout: "rows" },
  ...[32, 128].map((layout): Variant => ({ name: `q8, blocks of ${layout}, int8`, bits: 8, layout })),
  { name: "q8, blocks of 128, float", bits: 8, layout: 128, accuracyLevel: 0 },
  { name: "q4, two scales per output", bits: 4, layout: "rows" },
  ...[32, 64, 128].map((layout): Variant => ({ name: `q4, blocks of ${layout}, int8`, bits: 4, layout })),
  { name: "q4, blocks of 32, float", bits: 4, layout: 32, accuracyLevel: 0 },
]

/** Normally distributed values, standard deviation `spread`, from a seed. */
function normal(count: number, spread: number, seed: number): Float32Array {
  let state = seed >>> 0 || 1
  const uniform = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return ((state >>> 0) + 0.5) / 2 ** 32
  }
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()) * spread,
  )
}

/** Prints the relative error (root of summed squares) of the velocity after one step. */
export async function main(args: string[]): Promise<void> {
  const c = geometries.S
  const outputs = stepOutputs(c)
  const weights = new Map<string, Float32Array>()
  for (const [name, shape] of parametersOf(Object.values(outputs))) {
    const spread = shape.length === 1 ? 0.05 : 1 / Math.sqrt(shape.at(-1)!)
    const count = shape.reduce((a, b) => a * b, 1)
    weights.set(name, normal(count, spread, weights.size + 1))
  }
  const feeds = stepFeeds(c, 64, 32)
  const run = async (source: (name: string, shape: readonly number[]) => WeightSource, level: 0 | 4) => {
    const { model } = compile(outputs, { weights: source, accuracyLevel: level })
    const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 2, logSeverityLevel: 3 })
    const { velocity } = await session.run(feeds)
    await session.release()
    return velocity!.data as Float32Array
  }
  const values = (name: string): WeightSource => ({ kind: "values", data: weights.get(name)! })
  const exact = await run(values, 0)
  const errors: Record<string, number> = {}
  for (const v of variants) {
    const got = await run((name, shape) => {
      const [n, k] = shape as [number, number]
      if (!name.startsWith("blocks.") || shape.length !== 2) return values(name)
      const w = weights.get(name)!
      if (v.layout === "rows") return { kind: "integers", bits: v.bits, ...packIntegers(w, n, k, v.bits) }
      const blocks = quantiseRows(w, n, k, { bits: v.bits, blockSize: v.layout })
      return {
        kind: "blocks",
        bits: v.bits,
        blockSize: v.layout,
        data: blocks.quantised,
        scales: blocks.scales,
      }
    }, v.accuracyLevel ?? 4)
    errors[v.name] = relativeError(got, exact)
  }
  if (args.includes("--json")) console.log(JSON.stringify(errors))
  else
    for (const [name, error] of Object.entries(errors)) console.log(`${name.padEnd(28)} ${error.toFixed(4)}`)
}

/** |a - b| / |b|, euclidean norms. */
export function relativeError(a: Float32Array, b: Float32Array): number {
  let [difference, size] = [0, 0]
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2
    size += b[i]! ** 2
  }
  return Math.sqrt(difference / size)
}
