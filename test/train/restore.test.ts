// Training goes on from the repository alone: a shipped model becomes runs that its own recipes can load.
import assert from "node:assert/strict"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, test } from "node:test"
import { fileURLToPath } from "node:url"
import { ditConfig, openSafetensors, readTensor } from "../../src/checkpoint/index.ts"
import { SPECIAL } from "../../src/sampling/words.ts"
import { loadRun, type RunState, statePath } from "../../src/train/checkpoint.ts"
import { flowLoss, textConfig } from "../../src/train/recipes/dit-network.ts"
import { vaeShapes } from "../../src/train/recipes/vae.ts"
import { restoreRuns } from "../../src/train/restore.ts"
import { parametersOf } from "../../src/train/step.ts"

const MODEL = fileURLToPath(new URL("../../models/medium", import.meta.url))

/** Every weight that a network wants is in the run, in the right number, as the average too. */
function assertLoads(run: RunState, wanted: readonly { name: string; shape: readonly number[] }[]): void {
  for (const { name, shape } of wanted) {
    const count = shape.reduce((a, b) => a * b, 1)
    assert.equal(run.state.get(`w:${name}`)?.length, count, name)
    assert.equal(run.average.get(name)?.length, count, name)
  }
}

describe("a shipped model becomes runs", () => {
  let folder: string
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "atelier-restore-"))
    const made = await restoreRuns(MODEL, folder, join(folder, "vectors.bin"))
    assert.deepEqual(made, ["vae", "dit", "sight", "upsampler", "verifier"])
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test("the denoiser's run has every weight of the recipe's network and the samples it has seen", async () => {
    const run = (await loadRun(`${folder}/dit`))!
    const words = JSON.parse(readFileSync(`${folder}/dit/words.json`, "utf8")) as string[]
    const config = ditConfig(await openSafetensors(`${MODEL}/dit.safetensors`))
    const text = textConfig(words.length + SPECIAL)
    assertLoads(run, parametersOf([flowLoss(1, config, text, { aligned: true }).loss]))
    assert.ok(run.counters.samples > 0)
  })

  test("the encoder's run is the one that the denoiser was aligned with", async () => {
    const [sight, dit] = [(await loadRun(`${folder}/sight`))!, (await loadRun(`${folder}/dit`))!]
    assert.ok(sight.counters.samples > 0)
    assert.ok(sight.average.size > 0)
    const [heads, encoder] = [true, false].map((isHead) =>
      [...sight.average].filter(([name]) => name.startsWith("sight.heads.") === isHead),
    ) as [[string, Float32Array][], [string, Float32Array][]]
    assert.equal(heads.length, 6)
    for (const [name, data] of encoder) assert.deepEqual(dit.average.get(name), data, name)
    for (const [name] of heads) assert.ok(!dit.average.has(name), name)
  })

  test("the autoencoder's run has every weight of the recipe's network, value for value", async () => {
    const run = (await loadRun(`${folder}/vae`))!
    assertLoads(run, vaeShapes())
    const file = await openSafetensors(`${MODEL}/vae.safetensors`)
    for (const { name } of vaeShapes())
      assert.deepEqual(run.average.get(name), await readTensor(file, name), name)
  })

  test("latents are normalised as the shipped model does it", async () => {
    const { metadata } = await openSafetensors(`${MODEL}/vae.safetensors`)
    const kept = JSON.parse(readFileSync(`${folder}/dit/latents.json`, "utf8"))
    assert.deepEqual(kept.mean, JSON.parse(metadata.latents_mean!))
    assert.deepEqual(kept.deviation, JSON.parse(metadata.latents_std!))
  })

  test("a run is there only when its words and statistics are", async () => {
    const other = `${folder}/other`
    mkdirSync(`${other}/dit/words.json`, { recursive: true }) // in the way
    await assert.rejects(restoreRuns(MODEL, other, join(folder, "vectors.bin")))
    assert.equal(existsSync(statePath(`${other}/dit`)), false)
  })

  test("a second time makes nothing and changes nothing", async () => {
    assert.ok(existsSync(`${folder}/vectors.bin`))
    assert.deepEqual(await restoreRuns(MODEL, folder, join(folder, "vectors.bin")), [])
  })
})
