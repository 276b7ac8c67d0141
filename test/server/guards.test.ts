// What a server must survive from callers that it knows nothing of, and from its own clock.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { purge, sweep } from "../../src/jobs/index.ts"
import { withDecoder } from "../../src/server/decoder.ts"
import { gate, startService, type TestService, until } from "../support/service.ts"

let service: TestService
let ahead = 0
/** Awaited before the steps of prompts that begin with `held`. */
let held: ReturnType<typeof gate>
before(async () => {
  const beforeStep = (r: { prompt: string }) => (r.prompt.startsWith("held") ? held.wait() : undefined)
  service = await startService({ clock: () => new Date(Date.now() + ahead) }, { beforeStep })
})
after(() => service.drop())

const finished = async (prompt: string, more: object = {}) =>
  (await service.call("POST", "/api/jobs?wait=60", { prompt, ...more })).body

test("a body of more values than any request has is refused before it is read into objects", async () => {
  const { status, body } = await service.call("POST", "/api/jobs", `[${"{},".repeat(120_000)}{}]`)
  assert.equal(status, 400)
  assert.match(body.error.message, /more than 100000 values/)
  // A picture is one value, however many signs it has.
  const picture = `${'{[,"'.repeat(60_000)}`
  const { body: told } = await service.call("POST", "/api/jobs", {
    prompt: "a fox",
    start: { image: picture, strength: 0.5 },
  })
  assert.match(told.error.message, /^The picture is neither an address/)
})

test("who has not said who he is may send a few kilobytes, declared or not", async () => {
  const key = "x".repeat(5000)
  const declared = await service.call("POST", "/api/session", { key })
  const body = new ReadableStream({
    start(out) {
      out.enqueue(new TextEncoder().encode(JSON.stringify({ key })))
      out.close()
    },
  })
  const streamed = await fetch(`${service.url}/api/session`, {
    method: "POST",
    body,
    duplex: "half",
  } as RequestInit)
  for (const { status, message } of [
    { status: declared.status, message: declared.body.error.message },
    {
      status: streamed.status,
      message: ((await streamed.json()) as { error: { message: string } }).error.message,
    },
  ]) {
    assert.equal(status, 400)
    assert.match(message, /larger than 4096 bytes/)
  }
})

test("of submits that are stored together, one that cannot be stored fails alone", async () => {
  const submits = Array.from({ length: 30 }, (_, i) =>
    service.call("POST", "/api/jobs", { prompt: i === 13 ? "a \u0000 fox" : "a fox" }),
  )
  const statuses = (await Promise.all(submits)).map((answer) => answer.status)
  assert.deepEqual(
    statuses.map((status, i) => [status, i]).filter(([status]) => status !== 201),
    [[400, 13]],
  )
})

test("a clock that jumps forward while a picture is made takes the job from nobody, and one set back no submits", async () => {
  held = gate()
  const { body } = await service.call("POST", "/api/jobs", { prompt: "held over two sleeps" })
  await held.reached
  for (const _ of [1, 2]) {
    ahead += 60_000
    await sweep(service.service.jobs, service.service.blobs, false)
  }
  ahead -= 3_600_000
  assert.equal((await service.call("POST", "/api/jobs", { prompt: "an hour earlier" })).status, 201)
  held.open()
  await until(async () => (await service.call("GET", `/api/jobs/${body.id}`)).body.state === "completed")
  assert.equal((await service.call("GET", `/api/jobs/${body.id}`)).body.tries, 1)
})

test("more deleted jobs than one round purges, with webhooks, are all gone after some rounds", async () => {
  const { db } = service.service.store
  const { id } = await finished("to be deleted")
  await service.call("DELETE", `/api/jobs/${id}`)
  await db.query(
    `insert into jobs (id, key_id, state, model, prompt, request, pictures, dialect, priority, created_at, deleted_at)
     select gen_random_uuid(), key_id, 'cancelled', model, 'purged', request, pictures, dialect, priority, created_at,
            now() from jobs, generate_series(1, 700) where id = $1`,
    [id],
  )
  await db.query(
    `insert into webhooks (id, job_id, key_id, url, envelope, state, next_at, created_at)
     select gen_random_uuid(), id, key_id, 'http://127.0.0.1:9', 'atelier', 'delivered', now(), now()
     from jobs where prompt = 'purged'`,
  )
  ahead += 26 * 3_600_000
  for (const _ of [1, 2, 3]) await purge(service.service.jobs, service.service.blobs)
  ahead -= 26 * 3_600_000
  const [left] = await db.query<{ n: number }>(
    "select count(*)::int as n from jobs where deleted_at is not null",
  )
  assert.equal(left!.n, 0)
})

test("an expired picture is gone in every size, also for who has it, and no copy may be kept for longer", async () => {
  const { pictures } = await finished("expires", { keepSeconds: 60 })
  const [{ url }] = pictures
  const small = await fetch(`${url}?width=20`)
  assert.match(small.headers.get("cache-control")!, /^public, max-age=(5\d|60)$/)
  const etag = small.headers.get("etag")!
  await small.arrayBuffer()
  ahead += 61_000
  await sweep(service.service.jobs, service.service.blobs, false)
  for (const headers of [{}, { "if-none-match": etag }])
    assert.equal((await fetch(`${url}?width=20`, { headers })).status, 410)
  ahead -= 61_000
})

test("times beyond all calendars and a picture that was deleted are the caller's mistakes", async () => {
  for (const path of ["/api/jobs?from=0000-01-01T00:00:00Z", "/api/jobs?cursor=8640000000000000_x"])
    assert.ok((await service.call("GET", path)).status < 500, path)
  const once = { "idempotency-key": "once" }
  const make = () => service.call("POST", "/api/pictures", { prompt: "deleted later" }, once)
  const made = await make()
  const { body } = await service.call("GET", `/api/jobs/${made.headers.get("x-job-id")}`)
  await service.call("PATCH", `/api/pictures/${body.pictures[0].id}`, { deleted: true })
  assert.equal((await make()).status, 404)
})

test("names, lists of adapters and board ids have a length at which they end", async () => {
  for (const [more, field] of [
    [{ loras: [{ name: "x".repeat(5000) }] }, "loras.0.name"],
    [{ loras: Array.from({ length: 21 }, () => ({ name: "x" })) }, "loras"],
    [{ board: { id: "x".repeat(300) } }, "board.id"],
  ] as const) {
    const { status, body } = await service.call("POST", "/api/jobs", { prompt: "a fox", ...more })
    assert.ok(status === 400 || status === 404, `${field}: ${status}`)
    assert.equal(body.error.field, field)
  }
})

test("pictures that wait for a decoder hold no memory, and beyond so many are told to come again", async () => {
  const doors = [gate(), gate()]
  const busy = doors.map((door) =>
    withDecoder(
      async () => new Uint8Array(1),
      () => door.wait(),
    ),
  )
  await Promise.all(doors.map((door) => door.reached))
  let loaded = 0
  const bytes = await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } })
    .png()
    .toBuffer()
  const load = async () => {
    loaded++
    return bytes
  }
  const waiting = withDecoder(load, (open) => open().metadata(), 1)
  await assert.rejects(
    withDecoder(load, (open) => open().metadata(), 1),
    { code: "unavailable" },
  )
  assert.equal(loaded, 0)
  for (const door of doors) door.open()
  await Promise.all(busy)
  assert.equal((await waiting).width, 4)
})
