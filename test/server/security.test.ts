// R14, who may do what: keys, tenancy by the route table, and this machine only. Addresses inside: ssrf.test.ts.
import assert from "node:assert/strict"
import { once } from "node:events"
import { text } from "node:stream/consumers"
import { after, before, test } from "node:test"
import sharp from "sharp"
import WebSocket from "ws"
import type { AtelierError } from "../../src/request/index.ts"
import { AtelierClient } from "../../src/sdk/index.ts"
import { keysAdd, keysList, keysRevoke, serve } from "../../src/server/index.ts"
import { testEngine } from "../support/engine.ts"
import { figure } from "../support/figures.ts"
import { startService, type TestService, until } from "../support/service.ts"

let service: TestService
let mine: string
let other: string
const as = (key: string) => ({ authorization: `Bearer ${key}` })
before(async () => {
  service = await startService({ requireKey: true, allowPrivateNetwork: false, heartbeatSeconds: 0.1 })
  mine = (await keysAdd({ directory: service.directory }, "mine")).secret
  other = (await keysAdd({ directory: service.directory }, "other")).secret
})
after(() => service.drop())

/** Open by design: files, whose unguessable address is the permission, and the sign-in, which takes the key. */
const OPEN = /^\/(files\/|api\/session)/
/** What must be tried with another key's ids: placeholder by path prefix. */
const own: Record<string, string> = {}
const png = () =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } })
    .png()
    .toBuffer()

test("every route of the document refuses no key, a wrong key and a revoked key before it looks at anything", async (t) => {
  const revoked = await keysAdd({ directory: service.directory }, "revoked")
  await keysRevoke({ directory: service.directory }, revoked.id)
  const { body } = await service.call("GET", "/openapi.json")
  let tried = 0
  for (const [path, methods] of Object.entries(body.paths as Record<string, object>)) {
    if (OPEN.test(path)) continue
    for (const method of Object.keys(methods)) {
      const address = path.replace(/\{\w+\}/g, "11111111-1111-4111-8111-111111111111")
      for (const headers of [{}, as("atl_wrong"), as(revoked.secret), { authorization: "nonsense" }]) {
        const answer = await service.call(
          method.toUpperCase(),
          address,
          method === "get" ? undefined : "{",
          headers,
        )
        assert.equal(answer.status, 401, `${method} ${path} ${JSON.stringify(headers)}`)
        tried++
      }
    }
  }
  figure(t, "R14-no-wrong-revoked-key", { n: tried, answered_otherwise: 0 })
  assert.ok(tried > 100)
})

test("dialect routes that the document does not list refuse them too", async () => {
  const id = "11111111-1111-4111-8111-111111111111"
  const routes = [
    ["POST", "/v1"],
    ["POST", "/v1/images/generations"],
    ["POST", "/v1/images/edits"],
    ["GET", "/v1/models"],
    ["GET", "/v1/models/x"],
    ["POST", "/v1/predictions"],
    ["GET", `/v1/predictions/${id}`],
    ["POST", "/v1/files"],
    ["POST", "/v1/models/krea/krea-2-medium/predictions"],
    ["GET", "/v1/webhooks/default/secret"],
    ["POST", "/krea/v2/medium/text-to-image"],
    ["POST", "/fal/run/krea/v2/medium/text-to-image"],
    ["GET", `/krea/v2/requests/${id}`],
    ["PUT", `/krea/v2/requests/${id}/cancel`],
    ["POST", "/fal/rest/storage/upload/initiate"],
    ["POST", "/v2/models/krea/krea-2-medium"],
    ["GET", `/v2/models/krea/krea-2-medium/requests/${id}`],
    ["POST", "/mcp"],
    ["GET", "/metrics"],
  ] as const
  for (const [method, path] of routes) {
    for (const headers of [{}, as("atl_wrong")] as Record<string, string>[]) {
      const { status } = await service.call(method, path, method === "GET" ? undefined : "{", headers)
      assert.equal(status, 401, `${method} ${path}`)
    }
  }
})

