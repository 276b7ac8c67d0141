// @comfyorg/sdk, which speaks Krea's own body, with only its base URL changed.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import * as sdk from "@comfyorg/sdk"
import sharp from "sharp"
import { brokenNetwork } from "../support/proxy.ts"
import { gate, startService, type TestService, until } from "../support/service.ts"

let service: TestService
/** Where the runs of a prompt stop before a step, the first of them at the first gate. */
const gates = new Map<string, ReturnType<typeof gate>[]>()
/** The prompts of all steps that were begun. */
const steps: string[] = []
before(async () => {
  const beforeStep = ({ prompt }: { prompt: string }): Promise<void> | undefined => {
    steps.push(prompt)
    return gates.get(prompt)?.shift()?.wait()
  }
  service = await startService({}, { beforeStep })
  sdk.comfy.config({ baseUrl: service.url, credentials: "any" })
})
const made: ReturnType<typeof gate>[] = []
after(() => {
  for (const { open } of made) open() // after a test that failed some are closed yet
  return service.drop()
})

const hold = (prompt: string, runs = 1): ReturnType<typeof gate>[] => {
  const own = Array.from({ length: runs }, gate)
  gates.set(prompt, [...own])
  made.push(...own)
  return own
}
const jobsOf = async (prompt: string): Promise<{ id: string; state: string }[]> =>
  (await service.call("GET", `/api/jobs?search=${prompt}`)).body.items

const path = "/v2/models/krea/krea-2-medium"
const input = { prompt: "a fox", aspect_ratio: "3:2", resolution: "1K" }
const run = (body: object, options: sdk.RunOptions = {}) =>
  sdk.comfy.models.run<Job>("krea/krea-2-medium", body as Record<string, unknown>, options)
interface Job {
  job_id: string
  status: string
  result: { urls: string[] }
}

test("comfy: run holds until the job is completed and gives Krea's job", async () => {
  const { data: job } = await run(input)
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
  const { headers } = await service.call("POST", path, bad)
  assert.equal(headers.get("x-comfy-error-type"), "content_policy_violation")
})

test("comfy: a reference without a strength is refused, with the place", async () => {
  const bad = { ...input, image_style_references: [{ url: "https://example.com/a.png" }] }
  await assert.rejects(run(bad))
  const { status, body, headers } = await service.call("POST", path, bad)
  assert.equal(status, 422)
  assert.deepEqual(body.detail[0].loc, ["body", "image_style_references", 0, "strength"])
  assert.equal(headers.get("x-comfy-error-type"), "invalid_input")
  assert.ok(headers.get("x-comfy-request-id"))
})

test("comfy: a repeated Idempotency-Key gets the stored answer, and another body under it a conflict", async () => {
  const idempotencyKey = "one-and-only"
  const [a, b] = [await run(input, { idempotencyKey }), await run(input, { idempotencyKey })]
  assert.equal(a.data.job_id, b.data.job_id)
  await assert.rejects(run({ ...input, prompt: "b" }, { idempotencyKey }), {
    code: "invalid_input",
    httpStatus: 409,
  })
})

test("comfy: aborting run cancels the job, and the same call again starts it over", async () => {
  const [first] = hold("dropped")
  const controller = new AbortController()
  const body = { ...input, prompt: "dropped" }
  const asked = run(body, { signal: controller.signal, idempotencyKey: "mine" })
  await first!.reached
  controller.abort()
  await assert.rejects(asked, { name: "AbortError" })
  await until(async () => (await jobsOf("dropped"))[0]!.state === "cancelled")
  first!.open()
  const { data } = await run(body, { idempotencyKey: "mine" })
  assert.equal(data.status, "completed")
  assert.deepEqual(
    (await jobsOf("dropped")).map((j) => [j.id, j.state]),
    [[data.job_id, "completed"]],
  )
})

test("comfy: a job that its owner cancelled is not started over by the same call", async () => {
  const [first] = hold("withdrawn")
  const body = { ...input, prompt: "withdrawn" }
  const asked = run(body, { idempotencyKey: "withdrawn" })
  await first!.reached
  const [job] = await jobsOf("withdrawn")
  await service.call("POST", `/api/jobs/${job!.id}/cancel`)
  await assert.rejects(asked, { httpStatus: 409 })
  first!.open()
  await assert.rejects(run(body, { idempotencyKey: "withdrawn" }), { httpStatus: 409 })
  assert.equal((await jobsOf("withdrawn"))[0]!.state, "cancelled")
})

