// LoRAs on weights in memory and in a file: the same picture of the same numbers.
import assert from "node:assert/strict"
import { mkdtemp, readdir, rename, rm, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import {
  applyLoras,
  type Checkpoint,
  ditConfig,
  findComponents,
  loadLora,
  quantiseCheckpoint,
  readRows,
  readTensor,
  writeSafetensors,
} from "../../src/checkpoint/index.ts"
import { AtelierError } from "../../src/request/errors.ts"
import { adaptedWeights } from "../../src/runtime/adapters.ts"
import { Dit } from "../../src/runtime/networks.ts"
import { localRunner } from "../../src/runtime/runner.ts"
import { weightFiles } from "../../src/runtime/weights.ts"
import { makeModel, TINY_DIT, type TinyModel } from "../support/model.ts"
import { noise } from "../support/run.ts"

const wide = { ...TINY_DIT, features: 128, heads: 4, headDim: 32 }
const modules = ["blocks.0.attn.wq", "blocks.1.mlp.up"]

async function writeLora(path: string): Promise<void> {
  const entries = modules.flatMap((module, i) => [
    { name: `${module}.lora_A.weight`, type: "F32" as const, shape: [4, 128], data: noise(4 * 128, i + 1) },
    { name: `${module}.lora_B.weight`, type: "F32" as const, shape: [128, 4], data: noise(128 * 4, i + 9) },
  ])
  await writeSafetensors(
    path,
    entries.map((e) => ({ ...e, name: `diffusion_model.${e.name}` })),
  )
}

/** A model's image model with a LoRA for it, and the folder of their mixes. */
async function mixing({ home, folder }: TinyModel) {
  const checkpoint = (await findComponents(join(folder, "dit.safetensors"))).dit!
  const path = join(folder, "lora.safetensors")
  await writeLora(path)
  return { cache: join(home, "cache"), checkpoint, lora: await loadLora(path, ditConfig(checkpoint)) }
}

async function velocity(
  checkpoint: Checkpoint,
  changed?: Awaited<ReturnType<typeof adaptedWeights>>,
): Promise<Float32Array> {
  const runner = localRunner({ threads: 1 })
  const dit = await Dit.open(runner, ditConfig(checkpoint), weightFiles(checkpoint, changed))
  const rope = { cosine: new Float32Array(8 * 16).fill(1), sine: new Float32Array(8 * 16), length: 8 }
  const v = await dit.velocity({
    image: noise(4 * 16, 5),
    times: [0.5],
    text: noise(4 * 128, 6),
    valid: new Uint8Array(4).fill(1),
    rope,
  })
  await runner.close()
  return v
}

const far = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

test("changed weights give the same from memory and from a file, for floats, blocks and rows", async () => {
  await using model = await makeModel({ dit: wide })
  const cache = await mkdtemp(join(tmpdir(), "atelier-cache-"))
  try {
    const file = join(model.folder, "dit.safetensors")
    const lora = join(model.folder, "lora.safetensors")
    await writeLora(lora)
    for (const form of [undefined, 32, "row"] as const) {
      const bits = form && 8
      if (form) {
        const source = (await findComponents(file)).dit!
        await quantiseCheckpoint(source, `${file}.q.safetensors`, { bits: 8, blockSize: form })
        await rename(`${file}.q.safetensors`, file)
      }
      const checkpoint = (await findComponents(file)).dit!
      const loras = [{ lora: await loadLora(lora, ditConfig(checkpoint)), strength: 0.3 }]
      const inMemory = await adaptedWeights(checkpoint, loras, { cache })
      const inFile = await adaptedWeights(checkpoint, loras, { cache, most: 0 })
      assert.deepEqual([...inFile.keys()].sort(), modules.map((m) => `${m}.weight`).sort())
      const plain = await velocity(checkpoint)
      const changed = await velocity(checkpoint, inMemory)
      assert.ok(far(plain, changed) > 0.05, "the adapter matters")
      const error = far(await velocity(checkpoint, inFile), changed)
      const most = { float: 1e-5, 32: 0.05, row: 0.08 }[form ?? "float"]
      assert.ok(error < most, `${form}: ${error}`)
      const stored = inFile.get("blocks.0.attn.wq.weight")!
      assert.ok(!(stored instanceof Float32Array) && (stored.quantisation ?? stored.perOutput)?.bits === bits)
    }
  } finally {
    await rm(cache, { recursive: true })
  }
})

test("the same mix is written once, and old mixes are forgotten", async () => {
  await using model = await makeModel({ dit: wide })
  const { cache, checkpoint, lora } = await mixing(model)
  const mix = (strength: number) => adaptedWeights(checkpoint, [{ lora, strength }], { cache, most: 0 })
  const aged = async (name: string, minutes: number): Promise<void> => {
    const then = new Date(Date.now() - minutes * 60e3)
    await utimes(join(cache, name), then, then)
  }
  for (const strength of [0.5, 0.5, 1, 1.5]) await mix(strength)
  const old = await readdir(cache)
  assert.equal(old.length, 3) // who made one a moment ago may not have opened it yet
  for (const name of old) await aged(name, 11)
  await mix(2)
  const files = await readdir(cache)
  assert.equal(files.length, 2)
  const [left] = files.filter((name) => old.includes(name))
  await writeFile(join(cache, `${left}.left.part`), "what was being written when the power went")
  await aged(`${left}.left.part`, 61)
  await writeFile(join(cache, `${left}.right.part`), "what another process is writing")
  await aged(`${left}.right.part`, 59)
  const latest = await mix(2)
  assert.deepEqual((await readdir(cache)).sort(), [...files, `${left}.right.part`].sort())
  const stored = latest.get("blocks.0.attn.wq.weight")
  assert.ok(stored && !(stored instanceof Float32Array) && stored.file.startsWith(cache))
  assert.equal((await readTensor(checkpoint, "blocks.0.attn.wq.weight")).length, 128 * 128)
})

test("the same mix asked for twice at once, and many mixes at once, are all there and whole", async () => {
  await using model = await makeModel({ dit: wide })
  const { cache, checkpoint, lora } = await mixing(model)
  const name = "blocks.0.attn.wq.weight"
  const work = [1, 1, 1, 0.5, 1.5, 2].map(async (strength) => {
    const loras = [{ lora, strength }]
    const changed = (await adaptedWeights(checkpoint, loras, { cache, most: 0 })).get(name)
    assert.ok(changed && !(changed instanceof Float32Array))
    const expected = applyLoras(name, await readTensor(checkpoint, name), loras)
    assert.deepEqual(await readRows(changed, 0, 128), expected)
  })
  await Promise.all(work)
  assert.equal((await readdir(cache)).length, 4)
  // Its file is the same; what is said beside it is not.
  const stronger = { ...lora, modules: lora.modules.map((part) => ({ ...part, alpha: 16 })) }
  await adaptedWeights(checkpoint, [{ lora: stronger, strength: 1 }], { cache, most: 0 })
  assert.equal((await readdir(cache)).length, 5)
})

test("adapting that is stopped ends with the reason and leaves nothing, in memory and in a file", async () => {
  await using model = await makeModel({ dit: wide })
  const { cache, checkpoint, lora } = await mixing(model)
  const loras = [{ lora, strength: 1 }]
  for (const most of [0, undefined]) {
    const stop = new AbortController()
    const work = adaptedWeights(checkpoint, loras, { cache, most, signal: stop.signal })
    stop.abort(new AtelierError("unavailable", "It is closed."))
    await assert.rejects(work, { code: "unavailable", message: "It is closed." })
    assert.deepEqual(await readdir(cache).catch(() => []), [])
  }
})
