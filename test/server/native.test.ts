// The native API as the studio uses it.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { AtelierClient } from "../../src/sdk/index.ts"
import { testModel } from "../support/engine.ts"
import { gate, startService, type TestService, until } from "../support/service.ts"

let service: TestService
let client: AtelierClient
let hold: ReturnType<typeof gate> | null = null
let time = new Date("2026-06-01T12:00:00Z").getTime()

before(async () => {
  service = await startService(
    { clock: () => new Date(time) },
    { beforeStep: (r) => (r.prompt.startsWith("held") ? hold?.wait() : undefined) },
  )
  client = new AtelierClient({ baseUrl: service.url })
})
after(() => service.drop())
const png = (colour = "red") =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: colour } })
    .png()
    .toBuffer()

test("a submit is answered with a stored job whose seed is drawn", async () => {
  const { status, body } = await service.call("POST", "/api/jobs", { prompt: "a fox" })
  assert.equal(status, 201)
  assert.ok(["queued", "processing"].includes(body.state))
  assert.ok(Number.isInteger(body.request.seed))
  assert.equal((await client.wait(body.id)).pictures.length, 1)
})

test("a wrong field is named with its value and limit", async () => {
  const { status, body } = await service.call("POST", "/api/jobs", {
    prompt: "a",
    references: [{ image: "x", weight: 9 }],
  })
  assert.equal(status, 400)
  assert.match(body.error.field, /references/)
  const unknown = await service.call("POST", "/api/jobs", { prompt: "a", colour: "red" })
  assert.equal(unknown.status, 400)
  const text = await service.call("POST", "/api/jobs", "not json")
  assert.equal(text.body.error.code, "invalid_request")
})

test("the same Idempotency-Key and body get the same job, over a restart too; another body is a conflict", async () => {
  const send = (prompt: string) => service.call("POST", "/api/jobs", { prompt }, { "idempotency-key": "k-1" })
  const first = await send("once")
  assert.equal((await send("once")).body.id, first.body.id)
  await service.restart()
  assert.equal((await send("once")).body.id, first.body.id)
  const other = await send("twice")
  assert.equal(other.status, 409)
  assert.equal(other.body.error.code, "conflict")
  time += 25 * 3600 * 1000
  await service.restart() // a worker last seen a day ago would lose its jobs
  const second = await send("twice")
  assert.notEqual(second.body.id, first.body.id)
  // Later tests look at the whole queue.
  for (const { body } of [first, second]) assert.equal((await client.wait(body.id)).state, "completed")
})

test("an Idempotency-Key has 255 characters at most, whichever way a picture is asked for", async () => {
  for (const path of ["/api/jobs?wait=60", "/api/pictures"]) {
    const send = (length: number) =>
      service.call("POST", path, { prompt: path }, { "idempotency-key": path.padEnd(length, "k") })
    const { status, body } = await send(256)
    assert.equal(status, 400, path)
    assert.match(body.error.message, /longer than 255/)
    const first = await send(255)
    assert.ok(first.status < 300, path)
    const again = await send(255)
    const id = ({ body, headers }: typeof first) => body.id ?? headers.get("x-job-id")
    assert.equal(id(again), id(first))
  }
})

test("history is searched by words and filtered by mark and references, page by page", async () => {
  for (let i = 0; i < 5; i++) {
    time += 1000
    await client.generate({ prompt: `needle number ${i} in 100% hay`, seed: i })
  }
  const all = await client.jobs({ search: "needle hay" })
  assert.equal(all.items.length, 5)
  assert.equal((await client.jobs({ search: "100% needle" })).items.length, 5)
  assert.equal((await client.jobs({ search: "0% straw" })).items.length, 0)
  const pages: number[] = []
  let cursor: string | null = null
  do {
    const page = await client.jobs({ search: "needle", limit: 2, ...(cursor ? { cursor } : {}) })
    pages.push(...page.items.map((j) => j.request.seed!))
    cursor = page.nextCursor
  } while (cursor)
  assert.deepEqual(pages, [4, 3, 2, 1, 0])
  await client.mark(all.items[1]!.id, true)
  assert.deepEqual(
    (await client.jobs({ favourite: true })).items.map((j) => j.id),
    [all.items[1]!.id],
  )
  await client.generate({ prompt: "referred", references: [{ image: (await png()).toString("base64") }] })
  assert.ok((await client.jobs({ references: true })).items.every((j) => j.request.references.length > 0))
})

