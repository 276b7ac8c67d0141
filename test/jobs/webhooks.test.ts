// Webhooks: signed, retried over a day under one event id, kept and replayable.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, test } from "node:test"
import { setImmediate as nextTurn } from "node:timers/promises"
import {
  BACKOFF_SECONDS,
  Deliverer,
  replayWebhooks,
  signWebhook,
  verifyWebhook,
  type WebhookEvent,
} from "../../src/jobs/index.ts"
import { AtelierError } from "../../src/request/index.ts"
import { JOBS, keyById, WEBHOOKS } from "../../src/store/index.ts"
import { amount, figure, random } from "../support/figures.ts"
import { type Queue, testQueue } from "../support/queue.ts"
import { type TestStore, testStore, until } from "../support/service.ts"

let store: TestStore
let q: Queue
before(async () => {
  store = await testStore()
  q = await testQueue(store)
})
after(async () => {
  await q.close()
  await store.drop()
})

interface Sent {
  url: string
  body: string
  headers: Record<string, string>
  at: number
}
const put = () => Promise.reject(new Error("no file is expected"))
function receiver(answer: (n: number) => number | Error) {
  const sent: Sent[] = []
  const deliverer = new Deliverer({
    jobs: q.jobs,
    render: (_envelope, job) => ({ id: job.id, state: job.state, sent: sent.length }),
    post: async (url, body, headers) => {
      sent.push({ url, body, headers, at: q.now.time })
      const told = answer(sent.length)
      if (told instanceof Error) throw told
      return told
    },
    put,
  })
  return { sent, deliverer }
}
/** Tries all that is due, once. Returns how many were tried. */
async function round(deliverer: Deliverer): Promise<number> {
  let tried = 0
  for (let begun = 1; begun > 0; tried += begun) {
    begun = await deliverer.begin()
    await deliverer.settled()
  }
  return tried
}
async function cancelledJob(): Promise<string> {
  const key = await q.key("hook")
  const webhook = { url: "https://example.com/hook", envelope: "atelier" as const }
  const id = await q.submit(key, {}, { webhook })
  await q.jobs.cancel(id, key)
  return key
}

test("a receiver that is down, slow and wrong for hours gets the same bytes under one event id in the end", async () => {
  const key = await cancelledJob()
  const { sent, deliverer } = receiver((n) => (n < 8 ? (n % 2 ? new Error("connection refused") : 500) : 200))
  const begin = q.now.time
  for (let second = 0; second < 24 * 3600 && sent.length < 8; second += 30) {
    q.now.time = begin + second * 1000
    await round(deliverer)
  }
  assert.equal(sent.length, 8)
  assert.equal(new Set(sent.map((s) => s.headers["atelier-event-id"])).size, 1)
  assert.equal(new Set(sent.map((s) => s.body)).size, 1)
  const [row] = await store.db.query<{ state: string; attempts: number }>(WEBHOOKS.list, [key, 1])
  assert.equal(row!.state, "delivered")
  assert.equal(row!.attempts, 8)
  assert.equal(await round(deliverer), 0)
})

test("after a day of failures it is given up, kept, and sent again by replay", async () => {
  const total = BACKOFF_SECONDS.reduce((a, b) => a + b, 0)
  assert.ok(total > 20 * 3600 && total <= 24 * 3600, `${total} s`)
  const key = await cancelledJob()
  let isUp = false
  const { sent, deliverer } = receiver(() => (isUp ? 204 : 503))
  for (let i = 0; i <= BACKOFF_SECONDS.length; i++) {
    await round(deliverer)
    q.now.time += 35_000_000
  }
  const state = async () => (await store.db.query<{ id: string; state: string }>(WEBHOOKS.list, [key, 1]))[0]!
  assert.equal((await state()).state, "given-up")
  isUp = true
  assert.equal(await replayWebhooks(q.jobs, (await state()).id), 1)
  await round(deliverer)
  assert.equal((await state()).state, "delivered")
  assert.equal(new Set(sent.map((s) => s.headers["atelier-event-id"])).size, 1)
})

