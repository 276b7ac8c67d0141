// Runware's wire beneath its clients: frames and bodies as they are, and the parameters that no client has a name for.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { after, before, test } from "node:test"
import sharp from "sharp"
import WebSocket from "ws"
import { testModel } from "../support/engine.ts"
import { gate, startService, type TestService, until } from "../support/service.ts"
import { webhookReceiver } from "../support/webhook-receiver.ts"

let service: TestService
let time = Date.now()
/** Awaited before each step. */
let beforeStep: (prompt: string) => Promise<void> | void = () => {}
const address = () => `${service.url.replace("http", "ws")}/v1`
const model = "krea:krea@2-medium"

before(async () => {
  service = await startService({ clock: () => new Date(time) }, { beforeStep: (r) => beforeStep(r.prompt) })
})
after(() => service.drop())

const picture = async () =>
  (
    await sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } })
      .png()
      .toBuffer()
  ).toString("base64")

/** One task in one POST. */
const post = (task: object) => service.call("POST", "/v1", [{ taskUUID: randomUUID(), ...task }])
const infer = (more: object) => post({ taskType: "imageInference", model, positivePrompt: "a fox", ...more })

/** A bare socket that has authenticated; `next` gives frames in order. */
async function socket(session?: string, apiKey = "any") {
  const ws = new WebSocket(address())
  const frames: Record<string, unknown>[] = []
  ws.on("message", (data) => frames.push(JSON.parse(String(data))))
  await once(ws, "open")
  const next = async () => {
    await until(() => frames.length > 0)
    return frames.shift()!
  }
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
  const [a, b] = await Promise.all([post(task), post({ ...task, numberResults: 1 })])
  assert.deepEqual(
    a.body.data.map((i: { imageUUID: string }) => i.imageUUID),
    b.body.data.map((i: { imageUUID: string }) => i.imageUUID),
  )
  assert.equal(service.engine.seen.filter((r) => r.prompt === "once").length, 1)
})

