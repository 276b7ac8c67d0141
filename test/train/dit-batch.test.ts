// The denoiser's batches: what a sample brings beside its words.
import assert from "node:assert/strict"
import { test } from "node:test"
import { SPECIAL, wordTokens } from "../../src/sampling/words.ts"
import { ditBatches } from "../../src/train/recipes/dit-batch.ts"
import { CONDITION_TOKENS, ditConfig, IMAGE_TOKENS, textConfig } from "../../src/train/recipes/dit-network.ts"
import { pictureRecord } from "../support/picture-record.ts"

const words = ["fox", "red"]
const table = { ids: new Map(words.map((word, i) => [word, i + SPECIAL])), vector: () => undefined }
const vocabulary = {
  size: words.length + SPECIAL,
  words,
  tokens: (prompt: string, limit: number) => wordTokens(prompt, table, limit),
  word: (id: number) => words[id - SPECIAL] ?? "",
  hasVector: () => false,
}

/** Square pictures of one style and background, every one of which leans or none; `read` is told which are read. */
const batches = (leans: boolean, read: (place: number) => void = () => {}) => {
  const records = Array.from({ length: 80 }, (_, index) =>
    pictureRecord(index + 50, {
      background: "plain blue",
      concepts: [`thing ${index}`],
      leans,
      measures: [index, 80 - index, index % 7],
    }),
  )
  return ditBatches({
    pictures: { version: "v0", shards: ["shard-0000"], records, read: () => new Uint8Array(0) },
    latents: {
      has: () => true,
      read: (place) => {
        read(place)
        return new Float16Array(16 * 16 * 16)
      },
    },
    vocabulary,
    statistics: { mean: Array<number>(16).fill(0), deviation: Array<number>(16).fill(1) },
    dit: ditConfig(192, 1),
    text: textConfig(vocabulary.size),
    seed: 1,
    focusUntil: 0,
  })
}

/** How often each of the last three condition tokens, one per slider, is seen. */
async function slidersSeen(leans: boolean): Promise<number[]> {
  const batch = batches(leans)
  const [steps, size] = [6, 64]
  const seen = [0, 0, 0]
  for (let step = 0; step < steps; step++) {
    const bias = (await batch(step, String(size))).bias!.data
    for (let b = 0; b < size; b++)
      for (let k = 0; k < 3; k++)
        if (bias[b * (CONDITION_TOKENS + IMAGE_TOKENS) + CONDITION_TOKENS - 3 + k] === 0) seen[k]!++
  }
  return seen.map((n) => n / (steps * size))
}

test("each slider comes with three samples of ten", async () => {
  for (const share of await slidersSeen(false)) assert.ok(Math.abs(share - 0.3) < 0.08, `${share}`)
})

test("what leans always brings its movement, so that nothing leans unasked", async () => {
  const [intensity, complexity, movement] = await slidersSeen(true)
  assert.equal(movement, 1)
  for (const share of [intensity!, complexity!]) assert.ok(Math.abs(share - 0.3) < 0.08, `${share}`)
})

test("pictures that are held out are never read, neither to learn nor as a reference", async () => {
  const read = new Set<number>()
  const batch = batches(false, (place) => read.add(place))
  for (let step = 0; step < 12; step++) await batch(step, "64")
  const never = Array.from({ length: 80 }, (_, place) => place).filter((place) => !read.has(place))
  assert.deepEqual(never, [49]) // the hundredth picture of the set
})