test("another key's jobs, pictures, assets and boards do not exist for this one", async (t) => {
  const job = (await service.call("POST", "/api/jobs?wait=60", { prompt: "private" }, as(mine))).body
  const asset = (await service.call("POST", "/api/assets", undefined, as(mine))).status
  assert.equal(asset, 400)
  const bytes = await png()
  const uploaded = (await (
    await fetch(`${service.url}/api/assets`, {
      method: "POST",
      headers: as(mine),
      body: new Uint8Array(bytes),
    })
  ).json()) as { id: string }
  const board = (
    await service.call("POST", "/api/boards", { name: "b", pictures: [{ image: uploaded.id }] }, as(mine))
  ).body
  Object.assign(own, { jobs: job.id, pictures: job.pictures[0].id, assets: uploaded.id, boards: board.id })
  const { body } = await service.call("GET", "/openapi.json")
  let tried = 0
  for (const [path, methods] of Object.entries(body.paths as Record<string, object>)) {
    const kind = /^\/(?:api\/)?(jobs|pictures|assets|boards|moodboards)\/\{/.exec(path)?.[1]
    if (!kind) continue
    const address = path.replace(/\{\w+\}/, own[kind === "moodboards" ? "boards" : kind]!)
    for (const method of Object.keys(methods)) {
      const input = path.endsWith("/move") ? { to: "front" } : {}
      const answer = await service.call(
        method.toUpperCase(),
        address,
        method === "get" || method === "delete" ? undefined : input,
        as(other),
      )
      assert.equal(answer.status, 404, `${method} ${path}: ${answer.status}`)
      tried++
    }
  }
  figure(t, "R14-anothers-key", { n: tried, leaks: 0 })
  assert.ok(tried >= 20, String(tried))
  for (const list of ["/api/jobs", "/api/boards", "/api/assets", "/jobs", "/v1/predictions"]) {
    const { body: page } = await service.call("GET", list, undefined, as(other))
    assert.deepEqual(page.items ?? page.results, [], list)
  }
  const steal = await service.call(
    "POST",
    "/api/jobs",
    { prompt: "x", start: { image: own.pictures } },
    as(other),
  )
  assert.equal(steal.body.error.code, "image_invalid")
})

test("a key pauses its own jobs alone: another's go on, cannot resume them and are not told", async () => {
  /** Kinds of the key's events of the queue, up to the end of a job. */
  const told = async (key: string, job: string) => {
    const kinds: string[] = []
    for await (const event of new AtelierClient({ baseUrl: service.url, key }).events({ after: "0-0" })) {
      if (event.kind.startsWith("queue-")) kinds.push(event.kind)
      if (event.job === job && event.kind === "job-completed") break
    }
    return kinds
  }
  assert.equal((await service.call("POST", "/api/queue/pause", undefined, as(other))).body.paused, true)
  const waits = (await service.call("POST", "/api/jobs", { prompt: "waits" }, as(other))).body
  const goes = () => service.call("POST", "/api/jobs?wait=60", { prompt: "goes on" }, as(mine))
  assert.equal((await goes()).body.state, "completed")
  assert.equal((await service.call("POST", "/api/queue/resume", undefined, as(mine))).body.paused, false)
  await service.restart()
  const after = (await goes()).body
  assert.equal(after.state, "completed")
  const queue = (await service.call("GET", "/api/queue", undefined, as(other))).body
  assert.equal(queue.paused, true)
  assert.deepEqual(
    queue.waiting.map((w: { job: { id: string } }) => w.job.id),
    [waits.id],
  )
  await service.call("POST", "/api/queue/resume", undefined, as(other))
  const done = await service.call("GET", `/api/jobs/${waits.id}?wait=60`, undefined, as(other))
  assert.equal(done.body.state, "completed")
  assert.deepEqual(await told(mine, after.id), ["queue-resumed"])
  assert.deepEqual(await told(other, waits.id), ["queue-paused", "queue-resumed"])
})

test("a revoked key stops working within seconds; keys are never stored readable", async () => {
  const key = await keysAdd({ directory: service.directory }, "short")
  assert.equal((await service.call("GET", "/api/me", undefined, as(key.secret))).status, 200)
  assert.equal(await keysRevoke({ directory: service.directory }, "short"), true)
  await until(async () => (await service.call("GET", "/api/me", undefined, as(key.secret))).status === 401)
  const dump = JSON.stringify(await service.service.store.db.query("select * from keys"))
  assert.ok(!dump.includes(key.secret))
  assert.ok((await keysList({ directory: service.directory })).some((k) => k.name === "short" && k.revokedAt))
})

test("a revoked key's open socket and event stream end too", async () => {
  const { secret, id } = await keysAdd({ directory: service.directory }, "open")
  const stream = await fetch(`${service.url}/api/events`, { headers: as(secret) })
  const streamEnds = text(stream.body as ReadableStream)
  const socket = new WebSocket(`${service.url.replace("http", "ws")}/v1`)
  const frames: { data?: { taskType: string }[]; errors?: { code: string }[] }[] = []
  socket.on("message", (data) => frames.push(JSON.parse(String(data))))
  await once(socket, "open")
  socket.send(JSON.stringify([{ taskType: "authentication", apiKey: secret }, { taskType: "ping" }]))
  await until(() => frames.length === 2)
  assert.equal(frames[1]!.data![0]!.taskType, "ping")
  await keysRevoke({ directory: service.directory }, id)
  await until(() => {
    socket.send(JSON.stringify([{ taskType: "ping" }]))
    return frames.at(-1)?.errors?.[0]?.code === "invalidApiKey"
  })
  socket.close()
  assert.match(await streamEnds, /event: hello/)
  assert.equal((await fetch(`${service.url}/api/events`, { headers: as(secret) })).status, 401)
})

test("a key over its rate gets 429 with Retry-After", async () => {
  const { secret } = await keysAdd({ directory: service.directory }, "slow", { rate: 3 })
  const statuses: number[] = []
  let wait: string | null = null
  for (let i = 0; i < 5; i++) {
    const answer = await service.call("POST", "/api/jobs", { prompt: "x" }, as(secret))
    statuses.push(answer.status)
    wait = answer.headers.get("retry-after") ?? wait
  }
  assert.deepEqual(statuses, [201, 201, 201, 429, 429])
  assert.ok(Number(wait) >= 1)
})

test("a wide address without a key is refused, and a second server on the folder too", async () => {
  await assert.rejects(
    serve({ directory: service.directory, port: 0, logLevel: "silent" }, testEngine()),
    (e: AtelierError) => e.code === "conflict",
  )
  const alone = await startService()
  await alone.close()
  await assert.rejects(
    serve({ directory: alone.directory, host: "0.0.0.0", port: 0, logLevel: "silent" }, testEngine()),
    (e: AtelierError) => e.code === "forbidden" && /atelier keys add/.test(e.message),
  )
})

test("without keys, other sites' pages and rebound names are refused", async () => {
  const open = await startService()
  const { port } = new URL(open.url)
  const ask = (headers: Record<string, string>) => open.call("POST", "/api/jobs", { prompt: "x" }, headers)
  assert.equal((await ask({ origin: "https://evil.example" })).status, 403)
  assert.equal((await ask({ origin: "null" })).status, 403)
  assert.equal((await ask({ origin: `http://localhost:${port}` })).status, 201)
  const { request } = await import("node:http")
  const status = await new Promise<number>((resolve) => {
    request({ port, host: "127.0.0.1", path: "/api/me", headers: { host: "evil.example" } }, (r) =>
      resolve(r.statusCode!),
    ).end()
  })
  assert.equal(status, 403)
  await open.drop()
})
