// What the server says of itself: the OpenAPI document and the page for people, beside what it does.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { createApp } from "../../src/server/app.ts"
import { startService, type TestService } from "../support/service.ts"

let service: TestService
// biome-ignore lint/suspicious/noExplicitAny: the document is read member by member.
let document: any
before(async () => {
  service = await startService()
  document = (await service.call("GET", "/openapi.json")).body
})
after(() => service.drop())

/** Hono's `:id` and `:v{(?:a|b)}` as the document may spell them. */
const spellings = (path: string): string[] => {
  const [whole, choices] = /:\w+\{\(\?:([^)]+)\)\}/.exec(path) ?? []
  if (whole && choices) return choices.split("|").flatMap((c) => spellings(path.replace(whole, c)))
  return [path.replace(/:(\w+)/g, "{$1}")]
}

/** For machines that watch the process, for other protocols, and addresses that only a client's own code makes. */
const EXCEPTIONS = new Set([
  "GET /healthz",
  "GET /readyz",
  "GET /metrics",
  "GET /openapi.json",
  "GET /docs",
  "ALL /mcp",
  "ALL /fal/proxy",
  "PUT /fal/upload/{key}/{id}",
  // What is not there, told in a dialect's own words.
  "ALL /generate/*",
  "ALL /krea/v2/*",
  "ALL /fal-ai/*",
  "ALL /fal/run/*",
  "ALL /fal/queue/*",
  "ALL /v2/models/*",
])

test("every route of the app is in the document, or is one of the few that are named here", () => {
  const { app } = createApp(service.service, false)
  const served = app.routes
    .filter(({ path }) => path !== "/*")
    .flatMap(({ method, path }) => spellings(path).map((p) => `${method} ${p}`))
  const said = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual([...new Set(served)].filter((r) => !EXCEPTIONS.has(r)).sort(), said.sort())
  for (const exception of EXCEPTIONS) assert.ok(served.includes(exception), exception)
})

test("all dialects have their bodies in the document, and no two operations share an id", () => {
  // biome-ignore lint/suspicious/noExplicitAny: foreign shapes.
  const operations = Object.values(document.paths).flatMap((methods: any) => Object.values(methods)) as any[]
  const withBody = operations.filter((o) => o.requestBody).map((o) => o.tags[0])
  for (const dialect of ["krea", "runware", "openai", "fal", "replicate", "comfy"])
    assert.ok(withBody.includes(dialect), dialect)
  const ids = operations.map((o) => o.operationId)
  assert.deepEqual(
    ids.filter((id, i) => ids.indexOf(id) !== i),
    [],
  )
  const { properties } =
    document.paths["/v1/images/generations"].post.requestBody.content["application/json"].schema
  assert.deepEqual([properties.n.minimum, properties.n.maximum], [1, 10])
})

