// Variations, on the shipped model: how near they stay, what they take from the picture that they vary, and that they repeat.
import assert from "node:assert/strict"
import { test } from "node:test"
import sharp from "sharp"
import type { Generation } from "../../src/request/engine.ts"
import { CREATIVITY, type GenerationInput, parseRequest } from "../../src/request/request.ts"
import { noise, turned } from "../../src/sampling/noise.ts"
import { shippedEngine } from "../support/shipped.ts"

const { engine } = shippedEngine()

const generation = (extra: Partial<GenerationInput>): Promise<Generation> =>
  engine.generate(
    parseRequest({ prompt: "a castle", creativity: CREATIVITY.high, width: 256, height: 256, ...extra }),
  )
const pixels = async ({ pictures }: Generation): Promise<Buffer[]> =>
  await Promise.all(pictures.map(({ bytes }) => sharp(bytes).raw().toBuffer()))
const made = async (extra: Partial<GenerationInput>): Promise<Buffer[]> => pixels(await generation(extra))
const apart = (a: Buffer, b: Buffer): number =>
  a.reduce((sum, v, i) => sum + Math.abs(v - b[i]!), 0) / a.length

test("turned noise is normal noise again, and as alike to both ends as the turn says", async () => {
  const [from, to] = [await noise(1, 40_000), await noise(2, 40_000)]
  assert.deepEqual(turned(from, to, 0), from)
  for (const share of [0.2, 0.5, 0.9]) {
    const between = turned(from, to, share)
    const times = (other: Float32Array): number =>
      between.reduce((sum, v, i) => sum + v * other[i]!, 0) / between.length
    assert.ok(Math.abs(times(between) - 1) < 0.03)
    assert.ok(Math.abs(times(from) - Math.cos((share * Math.PI) / 2)) < 0.03)
    assert.ok(Math.abs(times(to) - Math.sin((share * Math.PI) / 2)) < 0.03)
  }
})

test("at strength 0 a variation is the picture of that seed, bit for bit, and with more it moves away from it", async () => {
  const [picture] = await made({ seed: 5 })
  const away = []
  for (const strength of [0, 0.2, 0.5, 1]) {
    const [variation] = await made({ seed: 77, variationOf: [{ seed: 5, strength }] })
    away.push(apart(variation!, picture!))
  }
  assert.equal(away[0], 0)
  assert.deepEqual(
    away,
    away.toSorted((a, b) => a - b),
  )
  assert.equal(new Set(away).size, away.length)
})

test("variations read what the picture read, differ by their seeds, and are the same alone or together", async () => {
  const root = await generation({ seed: 5 })
  const others = await generation({ seed: 30, count: 3 })
  assert.ok(others.expandedPrompts.some((prompt) => prompt !== root.expandedPrompts[0]))
  const variationOf = [{ seed: 5, strength: 0.4 }]
  const together = await generation({ seed: 30, count: 3, variationOf })
  assert.deepEqual(together.expandedPrompts, Array(3).fill(root.expandedPrompts[0]))
  assert.deepEqual(
    together.pictures.map((picture) => picture.seed),
    [30, 31, 32],
  )
  const all = await pixels(together)
  assert.equal(new Set(all.map((bytes) => bytes.toString("latin1"))).size, 3)
  assert.deepEqual((await made({ seed: 31, variationOf }))[0], all[1])
})

test("a variation of a variation begins where that one is", async () => {
  const first = { seed: 5, strength: 0.4 }
  const [variation] = await made({ seed: 30, variationOf: [first] })
  const beyond = (strength: number): Promise<Buffer[]> =>
    made({ seed: 99, variationOf: [first, { seed: 30, strength }] })
  assert.deepEqual((await beyond(0))[0], variation)
  const [near] = await beyond(0.1)
  const [picture] = await made({ seed: 5 })
  assert.ok(apart(near!, variation!) < apart(near!, picture!))
})
