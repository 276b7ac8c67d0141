// The replicate package and @ai-sdk/replicate, with only their base URL changed.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { createReplicate } from "@ai-sdk/replicate"
import { generateImage } from "ai"
import Replicate, { validateWebhook, type WebhookEventType } from "replicate"
import sharp from "sharp"
import { WEBHOOKS } from "../../src/store/index.ts"
import { testModel } from "../support/engine.ts"
import { startService, type TestService } from "../support/service.ts"
import { webhookReceiver } from "../support/webhook-receiver.ts"

let service: TestService
let client: Replicate
const model = "krea/krea-2-medium"
before(async () => {
  service = await startService()
  client = new Replicate({ auth: "any", baseUrl: `${service.url}/v1` })
})
after(() => service.drop())
const picture = () =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } })
    .png()
    .toBuffer()

test("replicate: run resolves with the picture's address, never with null", async () => {
  const output = await client.run(model, { input: { prompt: "a fox", seed: 4 } })
  // Of an address that is not https the client makes no file.
  assert.equal(typeof output, "string")
  assert.equal((await fetch(String(output))).headers.get("content-type"), "image/png")
  assert.equal(service.engine.seen.at(-1)!.creativity, 10)
})

test("replicate: a model's newest version is that model, and no other", async () => {
  const large = { ...testModel, name: "big", variant: "large" as const, aliases: [] }
  const own = await startService({}, { models: [testModel, large] })
  try {
    const both = new Replicate({ auth: "any", baseUrl: `${own.url}/v1` })
    for (const [name, installed] of [
      ["krea-2-large", "big"],
      ["krea-2-medium", testModel.name],
    ] as const) {
      const { latest_version } = await both.models.get("krea", name)
      const made = await both.predictions.create({ version: latest_version!.id, input: { prompt: "a fox" } })
      assert.equal((await both.wait(made, { interval: 20 })).version, latest_version!.id)
      assert.equal(own.engine.seen.at(-1)!.model, installed)
    }
    const old = await both.predictions.create({ version: "atelier", input: { prompt: "a fox" } })
    assert.equal((await both.wait(old, { interval: 20 })).status, "succeeded")
  } finally {
    await own.drop()
  }
})

test("replicate: a create that does not hold answers `starting`, and waiting ends in `succeeded`", async () => {
  const made = await client.predictions.create({ model, input: { prompt: "a fox" } })
  assert.equal(made.status, "starting")
  const done = await client.wait(made, { interval: 20 })
  assert.equal(done.status, "succeeded")
  assert.deepEqual(done.input, { prompt: "a fox" })
})

test("replicate: references are uploaded as files and share one strength", async () => {
  const image = new Blob([new Uint8Array(await picture())], { type: "image/png" })
  await client.run(model, {
    input: { prompt: "a fox", style_reference_images: [image, image], style_reference_strength: 0.8 },
  })
  assert.deepEqual(
    service.engine.seen.at(-1)!.references.map((r) => r.weight),
    [0.8, 0.8],
  )
})

test("replicate: unless given, references weigh 0.5 and a board 0.35, and unknown inputs are tolerated", async () => {
  const image = `data:image/png;base64,${(await picture()).toString("base64")}`
  const { body: board } = await service.call("POST", "/moodboards", { name: "warm", images: [image] })
  await client.run(model, {
    input: {
      prompt: "a fox",
      aspect_ratio: "3:4",
      style_reference_images: [image],
      moodboard_id: board.id,
      go_fast: true,
      output_quality: 90,
    },
  })
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.references[0]!.weight, 0.5)
  assert.equal(seen.board!.strength, 0.35)
  assert.deepEqual([seen.width, seen.height], [896, 1184])
})

test("replicate: its list of models has a prefix of its own beside OpenAI's", async () => {
  const prefixed = new Replicate({ auth: "any", baseUrl: `${service.url}/replicate/v1` })
  const { results } = await prefixed.models.list()
  assert.deepEqual(
    results.map((m) => `${m.owner}/${m.name}`),
    [model],
  )
  const { body } = await service.call("GET", "/v1/models")
  assert.equal(body.object, "list")
  assert.ok(body.data.some((m: { id: string }) => m.id === "krea-2-medium"))
})