test("a deleted job is gone from history with its pictures, and undo brings both back", async () => {
  const job = await client.generate({ prompt: "regretted" })
  await client.remove(job.id)
  assert.equal((await client.jobs({ search: "regretted" })).items.length, 0)
  assert.equal((await fetch(job.pictures[0]!.url)).status, 404)
  await client.restore(job.id)
  assert.equal((await client.jobs({ search: "regretted" })).items.length, 1)
  assert.equal((await fetch(job.pictures[0]!.url)).status, 200)
})

test("waiting jobs are reordered, and pause lets what runs finish and starts nothing new", async (t) => {
  hold = gate()
  t.after(async () => {
    hold?.open()
    await client.resume()
  })
  const running = await client.submit({ prompt: "held one" })
  await hold.reached
  await client.pause()
  const ids: string[] = []
  for (const name of ["a", "b", "c"]) ids.push((await client.submit({ prompt: `order ${name}` })).id)
  await client.move(ids[2]!, { to: "front" })
  await client.move(ids[0]!, { after: ids[1]! })
  assert.equal((await client.move(ids[2]!, { after: ids[2]! })).state, "queued")
  const beside = client.move(ids[2]!, { after: running.id })
  await assert.rejects(beside, { code: "conflict", message: /moved before and after waiting ones only/ })
  const change = { favourite: true, priority: 5 }
  assert.equal((await service.call("PATCH", `/api/jobs/${running.id}`, change)).status, 409)
  const waiting = (await client.queue()).waiting
  assert.deepEqual(
    waiting.map((w) => w.job.id),
    [ids[2], ids[1], ids[0]],
  )
  assert.deepEqual(
    waiting.map((w) => w.place),
    [1, 2, 3],
  )
  hold.open()
  const { state, favourite } = await client.wait(running.id)
  assert.deepEqual([state, favourite], ["completed", false])
  assert.equal((await client.queue()).waiting.length, 3)
  await client.resume()
  for (const id of ids) await client.wait(id)
  const order = service.engine.seen.map((r) => r.prompt).filter((p) => p.startsWith("order"))
  assert.deepEqual(order, ["order c", "order b", "order a"])
})

test("a running job shows its steps and previews, and cancelling it is final at once", async () => {
  const job = await client.submit({ prompt: "a shown fox", steps: 60, count: 2 })
  const events = client.events({ job: job.id, after: "0-0" })
  let preview: string | undefined
  for await (const event of events) {
    preview = event.progress?.previews[1] ?? preview
    if (preview) break
  }
  // The job may end between the event and this look; the preview's address then leads to the picture.
  const file = await fetch(preview!)
  assert.equal(file.status, 200)
  assert.equal(file.headers.get("content-type"), "image/png")
  const { state } = await client.cancel(job.id)
  assert.ok(state === "cancelled" || state === "completed")
})

test("a preview's address leads to the picture when there is one, and to nothing where there will be none", async () => {
  const { id, pictures } = await client.generate({ prompt: "a fox that was quicker", count: 2 })
  // The previews' files go a moment after the end of the job.
  const late = () => fetch(`${service.url}/files/previews/${id}/1?preview=3`)
  await until(async () => (await late()).url === pictures[1]!.url)
  assert.equal((await late()).status, 200)
  await client.pause()
  const waiting = await client.submit({ prompt: "not begun" })
  const none = [`${waiting.id}/0`, `${id}/2`, `${crypto.randomUUID()}/0`, "x/0"]
  for (const address of none)
    assert.equal((await fetch(`${service.url}/files/previews/${address}`)).status, 404)
  await client.cancel(waiting.id)
  await client.resume()
})

test("a failed or cancelled job is retried with its seed", async () => {
  await client.pause()
  const job = await client.submit({ prompt: "again", seed: 77 })
  await client.cancel(job.id)
  await client.retry(job.id)
  await client.resume()
  const done = await client.wait(job.id)
  assert.equal(done.pictures[0]!.seed, 77)
  await assert.rejects(client.retry(job.id), /is completed/)
  await client.remove(job.id)
  await assert.rejects(client.retry(job.id), { code: "conflict", message: /is deleted; restore it first/ })
})

test("the event stream goes on after a restart with nothing missed and nothing twice", async () => {
  const stop = new AbortController()
  const seen: string[] = []
  const reading = (async () => {
    for await (const e of client.events({ signal: stop.signal })) {
      if (e.cursor && e.kind !== "hello") seen.push(`${e.kind} ${e.job}`)
    }
  })()
  const first = await client.generate({ prompt: "before" })
  await service.restart()
  const second = await client.generate({ prompt: "after" })
  const ends = () => seen.filter((s) => s.startsWith("job-completed"))
  await until(() => ends().length >= 2)
  stop.abort()
  await reading
  assert.deepEqual(ends(), [`job-completed ${first.id}`, `job-completed ${second.id}`])
  assert.equal(new Set(seen).size, seen.length)
})

