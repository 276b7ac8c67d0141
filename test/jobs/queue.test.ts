// The queue's promises: fair, bounded, exactly once, and unharmed by jobs that kill their engine.

import assert from "node:assert/strict"
import { once } from "node:events"
import { after, before, test } from "node:test"
import { Jobs, purge, reclaim, sweep } from "../../src/jobs/index.ts"
import { AtelierError } from "../../src/request/index.ts"
import { JOBS, sha256, WORKERS } from "../../src/store/index.ts"
import { amount, figure } from "../support/figures.ts"
import { type Queue, testQueue } from "../support/queue.ts"
import { gate, type TestStore, testStore, until } from "../support/service.ts"

let store: TestStore
before(async () => {
  store = await testStore()
})
after(() => store.drop())

async function withQueue(
  work: (q: Queue) => Promise<void>,
  ...options: Parameters<typeof testQueue> extends [unknown, ...infer Rest] ? Rest : never
): Promise<void> {
  const q = await testQueue(store, ...options)
  try {
    await work(q)
  } finally {
    await q.close()
    for (const key of await store.db.query<{ id: string }>("select id from keys"))
      await q.jobs.cancelAll(key.id)
  }
}
/** What a hanging job is given, and a good one on the slowest machine does not need. */
const HANG_SECONDS = 10

const states = async (q: Queue, ids: string[]) =>
  Promise.all(ids.map(async (id) => (await q.jobs.get(id, null)).state))

test("keys take turns, whatever the length of their queues", () =>
  withQueue(async (q) => {
    const [a, b] = [await q.key("a"), await q.key("b")]
    for (let i = 0; i < 6; i++) await q.submit(a, { prompt: `a${i}` })
    for (let i = 0; i < 3; i++) await q.submit(b, { prompt: `b${i}` })
    const small = { ...(await q.engine.models())[0]!, batch: 1 }
    const done = await q.worker({ engine: { ...q.engine, models: async () => [small] } })
    await until(() => q.engine.seen.length === 9 && done.inFlight === 0)
    const order = q.engine.seen.map((r) => r.prompt[0]!)
    // Whose pictures are still being stored when the next is taken may change places with the other.
    for (const turn of [0, 2, 4]) assert.deepEqual(order.slice(turn, turn + 2).sort(), ["a", "b"])
    assert.deepEqual(order.slice(6), ["a", "a", "a"])
  }))

test("two keys share a batch evenly while both have work", () =>
  withQueue(
    async (q) => {
      const [a, b] = [await q.key("a"), await q.key("b")]
      for (let i = 0; i < 20; i++) await q.submit(a, { prompt: `a${i}` })
      for (let i = 0; i < 20; i++) await q.submit(b, { prompt: `b${i}` })
      await q.worker()
      await until(() => q.engine.seen.length >= 20)
      const first = q.engine.seen.slice(0, 20).filter((r) => r.prompt.startsWith("a")).length
      assert.ok(first >= 8 && first <= 12, `a had ${first} of the first 20`)
    },
    { stepMilliseconds: 2 },
  ))

test("a higher priority goes first, and the background waits for what can start of other models too", () =>
  withQueue(async (q) => {
    const [key, paused] = [await q.key("p"), await q.key("paused")]
    await q.jobs.pause(true, paused)
    await q.submit(paused, { prompt: "cannot start" })
    for (const priority of [-10, 0, 5])
      await q.submit(key, { prompt: `p${priority}`, model: priority < 0 ? "quick" : "medium" }, { priority })
    const small = { ...(await q.engine.models())[0]!, batch: 1 }
    await q.worker({ engine: { ...q.engine, models: async () => [small, { ...small, name: "quick" }] } })
    await until(() => q.engine.seen.length === 3)
    assert.deepEqual(
      q.engine.seen.map((r) => r.prompt),
      ["p5", "p0", "p-10"],
    )
  }))

