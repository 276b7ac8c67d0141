// The networks, loaded: what callers at the same time may ask of them.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { openCheckpoint } from "../../src/checkpoint/index.ts"
import { Vae } from "../../src/runtime/networks.ts"
import { localRunner, type Runner } from "../../src/runtime/runner.ts"
import { floats, type Value } from "../../src/runtime/session.ts"
import { makeModel, TINY_VAE, type TinyModel } from "../support/model.ts"
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
