// The denoiser's loss: what the perceptual part of it sees, and where it looks away.
import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import { textRope, WORD_VECTOR } from "../../src/nets/index.ts"
import { initialise } from "../../src/train/initial.ts"
import { Random } from "../../src/train/random.ts"
import { imageFeeds, promptFeeds, realTokens } from "../../src/train/recipes/dit-feeds.ts"
import {
  ditConfig,
  type FlowLoss,
  flowLoss,
  IMAGE_TOKENS,
  initialRule,
  LATENT_CHANNELS,
  optimiserRule,
  REFERENCE_TOKENS,
  TEXT_TOKENS,
  textConfig,
} from "../../src/train/recipes/dit-network.ts"
import { type Feed, TrainingStep } from "../../src/train/step.ts"

const [SIZE, ROWS, COLUMNS, TOKEN] = [2, 8, 8, LATENT_CHANNELS * 4]
const [dit, text] = [ditConfig(128, 2), textConfig(9)]
const still = { rate: 0, matrixRate: 0 }
const picture = (seed: number): Float32Array =>
  Float32Array.from(new Random(seed).normals(SIZE * IMAGE_TOKENS * TOKEN))

/** A batch at one time: x_t and the velocity that leads to it. */
function batch(t: number, image: Float32Array, target: Float32Array): Record<string, Feed> {
  const [times, lengths] = [Array<number>(SIZE).fill(t), Array<number>(SIZE).fill(3)]
  const ids = new BigInt64Array(SIZE * TEXT_TOKENS).fill(2n)
  const vectors = new Float32Array(SIZE * TEXT_TOKENS * WORD_VECTOR)
  return {
    ...promptFeeds(ids, vectors, lengths, textRope(TEXT_TOKENS, text.headDim, text.ropeTheta)),
    ...imageFeeds(image, times, lengths, ROWS, COLUMNS, dit),
    reference: {
      data: new Float32Array(SIZE * REFERENCE_TOKENS * TOKEN),
      shape: [SIZE, REFERENCE_TOKENS, TOKEN],
    },
    sliders: { data: new Float32Array(SIZE * 12), shape: [SIZE, 3, 4] },
    target: { data: target, shape: [SIZE, IMAGE_TOKENS, TOKEN] },
    t: { data: Float32Array.from(times), shape: [SIZE, 1, 1] },
    real: realTokens(ROWS * COLUMNS),
  }
}

describe("the perceptual loss", () => {
  let step: TrainingStep
  before(async () => {
    const define = (size: number): FlowLoss => flowLoss(size, dit, text, { aligned: true, perceptual: 0.7 })
    const { loss, ...reports } = define(SIZE)
    step = await TrainingStep.create({ loss, reports: { ...reports }, rule: optimiserRule }, 1)
    step.load(initialise([define(1).loss], 1, initialRule)) // whose velocity is nought, for its last layer is
  })
  after(() => step.close())

  test("is nought where the velocity is right, and something where it is not", async () => {
    const right = await step.run(batch(0.5, picture(1), picture(1).fill(0)), 1, still)
    assert.ok(Math.abs(right.perceptual!) < 1e-5, `${right.perceptual}`)
    const wrong = await step.run(batch(0.5, picture(1), picture(2)), 1, still)
    assert.ok(wrong.perceptual! > 0.1, `${wrong.perceptual}`)
  })

  test("counts beside the flow and the alignment by its weight", async () => {
    const { loss, flow, alignment, perceptual } = await step.run(batch(0.5, picture(1), picture(2)), 1, still)
    assert.ok(Math.abs(loss! - (flow! + 0.5 * alignment! + 0.7 * perceptual!)) < 1e-4)
  })

  test("looks away the more noise there is, wholly at pure noise", async () => {
    const seen = []
    for (const t of [0.5, 0.9, 1])
      seen.push((await step.run(batch(t, picture(1), picture(2)), 1, still)).perceptual!)
    assert.ok(seen[0]! > seen[1]! && seen[1]! > seen[2]!, seen.join(" "))
    assert.equal(seen[2], 0)
  })
})
