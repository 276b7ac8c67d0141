// What compile() emits for speed against the written-out form: same numbers, in real ONNX Runtime sessions.
import assert from "node:assert/strict"
import { test } from "node:test"
import { dequantiseRows, packIntegers, quantiseRows } from "../../src/checkpoint/index.ts"
import * as g from "../../src/graph/index.ts"
import { type DitConfig, denoiser, imageRope, swigluDim, Weights } from "../../src/nets/index.ts"
import { multipliesSignedBytes } from "../../src/runtime/machine.ts"
import { type Feed, floats, noise, run } from "../support/run.ts"

const config: DitConfig = {
  features: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  patch: 2,
  channels: 16,
  timeDim: 32,
  mlpDim: swigluDim(64),
  textDim: 32,
  textLayers: 2,
  textHeads: 2,
  textKvHeads: 2,
  textHeadDim: 16,
  textMlpDim: 128,
  layerwiseBlocks: 1,
  refinerBlocks: 1,
}
const [batch, text, image] = [2, 3, 6]

const weightOf = (name: string, shape: readonly number[]): Float32Array => {
  const count = shape.reduce((a, b) => a * b, 1)
  const spread = shape.length === 1 ? 0.1 : Math.sqrt(3 / shape.at(-1)!)
  return noise(count, name.length * 31 + count).map((v) => v * spread)
}
const plain = (name: string, shape: readonly number[]): g.WeightSource => ({
  kind: "values",
  data: weightOf(name, shape),
})

/** The denoiser with one time per sample ("B") or one for the batch (1, as sampling has it). */
function network(times: "B" | 1): { outputs: Record<string, g.Tensor>; feeds: Record<string, Feed> } {
  const { features: f, headDim, timeDim } = config
  const table = imageRope(text, 2, 3, headDim)
  const half = headDim / 2
  const { velocity } = denoiser(
    {
      image: g.input("image", ["B", "N", 64]),
      time: g.input("time", [times, 1, timeDim]),
      text: g.input("text", ["B", "T", f]),
      rope: { cosine: g.input("cosine", ["N+T", half]), sine: g.input("sine", ["N+T", half]) },
    },
    new Weights(),
    config,
  )
  const rows = times === 1 ? 1 : batch
  return {
    outputs: { velocity },
    feeds: {
      image: floats(noise(batch * image * 64, 2), [batch, image, 64]),
      time: floats(noise(rows * timeDim, 3), [rows, 1, timeDim]),
      text: floats(noise(batch * text * f, 4), [batch, text, f]),
      cosine: floats(table.cosine, [text + image, half]),
      sine: floats(table.sine, [text + image, half]),
    },
  }
}

function relative(a: Float32Array, b: Float32Array): number {
  const size = Math.hypot(...b)
  return Math.hypot(...a.map((v, i) => v - b[i]!)) / size
}

for (const times of ["B", 1] as const)
  test(`fused emission equals the written-out one, time [${times},1,t]`, async () => {
    const { outputs, feeds } = network(times)
    const parts = await run(outputs, feeds, { weights: plain, attention: "parts" })
    const fused = await run(outputs, feeds, { weights: plain })
    assert.ok(relative(fused.velocity!.data, parts.velocity!.data) < 1e-5)
  })

const isMain = (name: string, shape: readonly number[]): boolean =>
  name.startsWith("blocks.") && shape.length === 2

/** Velocity with integer weights, and with the same weights as floats. */
async function both(
  make: (w: Float32Array, n: number, k: number) => { source: g.WeightSource; float: Float32Array },
  options: g.CompileOptions = {},
): Promise<[Float32Array, Float32Array]> {
  const { outputs, feeds } = network(1)
  const made = (name: string, shape: readonly number[]) => make(weightOf(name, shape), shape[0]!, shape[1]!)
  const integers = await run(outputs, feeds, {
    ...options,
    weights: (name, shape) => (isMain(name, shape) ? made(name, shape).source : plain(name, shape)),
  })
  const dequantised = await run(outputs, feeds, {
    weights: (name, shape) =>
      isMain(name, shape) ? { kind: "values", data: made(name, shape).float } : plain(name, shape),
  })
  return [integers.velocity!.data, dequantised.velocity!.data]
}

