// Krea's, fal's, Replicate's and Comfy's clients at a server as an operator runs it: a public address, strict strengths,
// a short backlog and a rate.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import * as comfy from "@comfyorg/sdk"
import { createFalClient } from "@fal-ai/client"
import Replicate, { type FileOutput } from "replicate"
import sharp from "sharp"
import { startService, type TestService, until } from "../support/service.ts"

const publicUrl = "https://pictures.example/atelier"
const RATE = 80
let service: TestService
before(async () => {
  const localLimits = { concurrency: 1, backlog: 1, rate: RATE }
  service = await startService({ publicUrl, strictStrengths: true, localLimits })
  comfy.comfy.config({ baseUrl: service.url, credentials: "any" })
})
after(() => service.drop())

const PATHS = {
  krea: "/generate/image/krea/krea-2/medium",
  fal: "/fal/queue/krea/v2/medium/text-to-image",
  replicate: "/v1/models/krea/krea-2-medium/predictions",
  comfy: "/v2/models/krea/krea-2-medium",
}
const input = { prompt: "a fox", aspect_ratio: "3:2", resolution: "1K" }

test("publicUrl: Krea's results begin with it, and the files are there under the same path", async () => {
  const { body } = await service.call("POST", PATHS.krea, input)
  await until(async () => (await service.call("GET", `/jobs/${body.job_id}`)).body.status === "completed")
  const [url] = (await service.call("GET", `/jobs/${body.job_id}`)).body.result.urls
  assert.ok(url.startsWith(`${publicUrl}/files/`), url)
  assert.equal((await service.call("GET", url.replace(publicUrl, ""))).status, 200)
})

test("publicUrl: an upload's address is known for ours again, with the picture that it is", async () => {
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
    .png()
    .toBuffer()
  const form = new FormData()
  form.set("file", new File([new Uint8Array(png)], "a.png"))
  const upload = (await (await fetch(`${service.url}/assets`, { method: "POST", body: form })).json()) as {
    image_url: string
  }
  assert.ok(upload.image_url.startsWith(`${publicUrl}/files/assets/`))
  const asked = { ...input, image_url: upload.image_url, strength: 0.5 }
  const { status, body } = await service.call("POST", PATHS.krea, asked)
  assert.equal(status, 200, JSON.stringify(body))
  await until(async () => (await service.call("GET", `/jobs/${body.job_id}`)).body.status === "completed")
})

test("publicUrl: the addresses that fal's client is sent on to begin with it, too", async () => {
  const fal = createFalClient({
    credentials: "any",
    requestMiddleware: async (request) => ({
      ...request,
      url: request.url.replace(/^https:\/\/fal\.run/, `${service.url}/fal/run`),
    }),
  })
  const { data } = await fal.run("krea/v2/medium/text-to-image" as string, { input: { prompt: "a fox" } })
  const [image] = (data as { images: { url: string }[] }).images
  assert.ok(image!.url.startsWith(`${publicUrl}/files/`), image!.url)
})

test("publicUrl: Replicate's client makes a file of an https address, and reads its bytes", async () => {
  const client = new Replicate({
    auth: "any",
    baseUrl: `${service.url}/v1`,
    fetch: (address: string | URL | Request, init?: RequestInit) =>
      fetch(String(address).replace(publicUrl, service.url), init),
  })
  const output = (await client.run("krea/krea-2-medium", { input: { prompt: "a fox" } })) as FileOutput
  assert.ok(output.url().href.startsWith(`${publicUrl}/files/`))
  const blob = await output.blob()
  assert.equal(blob.type, "image/png")
  assert.deepEqual([...new Uint8Array(await blob.arrayBuffer())].slice(1, 4), [...Buffer.from("PNG")])
})

test("strictStrengths: Krea's dialect refuses strengths outside 0..1, with the place", async () => {
  const id = "00000000-0000-4000-8000-000000000000"
  for (const [bad, field] of [
    [
      { image_style_references: [{ url: "https://example.com/a.png", strength: -0.1 }] },
      "image_style_references",
    ],
    [{ moodboards: [{ id, strength: 1.1 }] }, "moodboards"],
  ] as const) {
    const { status, body } = await service.call("POST", PATHS.krea, { ...input, ...bad })
    assert.equal(status, 400)
    assert.deepEqual(body.details[0].path, [field, 0, "strength"])
  }
})

test("a full backlog is a 429 in each dialect's shape, with the time after which to come again", async () => {
  await service.call("POST", "/api/queue/pause")
  for (const _ of [1, 2]) assert.equal((await service.call("POST", PATHS.krea, input)).status, 200)
  const bodies = { krea: input, comfy: input, fal: input, replicate: { input } }
  for (const [dialect, body] of Object.entries(bodies)) {
    const answer = await service.call("POST", PATHS[dialect as keyof typeof PATHS], body)
    assert.equal(answer.status, 429, dialect)
    assert.ok(Number(answer.headers.get("retry-after")) >= 1, dialect)
    const told = dialect === "krea" ? answer.body.error : answer.body.detail
    assert.match(told, /as many unfinished jobs as it may/, dialect)
    if (dialect === "replicate") assert.equal(answer.body.status, 429)
  }
  const refused = { code: "concurrency_limit_exceeded", httpStatus: 429 }
  await assert.rejects(comfy.comfy.models.run("krea/krea-2-medium", input), refused)
})

test("a spent rate has another word than a full backlog for Comfy's client", async () => {
  const refusal = async (): Promise<comfy.ComfyError> =>
    comfy.comfy.models.run("krea/krea-2-medium", input).then(
      () => assert.fail("The backlog is full."),
      (thrown: comfy.ComfyError) => thrown,
    )
  let error = await refusal()
  for (let i = 0; i <= 2 * RATE && error.code === "concurrency_limit_exceeded"; i++) error = await refusal()
  assert.equal(error.code, "rate_limited")
  assert.equal(error.httpStatus, 429)
})
