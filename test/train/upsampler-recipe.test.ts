// The upsampler's recipe on drawn pairs: its batches, and that its step learns from them.
import assert from "node:assert/strict"
import { test } from "node:test"
import { nothingDone } from "../../src/train/checkpoint.ts"
import { renderScene } from "../../src/train/data/render.ts"
import { sampleScene } from "../../src/train/data/scene.ts"
import type { Pair } from "../../src/train/pairs.ts"
import { toPlanes } from "../../src/train/pictures.ts"
import { upsample, upsamplerRecipe } from "../../src/train/recipes/upsampler.ts"
import { TrainingStep } from "../../src/train/step.ts"
import { cast, source } from "../support/toy-art.ts"

const SIDE = 128

async function drawnPair(seed: number): Promise<Pair> {
  const wish = { aspect: "1:1", style: "flat vector", layout: "single", examine: true } as const
  const scene = sampleScene(cast, seed, wish)
  const small = (await renderScene(scene, source, 1)).rgb
  const large = (await renderScene(scene, source, 8)).rgb
  return {
    side: SIDE,
    views: [toPlanes(small, SIDE)],
    truth: () => ({ data: toPlanes(large, SIDE * 8), width: SIDE * 8, height: SIDE * 8 }),
    pixel: (channel, row, column) => large[(row * SIDE * 8 + column) * 3 + channel]! / 127.5 - 1,
  }
}

test("the recipe begins as straight lines between pixels, crops both sizes alike, and lowers its loss", async () => {
  const pairs = [await drawnPair(3), await drawnPair(4)]
  const recipe = upsamplerRecipe({ samples: 10_000, seed: 2 }, pairs)
  const first = await recipe.initial()
  const weights = new Map([...first].flatMap(([key, v]) => (key.startsWith("w:") ? [[key.slice(2), v]] : [])))
  const { data, width } = await upsample(weights, pairs[0]!.views[0]!, SIDE)
  assert.equal(width, SIDE * 8)
  // The corner lies beyond the first pixel's middle: nothing to mix it with.
  assert.ok(Math.abs(data[0]! - pairs[0]!.views[0]![0]!) < 1e-4)

  const { native, truth } = await recipe.batch(0, "only")
  const [small, large] = [native!.data as Float32Array, truth!.data as Float32Array]
  const area = small.length / (16 * 3)
  let difference = 0
  for (let i = 0; i < area; i++) {
    let mean = 0
    for (let k = 0; k < 64; k++) mean += large[k * area + i]! / 64
    difference += Math.abs(mean - small[i]!) / area
  }
  assert.ok(difference < 0.05, `a native pixel and the mean of its sub-pixels differ by ${difference}`)

  const step = await TrainingStep.create(recipe.define("only"), 1)
  step.load(first)
  const losses: number[] = []
  for (let number = 1; number <= 5; number++) {
    const { loss } = await step.run({ native: native!, truth: truth! }, number, recipe.rates(16 * number))
    losses.push(loss!)
  }
  await step.close()
  assert.ok(losses.at(-1)! < losses[0]!, losses.join(" "))
})

test("one pair in twenty is held out of the batches", async () => {
  const used = new Set<number>()
  const pairs = Array.from(
    { length: 20 },
    (_, i): Pair => ({
      side: SIDE,
      views: [new Float32Array(3 * SIDE * SIDE)],
      truth: () => assert.fail("a batch needs no whole truth"),
      pixel: () => {
        used.add(i)
        return 0
      },
    }),
  )
  const recipe = upsamplerRecipe({ samples: 1000, seed: 1 }, pairs)
  for (let step = 1; step <= 20; step++) await recipe.batch(step, "only")
  assert.deepEqual(
    pairs.map((_, i) => i).filter((i) => !used.has(i)),
    [19],
  )
  const few = upsamplerRecipe({ samples: 1000, seed: 1 }, pairs.slice(1))
  assert.deepEqual(await few.sheet!(new Map(), "unused", nothingDone), { pictures: 0 })
})
