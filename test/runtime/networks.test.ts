// The networks, loaded: what callers at the same time may ask of them.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import {
  type Checkpoint,
  convertCheckpoint,
  findComponents,
  needsConversion,
  openCheckpoint,
  quantiseCheckpoint,
  readTensor,
  type StoredType,
  writeSafetensors,
} from "../../src/checkpoint/index.ts"
import { Dit, TextTower, Vae } from "../../src/runtime/networks.ts"
import { localRunner, type Runner } from "../../src/runtime/runner.ts"
import { floats, type Value } from "../../src/runtime/session.ts"
import { weightFiles } from "../../src/runtime/weights.ts"
import { makeModel, TINY_DIT, TINY_TEXT, TINY_VAE, type TinyModel } from "../support/model.ts"
import { noise } from "../support/run.ts"

let model: TinyModel
let runner: Runner
before(async () => {
  model = await makeModel()
  runner = localRunner({ threads: 1 })
})
after(async () => {
  await runner.close()
  await model[Symbol.asyncDispose]()
})

test("pictures of different sizes are encoded at the same time as one after the other", async () => {
  const vae = new Vae(runner, TINY_VAE, await openCheckpoint(`${model.folder}/vae.safetensors`))
  const picture = (height: number, width: number): Value =>
    floats(noise(3 * height * width, height), [1, 3, height, width])
  const pictures = [picture(16, 24), picture(24, 16), picture(32, 8), picture(16, 24)]
  const alone: Value[] = []
  for (const one of pictures) alone.push(await vae.encode(one))
  const together = await Promise.all(pictures.map((one) => vae.encode(one)))
  assert.deepEqual(together, alone)
  await assert.rejects(vae.encode(floats(new Float32Array(16), [1, 1, 4, 4])))
  assert.deepEqual(await vae.encode(pictures[1]!), alone[1])
  await vae.close()
})

test("an autoencoder that could not be opened is opened the next time", async () => {
  let failures = 2
  const scarce: Runner = {
    ...runner,
    open: (graph) => (failures-- > 0 ? Promise.reject(new Error("no memory")) : runner.open(graph)),
  }
  const vae = new Vae(scarce, TINY_VAE, await openCheckpoint(`${model.folder}/vae.safetensors`))
  const latent = floats(noise(4 * 2 * 3), [1, 4, 2, 3])
  const picture = floats(noise(3 * 16 * 24), [1, 3, 16, 24])
  await assert.rejects(vae.decode(latent), /no memory/)
  await assert.rejects(vae.encode(picture), /no memory/)
  assert.deepEqual((await vae.decode(latent)).shape, [1, 3, 16, 24])
  assert.deepEqual((await vae.encode(picture)).shape, [1, 4, 2, 3])
  await vae.close()
})

test("an image model whose second graph cannot be opened leaves no first one", async () => {
  let opened = 0
  const scarce: Runner = {
    ...runner,
    open: async (graph) => {
      if (opened === 1) throw new Error("no memory")
      const loaded = await runner.open(graph)
      opened++
      const close = async () => {
        opened--
        await loaded.close()
      }
      return { ...loaded, close }
    },
  }
  const { dit } = await findComponents(`${model.folder}/dit.safetensors`)
  await assert.rejects(Dit.open(scarce, TINY_DIT, weightFiles(dit!)), /no memory/)
  assert.equal(opened, 0)
})

/** A part of the model with every matrix in a stored form, and the same numbers in float32. */
async function stored(
  part: "dit" | "text",
  type: StoredType,
): Promise<{ source: Checkpoint; exact: Checkpoint }> {
  const whole = await openCheckpoint(`${model.folder}/${part}.safetensors`)
  const write = async (name: string, typeOf: (rank: number) => StoredType, from: Checkpoint) => {
    const path = `${model.folder}/${part}-${name}.safetensors`
    const entries = [...from.tensors.values()].map(async ({ name, shape }) => ({
      name,
      type: typeOf(shape.length),
      shape,
      data: await readTensor(from, name),
    }))
    await writeSafetensors(path, await Promise.all(entries))
    return (await findComponents(path))[part]!
  }
  const source = await write(type, (rank) => (rank === 2 ? type : "F32"), whole)
  return { source, exact: await write("exact", () => "F32", source) }
}

const converters = {
  "made runnable": (source: Checkpoint, target: string) => convertCheckpoint(source, target),
  quantised: (source: Checkpoint, target: string) =>
    quantiseCheckpoint(source, target, { bits: 8, blockSize: 32 }),
  "quantised by rows": (source: Checkpoint, target: string) =>
    quantiseCheckpoint(source, target, { bits: 8, blockSize: "row" }),
}
for (const [what, convert] of Object.entries(converters))
  test(`networks whose every matrix is in eight bits, ${what}, give what their numbers give`, async () => {
    const converted = async (part: "dit" | "text", source: Checkpoint) => {
      assert.ok(needsConversion(source))
      const path = `${model.folder}/${part}-${what}.safetensors`
      await convert(source, path)
      const found = (await findComponents(path))[part]!
      assert.ok(!needsConversion(found))
      return found
    }
    const dit = await stored("dit", "F8_E4M3")
    const velocity = async (checkpoint: Checkpoint) => {
      const open = await Dit.open(runner, TINY_DIT, weightFiles(checkpoint))
      const rope = { cosine: new Float32Array(8 * 8).fill(1), sine: new Float32Array(8 * 8), length: 8 }
      const [image, text, valid] = [noise(4 * 16, 5), noise(4 * 64, 6), new Uint8Array(4).fill(1)]
      return await open.velocity({ image, times: [0.5], text, valid, rope }).finally(() => open.close())
    }
    near(await velocity(await converted("dit", dit.source)), await velocity(dit.exact))
    const text = await stored("text", "F8_E4M3")
    const taps = async (checkpoint: Checkpoint) => {
      const open = await TextTower.open(runner, TINY_TEXT, weightFiles(checkpoint))
      return await open.taps([72, 105, 33]).finally(() => open.close())
    }
    near(await taps(await converted("text", text.source)), await taps(text.exact))
  })

/** Within a twentieth of the root of the mean square. */
function near(found: Float32Array, expected: Float32Array): void {
  const square = (v: Float32Array): number => v.reduce((sum, x) => sum + x * x, 0)
  const share = Math.sqrt(square(found.map((x, i) => x - expected[i]!)) / square(expected))
  assert.ok(share < 0.05, `${share}`)
}