test("comfy: when the network fails, the client's own retry gets the picture of the same job", async () => {
  const [first, second] = hold("interrupted", 2)
  const network = await brokenNetwork(Number(new URL(service.url).port))
  sdk.comfy.config({ baseUrl: `http://127.0.0.1:${network.port}`, credentials: "any" })
  const asked = run({ ...input, prompt: "interrupted" }, { retry: { baseDelayMs: 20 } })
  await first!.reached
  network.cut()
  // The retry's run begins while the first one has not let go yet.
  await second!.reached
  first!.open()
  second!.open()
  const { data } = await asked
  sdk.comfy.config({ baseUrl: service.url, credentials: "any" })
  await network.close()
  assert.equal(data.status, "completed")
  assert.deepEqual(
    (await jobsOf("interrupted")).map((j) => j.id),
    [data.job_id],
  )
})

test("comfy: a job started over while its first run still hangs is cancelled like any other", async () => {
  const [first, second] = hold("twice", 2)
  const body = { ...input, prompt: "twice" }
  const stateOf = async (): Promise<string> => (await jobsOf("twice"))[0]!.state
  const begin = async (at: ReturnType<typeof gate>) => {
    const controller = new AbortController()
    const asked = run(body, { idempotencyKey: "twice", signal: controller.signal })
    await at.reached
    return async () => {
      controller.abort()
      await assert.rejects(asked, { name: "AbortError" })
      await until(async () => (await stateOf()) === "cancelled")
    }
  }
  const drop = await begin(first!)
  await drop()
  const dropAgain = await begin(second!)
  first!.open()
  await run(input)
  await dropAgain()
  second!.open()
  await run(input)
  assert.equal(steps.filter((prompt) => prompt === "twice").length, 2, "steps of both runs")
  assert.equal(await stateOf(), "cancelled")
})

test("comfy: the queue twin answers with states of its own, 409 for a second cancel and 404 for a strange id", async () => {
  const requests = `${path}/requests`
  await service.call("POST", "/api/queue/pause")
  const { status, body } = await service.call("POST", requests, input)
  assert.equal(status, 201)
  assert.equal((await service.call("GET", `${requests}/${body.request_id}/status`)).body.status, "IN_QUEUE")
  assert.equal((await service.call("PUT", `${requests}/${body.request_id}/cancel`)).status, 202)
  assert.equal((await service.call("PUT", `${requests}/${body.request_id}/cancel`)).status, 409)
  await service.call("POST", "/api/queue/resume")
  const over = await service.call("GET", `${requests}/${body.request_id}/status`)
  assert.deepEqual([over.body.status, over.body.error_type], ["COMPLETED", "client_disconnected"])
  for (const [method, end] of [
    ["GET", ""],
    ["GET", "/status"],
    ["PUT", "/cancel"],
  ] as const) {
    const strange = await service.call(method, `${requests}/00000000-0000-4000-8000-000000000000${end}`)
    assert.equal(strange.status, 404)
    assert.equal(strange.headers.get("x-comfy-error-type"), "request_not_found")
    assert.equal(strange.body.error_type, "request_not_found")
  }
})

test("comfy: a board that is not there is a wrong input, with the place", async () => {
  const bad = { ...input, moodboards: [{ id: "00000000-0000-4000-8000-000000000000" }] }
  await assert.rejects(run(bad), { code: "invalid_input", httpStatus: 422 })
})

test("comfy: fields that are not there are refused, a board weighs 0.35 unless given, and 3:4 is 896x1184", async () => {
  await assert.rejects(run({ ...input, steps: 4 }), (e: sdk.ComfyError) => {
    assert.equal(e.httpStatus, 422)
    assert.deepEqual((e.details as { detail: { loc: unknown }[] }).detail[0]!.loc, ["body", "steps"])
    return true
  })
  const picture = await sharp({ create: { width: 20, height: 20, channels: 3, background: "red" } })
    .png()
    .toBuffer()
  const images = [`data:image/png;base64,${picture.toString("base64")}`]
  const { body: board } = await service.call("POST", "/moodboards", { name: "warm", images })
  await run({ ...input, aspect_ratio: "3:4", moodboards: [{ id: board.id }] })
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.board!.strength, 0.35)
  assert.deepEqual([seen.width, seen.height], [896, 1184])
})
