// A real PostgreSQL and a real S3 server: the same code, API and workers apart.
import assert from "node:assert/strict"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { AtelierClient } from "../../src/sdk/index.ts"
import { type Running, serve } from "../../src/server/index.ts"
import { type ListedBlob, openStore, parseS3Address, s3Blobs } from "../../src/store/index.ts"
import { startS3, type TestS3 } from "../support/backends.ts"
import { testEngine } from "../support/engine.ts"
import { startPostgres, type TestPostgres } from "../support/postgres.ts"
import { testQueue } from "../support/queue.ts"
import { until } from "../support/service.ts"

let postgres: TestPostgres
let s3: TestS3
let blobUrl: string
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-cluster-"))
  s3 = await startS3()
  blobUrl = s3.address()
  postgres = await startPostgres()
})
after(async () => {
  await postgres?.stop()
  await s3?.stop()
  await rm(folder, { recursive: true, force: true })
})
const options = () => ({
  directory: folder,
  port: 0,
  logLevel: "silent",
  databaseUrl: postgres.url,
  blobUrl,
})

let firstTries = 0
/** An engine that goes on with an endless job until it is stopped, or with its first try only. */
function engineOfNode() {
  const engine = testEngine({ side: 16, stepMilliseconds: 20 })
  const generate: typeof engine.generate = (request, options) => {
    const isEndless =
      request.prompt === "endless" || (request.prompt === "endless at first" && firstTries++ === 0)
    if (!isEndless) return engine.generate(request, options)
    engine.seen.push(request)
    return new Promise((_, reject) => {
      options!.signal!.addEventListener("abort", () => reject(options!.signal!.reason), { once: true })
      options!.onProgress!({ step: 1, steps: 100, secondsLeft: null })
    })
  }
  return { ...engine, generate }
}

test("S3 keeps, lists and forgets blobs, and knows what is absent", async () => {
  const blobs = s3Blobs(parseS3Address(s3.address()))
  await blobs.put("sha256/aa/one", Buffer.from("one"))
  assert.equal(Buffer.from((await blobs.get("sha256/aa/one"))!).toString(), "one")
  assert.equal(await blobs.has("sha256/aa/one"), true)
  const listed: ListedBlob[] = []
  for await (const blob of blobs.list("sha256")) listed.push(blob)
  assert.deepEqual(
    listed.map(({ key }) => key),
    ["sha256/aa/one"],
  )
  // S3 tells whole seconds.
  assert.ok(Math.abs(listed[0]!.written.getTime() - Date.now()) < 60_000, String(listed[0]!.written))
  await blobs.delete("sha256/aa/one")
  assert.equal(await blobs.get("sha256/aa/one"), null)
  assert.equal(await blobs.has("sha256/aa/one"), false)
})

test("an API node and two workers share PostgreSQL and S3: pictures, events, cancel, and a worker that leaves", async () => {
  const api = await serve({ ...options(), role: "api" }, null)
  const early = await fetch(`${api.url}/api/jobs`, { method: "POST", body: '{"prompt":"nobody is here"}' })
  assert.equal(early.status, 503)
  assert.ok(early.headers.get("retry-after"))
  const engines = [engineOfNode(), engineOfNode()]
  const workers: Running[] = []
  for (const engine of engines) workers.push(await serve({ ...options(), role: "worker" }, engine))
  const client = new AtelierClient({ baseUrl: api.url })

  const jobs = await Promise.all(
    Array.from({ length: 24 }, (_, i) => client.submit({ prompt: `cluster ${i}`, seed: i })),
  )
  const done = await Promise.all(jobs.map((j) => client.wait(j.id)))
  assert.ok(done.every((j) => j.state === "completed" && j.tries === 1))
  assert.equal(engines[0]!.seen.length + engines[1]!.seen.length, 24)
  assert.ok(
    engines.every((e) => e.seen.length > 0),
    "both workers had work",
  )
  assert.equal((await client.download(done[0]!.pictures[0]!)).byteLength, done[0]!.pictures[0]!.bytes)

  // Steps and cancels travel between machines.
  const long = await client.submit({ prompt: "endless" })
  for await (const event of client.events({ job: long.id, after: "0-0" })) if (event.progress) break
  assert.equal((await client.cancel(long.id)).state, "cancelled")

  // A worker that leaves hands its job to the other.
  const moved = await client.submit({ prompt: "endless at first" })
  for await (const event of client.events({ job: moved.id, after: "0-0" })) if (event.progress) break
  const holder = engines.findIndex((e) => e.seen.at(-1)?.prompt === "endless at first")
  await workers[holder]!.close()
  assert.equal((await client.wait(moved.id)).state, "completed")
  assert.equal(engines[1 - holder]!.seen.at(-1)!.prompt, "endless at first")

  await workers[1 - holder]!.close()
  await api.close()
})

test("a cancel is heard though LISTEN was away when it came, and LISTEN comes back once", async (t) => {
  const store = await openStore({ directory: folder, databaseUrl: postgres.url, blobUrl })
  const q = await testQueue(store)
  t.after(async () => {
    await q.close()
    await store.close()
  })
  const key = await q.key("away")
  const id = await q.submit(key, { prompt: "endless" })
  const worker = await q.worker({ engine: engineOfNode() })
  await until(() => worker.painting === 1)
  const listening = "from pg_stat_activity where datname = current_database() and query like 'listen %'"
  await store.db.query(`select pg_terminate_backend(pid) ${listening}`)
  await q.jobs.cancel(id, key)
  await until(() => worker.inFlight === 0)
  assert.equal((await q.jobs.get(id, key)).state, "cancelled")
  assert.equal((await store.db.query(`select pid ${listening}`)).length, 1)
})

test("submits on two API nodes under one Idempotency-Key are one job", async () => {
  const nodes = [
    await serve({ ...options(), role: "api" }, null),
    await serve({ ...options(), role: "worker" }, testEngine({ side: 16 })),
  ]
  const second = await serve({ ...options(), role: "api" }, null)
  const clients = [nodes[0]!, second].map((n) => new AtelierClient({ baseUrl: n.url }))
  const made = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      clients[i % 2]!.submit({ prompt: "one" }, { idempotencyKey: `k${i % 4}` }),
    ),
  )
  assert.equal(new Set(made.map((j) => j.id)).size, 4)
  for (const node of [...nodes, second]) await node.close()
})
