// The choice among noises, on the shipped model: what it depends on, what it leaves alone, and that it repeats itself.
import assert from "node:assert/strict"
import { test } from "node:test"
import sharp from "sharp"
import { createEngine } from "../../src/controls/engine.ts"
import { AtelierError } from "../../src/request/errors.ts"
import { type GenerationInput, parseRequest } from "../../src/request/request.ts"
import { makeModel } from "../support/model.ts"
import { shippedEngine } from "../support/shipped.ts"

const { engine, home } = shippedEngine()

const SEEDS = [1, 2, 3, 4]
const request = (extra: Partial<GenerationInput>) =>
  parseRequest({
    prompt: "a pencil sketch of a rabbit",
    creativity: 0,
    seed: 1,
    width: 256,
    height: 256,
    ...extra,
  })
const made = async (extra: Partial<GenerationInput> = {}, by = engine): Promise<Buffer[]> => {
  const { pictures } = await by.generate(request(extra))
  return await Promise.all(pictures.map(({ bytes }) => sharp(bytes).raw().toBuffer()))
}
const one = async (extra: Partial<GenerationInput>): Promise<Buffer> => (await made(extra))[0]!
const apart = (a: Buffer, b: Buffer): number =>
  a.reduce((sum, v, i) => sum + Math.abs(v - b[i]!), 0) / a.length

/** A seed whose own noise is not the best of eight. */
async function movedSeed(): Promise<number> {
  const [own, best] = [await made({ count: 4, candidates: 1 }), await made({ count: 4, candidates: 8 })]
  const at = SEEDS.findIndex((_, i) => !own[i]!.equals(best[i]!))
  assert.ok(at >= 0, "of four seeds at least one has a better noise than its own")
  return SEEDS[at]!
}

test("the best of some noises is the same alone, in a batch and after a restart", async () => {
  const batch = await made({ count: 4, candidates: 4 })
  assert.deepEqual(await one({ seed: 3, candidates: 4 }), batch[2])
  const again = createEngine({ home, threads: 1 })
  const [alone] = await made({ seed: 3, candidates: 4 }, again)
  await again.close()
  assert.deepEqual(alone, batch[2])
})

test("asked by words alone, the chosen candidate is the picture that its noise makes alone", async () => {
  const grey = await sharp({ create: { width: 64, height: 64, channels: 3, background: "#888" } })
    .png()
    .toBuffer()
  const image = `data:image/png;base64,${grey.toString("base64")}`
  // Weights that cancel ask for nothing, but send the noise on its way once more.
  const references = [0.5, -0.5].map((weight) => ({ image, weight }))
  assert.deepEqual(await one({ seed: 2, references }), await one({ seed: 2 }))
})

test("progress counts the candidates' steps, and the chosen picture is shown as soon as it is known", async () => {
  const told = async (extra: Partial<GenerationInput>) => {
    const steps: number[] = []
    let previews = 0
    await engine.generate(request({ prompt: "a red apple", ...extra }), {
      previewEvery: 3,
      onProgress: (p) => {
        assert.equal(p.steps, 8)
        steps.push(p.step)
        previews += p.previews?.length ?? 0
      },
    })
    return { steps, previews }
  }
  const words = await told({ seed: 21 })
  assert.deepEqual([...new Set(words.steps)], [1, 2, 3, 4, 5, 6, 7, 8])
  assert.equal(words.previews, 1)
  assert.deepEqual(await told({ seed: 21 }), { steps: [8], previews: 1 })
  const moved = await told({ seed: 22, intensity: 40 })
  assert.deepEqual(
    moved.steps,
    moved.steps.toSorted((a, b) => a - b),
  )
  assert.equal(moved.steps.at(-1), 8)
  assert.equal(moved.previews, 2)
})

test("sliders move the picture of the best noise and do not exchange it", async () => {
  const seed = await movedSeed()
  const [own, best] = [await one({ seed, candidates: 1 }), await one({ seed, candidates: 8 })]
  const moved = await one({ seed, candidates: 8, intensity: 5 })
  assert.ok(apart(moved, best) < apart(own, best) / 2)
})

test("a start picture keeps the seed's own noise", async () => {
  const seed = await movedSeed()
  const grey = await sharp({ create: { width: 64, height: 64, channels: 3, background: "#888" } })
    .png()
    .toBuffer()
  const start = { image: `data:image/png;base64,${grey.toString("base64")}`, strength: 0.9 }
  assert.deepEqual(await one({ seed, start, candidates: 8 }), await one({ seed, start, candidates: 1 }))
})

test("words that name nothing known leave nothing to choose by", async () => {
  const words = { prompt: "quietly, tomorrow", seed: 2 }
  assert.deepEqual(await one({ ...words, candidates: 8 }), await one({ ...words, candidates: 1 }))
})

test("a model without a verifier refuses candidates, and makes its one picture unasked", async () => {
  const tiny = await makeModel()
  const plain = createEngine({ home: tiny.home, folders: [`${tiny.home}/models`], threads: 1 })
  const tinyRequest = request({ model: "tiny", candidates: 2 })
  await assert.rejects(
    plain.generate(tinyRequest),
    (e) => e instanceof AtelierError && e.code === "unsupported" && /candidates/.test(e.message),
  )
  const { request: told } = await plain.generate({ ...tinyRequest, candidates: null })
  assert.equal(told.candidates, 1)
  await plain.close()
  await tiny[Symbol.asyncDispose]()
})
