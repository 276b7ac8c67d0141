// The openai package against a running server, changed in nothing but its base URL.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import OpenAI, { toFile } from "openai"
import sharp from "sharp"
import { startService, type TestService, until } from "../support/service.ts"

let service: TestService
let client: OpenAI
before(async () => {
  service = await startService({}, { stepMilliseconds: 5 })
  client = new OpenAI({ apiKey: "any", baseURL: `${service.url}/v1` })
})
after(() => service.drop())

const picture = (colour: string) =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: colour } })
    .png()
    .toBuffer()
const decode = (b64: string | undefined) => sharp(Buffer.from(b64!, "base64")).metadata()

test("openai: one picture comes back as base64 PNG with its true size", async () => {
  const answer = await client.images.generate({ model: "krea-2-medium", prompt: "a fox", size: "1536x1024" })
  assert.equal((await decode(answer.data![0]!.b64_json)).format, "png")
  assert.equal(answer.size as string, "1248x832")
  assert.match(answer.data![0]!.revised_prompt!, /a fox/)
})

test("openai: n pictures come in one answer with seeds counting up", async () => {
  const answer = await client.images.generate({
    prompt: "three foxes",
    n: 3,
    response_format: "url",
    output_format: "webp",
    ...({ seed: 40, creativity: "raw" } as object),
  })
  assert.equal(answer.data!.length, 3)
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.seed, 40)
  assert.equal(seen.creativity, 0)
  const file = await fetch(answer.data![2]!.url!)
  assert.equal(file.headers.get("content-type"), "image/webp")
})

test("openai: an edit starts from the first picture and takes the others as styles", async () => {
  const [start, style] = [await picture("red"), await picture("blue")]
  const answer = await client.images.edit({
    image: [
      await toFile(start, "a.png", { type: "image/png" }),
      await toFile(style, "b.png", { type: "image/png" }),
    ],
    prompt: "at night",
  })
  assert.equal(answer.data!.length, 1)
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.start!.strength, 0.8)
  assert.equal(seen.references.length, 1)
  assert.equal(seen.start!.image, `data:image/png;base64,${start.toString("base64")}`)
})

test("openai: streaming gives partial pictures and then the whole one", async () => {
  const stream = await client.images.generate({
    prompt: "a slow fox",
    stream: true,
    partial_images: 2,
    ...({ steps: 8 } as object),
  })
  const types: string[] = []
  for await (const event of stream) {
    types.push(event.type)
    assert.equal((await decode(event.b64_json)).format, "png")
  }
  assert.equal(types.at(-1), "image_generation.completed")
  assert.ok(types.length <= 3)
})

test("openai: an edit streams too, under its own names", async () => {
  const stream = await client.images.edit({
    image: await toFile(await picture("red"), "a.png", { type: "image/png" }),
    prompt: "at dusk",
    stream: true,
  })
  const types: string[] = []
  for await (const event of stream) types.push(event.type)
  assert.equal(types.at(-1), "image_edit.completed")
})

test("openai: errors arrive as the client's own classes with the field", async () => {
  await assert.rejects(client.images.generate({ prompt: "x", size: "12by12" as "auto" }), (e) => {
    assert.ok(e instanceof OpenAI.BadRequestError)
    assert.equal(e.param, "size")
    return true
  })
  await assert.rejects(client.images.generate({ prompt: "a fox", model: "krea-2-large" }), (e) => {
    assert.ok(e instanceof OpenAI.NotFoundError)
    assert.equal(e.code, "model_not_found")
    assert.match(e.message, /Krea 2 Large/)
    return true
  })
  await assert.rejects(client.images.generate({ prompt: "a naked child" }), (e) => {
    assert.ok(e instanceof OpenAI.BadRequestError)
    assert.equal(e.code, "moderation_blocked")
    return true
  })
})

test("openai: models are listed and found, and x-request-id is read", async () => {
  const models = await client.models.list()
  assert.ok(models.data.some((m) => m.id === "krea-2-medium"))
  assert.equal((await client.models.retrieve("krea-2-medium")).id, "krea-2-medium")
  const answer = await client.images.generate({ prompt: "a fox" })
  assert.ok((answer as { _request_id?: string })._request_id)
})

test("openai: a word for complexity is OpenAI's own, a number is the slider", async () => {
  await client.images.generate({ prompt: "a", ...({ complexity: "high" } as object) })
  assert.equal(service.engine.seen.at(-1)!.complexity, 0)
  await client.images.generate({ prompt: "a", ...({ complexity: 30 } as object) })
  assert.equal(service.engine.seen.at(-1)!.complexity, 30)
})

test("openai: dropping the connection cancels the job", async () => {
  const controller = new AbortController()
  const asked = client.images.generate(
    { prompt: "never mind", ...({ n: 4 } as object) },
    { signal: controller.signal },
  )
  await until(() => service.engine.seen.some((r) => r.prompt === "never mind"))
  controller.abort()
  await assert.rejects(asked)
  await until(async () => {
    const { body } = await service.call("GET", "/api/jobs?search=never")
    return body.items[0].state === "cancelled" || body.items[0].state === "completed"
  })
})
