// The embedded denoiser's pooled words: what is asked for reaches image tokens without any attention.
import assert from "node:assert/strict"
import { test } from "node:test"
import * as ort from "onnxruntime-node"
import { compile, input } from "../../src/graph/index.ts"
import { type DitConfig, denoiser, imageRope, Weights } from "../../src/nets/index.ts"
import { tinyDit } from "../checkpoint/tiny.ts"

const [TEXT, ROWS, COLUMNS] = [3, 2, 2]
const HIDDEN = -1e4

/** The velocities of a network without blocks for text tokens of the lengths `rows`, each its own way; -1e4 in `bias` hides. */
async function velocities(
  config: DitConfig,
  rows: readonly number[],
  bias: readonly number[],
): Promise<string> {
  const [tokens, size] = [ROWS * COLUMNS, config.channels * config.patch ** 2]
  const joint = TEXT + tokens
  const half = config.headDim / 2
  const { velocity } = denoiser(
    {
      image: input("image", [1, tokens, size]),
      time: input("time", [1, 1, config.timeDim]),
      text: input("text", [1, TEXT, config.features]),
      rope: { cosine: input("cosine", [joint, half]), sine: input("sine", [joint, half]) },
      bias: input("bias", [1, 1, 1, joint]),
    },
    new Weights(),
    config,
  )
  const { model } = compile(
    { velocity },
    {
      name: "pooled",
      weights: (_name, shape) => ({
        kind: "values",
        data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1) / 4),
      }),
    },
  )
  const session = await ort.InferenceSession.create(model)
  const table = imageRope(TEXT, ROWS, COLUMNS, config.headDim)
  const filled = (shape: number[]): ort.Tensor =>
    new ort.Tensor("float32", new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5), shape)
  const text = Float32Array.from({ length: TEXT * config.features }, (_, i) => {
    const row = Math.floor(i / config.features)
    return rows[row]! * Math.cos((row + 1) * (i - row * config.features))
  })
  const feeds: Record<string, ort.Tensor> = {
    image: filled([1, tokens, size]),
    time: filled([1, 1, config.timeDim]),
    text: new ort.Tensor("float32", text, [1, TEXT, config.features]),
    cosine: new ort.Tensor("float32", table.cosine, [joint, half]),
    sine: new ort.Tensor("float32", table.sine, [joint, half]),
    bias: new ort.Tensor(
      "float32",
      Float32Array.from({ length: joint }, (_, i) => bias[i] ?? 0),
      [1, 1, 1, joint],
    ),
  }
  const out = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!])))
  await session.release()
  return [...(out.velocity!.data as Float32Array)].map((x) => x.toFixed(5)).join()
}

const bare = { ...tinyDit, layers: 0 }
const pooled = { ...bare, pools: 2 }

test("other words change the picture without any attention, only in a network that pools them", async () => {
  const [one, other] = [
    [1, 2, 0.5],
    [-1, 0.5, 2],
  ]
  assert.equal(await velocities(bare, one, []), await velocities(bare, other, []))
  assert.notEqual(await velocities(pooled, one, []), await velocities(pooled, other, []))
})

test("what padding holds does not count", async () => {
  const masked = [0, 0, HIDDEN]
  const short = await velocities(pooled, [1, -2, 0], masked)
  assert.equal(await velocities(pooled, [1, -2, 9], masked), short)
  assert.notEqual(await velocities(pooled, [1, -2, 9], []), short)
})
