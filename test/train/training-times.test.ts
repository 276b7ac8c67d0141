// Times of training: no part of the sampler's way may be left out, for what is made there would never be learned.
import assert from "node:assert/strict"
import { test } from "node:test"
import { Random } from "../../src/train/random.ts"
import { trainingTime } from "../../src/train/recipes/dit-batch.ts"

const random = new Random(3)
const times = Array.from({ length: 20_000 }, () => trainingTime(random))
const share = (from: number, to: number): number =>
  times.filter((t) => t >= from && t < to).length / times.length

test("every time lies on the way from noise to picture", () => {
  assert.ok(times.every((t) => t > 0 && t < 1))
})

test("the noisiest times, where only words tell what will be seen, are a quarter and more", () => {
  assert.ok(share(0.85, 1) > 0.25, `${share(0.85, 1)}`)
  assert.ok(share(0.95, 1) > 0.05, `${share(0.95, 1)}`)
})

test("the clearest times, where small things are made, are a fifth and more", () => {
  assert.ok(share(0, 1 / 3) > 0.2, `${share(0, 1 / 3)}`)
  assert.ok(share(0, 0.15) > 0.04, `${share(0, 0.15)}`)
})

test("what lies between is not forgotten", () => {
  for (const from of [0.3, 0.45, 0.6, 0.75]) assert.ok(share(from, from + 0.15) > 0.08, `${from}`)
})