for (const [bits, level, limit] of [
  [4, 0, 1e-5],
  [8, 0, 1e-5],
  [4, 4, 0.02],
  [8, 4, 0.02],
] as const)
  test(`blocks of ${bits} bits equal their float weights within ${limit} at accuracy level ${level}`, async () => {
    const [got, expected] = await both(
      (w, n, k) => {
        const format = { bits, blockSize: 32 }
        const rows = quantiseRows(w, n, k, format)
        return {
          source: { kind: "blocks", ...format, data: rows.quantised, scales: rows.scales },
          float: dequantiseRows(rows, n, k, format),
        }
      },
      { accuracyLevel: level },
    )
    assert.ok(relative(got, expected) < limit, `${relative(got, expected)}`)
  })

for (const [bits, unpack, signedBytes] of [
  [8, "load", false],
  [4, "load", false],
  [4, "run", false],
  [4, "run", multipliesSignedBytes()],
] as const)
  test(`${bits}-bit integers equal their float weights within 0.02, unpacked at ${unpack}, signed: ${signedBytes}`, async () => {
    const [got, expected] = await both(
      (w, n, k) => {
        const packed = packIntegers(w, n, k, bits)
        return { source: { kind: "integers", bits, ...packed }, float: unpackIntegers(packed, n, k, bits) }
      },
      { unpack, signedBytes },
    )
    assert.ok(relative(got, expected) < 0.02, `${relative(got, expected)}`)
  })

/** The definition of the layout, value by value. */
function unpackIntegers(
  { data, scales }: { data: Uint8Array; scales: Float32Array },
  n: number,
  k: number,
  bits: 4 | 8,
): Float32Array {
  const bytes = new Int8Array(data.buffer, data.byteOffset, data.length)
  return Float32Array.from({ length: n * k }, (_, at) => {
    const [row, i] = [Math.floor(at / k), at % k]
    if (bits === 8) return scales[row]! * bytes[i * n + row]!
    const side = i < k / 2 ? 0 : 1
    const byte = bytes[(i % (k / 2)) * n + row]!
    return scales[side * n + row]! * (side === 0 ? (byte & 15) - 8 : byte / 16)
  })
}

test("a token of zeros stays zero in integer products", async () => {
  const x = g.input("x", [1, "T", 32])
  const packed = packIntegers(noise(16 * 32), 16, 32, 8)
  const y = g.linear(x, g.parameter("w", [16, 32]))
  const values = new Float32Array(64)
  values.fill(1, 32)
  const got = await run(
    { y },
    { x: floats(values, [1, 2, 32]) },
    { weights: () => ({ kind: "integers", bits: 8, ...packed }) },
  )
  assert.ok(got.y!.data.subarray(0, 16).every((v) => v === 0))
  assert.ok(got.y!.data.subarray(16).some((v) => v !== 0))
})

test("a row read in two places, or an output in between, is computed apart", async () => {
  const [w, second, third] = ["w", "second", "third"].map((name) => g.parameter(name, [8, 8])) as [
    g.Tensor,
    g.Tensor,
    g.Tensor,
  ]
  const x = g.input("x", [1, "T", 8])
  const row = g.constant(noise(8, 5), [1, 1, 8])
  const product = g.linear(x, w)
  const scaled = g.mul(product, row)
  const again = g.linear(g.mul(scaled, g.linear(x, second)), third)
  const outputs = { product, again }
  const feeds = { x: floats(noise(24, 6), [1, 3, 8]) }
  const packed = (name: string) => packIntegers(noise(64, name.length), 8, 8, 8)
  const got = await run(outputs, feeds, {
    weights: (name) => ({ kind: "integers", bits: 8, ...packed(name) }),
  })
  const exact = await run(outputs, feeds, {
    weights: (name) => ({ kind: "values", data: unpackIntegers(packed(name), 8, 8, 8) }),
    attention: "parts",
  })
  assert.ok(relative(got.product!.data, exact.product!.data) < 0.02)
  assert.ok(relative(got.again!.data, exact.again!.data) < 0.05)
})
