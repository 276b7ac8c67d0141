// A long history, and how long the page's longest task took on the processor.
import { randomUUID } from "node:crypto"
import type { Browser, Page } from "playwright-core"
import { parseRequest } from "../../src/request/index.ts"
import type { Studio } from "./support.ts"

/** Finished takes straight into the database, their pictures those of one that was really made. */
export async function fillHistory(studio: Studio, takes: number, each: number): Promise<void> {
  const { db } = studio.running.service.store
  const made = await fetch(`${studio.url}/api/jobs?wait=60`, {
    method: "POST",
    body: JSON.stringify({ prompt: "the first take", count: each }),
  })
  const { id } = (await made.json()) as { id: string }
  const begin = Date.parse("2026-01-01T00:00:00Z")
  const words = ["fox", "harbour", "orchard", "lighthouse", "valley", "dunes", "river"]
  const shapes = [
    [1024, 1024],
    [1248, 832],
    [832, 1248],
    [1376, 768],
  ] as const
  const rows = Array.from({ length: takes }, (_, i) => {
    const prompt = `take ${i} of a ${words[i % words.length]} in changing light`
    const [width, height] = shapes[i % shapes.length]!
    const request = parseRequest({ prompt, seed: i * 10, count: each, width, height, model: "medium" })
    const outcome = { request, expandedPrompts: [], seconds: { total: 1 }, notes: [] }
    return {
      id: randomUUID(),
      prompt,
      request,
      outcome,
      width,
      height,
      at: new Date(begin + i * 60_000).toISOString(),
    }
  })
  for (let from = 0; from < rows.length; from += 250) {
    const part = JSON.stringify(rows.slice(from, from + 250))
    await db.query(
      `insert into jobs (id, key_id, state, model, prompt, request, pictures, dialect, outcome, created_at, started_at, finished_at)
       select (r->>'id')::uuid, j.key_id, 'completed', 'medium', r->>'prompt', r->'request', ${each}, 'native', r->'outcome',
              (r->>'at')::timestamptz, (r->>'at')::timestamptz, (r->>'at')::timestamptz
       from jsonb_array_elements($1::jsonb) r, jobs j where j.id = $2`,
      [part, id],
    )
    await db.query(
      `insert into pictures (id, job_id, place, seed, width, height, format, hash, bytes, created_at)
       select gen_random_uuid(), (r->>'id')::uuid, p.place, p.place, (r->>'width')::int, (r->>'height')::int, p.format, p.hash,
              p.bytes, (r->>'at')::timestamptz
       from jsonb_array_elements($1::jsonb) r, pictures p where p.job_id = $2`,
      [part, id],
    )
  }
}

interface TraceEvent {
  name: string
  tdur?: number
  pid: number
  tid: number
  args?: { name?: string }
}

/**
 * Milliseconds of processor time of the longest task on the page's main thread while `work` runs. Processor time, not
 * the clock's: on a shared machine the clock measures the neighbours.
 */
export async function longestTask(browser: Browser, page: Page, work: () => Promise<void>): Promise<number> {
  await browser.startTracing(page, {
    categories: ["toplevel", "disabled-by-default-devtools.timeline", "__metadata"],
  })
  await work()
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
  const mains = trace.traceEvents.filter((e) => e.name === "thread_name" && e.args?.name === "CrRendererMain")
  const isMain = (e: TraceEvent): boolean => mains.some((m) => m.pid === e.pid && m.tid === e.tid)
  const tasks = trace.traceEvents.filter((e) => /RunTask$/.test(e.name) && e.tdur !== undefined && isMain(e))
  if (tasks.length === 0) throw new Error("The trace has no tasks.")
  return Math.max(...tasks.map((e) => e.tdur!)) / 1000
}