test("what the server answers is a status that the document names for the route", async () => {
  const png = await sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } })
    .png()
    .toBuffer()
  const form = (): FormData => {
    const made = new FormData()
    made.set("file", new Blob([new Uint8Array(png)]), "a.png")
    made.set("content", new Blob([new Uint8Array(png)]), "a.png")
    return made
  }
  const called = new Set<string>()
  // biome-ignore lint/suspicious/noExplicitAny: answers are read member by member.
  const call = async (method: string, path: string, body?: unknown, ids: string[] = []): Promise<any> => {
    const at = [...ids]
    const address = path.replace(/\{\w+\}/g, () => at.shift()!)
    const payload =
      body instanceof FormData ? { body } : body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(`${service.url}${address}`, { method, ...payload })
    const named = Object.keys(document.paths[path.split("?")[0]!][method.toLowerCase()].responses)
    const text = await response.text()
    assert.ok(
      named.includes(String(response.status)),
      `${method} ${path}: ${response.status} of ${named}: ${text}`,
    )
    called.add(`${method} ${path.split("?")[0]}`)
    return response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text
  }

  const job = await call("POST", "/api/jobs?wait=60", { prompt: "a fox" })
  const picture = job.pictures[0].id as string
  await call("POST", "/api/pictures", { prompt: "a fox" })
  for (const path of ["/api/jobs", "/api/queue", "/api/models", "/api/me", "/api/memory", "/capabilities"])
    await call("GET", path)
  for (const path of ["/api/jobs/{id}", "/api/jobs/{id}/lineage", "/api/jobs/{id}/events"])
    await call("GET", path, undefined, [job.id])
  await call("PATCH", "/api/jobs/{id}", { favourite: true }, [job.id])
  await call("GET", "/api/pictures/{id}", undefined, [picture])
  await call("PATCH", "/api/pictures/{id}", { favourite: true }, [picture])
  await call("GET", "/files/{file}", undefined, [`${picture}.jpg`])
  await call("DELETE", "/api/jobs/{id}", undefined, [job.id])
  await call("POST", "/api/jobs/{id}/restore", undefined, [job.id])
  for (const path of ["/api/queue/pause", "/api/queue/resume", "/api/queue/cancel"]) await call("POST", path)

  const asset = await call("POST", "/api/assets", form())
  await call("GET", "/api/assets")
  await call("GET", "/api/assets/{id}", undefined, [asset.id])
  await call("GET", "/files/assets/{id}", undefined, [asset.id])
  const board = await call("POST", "/api/boards", { name: "b", pictures: [{ image: asset.id }] })
  await call("GET", "/api/boards")
  await call("GET", "/api/boards/{id}", undefined, [board.id])
  await call("PATCH", "/api/boards/{id}", { name: "c" }, [board.id])
  await call("GET", "/api/boards/{id}/export", undefined, [board.id])
  await call("POST", "/api/boards/import", { code: board.code })
  await call("DELETE", "/api/boards/{id}", undefined, [board.id])
  await call("POST", "/api/boards/{id}/restore", undefined, [board.id])
  await call("DELETE", "/api/assets/{id}", undefined, [asset.id])

  const krea = { prompt: "a fox", aspect_ratio: "1:1", resolution: "1K" }
  const { job_id } = await call("POST", "/generate/image/krea/krea-2/medium", krea)
  for (const path of ["/jobs", "/assets", "/styles", "/moodboards"]) await call("GET", path)
  await call("GET", "/jobs/{id}", undefined, [job_id])
  await call("DELETE", "/jobs/{id}", undefined, [job_id])
  const { id } = await call("POST", "/assets", form())
  const { id: moodboard } = await call("POST", "/moodboards", {
    name: "m",
    images: [`${service.url}/files/assets/${id}`],
  })
  await call("GET", "/moodboards/{id}", undefined, [moodboard])
  await call("DELETE", "/moodboards/{id}", undefined, [moodboard])
  await call("GET", "/assets/{id}", undefined, [id])
  await call("DELETE", "/assets/{id}", undefined, [id])

  await call("POST", "/v1", [{ taskType: "ping" }])
  await call("POST", "/v1/images/generations", { prompt: "a fox" })
  await call("GET", "/v1/models")
  await call("GET", "/v1/models/{id}", undefined, ["krea-2-medium"])

  const made = await call("POST", "/v1/predictions", {
    version: "krea/krea-2-medium",
    input: { prompt: "a" },
  })
  await call("GET", "/v1/predictions")
  await call("GET", "/v1/predictions/{id}", undefined, [made.id])
  await call("POST", "/v1/predictions/{id}/cancel", undefined, [made.id])
  await call("POST", "/v1/models/{owner}/{name}/predictions", { input: { prompt: "a" } }, [
    "krea",
    "krea-2-medium",
  ])
  await call("GET", "/v1/models/{owner}/{name}", undefined, ["krea", "krea-2-medium"])
  await call("GET", "/replicate/v1/models")
  await call("POST", "/v1/files", form())
  await call("GET", "/v1/webhooks/default/secret")

  await call("POST", "/fal/run/krea/v2/medium/text-to-image", { prompt: "a fox" })
  const queued = await call("POST", "/krea/v2/medium/text-to-image", { prompt: "a fox" })
  await call("GET", "/krea/v2/requests/{id}/status/stream", undefined, [queued.request_id])
  await call("GET", "/krea/v2/requests/{id}/status", undefined, [queued.request_id])
  await call("GET", "/krea/v2/requests/{id}", undefined, [queued.request_id])
  await call("POST", "/fal/rest/storage/upload/initiate")

  await call("POST", "/v2/models/krea/krea-2-medium", krea)
  await call("POST", "/api/queue/pause")
  const waiting = await call("POST", "/krea/v2/medium/text-to-image", { prompt: "a fox" })
  await call("GET", "/krea/v2/requests/{id}/status", undefined, [waiting.request_id])
  await call("PUT", "/krea/v2/requests/{id}/cancel", undefined, [waiting.request_id])
  const routed = await call("POST", "/v2/models/krea/krea-2-medium/requests", krea)
  await call("GET", "/v2/models/krea/krea-2-medium/requests/{id}/status", undefined, [routed.request_id])
  await call("GET", "/v2/models/krea/krea-2-medium/requests/{id}", undefined, [routed.request_id])
  await call("PUT", "/v2/models/krea/krea-2-medium/requests/{id}/cancel", undefined, [routed.request_id])
  await call("POST", "/api/queue/resume")
  await call("GET", "/v2/models/krea/krea-2-medium/openapi.json")
  assert.ok(called.size > 65, String(called.size))
})

test("the page for people shows every route, and each field with type, range, default and what it is", async () => {
  const { status, headers, body } = await service.call("GET", "/docs")
  assert.equal(status, 200)
  assert.match(headers.get("content-type")!, /text\/html/)
  for (const [path, methods] of Object.entries(document.paths))
    for (const method of Object.keys(methods as object))
      assert.ok(body.includes(`<code>${method.toUpperCase()} ${path}</code>`), `${method} ${path}`)
  const row = (field: string): string[] =>
    [
      ...(body.split(`<tr><td><code>${field}</code></td>`)[1] ?? "")
        .split("</tr>")[0]!
        .matchAll(/<td>(.*?)<\/td>/g),
    ].map(([, text]) => text!)
  assert.deepEqual(row("creativity"), [
    "number",
    "0 to 100",
    "50",
    "How freely the prompt is interpreted: raw 0, low 10, medium 50, high 100",
  ])
  assert.deepEqual(row("references[].weight").slice(0, 3), ["number", "-2 to 2", "0.6"])
  assert.equal(row("?wait")[1], "0 to 600")
  assert.equal(row("steps")[0], "integer or null")
  assert.doesNotMatch(body, /<script/)
})
