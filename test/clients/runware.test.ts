// @runware/sdk-js over WebSocket and @runware/ai-sdk-provider over HTTP, with only their address changed.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, test } from "node:test"
import { createRunware } from "@runware/ai-sdk-provider"
import { Runware } from "@runware/sdk-js"
import { generateImage } from "ai"
import sharp from "sharp"
import WebSocket from "ws"
import { startService, type TestService, until } from "../support/service.ts"
import { webhookReceiver } from "../support/webhook-receiver.ts"

let service: TestService
let client: InstanceType<typeof Runware>
const address = () => `${service.url.replace("http", "ws")}/v1`
const model = "krea:krea@2-medium"
const size = { width: 1024, height: 1024 }

before(async () => {
  service = await startService()
  client = new Runware({ apiKey: "any", url: address() } as ConstructorParameters<typeof Runware>[0])
  await client.ensureConnection()
})
after(async () => {
  await client.disconnect()
  await service.drop()
})

const picture = async () =>
  (
    await sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } })
      .png()
      .toBuffer()
  ).toString("base64")

test("runware: a batch arrives picture by picture with a seed each", async () => {
  const frames: number[] = []
  const images = await client.requestImages({
    positivePrompt: "three foxes",
    model,
    ...size,
    numberResults: 3,
    seed: 10,
    onPartialImages: (p) => frames.push(p.length),
  })
  assert.deepEqual(images!.map((i) => i.seed).sort(), [10, 11, 12])
  assert.equal(new Set(images!.map((i) => i.imageUUID)).size, 3)
  const file = await fetch(images![0]!.imageURL!)
  assert.equal(file.headers.get("content-type"), "image/jpeg")
  assert.ok(frames.length >= 1)
})

test("runware: references carry their weights, negative ones too, and the start image its strength", async () => {
  const image = await picture()
  await client.requestImages({
    positivePrompt: "a fox",
    model,
    ...size,
    numberResults: 1,
    seedImage: image,
    strength: 0.4,
    inputs: { referenceImages: [{ image, strength: -1.5 }, image] },
    settings: { creativity: "raw" },
  } as unknown as Parameters<typeof client.requestImages>[0])
  const seen = service.engine.seen.at(-1)!
  assert.deepEqual(
    seen.references.map((r) => r.weight),
    [-1.5, 0.5],
  )
  assert.equal(seen.start!.strength, 0.4)
  assert.equal(seen.creativity, 0)
})

test("runware: an upload's UUID can be used as a picture", async () => {
  const uploaded = await client.imageUpload({ image: `data:image/png;base64,${await picture()}` } as never)
  const { imageUUID } = uploaded as unknown as { imageUUID: string }
  await client.requestImages({
    positivePrompt: "a fox",
    model,
    ...size,
    numberResults: 1,
    seedImage: imageUUID,
  })
  assert.ok(service.engine.seen.at(-1)!.start)
})

test("runware: async delivery acknowledges at once and getResponse brings the pictures", async () => {
  const taskUUID = randomUUID()
  await client.requestImages({
    positivePrompt: "later",
    model,
    ...size,
    numberResults: 2,
    deliveryMethod: "async",
    taskUUID,
  } as unknown as Parameters<typeof client.requestImages>[0])
  let items: { status?: string; imageURL?: string }[] = []
  while (!items.length || items.some((i) => i.status !== "success")) {
    items = (await client.getResponse({ taskUUID } as never)) as typeof items
    assert.equal(items.length, 2)
  }
  assert.ok(items.every((i) => i.imageURL))
})

test("runware: errors name the code and the parameter", async () => {
  await assert.rejects(
    client.requestImages({ positivePrompt: "a fox", model, width: 512, height: 512, numberResults: 1 }),
    (e: { error?: { code?: string; parameter?: string } }) => {
      assert.equal(e.error!.code, "invalidDimensions")
      assert.equal(e.error!.parameter, "width")
      return true
    },
  )
  await assert.rejects(
    client.requestImages({ positivePrompt: "a fox", model: "krea:krea@2-large", ...size, numberResults: 1 }),
    (e: { error?: { code?: string; message?: string } }) => {
      assert.equal(e.error!.code, "invalidModel")
      assert.match(e.error!.message!, /Krea 2 Large/)
      return true
    },
  )
})

