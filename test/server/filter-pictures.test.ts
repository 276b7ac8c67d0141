// The content filter's picture stage: the real classifier against its authors' own runtime, and what the service does with it.
import assert from "node:assert/strict"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import sharp from "sharp"
import type { ModelInfo, Picture } from "../../src/request/index.ts"
import { defaultFilter } from "../../src/server/filter.ts"
import {
  openPictureClassifier,
  type PictureClassifier,
  pictureJudge,
} from "../../src/server/filter-pictures.ts"
import { testModel } from "../support/engine.ts"
import { startService } from "../support/service.ts"

const folder = await mkdtemp(join(tmpdir(), "atelier-filter-"))
after(() => rm(folder, { recursive: true, force: true }))

const openModel: ModelInfo = { ...testModel, name: "krea", aliases: [], weights: "open" }
const both = async (): Promise<ModelInfo[]> => [testModel, openModel]

/** 224 x 224 pixels of crossing waves, the same everywhere. */
async function waves(): Promise<Uint8Array> {
  const side = 224
  const wave = (i: number): number => {
    const [x, y, c] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side), i % 3]
    return Math.round(127.5 + 127.5 * Math.sin((x * (c + 1) + y * (3 - c)) / 23))
  }
  const raw = Buffer.from(Array.from({ length: side * side * 3 }, (_, i) => wave(i)))
  return sharp(raw, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer()
}
const pictureOf = async (): Promise<Picture> => ({
  index: 0,
  seed: 0,
  width: 224,
  height: 224,
  format: "png",
  bytes: await waves(),
})
/** A classifier that has made up its mind: explicit pictures have no place in a repository. */
const convinced = (porn: number, hentai: number, seen: Uint8Array[] = []) => {
  return async (): Promise<PictureClassifier> => ({
    classify: async (bytes) => {
      seen.push(bytes)
      return { drawing: 1 - porn - hentai, hentai, neutral: 0, porn, sexy: 0 }
    },
    close: async () => {},
  })
}

test("the classifier says what nsfwjs 4.3.0 says of the same pixels on TensorFlow.js", async () => {
  const classifier = await openPictureClassifier(folder)
  const said = await classifier.classify(await waves())
  await classifier.close()
  // Printed by model.predict of @tensorflow/tfjs 4 with the package's weights.
  const wanted = { drawing: 0.198883, hentai: 0.003619, neutral: 0.797295, porn: 0.000179, sexy: 0.000024 }
  for (const [name, value] of Object.entries(wanted))
    assert.ok(
      Math.abs(said[name as keyof typeof said] - value) < 1e-4,
      `${name} ${said[name as keyof typeof said]}`,
    )
})

test("pictures of open weights are withheld from seven parts in ten of explicit on", async () => {
  const picture = await pictureOf()
  const verdict = (porn: number, hentai: number) =>
    pictureJudge(folder, both, convinced(porn, hentai)).judge(picture, { model: "krea" })
  assert.deepEqual(await verdict(0.3, 0.41), { allowed: false, category: "explicit" })
  assert.deepEqual(await verdict(0.3, 0.39), { allowed: true })
})

test("pictures of the embedded family are not shown to it", async () => {
  const seen: Uint8Array[] = []
  const judge = pictureJudge(folder, both, convinced(1, 0, seen))
  assert.deepEqual(await judge.judge(await pictureOf(), { model: "medium" }), { allowed: true })
  assert.equal(seen.length, 0)
})

test("without the classifier nothing of open weights passes, and the next picture asks for it again", async () => {
  let tries = 0
  const absent = async (): Promise<PictureClassifier> => {
    tries++
    throw new Error("no network")
  }
  const judge = pictureJudge(folder, both, absent)
  assert.equal(await judge.prepare(), false)
  await assert.rejects(judge.judge(await pictureOf(), { model: "krea" }), {
    code: "unavailable",
    message: /could not be fetched.*--no-filter/,
  })
  assert.equal(tries, 2)
  assert.equal(await pictureJudge(folder, async () => [testModel], absent).prepare(), true)
})

test("a service withholds an explicit picture with its code, stage and category, and keeps no file", async () => {
  const { judge } = pictureJudge(folder, both, convinced(0.9, 0))
  const service = await startService({ filter: defaultFilter(judge) }, { models: await both() })
  try {
    const { body } = await service.call("POST", "/api/jobs?wait=60", { prompt: "x", model: "krea" })
    assert.equal(body.state, "failed")
    assert.equal(body.error.code, "content_policy")
    assert.deepEqual(body.error.details, { stage: "picture", category: "explicit" })
    assert.deepEqual(body.pictures, [])
    const other = await service.call("POST", "/api/jobs?wait=60", { prompt: "x" })
    assert.equal(other.body.state, "completed")
  } finally {
    await service.drop()
  }
})
