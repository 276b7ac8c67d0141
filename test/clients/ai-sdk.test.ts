// `ai` with @ai-sdk/openai and @ai-sdk/openai-compatible, with only their base URL changed.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { generateImage } from "ai"
import sharp from "sharp"
import { gate, startService, type TestService, until } from "../support/service.ts"

let service: TestService
/** Awaited before the steps of prompts that begin with `held`. */
let held: ReturnType<typeof gate>
before(async () => {
  const beforeStep = (r: { prompt: string }) => (r.prompt.startsWith("held") ? held.wait() : undefined)
  service = await startService({}, { beforeStep })
})
after(() => service.drop())

const picture = (background: string) =>
  sharp({ create: { width: 20, height: 20, channels: 3, background } })
    .png()
    .toBuffer()

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
  const url = `data:image/png;base64,${(await picture("red")).toString("base64")}`
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

test("@ai-sdk/openai: a picture in the prompt is the start, and the others are styles", async () => {
  const openai = createOpenAI({ apiKey: "any", baseURL: `${service.url}/v1` })
  const [red, blue] = [await picture("red"), await picture("blue")]
  const { images } = await generateImage({
    model: openai.image("krea-2-medium"),
    prompt: { images: [red, blue], text: "at dawn" },
  })
  assert.equal(images.length, 1)
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.prompt, "at dawn")
  assert.equal(seen.start!.image, `data:image/png;base64,${red.toString("base64")}`)
  assert.equal(seen.start!.strength, 0.8)
  assert.deepEqual(
    seen.references.map((r) => r.image),
    [`data:image/png;base64,${blue.toString("base64")}`],
  )
})

test("@ai-sdk/openai: the mask beside a prompt's pictures says which part of the first is painted", async () => {
  const openai = createOpenAI({ apiKey: "any", baseURL: `${service.url}/v1` })
  const [red, mask] = [await picture("red"), await picture("white")]
  await generateImage({
    model: openai.image("krea-2-medium"),
    prompt: { images: [red], text: "a hat", mask },
  })
  const seen = service.engine.seen.at(-1)!.start!
  assert.equal(seen.mask, `data:image/png;base64,${mask.toString("base64")}`)
  assert.equal(seen.strength, 1)
})

for (const [name, modelOf] of [
  ["@ai-sdk/openai", (url: string) => createOpenAI({ apiKey: "any", baseURL: url }).image],
  [
    "@ai-sdk/openai-compatible",
    (url: string) => createOpenAICompatible({ name: "atelier", apiKey: "any", baseURL: url }).imageModel,
  ],
] as const) {
  const asked = (id: string, prompt: string, abortSignal?: AbortSignal) =>
    generateImage({
      model: modelOf(`${service.url}/v1`)(id),
      prompt,
      maxRetries: 0,
      ...(abortSignal ? { abortSignal } : {}),
    })

  test(`${name}: errors keep the server's sentence`, async () => {
    await assert.rejects(asked("krea-2-large", "a fox"), /No model is installed for Krea 2 Large/)
    await assert.rejects(asked("krea-2-medium", "a naked child"), /refused by the content filter/)
  })

  test(`${name}: an abortSignal cancels the job, which would not have ended by itself`, async () => {
    held = gate()
    const controller = new AbortController()
    const word = name.split("/")[1]!
    const answer = asked("krea-2-medium", `held ${word} picture`, controller.signal)
    await held.reached
    controller.abort()
    await assert.rejects(answer, { name: "AbortError" })
    await until(async () => {
      const { body } = await service.call("GET", `/api/jobs?search=${word}`)
      return body.items[0].state === "cancelled"
    }).finally(held.open)
  })
}