test("a key that has paused waits with its jobs and holds nobody up, not even by one that already had a try", async () => {
  const hold = gate()
  await withQueue(
    async (q) => {
      const [a, b] = [await q.key("a"), await q.key("b")]
      const tried = await q.submit(a, { prompt: "tried" })
      await store.db.query("update jobs set tries = 1 where id = $1", [tried])
      await q.jobs.pause(true, a)
      const worker = await q.worker()
      const first = await q.submit(b, { prompt: "held" })
      await hold.reached
      // It joins the running one, as it could not if the one that had a try were waited for.
      const second = await q.submit(b, { prompt: "joins" })
      assert.equal((await q.jobs.wait(second, b, { seconds: 60 })).state, "completed")
      hold.open()
      assert.equal((await q.jobs.wait(first, b, { seconds: 60 })).state, "completed")
      await until(() => worker.inFlight === 0)
      assert.deepEqual([await q.jobs.paused(a), await q.jobs.paused(b)], [true, false])
      assert.deepEqual(await states(q, [tried]), ["queued"])
      await q.jobs.pause(false, b)
      assert.equal(await q.jobs.paused(a), true)
      await q.jobs.pause(false, a)
      assert.equal((await q.jobs.wait(tried, a, { seconds: 60 })).state, "completed")
    },
    { beforeStep: (r) => (r.prompt === "held" ? hold.wait() : undefined) },
  )
})

test("jobs over a key's concurrency are backlogged, one moves up when another ends, and past the backlog comes 429, for one started over too", () =>
  withQueue(async (q) => {
    const key = await q.key("c", { concurrency: 2, backlog: 2 })
    const ids: string[] = []
    for (let i = 0; i < 4; i++) ids.push(await q.submit(key, {}))
    assert.deepEqual(await states(q, ids), ["queued", "queued", "backlogged", "backlogged"])
    const isFull = { code: "rate_limited", message: /This key has as many unfinished jobs as it may \(4\)/ }
    await assert.rejects(q.submit(key, {}), isFull)
    await q.jobs.cancel(ids[0]!, key)
    assert.deepEqual(await states(q, ids), ["cancelled", "queued", "queued", "backlogged"])
    const last = await q.submit(key, {})
    await assert.rejects(q.jobs.retry(ids[0]!, key), isFull)
    await q.jobs.cancel(last, key)
    assert.equal((await q.jobs.retry(ids[0]!, key)).state, "backlogged")
  }))

test("a crowd that does not fit is let in up to its key's backlog, in the order in which it came", () =>
  withQueue(async (q) => {
    const key = await q.key("a", { concurrency: 1, backlog: 4 })
    const crowd = await Promise.allSettled(
      Array.from({ length: 9 }, (_, i) => q.submit(key, { prompt: `c${i}` })),
    )
    assert.deepEqual(
      crowd.map(({ status }) => status),
      [...Array<string>(5).fill("fulfilled"), ...Array<string>(4).fill("rejected")],
    )
    const stored = crowd.flatMap((c) => (c.status === "fulfilled" ? [c.value] : []))
    assert.deepEqual(await states(q, stored), ["queued", ...Array<string>(4).fill("backlogged")])
  }))

test("a crowd that fits keeps its order and its events", () =>
  withQueue(async (q) => {
    const key = await q.key("a", { concurrency: 3, backlog: 100 })
    const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => q.submit(key, { prompt: `c${i}` })))
    const rows = await store.db.query<{ id: string; state: string }>(
      "select id, state from jobs where key_id = $1 order by rank",
      [key],
    )
    assert.deepEqual(
      rows.map(({ id, state }) => [id, state]),
      ids.map((id, i) => [id, i < 3 ? "queued" : "backlogged"]),
    )
    const [events] = await store.db.query<{ n: number }>(
      "select count(*)::int as n from job_events where key_id = $1",
      [key],
    )
    assert.equal(events!.n, 20)
  }))

test("what ended jobs leave behind in the embedded database is given back", () =>
  withQueue(async (q) => {
    const visible = async (): Promise<number> => {
      const [row] = await store.db.query<{ n: number }>(
        "select relallvisible::int as n from pg_class where relname = 'jobs'",
      )
      return row!.n
    }
    const key = await q.key("a")
    await q.jobs.end(await q.submit(key, { prompt: "done with" }), "cancelled", {})
    if (store.db.kind === "embedded") assert.equal(await visible(), 0)
    await purge(q.jobs, store.blobs)
    if (store.db.kind === "embedded") assert.ok((await visible()) > 0)
  }))

