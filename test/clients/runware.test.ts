// @runware/sdk-js over WebSocket and @runware/ai-sdk-provider over HTTP, with only their address changed.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, test } from "node:test"
import { createRunware } from "@runware/ai-sdk-provider"
import { Runware } from "@runware/sdk-js"
import { generateImage } from "ai"
import sharp from "sharp"
import { gate, startService, type TestService, until } from "../support/service.ts"
import { webhookReceiver } from "../support/webhook-receiver.ts"

let service: TestService
let client: InstanceType<typeof Runware>
/** Awaited before the steps of prompts that begin with `held`. */
const held = gate()
const address = () => `${service.url.replace("http", "ws")}/v1`
const model = "krea:krea@2-medium"
const size = { width: 1024, height: 1024 }

before(async () => {
  const beforeStep = (r: { prompt: string }) => (r.prompt.startsWith("held") ? held.wait() : undefined)
  service = await startService({}, { beforeStep })
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

test("runware: a mask says which part of the seed image is painted", async () => {
  const image = await picture()
  const task = { positivePrompt: "a hat", model, ...size, numberResults: 1, maskImage: image }
  await client.requestImages({ ...task, seedImage: image, strength: 0.9 })
  const { mask, strength } = service.engine.seen.at(-1)!.start!
  assert.equal(mask, `data:image/png;base64,${image}`)
  assert.equal(strength, 0.9)
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

test("runware: a refused prompt and a parameter that does not exist are errors of their own task", async () => {
  const refusal = async (more: object) => {
    const asked = client.requestImages({ positivePrompt: "a fox", model, ...size, numberResults: 1, ...more })
    const thrown = (await asked.then(
      () => assert.fail(),
      (e: unknown) => e,
    )) as {
      error: { code: string; parameter: string; taskType: string; message: string }
    }
    assert.equal(thrown.error.taskType, "imageInference")
    return thrown.error
  }
  const policy = await refusal({ positivePrompt: "a naked child" })
  assert.equal(policy.code, "contentPolicyViolation")
  assert.equal(policy.parameter, "positivePrompt")
  const alone = await refusal({ maskImage: await picture() })
  assert.equal(alone.parameter, "maskImage")
  assert.match(alone.message, /send seedImage/)
  const unknown = await refusal({ colour: "red" })
  assert.deepEqual([unknown.code, unknown.parameter], ["unsupportedParameter", "colour"])
})

test("runware: what the client has for other models is no error", async () => {
  const images = await client.requestImages({
    positivePrompt: "a fox",
    model,
    ...size,
    numberResults: 1,
    steps: 20,
    scheduler: "Euler",
    CFGScale: 7,
    clipSkip: 0,
    promptWeighting: "compel",
    maskMargin: 32,
    retry: 1,
    customTaskUUID: randomUUID(),
    providerSettings: { bfl: { raw: false } },
    acceleratorOptions: { teaCache: false, teaCacheDistance: 0.5 },
    skipResponse: false,
  })
  assert.equal(images!.length, 1)
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

test("runware: mediaStorage keeps a picture under an address until it is deleted", async () => {
  const call = (payload: object) => client.mediaStorage(payload as never)
  const stored = (await call({
    operation: "upload",
    media: `data:image/png;base64,${await picture()}`,
  })) as unknown as { mediaUUID: string; mediaURL: string }
  assert.equal((await fetch(stored.mediaURL)).headers.get("content-type"), "image/png")
  const { mediaUUID } = stored
  assert.equal((await call({ operation: "delete", mediaUUID })).mediaUUID, mediaUUID)
  await assert.rejects(call({ operation: "delete", mediaUUID }), (e: { error?: { code?: string } }) => {
    assert.equal(e.error!.code, "invalidMediaUUID")
    return true
  })
  const asked = client.requestImages({
    positivePrompt: "a fox",
    model,
    ...size,
    numberResults: 1,
    seedImage: mediaUUID,
  })
  await assert.rejects(asked, (e: { error?: { code?: string } }) => e.error!.code === "invalidSeedImage")
})

test("@runware/ai-sdk-provider: a dropped call cancels the job, which would not have ended by itself", async () => {
  const runware = createRunware({ apiKey: "any", baseURL: `${service.url}/v1` })
  const controller = new AbortController()
  const asked = generateImage({
    model: runware.image(model),
    prompt: "held dropped",
    size: "1024x1024",
    abortSignal: controller.signal,
  })
  await held.reached
  controller.abort()
  await assert.rejects(asked)
  await until(async () => {
    const { body } = await service.call("GET", "/api/jobs?search=dropped")
    return body.items[0].state === "cancelled"
  }).finally(held.open)
})