test("receivers that are down, slow, wrong or forget their answer get every event, each under one id", async (t) => {
  const n = amount(12, 200)
  const next = random(11)
  const key = await q.key("many")
  for (let i = 0; i < n; i++) {
    const webhook = { url: `https://example.com/${i}`, envelope: "atelier" as const }
    await q.jobs.cancel(await q.submit(key, {}, { webhook }), key)
  }
  const ids = new Map<string, Set<string>>()
  const delivered = new Set<string>()
  let forged = 0
  let isWell = false
  const secret = (await keyById(store.db, key))!.webhookSecret
  const deliverer = new Deliverer({
    jobs: q.jobs,
    render: (_envelope, job) => ({ id: job.id, state: job.state }),
    post: async (url, body, headers) => {
      const p = isWell ? 1 : next()
      if (p < 0.25) throw new Error("connection refused")
      if (p < 0.35) throw new AtelierError("timeout", "It did not answer within 10 seconds.")
      if (p < 0.5) return 500
      const signature = headers["atelier-signature"]!
      if (!verifyWebhook(body, signature, secret, { now: q.jobs.clock() })) forged++
      if (verifyWebhook(`${body} `, signature, secret, { now: q.jobs.clock() })) forged++
      ids.set(url, (ids.get(url) ?? new Set()).add(headers["atelier-event-id"]!))
      // It has the message and says something else: a duplicate follows, under the same id.
      if (p < 0.7) return 503
      delivered.add(url)
      return 204
    },
    put,
  })
  let attempts = 0
  for (let hour = 0; hour < 30; hour++) {
    isWell = hour >= 8
    attempts += await round(deliverer)
    q.now.time += 3_600_000
  }
  const twoIds = [...ids.values()].filter((s) => s.size > 1).length
  figure(t, "R11-webhooks", { n, seed: 11, attempts, lost: n - delivered.size, with_two_ids: twoIds, forged })
  assert.deepEqual({ delivered: delivered.size, twoIds, forged }, { delivered: n, twoIds: 0, forged: 0 })
})

test("receivers that do not answer keep nobody else waiting, get a few messages at a time, and none twice at once", async () => {
  const key = await q.key("slow")
  const submit = async (url: string): Promise<void> => {
    const webhook = { url, envelope: "atelier" as const }
    await q.jobs.cancel(await q.submit(key, {}, { webhook }), key)
  }
  const answered = Promise.withResolvers<number>()
  const silent: string[] = []
  const heard: string[] = []
  const deliverer = new Deliverer({
    jobs: q.jobs,
    render: (_envelope, job) => ({ id: job.id }),
    post: (url, _body, headers) => {
      if (/silent/i.test(url)) {
        silent.push(headers["atelier-event-id"]!)
        return answered.promise
      }
      if (url.includes("quick")) heard.push(url)
      return Promise.resolve(200)
    },
    put,
  })
  for (let i = 0; i < 12; i++) await submit(`https://silent.example.com/${i}`)
  for (let i = 0; i < 12; i++) await submit(`https://Silent.example.com/${i}`)
  for (let i = 0; i < 6; i++) await submit(`https://quick.example.com/${i}`)
  let begun = 0
  await until(async () => {
    begun += await deliverer.begin()
    return heard.length === 6
  })
  assert.ok(begun - 6 >= 4 && begun - 6 <= 7, `${begun - 6} are under way to the silent one`)

  await submit("https://silent-too.example.com/")
  begun += await deliverer.begin()
  // The claims are over, but not the tries.
  q.now.time += 61_000
  assert.equal(await deliverer.begin(), 0)

  for (let i = 0; i < 100; i++) await submit(`https://silent-${i}.example.com/`)
  begun += await deliverer.begin()
  assert.equal(begun - 6, 64, "in all there is a limit too")
  assert.equal(await deliverer.begin(), 0)

  let isSettled = false
  const settled = deliverer.settled().then(() => {
    isSettled = true
  })
  await nextTurn()
  assert.equal(isSettled, false)
  answered.resolve(200)
  await settled
  await round(deliverer)
  assert.equal(silent.length, 125)
  assert.equal(new Set(silent).size, 125)
})

