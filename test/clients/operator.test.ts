// What an operator's options mean to OpenAI's and Runware's clients: sizes that snap, names, a queue that is full.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, test } from "node:test"
import { Runware } from "@runware/sdk-js"
import OpenAI from "openai"
import { testModel } from "../support/engine.ts"
import { gate, startService, type TestService, until } from "../support/service.ts"

let service: TestService
let openai: OpenAI
let runware: InstanceType<typeof Runware>
/** Awaited before the steps of prompts that begin with `held`. */
const held = gate()
const model = "krea:krea@2-medium"

before(async () => {
  service = await startService(
    {
      snapDimensions: true,
      names: { "krea-2-medium": "official", [model]: "official" },
      localLimits: { concurrency: 1, backlog: 1 },
    },
    {
      models: [testModel, { ...testModel, name: "official", aliases: [], title: "Official weights" }],
      beforeStep: (r) => (r.prompt.startsWith("held") ? held.wait() : undefined),
    },
  )
  openai = new OpenAI({ apiKey: "any", baseURL: `${service.url}/v1`, maxRetries: 0 })
  const url = `${service.url.replace("http", "ws")}/v1`
  runware = new Runware({ apiKey: "any", url } as ConstructorParameters<typeof Runware>[0])
  await runware.ensureConnection()
})
after(async () => {
  held.open()
  await runware.disconnect()
  await service.drop()
})

test("snapDimensions: sizes of other models go to the nearest one of this", async () => {
  for (const [width, height, nearest] of [
    [512, 512, "1024x1024"],
    [1920, 1080, "1376x768"],
    [600, 800, "896x1184"],
    [1248, 832, "1248x832"],
  ] as const) {
    await runware.requestImages({ positivePrompt: "a fox", model, width, height, numberResults: 1 })
    const seen = service.engine.seen.at(-1)!
    assert.equal(`${seen.width}x${seen.height}`, nearest)
  }
})

test("names: a public name means what the operator says, and other spellings of it what they meant", async () => {
  const modelOf = async (name: string) => {
    await openai.images.generate({ model: name, prompt: "a fox" })
    return service.engine.seen.at(-1)!.model
  }
  assert.equal(await modelOf("krea-2-medium"), "official")
  assert.equal(await modelOf("krea/krea-2-medium"), "medium")
  await runware.requestImages({ positivePrompt: "a fox", model, width: 1024, height: 1024, numberResults: 1 })
  assert.equal(service.engine.seen.at(-1)!.model, "official")
})

test("a full queue: both dialects say so in their own words and when to come again", async () => {
  const waiting = ["held one", "held two"].map((prompt) => openai.images.generate({ prompt }))
  await until(async () => (await service.call("GET", "/api/jobs?search=held")).body.items.length === 2)

  await assert.rejects(openai.images.generate({ prompt: "too much" }), (e) => {
    assert.ok(e instanceof OpenAI.RateLimitError)
    assert.equal(e.code, "rate_limit_exceeded")
    assert.equal(e.type, "rate_limit_error")
    assert.ok(Number(e.headers.get("retry-after")) >= 1)
    assert.match(e.message, /as many unfinished jobs as it may \(2\)/)
    return true
  })
  const task = { model, width: 1024, height: 1024, numberResults: 1 }
  await assert.rejects(runware.requestImages({ positivePrompt: "too much", ...task }), (e) => {
    const { error } = e as { error: { code: string; message: string; taskType: string } }
    assert.equal(error.code, "rateLimitExceeded")
    assert.equal(error.taskType, "imageInference")
    assert.match(error.message, /as many unfinished jobs as it may \(2\)/)
    return true
  })
  const taskUUID = randomUUID()
  const { status, headers, body } = await service.call("POST", "/v1", [
    { taskType: "imageInference", taskUUID, positivePrompt: "too much", ...task },
  ])
  assert.equal(status, 429)
  assert.ok(Number(headers.get("retry-after")) >= 1)
  assert.equal(body.errors[0].code, "rateLimitExceeded")
  assert.equal(body.errors[0].taskUUID, taskUUID)
  assert.deepEqual(body.error, body.errors[0])

  held.open()
  for (const answer of await Promise.all(waiting)) assert.equal(answer.data!.length, 1)
  assert.ok(!service.engine.seen.some((r) => r.prompt === "too much"))
})
