// R14, who may do what: keys, tenancy by the route table, and this machine only. Addresses inside: ssrf.test.ts.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { request } from "node:http"
import { text } from "node:stream/consumers"
import { after, before, test } from "node:test"
import sharp from "sharp"
import WebSocket from "ws"
import type { AtelierError } from "../../src/request/index.ts"
import { AtelierClient } from "../../src/sdk/index.ts"
import { createApp } from "../../src/server/app.ts"
import { keysAdd, keysList, keysRevoke, serve } from "../../src/server/index.ts"
import { testEngine } from "../support/engine.ts"
import { figure } from "../support/figures.ts"
import { gate, startService, type TestService, until } from "../support/service.ts"

let service: TestService
let mine: string
let other: string
const held = gate()
const as = (key: string) => ({ authorization: `Bearer ${key}` })
before(async () => {
  service = await startService(
    { requireKey: true, allowPrivateNetwork: false, heartbeatSeconds: 0.1 },
    { beforeStep: (r) => (r.prompt.startsWith("held") ? held.wait() : undefined) },
  )
  mine = (await keysAdd({ directory: service.directory }, "mine")).secret
  other = (await keysAdd({ directory: service.directory }, "other")).secret
})
after(() => service.drop())

const png = () =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } })
    .png()
    .toBuffer()

/** The app's own routes, so that none is forgotten here; middleware stands for every path. */
const routes = () =>
  createApp(service.service, true)
    .app.routes.filter(({ path }) => path !== "/*")
    .flatMap(({ method, path }) =>
      (method === "ALL" ? ["GET", "POST"] : [method]).map((m) => [m, path] as const),
    )
const NOBODYS = "11111111-1111-4111-8111-111111111111"
/** An address of a route: the first of named choices, and an id for everything else. */
const addressOf = (path: string, id: string): string =>
  path.replace(/:\w+\{\(\?:([^|)]+)[^}]*\}/g, "$1").replace(/:\w+/g, id)

/** Open by design: health, documents, files and uploads, whose address is the permission, and the sign-in, which takes a key. */
const OPEN = [
  "GET /healthz",
  "GET /readyz",
  "GET /openapi.json",
  "GET /docs",
  "GET /files/:file",
  "GET /files/assets/:id",
  "GET /files/previews/:job/:place",
  "PUT /fal/upload/:key/:id",
  "POST /api/session",
  "DELETE /api/session",
]

/** The status of a request that announces a body over the limit and sends none of it. */
async function announce(method: string, path: string): Promise<number> {
  const { port } = new URL(service.url)
  const asked = request({ port, host: "127.0.0.1", method, path, headers: { "content-length": 200_000_000 } })
  asked.on("error", () => {}) // the server need not wait for the body
  asked.flushHeaders()
  const [response] = await once(asked, "response")
  asked.destroy()
  return response.statusCode
}

test("every route refuses no key, a wrong key and a revoked key before it looks at anything", async (t) => {
  const revoked = await keysAdd({ directory: service.directory }, "revoked")
  await keysRevoke({ directory: service.directory }, revoked.id)
  const all = routes()
  const isOpen = ([method, path]: readonly [string, string]) => OPEN.includes(`${method} ${path}`)
  assert.equal(all.filter(isOpen).length, OPEN.length, "an open route is gone")
  let tried = 0
  for (const [method, path] of all.filter((r) => !isOpen(r))) {
    const address = addressOf(path, NOBODYS)
    const body = method === "GET" ? undefined : "{"
    const bad = [{}, as("atl_wrong"), as(revoked.secret), { authorization: "nonsense" }]
    const answers = bad.map(async (headers) => (await service.call(method, address, body, headers)).status)
    if (body) answers.push(announce(method, address))
    for (const [i, status] of (await Promise.all(answers)).entries()) {
      assert.equal(status, 401, `${method} ${path}, try ${i}`)
      tried++
    }
  }
  // A key may come in two more ways.
  for (const secret of ["atl_wrong", revoked.secret]) {
    const cookie = await service.call("GET", "/api/me", undefined, { cookie: `atelier_key=${secret}` })
    const inBody = [{ taskType: "authentication", apiKey: secret }, { taskType: "ping" }]
    assert.deepEqual([cookie.status, (await service.call("POST", "/v1", inBody)).status], [401, 401])
    tried += 2
  }
  figure(t, "R14-no-wrong-revoked-key", { n: tried, answered_otherwise: 0 })
  assert.ok(tried > 400, String(tried))
})