test("runware: a task whose call was dropped is cancelled, and the same task again starts it over", async () => {
  const { open, wait, reached } = gate()
  beforeStep = (prompt) => (prompt === "dropped" ? wait() : undefined)
  const task = {
    taskType: "imageInference",
    taskUUID: randomUUID(),
    model,
    positivePrompt: "dropped",
    seed: 6,
  }
  const body = JSON.stringify([task])
  const controller = new AbortController()
  const asked = fetch(`${service.url}/v1`, { method: "POST", body, signal: controller.signal })
  await reached
  controller.abort()
  await assert.rejects(asked, { name: "AbortError" })
  const state = () => post({ taskType: "getResponse", taskUUID: task.taskUUID })
  await until(async () => (await state()).body.error?.code === "taskCancelled").finally(open)
  const again = await post(task)
  assert.equal(again.status, 200)
  assert.equal(again.body.data[0].seed, 6)
  beforeStep = () => {}
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

test("runware: each task's pictures are pushed when that task is over, not when all of the message are", async () => {
  const { ws, send, next } = await socket()
  const { open, wait } = gate()
  let first: string | undefined
  beforeStep = (prompt) => {
    if (!prompt.startsWith("pair")) return
    first ??= prompt
    return prompt === first ? undefined : wait()
  }
  const uuids = { "pair one": randomUUID(), "pair two": randomUUID() }
  send(
    ...Object.entries(uuids).map(([positivePrompt, taskUUID]) => ({
      taskType: "imageInference",
      taskUUID,
      model,
      positivePrompt,
      numberResults: 2,
    })),
  )
  const nextTask = async () => (await next()).data as { taskUUID: string }[]
  const pushed: { taskUUID: string }[][] = []
  try {
    // The other task cannot be over: its engine still waits.
    pushed.push(await nextTask(), await nextTask())
  } finally {
    open()
  }
  pushed.push(await nextTask(), await nextTask())
  const [early, late] = first === "pair one" ? Object.values(uuids) : Object.values(uuids).reverse()
  assert.deepEqual(
    pushed.map((items) => items.map((i) => i.taskUUID)),
    [[early], [early], [late], [late]],
  )
  beforeStep = () => {}
  ws.close()
})

test("runware: an unknown kind of task is an unsupported task type", async () => {
  const { status, body } = await post({ taskType: "imageUpscale" })
  assert.equal(status, 400)
  assert.equal(body.error.code, "unsupportedTaskType")
  assert.equal(body.error.parameter, "taskType")
  assert.match(body.error.message, /imageUpscale/)
})

test("runware: a parameter that Runware does not have is refused by name, and other models' are ignored", async () => {
  const made = service.engine.seen.length
  for (const name of ["colour", "creativity", "constructor"]) {
    const { status, body } = await infer({ [name]: "red" })
    assert.equal(status, 400)
    assert.equal(body.error.code, "unsupportedParameter")
    assert.equal(body.error.parameter, name)
    assert.match(body.error.message, new RegExp(`no parameter ${name}`))
  }
  assert.equal(service.engine.seen.length, made)
  const others = { steps: 30, scheduler: "Default", CFGScale: 7, vae: null, controlNet: [], useCache: false }
  assert.equal(
    (await infer({ ...others, inputs: { image: "x" }, settings: { quality: "high" } })).status,
    200,
  )
})

test("runware: what is left out is creativity medium, board strength 0.35 and start strength 0.8", async () => {
  const image = await picture()
  const board = await service.call("POST", "/api/boards", { name: "runware board", pictures: [{ image }] })
  await infer({ seedImage: image, settings: { moodboards: [{ id: board.body.id }] } })
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.creativity, 50)
  assert.equal(seen.board!.strength, 0.35)
  assert.equal(seen.start!.strength, 0.8)
  assert.equal(`${seen.width}x${seen.height}`, "1024x1024")
})

test("runware: sizes are those of the table with 3:4 among them; no other, and none by half", async () => {
  for (const [width, height] of [
    [896, 1184],
    [1568, 672],
  ]) {
    assert.equal((await infer({ width, height })).status, 200)
    const seen = service.engine.seen.at(-1)!
    assert.deepEqual([seen.width, seen.height], [width, height])
  }
  for (const size of [{ width: 512, height: 512 }, { width: 1024 }]) {
    const { status, body } = await infer(size)
    assert.equal(status, 400)
    assert.equal(body.error.code, "invalidDimensions")
    assert.equal(body.error.parameter, "width")
  }
})

test("runware: a result comes as a data URI, as base64 or as an address, and as nothing else beside it", async () => {
  const one = async (outputType: unknown) => {
    const { body } = await infer({ seed: 4, outputFormat: "PNG", outputType })
    const { imageURL, imageDataURI, imageBase64Data } = body.data[0]
    return { imageURL, imageDataURI, imageBase64Data }
  }
  const uri = await one("dataURI")
  assert.match(uri.imageDataURI, /^data:image\/png;base64,/)
  assert.deepEqual(await one("base64Data"), {
    imageURL: undefined,
    imageDataURI: undefined,
    imageBase64Data: uri.imageDataURI.split(",")[1],
  })
  assert.deepEqual([uri.imageURL, uri.imageBase64Data], [undefined, undefined])
  const { imageURL, ...rest } = await one(["URL"])
  const bytes = Buffer.from(await (await fetch(imageURL)).arrayBuffer())
  assert.equal(bytes.toString("base64"), uri.imageDataURI.split(",")[1])
  assert.deepEqual(rest, { imageDataURI: undefined, imageBase64Data: undefined })
})

test("runware: cost and NSFWContent are told when they are asked for, and the safety mode goes before its switch", async () => {
  const item = async (more: object) => (await infer(more)).body.data[0]
  assert.equal((await item({ includeCost: true })).cost, 0)
  const plain = await item({ includeCost: false, checkNSFW: false })
  assert.ok(!("cost" in plain) && !("NSFWContent" in plain))
  for (const asked of [
    { checkNSFW: true },
    { safety: { checkContent: true } },
    { safety: { mode: "fast" } },
    { safety: { mode: "full", checkContent: false } },
  ])
    assert.equal((await item(asked)).NSFWContent, false, JSON.stringify(asked))
  assert.ok(!("NSFWContent" in (await item({ safety: { mode: "none", checkContent: true } }))))
})

/** Somebody's storage: what was put there, in base64; `answer` says with which status. */
async function storage(answer: () => number = () => 200) {
  const puts: string[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    response.statusCode = request.method === "PUT" ? answer() : 405
    if (response.statusCode === 200) puts.push(Buffer.concat(parts).toString("base64"))
    response.end()
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const uploadEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket?signature=1`
  return { puts, uploadEndpoint, close: () => server.close() }
}

test("runware: who has a webhook may hang up, and who asks later is told of success", async () => {
  const held = gate()
  beforeStep = (prompt) => (prompt === "left alone" ? held.wait() : undefined)
  const told: { imageUUID: string }[] = []
  const hook = await webhookReceiver((message) => told.push(JSON.parse(message)))
  const taskUUID = randomUUID()
  const task = { taskType: "imageInference", taskUUID, model, positivePrompt: "left alone" }
  const caller = new AbortController()
  const call = fetch(`${service.url}/v1`, {
    method: "POST",
    body: JSON.stringify([{ ...task, webhookURL: hook.url }]),
    signal: caller.signal,
  })
  await held.reached
  caller.abort()
  await assert.rejects(call)
  held.open()
  await until(() => told.length === 1)
  hook.close()
  const { body } = await post({ taskType: "getResponse", taskUUID })
  assert.deepEqual([body.data[0].imageUUID, body.data[0].status], [told[0]!.imageUUID, "success"])
})

test("runware: references under another model's name and a time to live beyond a decade are refused", async () => {
  const image = `data:image/png;base64,${await picture()}`
  const wrong = await infer({ referenceImages: [image] })
  assert.deepEqual(
    [wrong.status, wrong.body.errors[0].code, wrong.body.errors[0].parameter],
    [400, "unsupportedParameter", "referenceImages"],
  )
  assert.equal((await infer({ referenceImages: [] })).status, 200)
  const ttl = await infer({ ttl: 9_999_999_999_999 })
  assert.deepEqual([ttl.status, ttl.body.errors[0].code], [400, "invalidTtl"])
})

test("runware: a search for other kinds of models finds none, and every variant has its AIR", async () => {
  const large = { ...testModel, name: "big", variant: "large" as const, aliases: [] }
  const own = await startService({}, { models: [testModel, large] })
  try {
    const search = async (more: object): Promise<string[]> => {
      const { body } = await own.call("POST", "/v1", [
        { taskType: "modelSearch", taskUUID: randomUUID(), ...more },
      ])
      return body.data[0].results.map((r: { air: string }) => r.air)
    }
    assert.deepEqual(await search({ search: "large" }), ["krea:krea@2-large"])
    assert.ok(
      (await search({ category: "checkpoint", architecture: "Krea2" })).includes("krea:krea@2-medium"),
    )
    for (const other of [{ category: "lora" }, { type: "inpainting" }, { tags: ["anime"] }])
      assert.deepEqual(await search(other), [])
  } finally {
    await own.drop()
  }
})

test("runware: bytes that come again after their upload was deleted are an upload again", async () => {
  const image = `data:image/png;base64,${(
    await sharp({ create: { width: 41, height: 30, channels: 3, background: "lime" } })
      .png()
      .toBuffer()
  ).toString("base64")}`
  const upload = async () => (await post({ taskType: "imageUpload", image })).body.data[0]
  const first = await upload()
  assert.equal((await upload()).imageUUID, first.imageUUID)
  await post({ taskType: "mediaStorage", operation: "delete", mediaUUID: first.imageUUID })
  const again = await upload()
  assert.notEqual(again.imageUUID, first.imageUUID)
  assert.equal((await fetch(again.imageURL)).status, 200)
})

test("runware: the raw bytes of every picture are put to the uploadEndpoint, beside what the webhook is told", async () => {
  const { puts, uploadEndpoint, close } = await storage()
  const told: { imageBase64Data: string }[] = []
  const hook = await webhookReceiver((message) => told.push(JSON.parse(message)))
  const asked = { numberResults: 2, outputType: "base64Data", uploadEndpoint, webhookURL: hook.url }
  const { body } = await infer(asked)
  await until(() => puts.length === 2 && told.length === 2)
  close()
  hook.close()
  const made = body.data.map((i: { imageBase64Data: string }) => i.imageBase64Data).sort()
  assert.deepEqual(puts.sort(), made)
  assert.deepEqual(told.map((i) => i.imageBase64Data).sort(), made)
})

test("runware: a picture is put to the uploadEndpoint after a restart, and again where that failed", async () => {
  let tries = 0
  const { puts, uploadEndpoint, close } = await storage(() => (tries++ === 0 ? 503 : 200))
  const taskUUID = randomUUID()
  await service.call("POST", "/api/queue/pause")
  await infer({ taskUUID, deliveryMethod: "async", outputType: "base64Data", uploadEndpoint })
  await service.restart()
  await service.call("POST", "/api/queue/resume")
  await until(() => tries === 1)
  await until(() => {
    time += 1000
    return puts.length === 1
  })
  close()
  const { body } = await post({ taskType: "getResponse", taskUUID })
  assert.deepEqual(puts, [body.data[0].imageBase64Data])
})

test("runware: an uploadEndpoint that is no http address is refused by its name", async () => {
  for (const uploadEndpoint of ["ftp://example.com/x", "bucket", `https://example.com/${"x".repeat(2048)}`]) {
    const { status, body } = await infer({ uploadEndpoint })
    assert.deepEqual(
      [status, body.error.code, body.error.parameter],
      [400, "invalidUploadEndpoint", "uploadEndpoint"],
    )
  }
})

