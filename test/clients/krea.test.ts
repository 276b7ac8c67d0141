// Krea's own dialect, spoken as its public scripts speak it (their package is not on the registry).
import assert from "node:assert/strict"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { startService, type TestService } from "../support/service.ts"

let service: TestService
before(async () => {
  service = await startService()
})
after(() => service.drop())

const path = "/generate/image/krea/krea-2/medium"
const input = { prompt: "a fox", aspect_ratio: "3:2", resolution: "1K" }
const poll = async (id: string) => {
  for (;;) {
    const { body } = await service.call("GET", `/jobs/${id}`)
    if (["completed", "failed", "cancelled"].includes(body.status)) return body
  }
}
const png = () =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } })
    .png()
    .toBuffer()

test("krea: models are found by scanning the document, without a key", async () => {
  const { body } = await service.call("GET", "/openapi.json")
  const found = Object.keys(body.paths).filter((p) => p.startsWith("/generate/image/"))
  assert.equal(found.length, 3)
  const { properties, required } = body.paths[path].post.requestBody.content["application/json"].schema
  assert.equal(properties.creativity.default, "low")
  assert.deepEqual(required, ["prompt", "aspect_ratio", "resolution"])
})

test("krea: submit, poll, download", async () => {
  const { status, body } = await service.call("POST", path, { ...input, seed: 5 })
  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body), ["job_id", "status", "created_at", "completed_at", "result"])
  assert.equal(body.completed_at, null)
  assert.equal(body.result, null)
  const job = await poll(body.job_id)
  assert.equal(job.status, "completed")
  assert.equal(typeof job.result.urls[0], "string")
  const file = await fetch(job.result.urls[0])
  assert.equal(file.headers.get("content-type"), "image/png")
  assert.equal(service.engine.seen.at(-1)!.creativity, 10)
})

test("krea: the schema is closed, and what it says names the field", async () => {
  for (const [extra, field] of [
    [{ imageStyleRefs: [] }, "imageStyleRefs"],
    [{ aspect_ratio: "5:1" }, "aspect_ratio"],
    [{ resolution: undefined }, "resolution"],
    [{ prompt: "" }, "prompt"],
    [{ moodboards: [{ id: "nice" }] }, "moodboards"],
    [{ image_url: `https://example.com/${"a".repeat(1100)}` }, "image_url"],
  ] as const) {
    const { status, body } = await service.call("POST", path, { ...input, ...extra })
    assert.equal(status, 400)
    assert.equal(typeof body.error, "string")
    assert.equal(body.details[0].path[0], field)
  }
})

test("krea: nested extras are tolerated; data URIs are not held to the length of addresses", async () => {
  const url = `data:image/png;base64,${(await png()).toString("base64")}`
  const long = url.length > 1024 ? url : url + "A".repeat(0)
  const { body } = await service.call("POST", path, {
    ...input,
    image_style_references: [{ url: long, strength: -1.2, note: "mine" }, { url: long }],
    image_url: long,
  })
  assert.equal((await poll(body.job_id)).status, "completed")
  const seen = service.engine.seen.at(-1)!
  assert.deepEqual(
    seen.references.map((r) => r.weight),
    [-1.2, 0.5],
  )
  assert.equal(seen.start!.strength, 0.99)
})

test("krea: an uploaded asset's address is usable at once", async () => {
  const form = new FormData()
  form.set("file", new Blob([new Uint8Array(await png())], { type: "image/png" }), "a.png")
  const asset = (await (await fetch(`${service.url}/assets`, { method: "POST", body: form })).json()) as {
    id: string
    image_url: string
  }
  const { body } = await service.call("POST", path, { ...input, image_url: asset.image_url, strength: 0.3 })
  assert.equal((await poll(body.job_id)).status, "completed")
  const list = await service.call("GET", "/assets?limit=10")
  assert.equal(list.body.items[0].id, asset.id)
  assert.equal(list.body.next_cursor, null)
  assert.equal((await service.call("DELETE", `/assets/${asset.id}`)).body.success, true)
  assert.equal((await service.call("GET", `/assets/${asset.id}`)).status, 404)
})

test("krea: DELETE cancels a pending job, and removes one that is over", async () => {
  await service.call("POST", "/api/queue/pause")
  const { body } = await service.call("POST", path, input)
  assert.equal((await service.call("DELETE", `/jobs/${body.job_id}`)).status, 200)
  assert.equal((await service.call("GET", `/jobs/${body.job_id}`)).body.status, "cancelled")
  assert.equal((await service.call("DELETE", `/jobs/${body.job_id}`)).status, 200)
  assert.equal((await service.call("GET", `/jobs/${body.job_id}`)).status, 404)
  await service.call("POST", "/api/queue/resume")
})

test("krea: jobs are paged by date, none twice and none missed", async () => {
  await Promise.all(Array.from({ length: 7 }, () => service.call("POST", path, input)))
  const seen: string[] = []
  let cursor = ""
  do {
    const { body } = await service.call("GET", `/jobs?limit=2${cursor}`)
    seen.push(...body.items.map((j: { job_id: string }) => j.job_id))
    cursor = body.next_cursor ? `&cursor=${body.next_cursor}` : ""
  } while (cursor)
  const all = await service.call("GET", "/jobs?limit=1000")
  assert.deepEqual(
    seen,
    all.body.items.map((j: { job_id: string }) => j.job_id),
  )
})

test("krea: a moodboard made here is used by its id", async () => {
  const url = `data:image/png;base64,${(await png()).toString("base64")}`
  const board = await service.call("POST", "/moodboards", { name: "warm", images: [url] })
  const { body } = await service.call("POST", path, { ...input, moodboards: [{ id: board.body.id }] })
  assert.equal((await poll(body.job_id)).status, "completed")
  assert.equal(service.engine.seen.at(-1)!.board!.strength, 0.23)
})

test("krea: the webhook header brings the whole job", async () => {
  const got = Promise.withResolvers<{ job_id: string; status: string; result: { urls: string[] } }>()
  const receiver = createServer((request, response) => {
    let text = ""
    request.on("data", (d) => {
      text += d
    })
    request.on("end", () => {
      response.end()
      got.resolve(JSON.parse(text))
    })
  }).listen(0)
  const address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  const { body } = await service.call("POST", path, input, { "x-webhook-url": address })
  const message = await got.promise
  receiver.close()
  assert.equal(message.job_id, body.job_id)
  assert.equal(message.status, "completed")
  assert.equal(message.result.urls.length, 1)
})

test("krea: large and turbo say that no model is installed for them", async () => {
  const { status, body } = await service.call("POST", "/generate/image/krea/krea-2/large", input)
  assert.equal(status, 404)
  assert.match(body.error, /No model is installed for Krea 2 Large/)
})