/** Whose object the id of a route names, by the beginning of its path; null where it is nobody's. */
const OBJECTS: [RegExp, string | null][] = [
  [/^\/api\/jobs\//, "job"],
  [/^\/api\/pictures\//, "picture"],
  [/^\/(api\/)?assets\//, "asset"],
  [/^\/(api\/boards|moodboards)\//, "board"],
  [/^\/jobs\//, "krea"],
  [/^\/v1\/predictions\//, "prediction"],
  [/^(\/fal\/queue)?\/(fal-ai\/)?krea(\/v2)?\/requests\//, "fal"],
  [/^\/v2\/models\/krea\/:model\{[^}]*\}\/requests\//, "comfy"],
  [/^\/styles\//, null],
  [/^\/v1\/models\//, null],
  [/^\/generate\/|\/text-to-image$|^\/v2\/models\/krea\/:model\{[^}]*\}(\/requests|\/openapi.json)?$/, null],
]

/** One object of each kind, of a key that has paused, so that its jobs wait; by the door of its dialect. */
async function objectsOf(key: string): Promise<Record<string, string>> {
  const ask = async (method: string, path: string, body?: unknown) =>
    (await service.call(method, path, body, as(key))).body
  const done = await ask("POST", "/api/jobs?wait=60", { prompt: "private" })
  const body = new Uint8Array(await png())
  const upload = await fetch(`${service.url}/api/assets`, { method: "POST", headers: as(key), body })
  const asset = ((await upload.json()) as { id: string }).id
  const board = await ask("POST", "/api/boards", { name: "b", pictures: [{ image: asset }] })
  await ask("POST", "/api/queue/pause")
  const prompt = "private too"
  const shape = { prompt, aspect_ratio: "1:1", resolution: "1K" }
  const task = randomUUID()
  const inference = {
    taskType: "imageInference",
    taskUUID: task,
    positivePrompt: prompt,
    deliveryMethod: "async",
  }
  await ask("POST", "/v1", [{ ...inference, model: "krea:krea@2-medium" }])
  return {
    picture: done.pictures[0].id,
    asset,
    board: board.id,
    task,
    job: (await ask("POST", "/api/jobs", { prompt })).id,
    krea: (await ask("POST", "/generate/image/krea/krea-2/medium", shape)).job_id,
    prediction: (await ask("POST", "/v1/models/krea/krea-2-medium/predictions", { input: { prompt } })).id,
    fal: (await ask("POST", "/fal/queue/krea/v2/medium/text-to-image", { prompt })).request_id,
    comfy: (await ask("POST", "/v2/models/krea/krea-2-medium/requests", shape)).request_id,
  }
}

test("another key's objects do not exist for this one, in any dialect", async (t) => {
  const owner = (await keysAdd({ directory: service.directory }, "owner")).secret
  const stranger = (await keysAdd({ directory: service.directory }, "stranger")).secret
  const own = await objectsOf(owner)
  const unfinished = (await service.call("GET", "/api/queue", undefined, as(owner))).body
  assert.equal(unfinished.waiting.length, 6)
  let tried = 0
  for (const [method, path] of routes()) {
    if (!path.includes(":") || OPEN.includes(`${method} ${path}`)) continue
    const known = OBJECTS.find(([pattern]) => pattern.test(path))
    assert.ok(known, `say in OBJECTS whose object ${path} is about`)
    if (known[1] === null) continue
    const id = own[known[1]]!
    const body = /GET|DELETE/.test(method) ? undefined : path.endsWith("/move") ? { to: "front" } : {}
    const ask = async (key: string, about: string) => {
      const { status, body: told } = await service.call(method, addressOf(path, about), body, as(key))
      return { status, told: JSON.stringify(told).replaceAll(about, "") }
    }
    const answer = await ask(stranger, id)
    assert.equal(answer.status, 404, `${method} ${path}: ${answer.status}`)
    assert.deepEqual(answer, await ask(stranger, NOBODYS), `${method} ${path} knows it`)
    // That it was asked for rightly: its owner finds it. A stream of what waits would not end.
    if (method === "GET" && !path.endsWith("/stream"))
      assert.notEqual((await ask(owner, id)).status, 404, `${method} ${path} of its owner`)
    tried++
  }
  for (const taskType of ["getResponse", "getTaskDetails"]) {
    const ask = (key: string) => service.call("POST", "/v1", [{ taskType, taskUUID: own.task }], as(key))
    const { status, body } = await ask(stranger)
    assert.deepEqual([status, body.errors[0].code], [404, "taskFailedOrNotFound"], taskType)
    assert.equal((await ask(owner)).status, 200, taskType)
    tried++
  }
  figure(t, "R14-anothers-key", { n: tried, leaks: 0 })
  assert.ok(tried >= 50, String(tried))
  const lists = [
    "/api/jobs",
    "/api/boards",
    "/api/assets",
    "/jobs",
    "/assets",
    "/moodboards",
    "/v1/predictions",
  ]
  for (const list of lists) {
    const { body: page } = await service.call("GET", list, undefined, as(stranger))
    assert.deepEqual(page.items ?? page.results, [], list)
  }
  for (const [theft, code] of [
    [{ start: { image: own.picture } }, "image_invalid"],
    [{ references: [{ image: own.asset }] }, "image_invalid"],
    [{ board: { id: own.board } }, "not_found"],
    [{ parent: own.picture }, "not_found"],
  ] as const) {
    const { body } = await service.call("POST", "/api/jobs", { prompt: "x", ...theft }, as(stranger))
    assert.equal(body.error?.code, code, JSON.stringify(theft))
  }
  await service.call("POST", "/api/queue/cancel", undefined, as(stranger))
  assert.deepEqual((await service.call("GET", "/api/queue", undefined, as(owner))).body, unfinished)
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

test("a revoked key's streams of fal and OpenAI end too, OpenAI's with the error of the key, and the jobs go on", async () => {
  const { secret, id } = await keysAdd({ directory: service.directory }, "streams")
  const ask = async (path: string, body?: object) => {
    const options = body ? { method: "POST", body: JSON.stringify(body) } : {}
    const response = await fetch(`${service.url}${path}`, { ...options, headers: as(secret) })
    assert.equal(response.status, 200)
    return response
  }
  const queued = await (
    await ask("/fal/queue/krea/v2/medium/text-to-image", { prompt: "held by fal" })
  ).json()
  const status = `/fal/queue/krea/v2/requests/${(queued as { request_id: string }).request_id}/status/stream`
  const shape = { prompt: "held by OpenAI", stream: true, partial_images: 0 }
  const streams = [await ask(status), await ask("/v1/images/generations", shape)]
  const ends = Promise.all(streams.map((stream) => text(stream.body as ReadableStream)))
  await held.reached
  await keysRevoke({ directory: service.directory }, id)
  const [fal, openai] = await ends
  assert.match(fal!, /"status":"IN_(QUEUE|PROGRESS)"/)
  assert.doesNotMatch(fal!, /COMPLETED/)
  const [, told] = /^event: error\ndata: (.*)$/m.exec(openai!) ?? []
  const { type, error } = JSON.parse(told!)
  assert.deepEqual([type, error.type, error.code], ["error", "invalid_request_error", "invalid_api_key"])
  held.open()
  const { jobs } = service.service
  const states = async () => (await jobs.list(id, {})).jobs.map((j) => j.state)
  await until(async () => (await states()).every((state) => state === "completed"))
  assert.equal((await states()).length, 2)
})

test("an upload address is good after a restart, and no longer than its key", async () => {
  const { secret, id } = await keysAdd({ directory: service.directory }, "uploads")
  const initiate = "/fal/rest/storage/upload/initiate"
  const address = async () => (await service.call("POST", initiate, {}, as(secret))).body.upload_url as string
  const body = new Uint8Array(await png())
  const put = async (url: string) => (await fetch(url, { method: "PUT", body })).status
  const [first, second] = [await address(), await address()]
  assert.equal(await put(first.replace(/signature=./, "signature=x")), 403)
  await service.restart()
  assert.equal(await put(first), 200)
  await keysRevoke({ directory: service.directory }, id)
  assert.equal(await put(second), 403)
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

test("a wide address without a key is refused, and so are a second server on the folder, a taken port and an address elsewhere", async () => {
  await assert.rejects(
    serve({ directory: service.directory, port: 0, logLevel: "silent" }, testEngine()),
    (e: AtelierError) => e.code === "conflict",
  )
  const alone = await startService()
  await alone.close()
  const at = (host: string, port = 0) =>
    serve({ directory: alone.directory, host, port, logLevel: "silent" }, testEngine())
  await assert.rejects(at("0.0.0.0"), { code: "forbidden", message: /atelier keys add/ })
  const taken = Number(new URL(service.url).port)
  const stop = `Port ${taken} of 127.0.0.1 is taken; stop what listens there, or give another with --port.`
  await assert.rejects(at("127.0.0.1", taken), { code: "conflict", message: stop })
  await keysAdd({ directory: alone.directory }, "beyond")
  const none = { code: "invalid_request", message: /^--host \S+ is no address of this machine; give one / }
  for (const host of ["192.0.2.1", "no-such-name.invalid"]) await assert.rejects(at(host), none)
})

test("without keys, other sites' pages and rebound names are refused", async () => {
  const open = await startService()
  const { port } = new URL(open.url)
  const ask = (headers: Record<string, string>) => open.call("POST", "/api/jobs", { prompt: "x" }, headers)
  assert.equal((await ask({ origin: "https://evil.example" })).status, 403)
  assert.equal((await ask({ origin: "null" })).status, 403)
  assert.equal((await ask({ origin: `http://localhost:${port}` })).status, 201)
  const status = await new Promise<number>((resolve) => {
    request({ port, host: "127.0.0.1", path: "/api/me", headers: { host: "evil.example" } }, (r) =>
      resolve(r.statusCode!),
    ).end()
  })
  assert.equal(status, 403)
  await open.drop()
})