test("replicate: cancel gives `canceled` with one l", async () => {
  await service.call("POST", "/api/queue/pause")
  const made = await client.predictions.create({ model, input: { prompt: "never" } })
  assert.equal((await client.predictions.cancel(made.id)).status, "canceled")
  await service.call("POST", "/api/queue/resume")
})

test("replicate: errors carry detail and status, and lists and models are there", async () => {
  await assert.rejects(client.run("krea/krea-2-large", { input: { prompt: "a fox" } }), /Krea 2 Large/)
  await assert.rejects(client.run(model, { input: { prompt: "a fox", aspect_ratio: "9:1" } }), /422/)
  assert.ok((await client.predictions.list()).results.length > 0)
  assert.equal((await client.models.get("krea", "krea-2-medium")).name, "krea-2-medium")
  assert.match((await client.webhooks.default.secret.get()).key, /^whsec_/)
})

test("replicate: a batch is a list of addresses", async () => {
  const output = (await client.run(model, { input: { prompt: "a fox", num_outputs: 2 } })) as unknown[]
  assert.equal(output.length, 2)
})

interface Told {
  id: string
  status: string
  output: string | null
  completed_at: string | null
}
/** Runs a prediction and gives the messages about it, when `count` of them are there. */
async function toldOf(count: number, filter?: WebhookEventType[]): Promise<Told[]> {
  const got: Told[] = []
  const all = Promise.withResolvers<void>()
  const { url, close } = await webhookReceiver((body) => {
    got.push(JSON.parse(body))
    if (got.length === count) all.resolve()
  })
  const made = await client.predictions.create({
    model,
    input: { prompt: "a fox" },
    webhook: url,
    ...(filter ? { webhook_events_filter: filter } : {}),
  })
  await client.wait(made, { interval: 20 })
  await all.promise
  close()
  // Those that are on their way would be rows of the same table.
  const rows = await service.service.store.db.query<{ job_id: string }>(WEBHOOKS.list, [null, 1000])
  assert.equal(rows.filter((row) => row.job_id === made.id).length, count)
  return got.sort(
    (a, b) => Number(a.output !== null) - Number(b.output !== null) || (a.completed_at ? 1 : -1),
  )
}

test("replicate: a webhook without a filter is told of pictures and end, each as it was then", async () => {
  const [output, end] = await toldOf(2)
  assert.deepEqual([output!.status, output!.completed_at], ["processing", null])
  assert.equal(end!.status, "succeeded")
  assert.equal((await fetch(output!.output!)).status, 200)
  assert.equal(end!.output, output!.output)
})

test("replicate: a webhook with a filter is told of what the filter names, and of nothing else", async () => {
  const [start] = await toldOf(1, ["start"])
  assert.deepEqual([start!.status, start!.output, start!.completed_at], ["processing", null, null])
  assert.equal((await toldOf(1, ["output", "logs"]))[0]!.status, "processing")
  assert.equal((await toldOf(1, ["completed"]))[0]!.status, "succeeded")
})

test("replicate: the webhook passes the client's own check of its signature", async () => {
  const got = Promise.withResolvers<{ body: string; headers: Record<string, string> }>()
  const { url, close } = await webhookReceiver((body, headers) =>
    got.resolve({ body, headers: headers as Record<string, string> }),
  )
  const made = await client.predictions.create({
    model,
    input: { prompt: "a fox" },
    webhook: url,
    webhook_events_filter: ["completed"],
  })
  const { body, headers } = await got.promise
  close()
  const told = JSON.parse(body) as { id: string; status: string }
  assert.deepEqual([told.id, told.status], [made.id, "succeeded"])
  const { key: secret } = await client.webhooks.default.secret.get()
  const signed = {
    id: headers["webhook-id"]!,
    timestamp: headers["webhook-timestamp"]!,
    signature: headers["webhook-signature"]!,
    secret,
  }
  assert.equal(await validateWebhook({ ...signed, body }), true)
  assert.equal(await validateWebhook({ ...signed, body: `${body} ` }), false)
})

test("@ai-sdk/replicate: works because the create call holds", async () => {
  const replicate = createReplicate({ apiToken: "any", baseURL: `${service.url}/v1` })
  const { image } = await generateImage({
    model: replicate.image(model),
    prompt: "a fox",
    aspectRatio: "3:2",
  })
  assert.equal(image.mediaType, "image/png")
})
