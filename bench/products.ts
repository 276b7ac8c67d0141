// The bare matrix products of an evaluation: which there are, and how long ONNX Runtime needs for each alone.
import * as ort from "onnxruntime-node"
import { GraphBuilder } from "../src/graph/builder.ts"
import { type Dim, evaluateDim, type Tensor, topological, type WeightSource } from "../src/graph/index.ts"

/** batch products [m,k] x [k,n], done `times` times per evaluation. */
export interface Product {
  kind: "float" | "integers" | "blocks8" | "blocks4"
  blockSize: number
  batch: number
  m: number
  k: number
  n: number
  times: number
}

export type SourceOf = (name: string, shape: readonly number[]) => WeightSource

/** Products of the outputs, equal shapes counted together. Attention is two products per head. */
export function productsOf(
  outputs: readonly Tensor[],
  sizes: ReadonlyMap<string, number>,
  source: SourceOf,
): Product[] {
  const found = new Map<string, Product>()
  const put = (p: Omit<Product, "times">): void => {
    const key = JSON.stringify(p)
    const known = found.get(key)
    if (known) known.times++
    else found.set(key, { ...p, times: 1 })
  }
  const size = (d: Dim): number => evaluateDim(d, sizes)
  for (const t of topological(outputs)) {
    if (t.op === "matmul") {
      const [, w] = t.inputs as [Tensor, Tensor]
      const n = size(t.shape.at(-1)!)
      const k = size(w.shape.at(t.attributes.b ? -1 : -2)!)
      const m = t.shape.slice(0, -1).reduce<number>((p, d) => p * size(d), 1)
      if (w.op !== "parameter") throw new Error("Only attention multiplies two activations.")
      const from = source(w.attributes.name as string, w.shape as readonly number[])
      const kind =
        from.kind === "integers" ? "integers" : from.kind === "blocks" ? `blocks${from.bits}` : "float"
      const blockSize = from.kind === "blocks" ? from.blockSize : 0
      put({ kind: kind as Product["kind"], blockSize, batch: 1, m, k, n })
    }
    if (t.op === "attention") {
      const [b, h, l, e] = t.inputs[0]!.shape.map(size) as [number, number, number, number]
      const s = size(t.inputs[1]!.shape[2]!)
      put({ kind: "float", blockSize: 0, batch: b * h, m: l, k: e, n: s })
      put({ kind: "float", blockSize: 0, batch: b * h, m: l, k: s, n: e })
    }
  }
  return [...found.values()]
}

export const operations = (p: Product): number => 2 * p.batch * p.m * p.k * p.n * p.times

function model(p: Product): { model: Uint8Array; feeds: Record<string, ort.Tensor> } {
  const b = new GraphBuilder()
  const random = (count: number): Float32Array => {
    const x = new Float32Array(count)
    for (let i = 0; i < count; i++) x[i] = ((i * 7919) % 1024) / 512 - 1
    return x
  }
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => (i * 7919) >> 3)
  let y: string
  const feeds: Record<string, ort.Tensor> = {}
  if (p.kind === "integers") {
    b.input("x", "uint8", [p.m, p.k])
    feeds.x = new ort.Tensor("uint8", bytes(p.m * p.k), [p.m, p.k])
    y = b.microsoft("MatMulIntegerToFloat", [
      "x",
      b.stored("I8", [p.k, p.n], bytes(p.k * p.n)),
      b.floats(Float32Array.of(1), []),
      b.floats(random(p.n), [p.n]),
      b.bytes(128, "U8"),
    ])
  } else {
    const lead = p.batch > 1 ? [p.batch] : []
    b.input("x", "float32", [...lead, p.m, p.k])
    feeds.x = new ort.Tensor("float32", random(p.batch * p.m * p.k), [...lead, p.m, p.k])
    if (p.kind === "float" && p.batch === 1)
      y = b.node("MatMul", ["x", b.floats(random(p.k * p.n), [p.k, p.n])])
    else if (p.kind === "float") {
      b.input("w", "float32", [...lead, p.k, p.n])
      feeds.w = new ort.Tensor("float32", random(p.batch * p.k * p.n), [...lead, p.k, p.n])
      y = b.node("MatMul", ["x", "w"])
    } else {
      const bits = p.kind === "blocks8" ? 8 : 4
      const perRow = p.k / p.blockSize
      const shape = [p.n, perRow, (p.blockSize * bits) / 8]
      y = b.microsoft(
        "MatMulNBits",
        [
          "x",
          b.stored("U8", shape, bytes((p.n * p.k * bits) / 8)),
          b.floats(random(p.n * perRow), [p.n, perRow]),
        ],
        {
          K: { int: p.k },
          N: { int: p.n },
          bits: { int: bits },
          block_size: { int: p.blockSize },
          accuracy_level: { int: 4 },
        },
      )
    }
  }
  b.node("Identity", [y], {}, { output: "y" })
  b.output("y", "float32", p.batch > 1 ? [p.batch, p.m, p.n] : [p.m, p.n])
  return { model: b.model("product"), feeds }
}

/** Least time of one product over `repeats` runs, by the clock and summed over processors. */
export async function timeProduct(
  p: Product,
  repeats: number,
  options: ort.InferenceSession.SessionOptions,
): Promise<{ ms: number; processorMs: number }> {
  const { model: bytes, feeds } = model(p)
  const session = await ort.InferenceSession.create(bytes, options)
  const least = { ms: Number.POSITIVE_INFINITY, processorMs: Number.POSITIVE_INFINITY }
  for (let i = 0; i < repeats; i++) {
    const start = performance.now()
    const before = process.cpuUsage()
    await session.run(feeds)
    const { user, system } = process.cpuUsage(before)
    least.ms = Math.min(least.ms, performance.now() - start)
    least.processorMs = Math.min(least.processorMs, (user + system) / 1000)
  }
  await session.release()
  return least
}