test("a finished picture downloads in every format, scaled, and never changes", async () => {
  const { pictures } = await client.generate({ prompt: "a file" })
  for (const format of ["png", "jpg", "webp"] as const) {
    const meta = await sharp(await client.download(pictures[0]!, { format, width: 24 })).metadata()
    assert.equal(meta.format, format === "jpg" ? "jpeg" : format)
    assert.equal(meta.width, 24)
  }
  const whole = await fetch(`${pictures[0]!.url}?download=1`)
  assert.match(whole.headers.get("content-disposition")!, /attachment; filename="atelier-\d+-/)
  const again = await fetch(pictures[0]!.url, {
    headers: { "if-none-match": (await fetch(pictures[0]!.url)).headers.get("etag")! },
  })
  assert.equal(again.status, 304)
})

test("a picture whose time is over is 410, not 404", async () => {
  const job = await client.generate({ prompt: "short-lived" }, { keepSeconds: 60 })
  assert.equal((await fetch(job.pictures[0]!.url)).status, 200)
  time += 61_000
  await until(async () => (await fetch(job.pictures[0]!.url)).status === 410)
  assert.equal((await client.job(job.id)).pictures[0]!.expired, true)
})

test("a picture is marked, deleted and restored by itself", async () => {
  const { id, pictures } = await client.generate({ prompt: "two of them", count: 2 })
  const change = (body: object) => service.call("PATCH", `/api/pictures/${pictures[0]!.id}`, body)
  await change({ favourite: true })
  assert.ok((await client.jobs({ favourite: true })).items.some((j) => j.id === id))
  assert.deepEqual(
    (await client.job(id)).pictures.map((p) => p.favourite),
    [true, false],
  )
  await change({ deleted: true })
  assert.equal((await client.job(id)).pictures.length, 1)
  await change({ deleted: false })
  assert.equal((await client.job(id)).pictures.length, 2)
})

test("lineage tells where a job came from and what it led to", async () => {
  const first = await client.generate({ prompt: "ancestor" })
  const picture = first.pictures[0]!
  const second = await client.generate({ prompt: "child of it", start: { image: picture.url } })
  const third = await client.generate({ prompt: "variation" }, { parent: picture.id })
  const { body } = await service.call("GET", `/api/jobs/${first.id}/lineage`)
  assert.deepEqual(
    body.ledTo.map((l: { job: string; role: string }) => [l.job, l.role]).sort(),
    [
      [second.id, "start"],
      [third.id, "variation"],
    ].sort(),
  )
  const back = await service.call("GET", `/api/jobs/${second.id}/lineage`)
  assert.equal(back.body.cameFrom[0].picture, picture.id)
})

test("a board is saved, used, shared by code, exported and imported", async () => {
  const asset = await client.upload(await png("blue"))
  const board = await client.createBoard({ name: "cold", pictures: [{ image: asset.id, weight: 1.5 }] })
  assert.match(board.code, /^[A-Z2-9]{8}$/)
  assert.equal((await client.board(board.code.toLowerCase())).id, board.id)
  await client.generate({ prompt: "boarded", board: { id: "cold" } })
  const seen = service.engine.seen.at(-1)!.board!
  const carried = JSON.parse(Buffer.from(seen.id.split(",")[1]!, "base64").toString())
  assert.equal(carried.pictures[0].weight, 1.5)
  const copy = await client.importBoard(board.code.toLowerCase())
  assert.notEqual(copy.id, board.id)
  const imported = await client.importBoard(await client.exportBoard(board.id))
  assert.equal(imported.pictures[0]!.image, asset.id)
  assert.deepEqual(await client.board(board.id), board)
  assert.deepEqual(await client.deleteBoard(board.id), { id: board.id })
  await assert.rejects(client.board(board.id), { code: "not_found" })
  assert.equal((await client.restoreBoard(board.id)).code, board.code)
  for (const wrong of [{ pictures: [] }, { name: " " }]) {
    const file = { ...(await client.exportBoard(board.id)), ...wrong }
    assert.equal((await service.call("POST", "/api/boards/import", file)).status, 400, JSON.stringify(wrong))
  }
  const renamed = await client.changeBoard("cold", { name: "ice / cold" })
  assert.equal((await client.board("ice / cold")).id, renamed.id)
})

test("of several boards of one name, copies too, that name means the one that was changed last", async () => {
  const asset = await client.upload(await png("green"))
  const ids: string[] = []
  for (let i = 0; i < 3; i++) {
    time += 1000
    const { id } = await client.createBoard({ name: "twins", pictures: [{ image: asset.id, weight: 1 }] })
    ids.push(id)
    assert.equal((await client.board("twins")).id, id)
  }
  time += 1000
  await client.changeBoard(ids[1]!, { pictures: [{ image: asset.id, weight: 2 }] })
  assert.equal((await client.board("twins")).id, ids[1])
  await client.deleteBoard(ids[1]!)
  assert.equal((await client.board("twins")).id, ids[2])
  assert.equal((await client.board(ids[0]!)).id, ids[0])
})

test("a board over the limit of bytes is refused while its pictures are taken in, by every door", async () => {
  const create = { width: 1000, height: 1000, channels: 3, background: "red" } as const
  const noise = { type: "gaussian", mean: 128, sigma: 60 } as const
  const bytes = await sharp({ create: { ...create, noise } })
    .png()
    .toBuffer()
  assert.ok(bytes.length > 2_900_000, `${bytes.length} bytes`)
  const large = await client.upload(bytes)
  const pictures = Array.from({ length: 100 }, () => ({ image: large.id }))
  const told = /^The board's pictures have 29\d MB together, and 290 MB is the limit; make them smaller\.$/
  const small = await client.createBoard({ name: "small", pictures: pictures.slice(0, 1) })
  for (const [method, path] of [
    ["POST", "/api/boards"],
    ["PATCH", `/api/boards/${small.id}`],
  ] as const) {
    const { status, body } = await service.call(method, path, { name: "large", pictures })
    assert.deepEqual([status, body.error.code, body.error.field], [400, "out_of_range", "pictures"])
    assert.match(body.error.message, told)
  }
  const images = pictures.map(({ image }) => image)
  const { status, body } = await service.call("POST", "/moodboards", { name: "large", images })
  assert.equal(status, 400)
  assert.match(JSON.stringify(body), /29\d MB together, and 290 MB is the limit/)
  assert.deepEqual(await client.board(small.id), small)
})

test("a model without references refuses them before queueing, and weight 0 asks for none", async () => {
  const supports = { ...testModel.supports, references: false, boards: false }
  const open = await startService({}, { models: [{ ...testModel, title: "Open weights", supports }] })
  try {
    const image = `data:image/png;base64,${(await png()).toString("base64")}`
    const ask = (weight: number) =>
      open.call("POST", "/api/jobs", { prompt: "a fox", references: [{ image, weight }] })
    const { status, body } = await ask(1)
    assert.equal(status, 400)
    assert.equal(body.error.code, "unsupported")
    assert.equal(body.error.message, "Open weights does not support references.")
    assert.equal((await ask(0)).status, 201)
  } finally {
    await open.drop()
  }
})

test("a prompt against the policy is refused with its category and stage", async () => {
  const { status, body } = await service.call("POST", "/api/jobs", { prompt: "a n u d e schoolgirl" })
  assert.equal(status, 400)
  assert.equal(body.error.code, "content_policy")
  assert.deepEqual(body.error.details, { stage: "prompt", category: "minors" })
  // Nor can words hide between the signs of alternatives, of whichever picture.
  const hidden = { prompt: "a {clothed|nu{x|de}} school{boy|girl}", alternatives: true, seed: 0 }
  const refused = await service.call("POST", "/api/jobs", { ...hidden, count: 6 })
  assert.equal(refused.body.error.code, "content_policy")
  const fine = await service.call("POST", "/api/jobs", {
    prompt: "a child flying a kite; a nude statue is elsewhere".split(";")[0],
  })
  assert.equal(fine.status, 201)
})

test("the OpenAPI document has every native route, and its references resolve", async () => {
  const { body } = await service.call("GET", "/openapi.json")
  assert.ok(body.paths["/api/jobs"].post)
  const refs = JSON.stringify(body).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)
  for (const [, kind, name] of refs) assert.ok(body.components[kind!][name!], `${kind}/${name}`)
})

test("health, readiness and metrics tell the truth", async () => {
  assert.equal((await service.call("GET", "/healthz")).body, "ok")
  assert.deepEqual((await service.call("GET", "/readyz")).body, { ready: true, models: 1 })
  const { body } = await service.call("GET", "/metrics")
  assert.match(body, /atelier_jobs_ended_total\{state="completed"\} \d+/)
  assert.match(body, /atelier_loop_delay_seconds [\d.e-]+/)
  assert.equal(
    (await service.call("GET", "/")).headers.get("content-security-policy")!.includes("default-src 'none'"),
    true,
  )
})
