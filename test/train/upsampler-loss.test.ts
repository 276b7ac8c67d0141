// What the upsampler is paid for: sharp edges where their place is uncertain, and no made-up texture.
import assert from "node:assert/strict"
import { before, test } from "node:test"
import * as ort from "onnxruntime-node"
import { compile, input } from "../../src/graph/index.ts"
import { pictureLoss } from "../../src/train/recipes/upsampler.ts"

const SIDE = 24
const shape = [1, 3, SIDE, SIDE]
/** A grey picture of one value per place. */
const draw = (value: (x: number, y: number) => number): Float32Array =>
  Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => value(i % SIDE, Math.floor(i / SIDE) % SIDE))
const edge = (at: number): Float32Array => draw((x) => (x < at ? -0.6 : 0.6))
const ramp = (from: number, to: number): Float32Array =>
  draw((x) => -0.6 + 1.2 * Math.min(1, Math.max(0, (x + 0.5 - from) / (to - from))))

let session: ort.InferenceSession
before(async () => {
  const { loss, reports } = pictureLoss(input("picture", shape), input("truth", shape))
  session = await ort.InferenceSession.create(compile({ loss, error: reports.error! }).model, {
    logSeverityLevel: 3,
  })
})

/** Mean loss and mean squared error of one picture against several possible truths. */
async function cost(picture: Float32Array, truths: readonly Float32Array[]) {
  let [loss, error] = [0, 0]
  for (const truth of truths) {
    const out = await session.run({
      picture: new ort.Tensor("float32", picture, shape),
      truth: new ort.Tensor("float32", truth, shape),
    })
    loss += Number(out.loss!.data[0]) / truths.length
    error += Number(out.error!.data[0]) / truths.length
  }
  return { loss, error }
}

test("an edge that may lie anywhere within a native pixel is cheaper sharp than blurred, though its error is larger", async () => {
  const truths = [8, 9, 10, 11, 12, 13, 14, 15, 16].map(edge)
  const [sharp, blurred] = [await cost(edge(12), truths), await cost(ramp(8, 16), truths)]
  assert.ok(sharp.error > blurred.error, `${sharp.error} and ${blurred.error}`)
  assert.ok(sharp.loss < blurred.loss, `${sharp.loss} and ${blurred.loss}`)
})

test("where a texture cannot be guessed, a weave of dots is dearer than an even tone", async () => {
  const stripes = [0, 1, 2, 3].map((k) => draw((x) => ((x >> 2) % 4 === k ? 0.5 : -0.1)))
  const [even, dots] = [
    await cost(
      draw(() => 0),
      stripes,
    ),
    await cost(
      draw((x, y) => (x % 8 === 7 && y % 8 === 7 ? -0.6 : 0.01)),
      stripes,
    ),
  ]
  assert.ok(dots.loss > even.loss, `${dots.loss} and ${even.loss}`)
})

test("the truth itself costs least", async () => {
  const truth = edge(11)
  const own = await cost(truth, [truth])
  assert.equal(own.error, 0)
  for (const other of [edge(12), ramp(8, 14), draw(() => 0)])
    assert.ok((await cost(other, [truth])).loss > own.loss)
})
