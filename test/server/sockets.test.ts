// R13: an event stream over a network that drops and freezes connections misses nothing and repeats nothing.
import assert from "node:assert/strict"
import { getEventListeners } from "node:events"
import { after, before, test } from "node:test"
import { AtelierClient } from "../../src/sdk/index.ts"
import { amount, figure, random } from "../support/figures.ts"
import { brokenNetwork } from "../support/proxy.ts"
import { startService, type TestService, until } from "../support/service.ts"

let service: TestService
before(async () => {
  service = await startService({ heartbeatSeconds: 0.1 }, { side: 16 })
})
after(() => service.drop())

const SEED = 13
/** A connection cut in mid-answer is opened again by then. */
const PATIENCE = 60

test("a reader whose connections are cut and freeze half-open gets every event once and in order", async (t) => {
  const n = amount(8, 500)
  const next = random(SEED)
  const network = await brokenNetwork(Number(new URL(service.url).port))
  const through = new AtelierClient({ baseUrl: `http://127.0.0.1:${network.port}`, silenceSeconds: 1 })
  const direct = new AtelierClient({ baseUrl: service.url })
  const stop = new AbortController()
  const seen: string[] = []
  let connections = 0
  const reading = (async () => {
    for await (const event of through.events({ after: "0-0", signal: stop.signal })) {
      if (event.kind === "hello") connections++
      else if (event.cursor) seen.push(event.cursor)
    }
  })()
  let frozen = 0
  let known = 0
  for (let drop = 0; drop < n; drop++) {
    // Most connections get as far as the first message; the others break before it.
    const greeted = next() < 0.8
    await until(() => network.live > 0 && (!greeted || connections > known), PATIENCE)
    const { id } = await direct.submit({ prompt: `drop ${drop}`, seed: drop })
    const isFreeze = next() < 0.15
    // Before anything is heard, in the middle, or after the end: where the job is by then is chance.
    if (next() < 0.5) await direct.wait(id)
    if (isFreeze) {
      frozen++
      network.freeze()
    } else network.cut()
    known = connections
  }
  // Whatever has not ended yet has events to come, and none may come between the last look and the count.
  const { running, waiting } = await direct.queue()
  for (const { id } of [...running, ...waiting.map(({ job }) => job)]) await direct.wait(id)
  const stored = async () =>
    (
      await service.service.store.db.query<{ cursor: string }>(
        "select xid::text || '-' || seq::text as cursor from job_events order by xid, seq",
      )
    ).map((row) => row.cursor)
  await until(async () => seen.length >= (await stored()).length, PATIENCE)
  stop.abort()
  await reading
  await network.close()
  const all = await stored()
  const missed = all.filter((cursor) => !seen.includes(cursor)).length
  const repeated = seen.length - new Set(seen).size
  figure(t, "R13-stream", { n, seed: SEED, frozen, connections, events: all.length, missed, repeated })
  assert.deepEqual(seen, all)
  assert.ok(connections > n / 2 && frozen > 0)
})

test("waiting for a job outlives a cut and a frozen connection", async () => {
  const network = await brokenNetwork(Number(new URL(service.url).port))
  const through = new AtelierClient({ baseUrl: `http://127.0.0.1:${network.port}`, silenceSeconds: 1 })
  await service.call("POST", "/api/queue/pause")
  const job = await through.submit({ prompt: "waited for" })
  const waiting = through.wait(job.id)
  for (const breakIt of [network.cut, network.freeze]) {
    await until(() => network.live > 0, PATIENCE)
    breakIt()
  }
  await service.call("POST", "/api/queue/resume")
  assert.equal((await waiting).state, "completed")
  await network.close()
})

test("a stream that is over leaves nothing with the server, which outlives it", async () => {
  const held = (): number => getEventListeners(service.service.closing, "abort").length
  const client = new AtelierClient({ baseUrl: service.url })
  await until(() => held() === 1)
  const stop = new AbortController()
  const events = client.events({ signal: stop.signal })
  await events.next()
  assert.equal(held(), 2, "the open stream is one that the server would end")
  stop.abort()
  await events.return(undefined).catch(() => {})
  await until(() => held() === 1)
})
