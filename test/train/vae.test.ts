// The autoencoder's recipes that go on: one leaves the latents as they are, the other holds them near.
import assert from "node:assert/strict"
import { test } from "node:test"
import type { Located, PictureSet } from "../../src/train/pictures.ts"
import { Random } from "../../src/train/random.ts"
import { vaeRecipe } from "../../src/train/recipes/vae.ts"
import { TrainingStep } from "../../src/train/step.ts"
import { weightsOf } from "../../src/train/trainer.ts"

const side = 64
const record: Located = {
  index: 1,
  offset: 0,
  width: side,
  height: side,
  caption: "",
  styleless: "",
  stage: "single",
  style: "cartoon",
  background: "plain",
  place: "plain",
  concepts: [],
  boxes: [],
  leans: false,
  measures: [0, 0, 0],
  shard: 0,
}
const pictures: PictureSet = {
  version: "v0",
  shards: ["a"],
  records: [record],
  read: () => Uint8Array.from(new Random(5).normals(3 * side * side), (v) => 128 + 40 * v),
}
const names = (state: ReadonlyMap<string, unknown>): string[] => [...state.keys()].map((key) => key.slice(2))
const still = { rate: 0, matrixRate: 0 }

test("the autoencoder goes on near its latents: what they have moved is measured in their deviations", async () => {
  const initial = vaeRecipe({ samples: 1000, seed: 1 }, pictures).initial()
  const deviation = Array.from({ length: 16 }, (_, i) => 0.5 + i / 8)
  const recipe = vaeRecipe({ samples: 1000, seed: 1, from: weightsOf(initial), near: deviation }, pictures)
  assert.deepEqual(recipe.initial(), initial)
  const stage = recipe.stage(0)
  const step = await TrainingStep.create(recipe.define(stage), 1)
  const feeds = await recipe.batch(1, stage)

  step.load(initial)
  const before = await step.run(feeds, 1, still)
  assert.ok(before.drift! < 1e-9, `${before.drift} before anything moved`)

  const moved = new Map(initial)
  const shift = Array.from({ length: 16 }, (_, i) => (i - 8) / 10)
  moved.set(
    "w:quant_conv.bias",
    initial.get("w:quant_conv.bias")!.map((b, i) => b + (shift[i] ?? 0)),
  )
  step.load(moved)
  const after = await step.run(feeds, 1, still)
  const expected = shift.reduce((sum, d, i) => sum + (d / deviation[i]!) ** 2, 0) / 16
  assert.ok(Math.abs(after.drift! - expected) < 1e-5, `${after.drift} against ${expected}`)
  await step.close()
})

test("training the decoder alone moves no weight of the encoder, training near moves both halves", () => {
  const initial = vaeRecipe({ samples: 1000, seed: 1 }, pictures).initial()
  const from = weightsOf(initial)
  const movedBy = (near?: number[]): string[] => {
    const recipe = vaeRecipe({ samples: 1000, seed: 1, from, ...(near ? { near } : {}) }, pictures)
    const { rule } = recipe.define("16")
    return names(initial).filter((name) => rule(name, [1, 1, 1, 1]) !== undefined)
  }
  const ofEncoder = (name: string): boolean => name.startsWith("encoder.") || name.startsWith("quant_conv.")
  assert.deepEqual(
    movedBy(),
    names(initial).filter((name) => !ofEncoder(name)),
  )
  assert.deepEqual(movedBy(Array(16).fill(1)), names(initial))
})

test("crops are of pictures that are not held out", async () => {
  const read = new Set<number>()
  const records = Array.from({ length: 20 }, (_, i) => ({ ...record, index: 90 + i }))
  const set: PictureSet = {
    ...pictures,
    records,
    read: (r) => {
      read.add(r.index)
      return pictures.read(r)
    },
  }
  const recipe = vaeRecipe({ samples: 1000, seed: 1 }, set)
  for (let step = 1; step <= 10; step++) await recipe.batch(step, "16")
  assert.deepEqual(
    records.map((r) => r.index).filter((index) => !read.has(index)),
    [99],
  )
})
