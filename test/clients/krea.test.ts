// Krea's own dialect, spoken as its public scripts speak it (their package is not on the registry).
import assert from "node:assert/strict"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { after, before, test } from "node:test"
import pino from "pino"
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
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const
  const large = await sharp({ create: { width: 40, height: 30, channels: 3, background: "red", noise } })
    .png()
    .toBuffer()
  const long = `data:image/png;base64,${large.toString("base64")}`
  assert.ok(long.length > 1024)
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

test("krea: jobs are listed by type, and a type that no job has lists none", async () => {
  const count = async (query: string) => (await service.call("GET", `/jobs?${query}`)).body.items.length
  const all = await count("limit=1000")
  assert.ok(all > 0)
  assert.equal(await count("limit=1000&types=video"), 0)
  assert.equal(await count("limit=1000&types=krea-2-large,flux"), 0)
  assert.equal(await count("limit=1000&types=video,image"), all)
  assert.equal(await count("limit=1000&types=flux,krea-2-medium"), all)
  assert.equal(await count("status=intermediate-complete"), 0)
})

test("krea: no style is there, to read, to change or to share, and the refusal is Krea's", async () => {
  for (const [method, end] of [
    ["GET", ""],
    ["PATCH", ""],
    ["GET", "/share/link"],
    ["POST", "/share/workspace"],
    ["DELETE", "/share/workspace"],
  ] as const) {
    const { status, body } = await service.call(
      method,
      `/styles/mine${end}`,
      method === "PATCH" ? {} : undefined,
    )
    assert.equal(status, 404, `${method} ${end}`)
    assert.equal(body.error, "There is no style mine.")
    assert.equal(body.message, body.error)
  }
})

test("krea: strengths beyond 0..1 are taken and logged", async (t) => {
  const url = `data:image/png;base64,${(await png()).toString("base64")}`
  const board = await service.call("POST", "/moodboards", { name: "strong", images: [url] })
  const body = (reference: number, mood: number) => ({
    ...input,
    image_style_references: [{ url, strength: reference }],
    moodboards: [{ id: board.body.id, strength: mood }],
  })
  const { log } = service.service
  const lines: { strengths?: number[] }[] = []
  const usual = { level: log.level, stream: Reflect.get(log, pino.symbols.streamSym) }
  Reflect.set(log, pino.symbols.streamSym, { write: (line: string) => lines.push(JSON.parse(line)) })
  log.level = "warn"
  t.after(() => {
    log.level = usual.level
    Reflect.set(log, pino.symbols.streamSym, usual.stream)
  })
  const noted = () => lines.flatMap(({ strengths }) => (strengths ? [strengths] : []))
  assert.equal((await service.call("POST", path, body(1, 0))).status, 200)
  assert.deepEqual(noted(), [])
  const { body: job } = await service.call("POST", path, body(-1.5, 1.2))
  assert.deepEqual(noted(), [[-1.5, 1.2]])
  assert.equal((await poll(job.job_id)).status, "completed")
  assert.equal(service.engine.seen.at(-1)!.references[0]!.weight, -1.5)
})

test("krea: 3:4 is 896x1184", async () => {
  const { body } = await service.call("POST", path, { ...input, aspect_ratio: "3:4" })
  await poll(body.job_id)
  const { width, height } = service.engine.seen.at(-1)!
  assert.deepEqual([width, height], [896, 1184])
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
  for (const [variant, title] of [
    ["large", "Krea 2 Large"],
    ["medium-turbo", "Krea 2 Medium Turbo"],
  ]) {
    const { status, body } = await service.call("POST", `/generate/image/krea/krea-2/${variant}`, input)
    assert.equal(status, 404)
    assert.match(body.error, new RegExp(`No model is installed for ${title} .*Installed: medium\\.`))
  }
})