test("who follows events from a cursor while the database is away is told all of them when it is back", () =>
  withQueue(async (q) => {
    let isAway = false
    let refused = 0
    const { query } = store.db
    const db: typeof store.db = {
      ...store.db,
      async query(sql, params) {
        if (isAway) refused++
        if (isAway) throw new Error("the connection is lost")
        return query(sql, params)
      },
    }
    const { events } = new Jobs({ db })
    await events.start()
    const { cursor } = events
    const key = await q.key("follows")
    const one = await q.submit(key, { prompt: "before" })
    isAway = true
    const told: (string | null)[] = []
    const stop = events.follow(key, cursor, (event) => told.push(event.jobId))
    await until(() => refused > 0)
    isAway = false
    const two = await q.submit(key, { prompt: "after" })
    await until(() => told.length >= 2)
    stop()
    await events.close()
    assert.deepEqual(told, [one, two])
  }))

test("the whole queue has a cap", () =>
  withQueue(
    async (q) => {
      const key = await q.key("cap")
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => q.submit(key, {})))
      const stored = results.flatMap((r) => (r.status === "fulfilled" ? [r.value] : []))
      assert.equal(stored.length, 5)
      await q.jobs.cancel(stored[0]!, key)
      await q.submit(key, {})
      await assert.rejects(q.jobs.retry(stored[0]!, key), { message: /^The queue is full/ })
    },
    {},
    5,
  ))

test("the engine begins the next job while the last one's picture is stored, and no more than a batch waits for storage", () =>
  withQueue(async (q) => {
    const hold = gate()
    const key = await q.key("store")
    const ids = []
    for (let i = 0; i < 4; i++) ids.push(await q.submit(key, { prompt: `s${i}` }))
    const small = { ...(await q.engine.models())[0]!, batch: 1 }
    let sealing = 0
    const worker = await q.worker({
      engine: { ...q.engine, models: async () => [small] },
      seal: async (bytes) => {
        sealing++
        await hold.wait()
        return bytes
      },
    })
    await until(() => sealing === 2)
    assert.equal(worker.painting, 0)
    assert.equal(worker.inFlight, 2)
    assert.deepEqual((await states(q, ids)).slice(2), ["queued", "queued"])
    assert.equal(q.engine.seen.length, 2)
    hold.open()
    await until(() => q.engine.seen.length === 4 && worker.inFlight === 0)
    assert.deepEqual(await states(q, ids), Array(4).fill("completed"))
  }))

test("a cancelled job gets no pictures, even when its engine finishes", async () => {
  const hold = gate()
  await withQueue(
    async (q) => {
      const key = await q.key("x")
      const id = await q.submit(key, {})
      const worker = await q.worker({
        engine: { ...q.engine, generate: (r, o) => q.engine.generate(r, { ...o, signal: undefined }) },
      })
      await hold.reached
      await q.jobs.cancel(id, key)
      hold.open()
      await until(() => worker.inFlight === 0)
      const job = await q.jobs.get(id, key)
      assert.equal(job.state, "cancelled")
      const kinds = (await q.jobs.eventsOf(id)).map((e) => e.kind)
      assert.ok(!kinds.includes("job-completed"))
      assert.equal((await store.db.query("select 1 from pictures where job_id = $1", [id])).length, 0)
    },
    { beforeStep: () => hold.wait() },
  )
})

test("a cancel reaches a running job within a step", () =>
  withQueue(
    async (q) => {
      const key = await q.key("soon")
      const id = await q.submit(key, { steps: 100 })
      const worker = await q.worker()
      await until(() => worker.inFlight === 1)
      await q.jobs.cancel(id, key)
      await until(() => worker.inFlight === 0)
    },
    { stepMilliseconds: 20 },
  ))

test("a worker that missed the notice of a cancel finds out at its next beat, and its other jobs go on", () =>
  withQueue(async (q) => {
    const key = await q.key("missed")
    const endless: typeof q.engine.generate = (_request, options) =>
      new Promise((_, reject) => {
        options!.signal!.addEventListener("abort", () => reject(options!.signal!.reason), { once: true })
      })
    const [cancelled, other] = [await q.submit(key, {}), await q.submit(key, {})]
    const worker = await q.worker({ engine: { ...q.engine, generate: endless } })
    await until(() => worker.inFlight === 2)
    await store.db.query("update jobs set state = 'cancelled', worker = null where id = $1", [cancelled])
    await worker.seen()
    await until(() => worker.inFlight === 1)
    assert.deepEqual(await states(q, [cancelled!, other!]), ["cancelled", "processing"])
  }))

