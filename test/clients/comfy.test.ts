// @comfyorg/sdk, which speaks Krea's own body, with only its base URL changed.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import * as sdk from "@comfyorg/sdk"
import sharp from "sharp"
import { startService, type TestService } from "../support/service.ts"

let service: TestService
before(async () => {
  service = await startService()
  sdk.comfy.config({ baseUrl: service.url, credentials: "any" })
})
after(() => service.drop())

const input = { prompt: "a fox", aspect_ratio: "3:2", resolution: "1K" }
const run = (body: object, model = "krea/krea-2-medium") =>
  sdk.comfy.models.run(model as never, body as never) as unknown as Promise<{ data?: Job } & Job>
interface Job {
  job_id: string
  status: string
  result: { urls: string[] }
}

test("comfy: run holds until the job is completed and gives Krea's job", async () => {
  const answer = await run(input)
  const job = answer.data ?? answer
  assert.equal(job.status, "completed")
  assert.equal((await fetch(job.result.urls[0]!)).status, 200)
  // The older copy of the schema: medium, not low.
  assert.equal(service.engine.seen.at(-1)!.creativity, 50)
})

test("comfy: references carry their weights, negative ones too, and a start image its strength", async () => {
  const bytes = await sharp({ create: { width: 20, height: 20, channels: 3, background: "red" } })
    .png()
    .toBuffer()
  const url = `data:image/png;base64,${bytes.toString("base64")}`
  await run({ ...input, image_style_references: [{ url, strength: -1.5 }], image_url: url, strength: 0.3 })
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.references[0]!.weight, -1.5)
  assert.equal(seen.start!.strength, 0.3)
})

test("comfy: what the filter refuses is a content_policy_violation", async () => {
  const bad = { ...input, prompt: "a naked child" }
  await assert.rejects(run(bad))
  const { headers } = await service.call("POST", "/v2/models/krea/krea-2-medium", bad)
  assert.equal(headers.get("x-comfy-error-type"), "content_policy_violation")
})

test("comfy: a reference without a strength is refused, with the place", async () => {
  const bad = { ...input, image_style_references: [{ url: "https://example.com/a.png" }] }
  await assert.rejects(run(bad))
  const { status, body, headers } = await service.call("POST", "/v2/models/krea/krea-2-medium", bad)
  assert.equal(status, 422)
  assert.deepEqual(body.detail[0].loc, ["body", "image_style_references", 0, "strength"])
  assert.equal(headers.get("x-comfy-error-type"), "invalid_input")
  assert.ok(headers.get("x-comfy-request-id"))
})

test("comfy: a repeated Idempotency-Key gets the stored answer", async () => {
  const headers = { "idempotency-key": "one-and-only" }
  const path = "/v2/models/krea/krea-2-medium"
  const [a, b] = [
    await service.call("POST", path, input, headers),
    await service.call("POST", path, input, headers),
  ]
  assert.equal(a.body.job_id, b.body.job_id)
  assert.equal((await service.call("POST", path, { ...input, prompt: "b" }, headers)).status, 409)
})

test("comfy: the queue twin answers with states of its own and 409 for a second cancel", async () => {
  const path = "/v2/models/krea/krea-2-medium/requests"
  await service.call("POST", "/api/queue/pause")
  const { status, body } = await service.call("POST", path, input)
  assert.equal(status, 201)
  assert.equal((await service.call("GET", `${path}/${body.request_id}/status`)).body.status, "IN_QUEUE")
  assert.equal((await service.call("PUT", `${path}/${body.request_id}/cancel`)).status, 202)
  assert.equal((await service.call("PUT", `${path}/${body.request_id}/cancel`)).status, 409)
  await service.call("POST", "/api/queue/resume")
})
