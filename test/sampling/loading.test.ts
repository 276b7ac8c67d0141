// Loading a model that cannot be loaded: what is said, when, and that nothing stays open.
import assert from "node:assert/strict"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { test } from "node:test"
import { ditConfig, findComponents, loadLora, writeSafetensors } from "../../src/checkpoint/index.ts"
import { readImage } from "../../src/image/source.ts"
import { AtelierError } from "../../src/request/errors.ts"
import { localRunner, type Runner } from "../../src/runtime/runner.ts"
import { readManifest } from "../../src/sampling/manifest.ts"
import { Model } from "../../src/sampling/model.ts"
import { makeModel } from "../support/model.ts"

/** A runner that knows how many graphs it opened, and how many of them are open. */
function counting(): { runner: Runner; seen: { opened: number; open: number } } {
  const runner = localRunner({ threads: 1 })
  const seen = { opened: 0, open: 0 }
  const open: Runner["open"] = async (graph) => {
    const loaded = await runner.open(graph)
    seen.opened++
    seen.open++
    const close = async () => {
      seen.open--
      await loaded.close()
    }
    return { ...loaded, close }
  }
  return { runner: { ...runner, open }, seen }
}

test("a damaged tokenizer is told before anything is loaded", async () => {
  await using model = await makeModel()
  await writeFile(join(model.folder, "tokenizer", "tokenizer.json"), "{")
  const { runner, seen } = counting()
  const options = { loras: [], readImage, cache: join(model.home, "cache") }
  const load = Model.load(runner, await readManifest(model.folder), options)
  await assert.rejects(load, { code: "model_invalid", message: /tokenizer\.json cannot be read/ })
  assert.deepEqual(seen, { opened: 0, open: 0 })
})

test("loading that is stopped while adapters are added ends with the reason, and nothing stays open", async () => {
  await using model = await makeModel()
  const path = join(model.folder, "lora.safetensors")
  await writeSafetensors(path, [
    { name: "blocks.0.attn.wq.lora_A.weight", type: "F32", shape: [1, 64], data: new Float32Array(64) },
    { name: "blocks.0.attn.wq.lora_B.weight", type: "F32", shape: [64, 1], data: new Float32Array(64) },
  ])
  const { dit } = await findComponents(join(model.folder, "dit.safetensors"))
  const loras = [{ lora: await loadLora(path, ditConfig(dit!)), strength: 1 }]
  const { runner, seen } = counting()
  const signal = AbortSignal.abort(new AtelierError("unavailable", "It is closed."))
  const options = { loras, readImage, cache: join(model.home, "cache"), signal }
  const load = Model.load(runner, await readManifest(model.folder), options)
  await assert.rejects(load, { code: "unavailable", message: "It is closed." })
  assert.deepEqual(seen, { opened: 1, open: 0 }) // the text tower
})