test("runware: a result's address is over after its ttl, which is 60 seconds or more", async () => {
  const short = await infer({ ttl: 59 })
  assert.equal(short.status, 400)
  assert.equal(short.body.error.code, "invalidTtl")
  const { body } = await infer({ ttl: 60 })
  const { imageURL } = body.data[0]
  assert.equal((await fetch(imageURL)).status, 200)
  time += 61_000
  await until(async () => (await fetch(imageURL)).status === 410)
})

test("runware: getTaskDetails repeats the request and its pictures, for the caller's own tasks", async () => {
  const taskUUID = randomUUID()
  const made = await infer({ taskUUID, seed: 8, includeCost: true })
  const { body } = await post({ taskType: "getTaskDetails", taskUUID })
  const [details] = body.data
  assert.equal(details.taskUUID, taskUUID)
  assert.equal(details.request[0].positivePrompt, "a fox")
  assert.equal(details.request[0].seed, 8)
  assert.deepEqual(details.response, [{ data: made.body.data }])
  const unknown = await post({ taskType: "getTaskDetails", taskUUID: randomUUID() })
  assert.equal(unknown.status, 404)
  assert.equal(unknown.body.error.code, "taskFailedOrNotFound")
})

test("runware: accountManagement tells whose key it is", async () => {
  const taskUUID = randomUUID()
  const { body } = await post({ taskType: "accountManagement", taskUUID })
  const { apiKeyName, ...rest } = body.data[0]
  assert.deepEqual(rest, { taskType: "accountManagement", taskUUID, organizationName: "atelier" })
  assert.equal(apiKeyName, "local")
})
