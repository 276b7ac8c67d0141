// The numbers by which latents are normalised: computed once for a run, then kept.
import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { asEncoded, keptStatistics, latentStatistics, normalised } from "../../src/train/latent-statistics.ts"
import type { PictureSet } from "../../src/train/pictures.ts"
import { fitPreview } from "../../src/train/preview-fit.ts"
import { Random } from "../../src/train/random.ts"
import { usablePictures } from "../../src/train/recipes/dit-batch.ts"
import { pictureRecord } from "../support/picture-record.ts"

const plane = 8 * 8
const latents = Array.from({ length: 6 }, (_, i) =>
  Float16Array.from(new Random(i).normals(16 * plane), (v, k) => 2 * v + Math.floor(k / plane)),
)
const statistics = latentStatistics(6, { has: (i) => i !== 2, read: (i) => latents[i]! })

test("latents have mean 0 and deviation 1 in every channel once they are normalised, and come back", () => {
  const all = latents.flatMap((z, i) => (i === 2 ? [] : [normalised(Float32Array.from(z), statistics)]))
  for (let c = 0; c < 16; c++) {
    const values = all.flatMap((z) => [...z.subarray(c * plane, (c + 1) * plane)])
    const mean = values.reduce((a, b) => a + b) / values.length
    const square = values.reduce((a, b) => a + b * b, 0) / values.length
    assert.ok(Math.abs(mean) < 1e-4 && Math.abs(square - 1) < 1e-4, `channel ${c}: ${mean}, ${square}`)
  }
  const back = asEncoded(all[0]!, statistics)
  for (const [k, v] of latents[0]!.entries()) assert.ok(Math.abs(v - back[k]!) < 1e-4)
})

test("a run that has not begun keeps the first numbers, whatever is computed later", () => {
  const folder = mkdtempSync(join(tmpdir(), "atelier-statistics-"))
  try {
    const run = `${folder}/runs/dit`
    assert.deepEqual(
      keptStatistics(run, () => statistics),
      statistics,
    )
    assert.deepEqual(
      keptStatistics(run, () => assert.fail("they are kept")),
      statistics,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test("without latents nothing is computed or kept, and how to make them is said", () => {
  const folder = mkdtempSync(join(tmpdir(), "atelier-statistics-"))
  const [none, wanted] = [
    { has: () => false, read: () => assert.fail() },
    /no latents.*npm run train -- latents/,
  ]
  const records = [pictureRecord(0), pictureRecord(1)]
  const pictures: PictureSet = { version: "v0", shards: ["shard-0"], records, read: () => new Uint8Array() }
  try {
    assert.throws(() => keptStatistics(folder, () => latentStatistics(2, none)), wanted)
    assert.deepEqual(readdirSync(folder), [])
    assert.throws(() => fitPreview(pictures, none, statistics), wanted)
    assert.throws(() => usablePictures({ pictures, latents: none }), wanted)
    const all = { ...none, has: () => true }
    assert.throws(
      () => usablePictures({ pictures, latents: all }),
      /shapes of these 2 pictures has 64.*npm run data/,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