test("a job tells the moments that it was asked to tell, each once, whatever becomes of its tries", async () => {
  const { db } = store
  const key = await q.key("moments")
  const submit = (...events: WebhookEvent[]) =>
    q.submit(key, {}, { webhook: { url: "https://example.com/hook", envelope: "replicate", events } })
  const told = async (id: string): Promise<string[]> =>
    (await db.query<{ job_id: string; envelope: string }>(WEBHOOKS.list, [key, 100]))
      .filter((row) => row.job_id === id)
      .map((row) => row.envelope)
      .sort()
  const ids = [
    await submit("start", "output", "completed"),
    await submit("start"),
    await submit("output"),
    await submit("completed"),
    await submit(),
  ]
  const { model } = await q.jobs.get(ids[0]!, key)
  const claim = () => db.query(JOBS.claim, ["one", q.jobs.clock(), [model], ids.length, false, true, [model]])
  assert.equal((await claim()).length, ids.length)
  await db.query(JOBS.handBack, ["one", null, q.jobs.clock(), false, null])
  assert.equal((await claim()).length, ids.length)
  assert.deepEqual(await Promise.all(ids.map(told)), [["replicate-start"], ["replicate-start"], [], [], []])
  const outcome = { request: {}, expandedPrompts: [], seconds: {}, notes: [] }
  await Promise.all(ids.map((id) => q.jobs.end(id, "completed", { outcome })))
  assert.deepEqual(await Promise.all(ids.map(told)), [
    ["replicate", "replicate-output", "replicate-start"],
    ["replicate-start"],
    ["replicate-output"],
    ["replicate"],
    [],
  ])
  const cancelled = await submit("start", "output", "completed")
  await q.jobs.cancel(cancelled, key)
  assert.deepEqual(await told(cancelled), ["replicate"])
})

test("each file of a completed job is put where the job says, told or not, and tried again as messages are", async () => {
  const key = await q.key("files")
  const where = {
    url: "https://example.com/hook",
    envelope: "runware" as const,
    put: "https://example.com/put",
  }
  const submit = (events: WebhookEvent[]) => q.submit(key, { count: 2 }, { webhook: { ...where, events } })
  const file = { seed: 1, width: 16, height: 16, format: "png" as const, hash: "0".repeat(64), bytes: 3 }
  const pictures = () => [0, 1].map((place) => ({ ...file, id: randomUUID(), place }))
  const outcome = { request: {}, expandedPrompts: [], seconds: {}, notes: [] }
  const [quiet, told, cancelled] = [await submit([]), await submit(["completed"]), await submit([])]
  for (const id of [quiet, told])
    await q.jobs.end(id, "completed", { outcome, pictures: pictures(), hookPlaces: [0, 1] })
  await q.jobs.cancel(cancelled, key)
  const tries: string[] = []
  const heard: string[] = []
  const names = new Map([
    [quiet, "quiet"],
    [told, "told"],
    [cancelled, "cancelled"],
  ])
  const deliverer = new Deliverer({
    jobs: q.jobs,
    render: (_envelope, job, place) => ({ about: `${names.get(job.id) ?? "another test's"} ${place}` }),
    post: async (_url, body) => {
      const { about } = JSON.parse(body)
      if (!about.startsWith("another")) heard.push(about)
      return 200
    },
    put: async (url, picture) => {
      assert.equal(url, where.put)
      const about = `${names.get(picture.jobId)} ${picture.place}`
      tries.push(about)
      return tries.filter((t) => t === about).length > 1 ? 200 : 503
    },
  })
  for (let minute = 0; minute < 4; minute++) {
    await round(deliverer)
    q.now.time += 60_000
  }
  const all = ["quiet 0", "quiet 1", "told 0", "told 1"]
  assert.deepEqual(
    tries.toSorted(),
    all.flatMap((about) => [about, about]),
  )
  assert.deepEqual(heard.toSorted(), ["told 0", "told 1"])
})

test("the signature covers time and body, and an old one is refused", async () => {
  const at = new Date("2026-06-01T00:00:00Z")
  const signature = signWebhook("{}", "whsec_x", at)
  assert.match(signature, /^t=\d+,v1=[0-9a-f]{64}$/)
  assert.equal(verifyWebhook("{}", signature, "whsec_x", { now: at }), true)
  assert.equal(verifyWebhook("{ }", signature, "whsec_x", { now: at }), false)
  assert.equal(verifyWebhook("{}", signature, "whsec_y", { now: at }), false)
  assert.equal(verifyWebhook("{}", signature, "whsec_x", { now: new Date(at.getTime() + 301_000) }), false)
  assert.equal(verifyWebhook("{}", "nonsense", "whsec_x", { now: at }), false)
})
