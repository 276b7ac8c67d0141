// The embedded denoiser's places: what tells one image token from an equal one elsewhere.
import assert from "node:assert/strict"
import { test } from "node:test"
import * as ort from "onnxruntime-node"
import { compile, input } from "../../src/graph/index.ts"
import { type DitConfig, denoiser, imageRope, Weights } from "../../src/nets/index.ts"
import { tinyDit } from "../checkpoint/tiny.ts"

const [TEXT, ROWS, COLUMNS] = [2, 2, 3]

/** Velocities [6][16] of equal image tokens, before any block could mix them. */
async function velocities(config: DitConfig): Promise<number[][]> {
  const [tokens, size] = [ROWS * COLUMNS, config.channels * config.patch ** 2]
  const joint = TEXT + tokens
  const half = config.headDim / 2
  const { velocity } = denoiser(
    {
      image: input("image", [1, tokens, size]),
      time: input("time", [1, 1, config.timeDim]),
      text: input("text", [1, TEXT, config.features]),
      rope: { cosine: input("cosine", [joint, half]), sine: input("sine", [joint, half]) },
    },
    new Weights(),
    config,
  )
  const graph = compile(
    { velocity },
    {
      name: "places",
      weights: (_name, shape) => ({
        kind: "values",
        data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1) / 4),
      }),
    },
  )
  const session = await ort.InferenceSession.create(graph.model)
  const table = imageRope(TEXT, ROWS, COLUMNS, config.headDim)
  const filled = (shape: number[]): ort.Tensor =>
    new ort.Tensor("float32", new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5), shape)
  const out = await session.run({
    image: filled([1, tokens, size]),
    text: filled([1, TEXT, config.features]),
    time: filled([1, 1, config.timeDim]),
    cosine: new ort.Tensor("float32", table.cosine, [joint, half]),
    sine: new ort.Tensor("float32", table.sine, [joint, half]),
  })
  const data = [...(out.velocity!.data as Float32Array)]
  await session.release()
  return Array.from({ length: tokens }, (_, i) => data.slice(i * size, (i + 1) * size))
}

test("equal tokens differ by their places alone, and only in a network that has them", async () => {
  const bare = { ...tinyDit, layers: 0 }
  const without = await velocities(bare)
  for (const token of without) assert.deepEqual(token, without[0])
  const placed = await velocities({ ...bare, places: true })
  assert.equal(new Set(placed.map((token) => token.join())).size, ROWS * COLUMNS)
})
