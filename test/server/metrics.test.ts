// What /metrics says after work: queue, waits, steps, batches, the event loop, and failures by their code.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { AtelierError } from "../../src/request/index.ts"
import { gate, startService, type TestService } from "../support/service.ts"

let service: TestService
const held = gate()
before(async () => {
  service = await startService(
    { localLimits: { concurrency: 1 } },
    {
      beforeStep: (request) => {
        if (request.prompt === "held") return held.wait()
        if (request.prompt === "too large") throw new AtelierError("out_of_memory", "It does not fit.")
      },
    },
  )
})
after(() => service.drop())

/** Samples by name with labels. */
async function metrics(): Promise<Map<string, number>> {
  const { body, headers } = await service.call("GET", "/metrics")
  assert.match(headers.get("content-type")!, /^text\/plain; version=0\.0\.4/)
  const samples = (body as string).split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  return new Map(
    samples.map((line): [string, number] => {
      const [, name, value] = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? assert.fail(line)
      assert.ok(Number.isFinite(Number(value)), line)
      return [name!, Number(value)]
    }),
  )
}
const submit = (prompt: string, wait = 60) =>
  service.call("POST", `/api/jobs?wait=${wait}`, { prompt, count: 2, width: 256, height: 256 })

test("unfinished jobs are counted by state while they wait and run", async () => {
  const running = (await submit("held", 0)).body
  await held.reached
  await submit("waits", 0)
  const during = await metrics()
  const inQueue = [...during].filter(([name]) => name.startsWith("atelier_queue_jobs{"))
  assert.equal(
    inQueue.reduce((sum, [, n]) => sum + n, 0),
    2,
    JSON.stringify(inQueue),
  )
  assert.equal(during.get('atelier_queue_jobs{state="backlogged"}'), 1)
  held.open()
  assert.equal((await service.call("GET", `/api/jobs/${running.id}?wait=60`)).body.state, "completed")
})

test("a completed and a failed job leave their waits, steps, batches and codes", async () => {
  assert.equal((await submit("a fox")).body.state, "completed")
  const earlier = await metrics()
  assert.equal((await submit("a fox")).body.state, "completed")
  assert.equal((await submit("too large")).body.error.code, "out_of_memory")
  const now = await metrics()
  const more = (name: string): number => (now.get(name) ?? Number.NaN) - (earlier.get(name) ?? 0)

  assert.equal(more('atelier_jobs_submitted_total{dialect="native"}'), 2)
  assert.equal(more('atelier_jobs_ended_total{state="completed"}'), 1)
  assert.equal(more('atelier_jobs_ended_total{state="failed"}'), 1)
  assert.equal(more('atelier_failures_total{code="out_of_memory"}'), 1)
  assert.equal(more("atelier_pictures_total"), 2)
  assert.equal(more("atelier_wait_seconds_count"), 2)
  assert.equal(more('atelier_wait_seconds_bucket{le="+Inf"}'), 2)
  assert.equal(more("atelier_run_seconds_count"), 2)
  // Four steps of two pictures, each timed from the one before it; the failed job came to none.
  assert.equal(more("atelier_step_seconds_count"), 3)
  assert.equal(more("atelier_batch_pictures_count"), 3)
  assert.equal(more("atelier_batch_pictures_sum"), 6)
  assert.equal(more('atelier_batch_pictures_bucket{le="1"}'), 0)
  assert.equal(more('atelier_batch_pictures_bucket{le="2"}'), 3)
  assert.equal(more("atelier_submit_seconds_count"), 2)
  assert.equal(more('atelier_http_requests_total{status="201"}'), 2)
  assert.ok(now.get("atelier_loop_delay_seconds")! >= 0)
  assert.ok(now.get("atelier_resident_bytes")! > 1e6)
})

test("every sample belongs to a metric that says its kind and what it is", async () => {
  const { body } = await service.call("GET", "/metrics")
  const kinds = new Map([...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => [name!, kind!]))
  const helped = new Set([...body.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name))
  for (const name of (await metrics()).keys()) {
    const bare = name.replace(/\{.*/, "")
    const family = kinds.has(bare) ? bare : bare.replace(/_(bucket|sum|count)$/, "")
    assert.ok(kinds.has(family) && helped.has(family), name)
    if (family !== bare) assert.equal(kinds.get(family), "histogram", name)
  }
})
