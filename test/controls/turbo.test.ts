// The shipped Turbo: a quarter of Medium's work for nearly the same picture, with the same controls.
import assert from "node:assert/strict"
import { test } from "node:test"
import sharp from "sharp"
import { resolveModel } from "../../src/request/names.ts"
import { type GenerationInput, parseRequest } from "../../src/request/request.ts"
import { findModel } from "../../src/sampling/index.ts"
import { shippedEngine } from "../support/shipped.ts"

const { engine } = shippedEngine()
const base = { creativity: 0, candidates: 1, width: 256, height: 256 }
const picture = async (input: Partial<GenerationInput> & { prompt: string }): Promise<Buffer> => {
  const { pictures } = await engine.generate(parseRequest({ ...base, ...input }))
  return await sharp(pictures[0]!.bytes).resize(64, 64).raw().toBuffer()
}
const apart = (a: Buffer, b: Buffer): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length

test("a seed's pictures by Turbo are nearer to Medium's of that seed than to Medium's of others", async () => {
  let [same, other] = [0, 0]
  for (const prompt of [
    "a watercolor fox",
    "a boat on the sea",
    "a castle",
    "a red apple",
    "a tree in the forest",
  ]) {
    const [turbo, first, second] = [
      await picture({ prompt, seed: 1, model: "turbo" }),
      await picture({ prompt, seed: 1 }),
      await picture({ prompt, seed: 2 }),
    ]
    same += apart(turbo, first)
    other += apart(turbo, second)
  }
  assert.ok(same < 0.65 * other, `${same} and ${other}`)
})

test("by itself it takes four steps without guidance, and looks, sliders and start pictures move it", async () => {
  const { request } = await engine.generate(parseRequest({ ...base, prompt: "a red apple", model: "turbo" }))
  assert.deepEqual([request.steps, request.guidance], [4, 0])
  const asked = { prompt: "a green tree", seed: 3, model: "turbo" }
  const plain = await picture(asked)
  const { pictures } = await engine.generate(parseRequest({ ...base, prompt: "a neon guitar", seed: 4 }))
  const look = `data:image/png;base64,${Buffer.from(pictures[0]!.bytes).toString("base64")}`
  const brightness = (p: Buffer): number => p.reduce((sum, value) => sum + value, 0) / p.length
  const near = await picture({ ...asked, references: [{ image: look, weight: 1 }] })
  assert.ok(brightness(near) < 0.8 * brightness(plain), `${brightness(near)} of ${brightness(plain)}`)
  // Away from a look that the prompt itself names: neon is light on black, and what is left is not.
  const lit = { prompt: "a neon sign of a star", seed: 2, model: "turbo" }
  const left = await picture({ ...lit, references: [{ image: look, weight: -1 }] })
  const dark = brightness(await picture(lit))
  assert.ok(brightness(left) > 1.5 * dark, `${brightness(left)} and ${dark}`)
  const chroma = (p: Buffer): number => {
    let sum = 0
    for (let i = 0; i < p.length; i += 3)
      sum += Math.max(p[i]!, p[i + 1]!, p[i + 2]!) - Math.min(p[i]!, p[i + 1]!, p[i + 2]!)
    return sum
  }
  const [pale, strong] = [
    await picture({ ...asked, intensity: -100 }),
    await picture({ ...asked, intensity: 100 }),
  ]
  assert.ok(chroma(strong) > 1.2 * chroma(pale), `${chroma(strong)} of ${chroma(pale)}`)
  const kept = await picture({ ...asked, start: { image: look, strength: 0.2 } })
  assert.ok(brightness(kept) < 0.6 * brightness(plain), `${brightness(kept)} of ${brightness(plain)}`)
})

test("it ships as a change of Medium's files, and the public names of Turbo mean it", async () => {
  const { manifest } = await findModel("turbo")
  const { files } = (await findModel("medium")).manifest
  for (const [part, file] of Object.entries(files)) assert.equal(manifest.files[part], `../medium/${file}`)
  const models = await engine.models()
  assert.equal(resolveModel("krea:krea@2-turbo", models).name, "turbo")
  assert.equal(resolveModel("krea-2/medium-turbo", models).name, "turbo")
  assert.equal(resolveModel("krea-2/medium", models).name, "medium")
})