test("poison jobs fail after two tries with a reason while the good ones complete", (t) =>
  withQueue(
    async (q) => {
      const key = await q.key("poison")
      const each = amount(2, 20)
      const good = amount(34, 500)
      // A crash takes everything in flight along, as a dead worker process does.
      let crash = new AbortController()
      const generate: typeof q.engine.generate = async (request, options) => {
        const mine = crash
        if (request.prompt === "crash") {
          crash = new AbortController()
          mine.abort()
        }
        if (request.prompt === "memory") throw new AtelierError("out_of_memory", "It does not fit.")
        const ends = [mine.signal, ...(options?.signal ? [options.signal] : [])]
        const signal = AbortSignal.any(ends)
        const work =
          request.prompt === "hang"
            ? once(signal, "abort").then(() => Promise.reject(signal.reason))
            : q.engine.generate(request, { ...options, signal })
        return work.catch((thrown: unknown) => {
          if (mine.signal.aborted) throw new AtelierError("worker_lost", "The engine's process died.")
          throw thrown
        })
      }
      // One that hangs takes its time twice; the suite has a test of its own for that.
      const kinds = amount(0, 1) ? ["crash", "hang", "memory"] : ["crash", "memory"]
      const prompts: string[] = Array.from({ length: good }, (_, i) => `good ${i}`)
      const every = Math.floor(good / (each * kinds.length))
      for (let i = 0; i < each * kinds.length; i++)
        prompts.splice(i * (every + 1), 0, kinds[i % kinds.length]!)
      const ids: { id: string; prompt: string }[] = []
      for (const prompt of prompts) ids.push({ id: await q.submit(key, { prompt }), prompt })
      await q.worker({ engine: { ...q.engine, generate }, trySeconds: amount(900, HANG_SECONDS) })
      await until(async () => (await q.jobs.queue(key)).length === 0, 600)
      const reasons = { crash: /process died/, hang: /no step for/, memory: /does not fit/ }
      let completed = 0
      let failed = 0
      for (const { id, prompt } of ids) {
        const job = await q.jobs.get(id, key)
        const reason = Object.hasOwn(reasons, prompt) ? reasons[prompt as keyof typeof reasons] : null
        assert.equal(job.state, reason ? "failed" : "completed", `${prompt}: ${job.error?.message}`)
        if (reason) {
          failed++
          assert.equal(job.tries, 2)
          assert.match(job.error!.message, /after 2 tries/)
          assert.match(job.error!.message, reason)
        } else completed++
      }
      figure(t, "R6-poison", {
        n: prompts.length,
        bad: kinds.map((kind) => `${each}_${kind}`).join(","),
        completed,
        failed,
      })
    },
    { stepMilliseconds: 1 },
  ))

test("a job that hangs is stopped after its time, twice, and fails with a reason", () =>
  withQueue(
    async (q) => {
      const key = await q.key("hang")
      const id = await q.submit(key, { steps: 100 })
      await q.worker({ trySeconds: 0.15 })
      await until(async () => (await q.jobs.get(id, key)).state === "failed")
      const { error, tries } = await q.jobs.get(id, key)
      assert.equal(error!.code, "timeout")
      assert.equal(tries, 2)
    },
    { stepMilliseconds: 400 },
  ))

test("a job that steps on is not stopped, however long it takes in all", () =>
  withQueue(
    async (q) => {
      const key = await q.key("slow")
      const id = await q.submit(key, { steps: 30 })
      await q.worker({ trySeconds: 1 })
      await until(async () => (await q.jobs.get(id, key)).state === "completed")
      assert.equal((await q.jobs.get(id, key)).tries, 1)
    },
    { stepMilliseconds: 50 },
  ))

test("a job past its deadline fails wherever it is", () =>
  withQueue(async (q) => {
    const key = await q.key("late")
    const id = await q.submit(key, {}, { deadlineSeconds: 60 })
    q.now.time += 59_000
    await sweep(q.jobs, store.blobs)
    assert.equal((await q.jobs.get(id, key)).state, "queued")
    q.now.time += 2000
    await sweep(q.jobs, store.blobs)
    assert.equal((await q.jobs.get(id, key)).error!.code, "timeout")
  }))

