// `ai` with @ai-sdk/openai and @ai-sdk/openai-compatible, with only their base URL changed.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { generateImage } from "ai"
import sharp from "sharp"
import { startService, type TestService } from "../support/service.ts"

let service: TestService
before(async () => {
  service = await startService()
})
after(() => service.drop())

test("@ai-sdk/openai: a model it does not know gives a picture, one request each", async () => {
  const openai = createOpenAI({ apiKey: "any", baseURL: `${service.url}/v1` })
  const { images } = await generateImage({ model: openai.image("krea-2-medium"), prompt: "a fox", n: 2 })
  assert.equal(images.length, 2)
  assert.equal(images[0]!.mediaType, "image/png")
})

test("@ai-sdk/openai: gpt-image names mean medium and batch", async () => {
  const openai = createOpenAI({ apiKey: "any", baseURL: `${service.url}/v1` })
  const { images } = await generateImage({
    model: openai.image("gpt-image-1"),
    prompt: "a fox",
    n: 3,
    size: "1024x1536",
  })
  assert.equal(images.length, 3)
  assert.equal(service.engine.seen.at(-1)!.count, 3)
  assert.equal(service.engine.seen.at(-1)!.width, 832)
})

test("@ai-sdk/openai-compatible: Krea's extras travel in providerOptions", async () => {
  const atelier = createOpenAICompatible({ name: "atelier", apiKey: "any", baseURL: `${service.url}/v1` })
  const image = await sharp({ create: { width: 20, height: 20, channels: 3, background: "red" } })
    .png()
    .toBuffer()
  const url = `data:image/png;base64,${image.toString("base64")}`
  await generateImage({
    model: atelier.imageModel("krea-2-medium"),
    prompt: "a fox",
    providerOptions: {
      atelier: { creativity: "high", seed: 9, image_style_references: [{ url, strength: -1 }], movement: 40 },
    },
  })
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.creativity, 100)
  assert.equal(seen.seed, 9)
  assert.equal(seen.movement, 40)
  assert.equal(seen.references[0]!.weight, -1)
})

test("@ai-sdk/openai-compatible: a picture in the prompt is the start, others are styles, and a batch is one request", async () => {
  const atelier = createOpenAICompatible({ name: "atelier", apiKey: "any", baseURL: `${service.url}/v1` })
  const picture = (background: string) =>
    sharp({ create: { width: 20, height: 20, channels: 3, background } })
      .png()
      .toBuffer()
  const { images } = await generateImage({
    model: atelier.imageModel("krea-2-medium"),
    prompt: { images: [await picture("red"), await picture("blue")], text: "at night" },
    n: 3,
    providerOptions: { atelier: { strength: 0.3, seed: 20 } },
  })
  assert.equal(images.length, 3)
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.start!.strength, 0.3)
  assert.equal(seen.references.length, 1)
  assert.deepEqual([seen.count, seen.seed], [3, 20])
})

test("@ai-sdk: errors keep the server's sentence", async () => {
  const openai = createOpenAI({ apiKey: "any", baseURL: `${service.url}/v1` })
  const asked = generateImage({ model: openai.image("krea-2-large"), prompt: "a fox", maxRetries: 0 })
  await assert.rejects(asked, /No model is installed for Krea 2 Large/)
})