test("runware: a client with an unknown key is told so", async () => {
  const options = { apiKey: "atl_wrong", url: address(), shouldReconnect: false }
  const stranger = new Runware(options as ConstructorParameters<typeof Runware>[0])
  await assert.rejects(
    stranger.requestImages({ positivePrompt: "a fox", model, ...size, numberResults: 1 }),
    (e: { code?: string; error?: { code?: string } }) => {
      assert.equal(e.error?.code ?? e.code, "invalidApiKey")
      return true
    },
  )
  await stranger.disconnect()
})

test("runware: promptEnhance gives as many versions as asked, in one frame", async () => {
  const versions = await client.enhancePrompt({ prompt: "a fox", promptVersions: 3 })
  assert.equal(versions.length, 3)
  assert.ok(versions.every((v) => v.text!.startsWith("a fox, ")))
})

test("runware: modelSearch finds the installed model by its AIR id", async () => {
  const found = (await client.modelSearch({ search: "krea" } as never)) as unknown as {
    results: { air: string }[]
  }
  assert.ok(found.results.some((r) => r.air === model))
})

/** A bare socket that has authenticated; `next` gives frames in order. */
async function socket(session?: string, apiKey = "any") {
  const ws = new WebSocket(address())
  const frames: Record<string, unknown>[] = []
  const waiting: ((f: Record<string, unknown>) => void)[] = []
  ws.on("message", (data) => {
    const frame = JSON.parse(String(data)) as Record<string, unknown>
    const taker = waiting.shift()
    if (taker) taker(frame)
    else frames.push(frame)
  })
  await new Promise((resolve) => ws.once("open", resolve))
  const next = () =>
    frames.shift() ?? new Promise<Record<string, unknown>>((resolve) => waiting.push(resolve))
  const send = (...tasks: object[]) => ws.send(JSON.stringify(tasks))
  send({ taskType: "authentication", apiKey, ...(session ? { connectionSessionUUID: session } : {}) })
  const hello = (await next()) as {
    data?: { connectionSessionUUID: string }[]
    error?: object
    errors?: object[]
  }
  return { ws, send, next, hello }
}

test("runware: the authentication answer has no taskUUID, and a pong travels alone", async () => {
  const { ws, send, next, hello } = await socket()
  assert.deepEqual(Object.keys(hello.data![0]!).sort(), ["connectionSessionUUID", "taskType"])
  send({ taskType: "ping", ping: true })
  assert.deepEqual(await next(), { data: [{ taskType: "ping", pong: true }] })
  ws.close()
})

test("runware: a wrong key is told under error and errors, without a taskUUID", async () => {
  const { ws, hello } = await socket(undefined, "atl_wrong")
  assert.equal((hello.error as { code: string }).code, "invalidApiKey")
  assert.deepEqual(hello.errors, [hello.error])
  assert.ok(!("taskUUID" in hello.error!))
  ws.close()
})

test("runware: no frame has an empty errors list or both data and errors", async () => {
  const { ws, send, next } = await socket()
  const good = { taskType: "imageInference", taskUUID: randomUUID(), model, positivePrompt: "a fox" }
  send(
    good,
    { ...good, taskUUID: randomUUID(), model: "no:such@1" },
    { taskType: "noSuchTask", taskUUID: randomUUID() },
  )
  const frames = [await next(), await next(), await next()]
  for (const f of frames) assert.ok("data" in f !== "errors" in f)
  assert.equal(
    frames.filter((f) => "errors" in f).every((f) => (f.errors as object[]).length === 1),
    true,
  )
  ws.close()
})

