// What happens when a part of a cluster dies: an API node, the database, the store of pictures.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { AtelierClient } from "../../src/sdk/index.ts"
import { type Running, type ServeOptions, serve } from "../../src/server/index.ts"
import { startS3, type TestS3 } from "../support/backends.ts"
import { type TestEngine, testEngine } from "../support/engine.ts"
import { dataFolder } from "../support/folder.ts"
import { startPostgres, type TestPostgres } from "../support/postgres.ts"
import { brokenNetwork } from "../support/proxy.ts"
import { until } from "../support/service.ts"

let postgres: TestPostgres
let s3: TestS3
let toS3: Awaited<ReturnType<typeof brokenNetwork>>
let directory: string
let worker: Running
/** Called at each step that the worker's engine takes. */
let onStep: (prompt: string, step: number) => void = () => {}
const engine: TestEngine = testEngine({ side: 16, beforeStep: (r, step) => onStep(r.prompt, step) })
let shared: ServeOptions

before(async () => {
  directory = await dataFolder()
  postgres = await startPostgres()
  s3 = await startS3()
  toS3 = await brokenNetwork(s3.port)
  const blobUrl = `s3://pictures/atelier?endpoint=http://127.0.0.1:${toS3.port}`
  shared = { directory, port: 0, logLevel: "silent", databaseUrl: postgres.url, blobUrl, previewEvery: 0 }
  worker = await serve({ ...shared, role: "worker" }, engine)
})
after(async () => {
  await worker?.close()
  await toS3?.close()
  await s3?.stop()
  await postgres?.stop()
  await rm(directory, { recursive: true, force: true })
})
const portOf = ({ url }: { url: string }): number => Number(new URL(url).port)

/** A node that can be killed: a process of its own. */
async function doomedNode() {
  const file = join(import.meta.dirname, "../support/api-node.ts")
  const env = { ...process.env, DATABASE_URL: postgres.url, ATELIER_BLOBS: shared.blobUrl }
  const child = spawn(process.execPath, [file, directory], { env, stdio: ["ignore", "pipe", "inherit"] })
  const [url] = await once(child.stdout, "data")
  return { url: String(url), child }
}

test("when an API node is killed its readers go on at another by their event's id, and miss nothing", async (t) => {
  const [first, second] = [await doomedNode(), await serve({ ...shared, role: "api" }, null)]
  t.after(() => second.close())
  const balancer = await brokenNetwork(portOf(first))
  t.after(balancer.close)
  const client = new AtelierClient({ baseUrl: `http://127.0.0.1:${balancer.port}` })
  const stop = new AbortController()
  const seen: string[] = []
  let hellos = 0
  const reading = (async () => {
    for await (const event of client.events({ after: "0-0", signal: stop.signal })) {
      if (event.kind === "hello") hellos++
      else if (event.cursor) seen.push(event.cursor)
    }
  })()
  const before = await client.generate({ prompt: "before", seed: 1 })
  await until(() => seen.length > 0)
  const during = await client.submit({ prompt: "during", seed: 2 })
  first.child.kill("SIGKILL")
  await once(first.child, "exit")
  // While the reader is nowhere, things happen.
  const direct = new AtelierClient({ baseUrl: second.url })
  await direct.generate({ prompt: "meanwhile", seed: 3 })
  balancer.to(portOf(second))
  assert.equal((await client.wait(during.id)).state, "completed")
  const last = await client.generate({ prompt: "after", seed: 4 })
  const all = (
    await second.service.store.db.query<{ cursor: string }>(
      "select xid::text || '-' || seq::text as cursor from job_events order by xid, seq",
    )
  ).map((row) => row.cursor)
  await until(() => seen.length >= all.length)
  stop.abort()
  await reading
  assert.deepEqual(seen, all)
  assert.ok(hellos >= 2, "it was greeted by both")
  for (const { id } of [before, during, last]) assert.equal((await direct.job(id)).state, "completed")
})