test("a stopping worker hands its job back untried, and another one completes it", () =>
  withQueue(async (q) => {
    const key = await q.key("stop")
    const id = await q.submit(key, {})
    const begun = Promise.withResolvers<void>()
    const endless: typeof q.engine.generate = (_request, options) =>
      new Promise((_, reject) => {
        options!.signal!.addEventListener("abort", () => reject(options!.signal!.reason), { once: true })
        begun.resolve()
      })
    const first = await q.worker({ engine: { ...q.engine, generate: endless } })
    await begun.promise
    await first.stop()
    const job = await q.jobs.get(id, key)
    assert.equal(job.state, "queued")
    assert.equal(job.tries, 0)
    await q.worker()
    assert.equal((await q.jobs.wait(id, key, { seconds: 60 })).state, "completed")
  }))

test("jobs of a worker unseen for the lease go back, and fail after its second death", () =>
  withQueue(async (q) => {
    const key = await q.key("lease")
    const id = await q.submit(key, {})
    for (const tries of [1, 2]) {
      await store.db.query(WORKERS.seen, ["ghost", "[]", q.jobs.clock()])
      await store.db.query("update jobs set state = 'sampling', worker = 'ghost', tries = $2 where id = $1", [
        id,
        tries,
      ])
      q.now.time += 10_000
      await reclaim(q.jobs)
      assert.equal((await q.jobs.get(id, key)).state, "sampling")
      q.now.time += 10_000
      await reclaim(q.jobs)
      assert.equal((await q.jobs.get(id, key)).state, tries === 1 ? "queued" : "failed")
    }
    assert.equal((await q.jobs.get(id, key)).error!.code, "worker_lost")
  }))

test("a job whose end could not be stored is handed back by its living worker and made again", () =>
  withQueue(async (q) => {
    const key = await q.key("stray")
    // The database is away for what follows the picture: neither its end nor its return to the queue can be stored.
    const { end } = q.jobs
    const { query } = store.db
    let refused = 0
    q.jobs.end = async (...args) => {
      if (refused++ === 0) throw new Error("the database is away")
      return end.apply(q.jobs, args)
    }
    store.db.query = async (sql: string, ...rest: unknown[]) => {
      if (sql === JOBS.handBack && refused++ === 1) throw new Error("the database is away")
      return query.call(store.db, sql, ...(rest as [])) as never
    }
    try {
      const id = await q.submit(key, {})
      const worker = await q.worker()
      await until(() => refused === 2 && worker.inFlight === 0)
      assert.equal((await q.jobs.get(id, key)).state, "sampling")
      await worker.seen()
      await worker.seen()
      assert.equal((await q.jobs.wait(id, key, { seconds: 60 })).state, "completed")
      assert.equal(q.engine.seen.length, 2)
    } finally {
      store.db.query = query
    }
  }))

test("10 ids, 500 submits from many callers, 10 jobs", () =>
  withQueue(async (q) => {
    const key = await q.key("idem")
    const submits = Array.from({ length: 500 }, (_, i) =>
      q.submit(key, { seed: i % 10 }, { clientId: `id-${i % 10}`, bodyHash: sha256(String(i % 10)) }),
    )
    assert.equal(new Set(await Promise.all(submits)).size, 10)
    const another = q.submit(key, {}, { clientId: "id-1", bodyHash: "other" })
    await assert.rejects(another, { code: "conflict" })
  }))

test("the same request gives the same bytes alone, in a batch, after others and after a restart", (t) =>
  withQueue(async (q) => {
    const n = amount(4, 100)
    const key = await q.key("same", { concurrency: 16, backlog: 10_000 })
    const hashOf = async (id: string) =>
      (await q.jobs.wait(id, key, { seconds: 600 })).pictures.map((p) => p.hash)
    const same = (seed: number) => q.submit(key, { prompt: "same", seed, count: 2 })
    const seeds = Array.from({ length: n }, (_, i) => i * 10)
    const first = await q.worker()
    const alone: string[][] = []
    for (const seed of seeds) alone.push(await hashOf(await same(seed)))
    const crowd = await Promise.all(
      seeds.flatMap((seed) => [
        q.submit(key, { prompt: `other ${seed}` }),
        same(seed),
        q.submit(key, { seed }),
      ]),
    )
    for (const i of seeds.keys()) assert.deepEqual(await hashOf(crowd[i * 3 + 1]!), alone[i])
    await first.stop()
    await q.worker()
    for (const [i, seed] of [...seeds.entries()].reverse())
      assert.deepEqual(await hashOf(await same(seed)), alone[i])
    figure(t, "R10-same-bytes", { n: n * 3, requests: n, different: 0 })
  }))