test("runware: results for a lost connection are replayed to its session", async () => {
  const first = await socket()
  const taskUUID = randomUUID()
  first.send({ taskType: "imageInference", taskUUID, model, positivePrompt: "a lost fox" })
  first.ws.terminate()
  await new Promise((resolve) => first.ws.once("close", resolve))
  const second = await socket(first.hello.data![0]!.connectionSessionUUID)
  const frame = (await second.next()) as { data: { taskUUID: string }[] }
  assert.equal(frame.data[0]!.taskUUID, taskUUID)
  second.ws.close()
})

test("runware: the same taskUUID again attaches to the running task", async () => {
  const taskUUID = randomUUID()
  const task = { taskType: "imageInference", taskUUID, model, positivePrompt: "once", numberResults: 2 }
  const post = (body: object) => service.call("POST", "/v1", [body])
  const [a, b] = await Promise.all([post(task), post({ ...task, numberResults: 1 })])
  assert.deepEqual(
    a.body.data.map((i: { imageUUID: string }) => i.imageUUID),
    b.body.data.map((i: { imageUUID: string }) => i.imageUUID),
  )
  assert.equal(service.engine.seen.filter((r) => r.prompt === "once").length, 1)
})

test("runware: one POST with good and bad tasks answers both; absent members are absent, not null", async () => {
  const task = { taskType: "imageInference", model, positivePrompt: "a fox", outputType: "base64Data" }
  const { status, body } = await service.call("POST", "/v1", [
    { taskType: "authentication", apiKey: "any" },
    { ...task, taskUUID: randomUUID() },
    { ...task, taskUUID: randomUUID(), positivePrompt: undefined },
  ])
  assert.equal(status, 200)
  assert.equal(body.data.length, 1)
  assert.ok(!JSON.stringify(body.data).includes("null"))
  assert.equal(body.errors[0].code, "missingPositivePrompt")
  assert.ok(!("error" in body))
})

test("@runware/ai-sdk-provider: a picture with a listed size, and a plain error for 512 x 512", async () => {
  const runware = createRunware({ apiKey: "any", baseURL: `${service.url}/v1` })
  const { image } = await generateImage({ model: runware.image(model), prompt: "a fox", size: "1248x832" })
  assert.equal(image.mediaType, "image/png")
  await assert.rejects(
    generateImage({ model: runware.image(model), prompt: "a fox", maxRetries: 0 }),
    /512 x 512 is not a size/,
  )
})

test("@runware/ai-sdk-provider: a batch, references with weights and a start image", async () => {
  const runware = createRunware({ apiKey: "any", baseURL: `${service.url}/v1` })
  const image = `data:image/png;base64,${await picture()}`
  const { images } = await generateImage({
    model: runware.image(model),
    prompt: "a fox",
    size: "1024x1024",
    n: 2,
    providerOptions: {
      runware: { inputs: { referenceImages: [{ image, strength: -0.7 }] }, seedImage: image, strength: 0.2 },
    },
  })
  assert.equal(images.length, 2)
  const seen = service.engine.seen.at(-1)!
  assert.deepEqual(
    seen.references.map((r) => r.weight),
    [-0.7],
  )
  assert.equal(seen.start!.strength, 0.2)
})

test("runware: the webhook brings one flat item per picture", async () => {
  const items: { taskUUID: string; imageURL: string; seed: number }[] = []
  const { url, close } = await webhookReceiver((body) => items.push(JSON.parse(body)))
  const taskUUID = randomUUID()
  await client.requestImages({
    positivePrompt: "told",
    model,
    ...size,
    numberResults: 2,
    seed: 5,
    taskUUID,
    webhookURL: url,
  } as unknown as Parameters<typeof client.requestImages>[0])
  await until(() => items.length === 2, 60)
  close()
  assert.deepEqual(items.map((i) => i.seed).sort(), [5, 6])
  assert.ok(items.every((i) => i.taskUUID === taskUUID && i.imageURL))
})

test("runware: mediaStorage keeps a picture under an address", async () => {
  const stored = (await client.mediaStorage({
    operation: "upload",
    media: `data:image/png;base64,${await picture()}`,
  } as never)) as unknown as { mediaUUID: string; mediaURL: string }
  assert.equal((await fetch(stored.mediaURL)).headers.get("content-type"), "image/png")
})