test("while S3 is away a job is tried again; when it stays away the job fails with file_write, and no row is without its file", async (t) => {
  const api = await serve({ ...shared, role: "api" }, null)
  t.after(() => api.close())
  const client = new AtelierClient({ baseUrl: api.url })
  const away = (): void => {
    toS3.to(1)
    toS3.cut()
  }
  const back = (): void => toS3.to(s3.port)
  t.after(() => {
    onStep = () => {}
    back()
  })
  let tries = 0
  onStep = (_prompt, step) => {
    if (step !== 1) return
    if (++tries === 1) away()
    else back()
  }
  const first = await client.submit({ prompt: "S3 comes back", seed: 5 })
  const done = await client.wait(first.id)
  assert.deepEqual({ state: done.state, tries: done.tries }, { state: "completed", tries: 2 })
  assert.equal((await client.download(done.pictures[0]!)).byteLength, done.pictures[0]!.bytes)

  onStep = away
  const second = await client.submit({ prompt: "S3 stays away", seed: 6 })
  await assert.rejects(client.wait(second.id), { code: "file_write" })
  const lost = await client.job(second.id)
  assert.deepEqual({ state: lost.state, tries: lost.tries }, { state: "failed", tries: 2 })
  assert.equal(lost.error!.code, "file_write")
  assert.match(lost.error!.message, /^Failed after 2 tries/)
  assert.deepEqual(lost.pictures, [])
  onStep = () => {}
  back()
  assert.equal((await client.generate({ prompt: "S3 is back", seed: 7 })).state, "completed")
})

test("while the database is away every door answers 503 in its own words and acknowledges nothing; afterwards all goes on", async (t) => {
  const api = await serve({ ...shared, role: "api" }, null)
  t.after(() => api.close())
  const size = { width: 1024, height: 1024 }
  const krea = { aspect_ratio: "1:1", resolution: "1K" }
  const runware = {
    taskType: "imageInference",
    taskUUID: randomUUID(),
    model: "krea:krea@2-medium",
    numberResults: 1,
  }
  // biome-ignore lint/suspicious/noExplicitAny: foreign shapes are read member by member.
  type Shape = (body: any) => unknown
  const doors: [string, object, Shape][] = [
    ["/api/jobs", { prompt: "away" }, (b) => b.error.code],
    ["/v1/images/generations", { prompt: "away" }, (b) => b.error.message],
    ["/v1", [{ ...runware, ...size, positivePrompt: "away" }], (b) => b.errors[0].code],
    ["/generate/image/krea/krea-2/medium", { prompt: "away", ...krea }, (b) => b.message],
    ["/krea/v2/medium/text-to-image", { prompt: "away" }, (b) => b.detail],
    ["/v1/predictions", { version: "krea/krea-2-medium", input: { prompt: "away" } }, (b) => b.detail],
    ["/v2/models/krea/krea-2-medium/requests", { prompt: "away", ...krea }, (b) => b.error_type],
  ]
  const post = (path: string, body: object): Promise<Response> =>
    fetch(api.url + path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    })
  const client = new AtelierClient({ baseUrl: api.url })
  await client.generate({ prompt: "there", seed: 8 })
  const leaving = await serve({ ...shared, role: "worker" }, testEngine())
  t.after(() => leaving.close())
  await postgres.pause()
  for (const [path, body, told] of doors) {
    const answer = await post(path, body)
    const text = await answer.text()
    assert.equal(answer.status, 503, `${path} answered ${answer.status}`)
    assert.ok(Number(answer.headers.get("retry-after")) >= 1, path)
    assert.ok(told(JSON.parse(text)), path)
    assert.doesNotMatch(text, /ECONN|127\.0\.0\.1/, "what is inside stays inside")
  }
  assert.equal((await fetch(`${api.url}/healthz`)).status, 200)
  assert.equal((await fetch(`${api.url}/readyz`)).status, 503)
  await leaving.close() // a node that is stopped now stops
  await postgres.resume()
  await until(async () => (await fetch(`${api.url}/readyz`)).status === 200)
  const rows = await api.service.store.db.query("select 1 from jobs where prompt = 'away'")
  assert.equal(rows.length, 0)
  assert.equal((await client.generate({ prompt: "back", seed: 9 })).state, "completed")
})
