// Kills a real server at random instants under load and checks its history: what was acknowledged must come out
// once, nothing may come out twice. Used by test/jobs/chaos.test.ts and by `npm run test:chaos`.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Jobs, scrub } from "../../src/jobs/index.ts"
import { openStore } from "../../src/store/index.ts"
import { random } from "./figures.ts"
import { dataFolder } from "./folder.ts"

export interface ChaosResult {
  kills: number
  acknowledged: number
  lost: number
  doubled: number
  /** Completed jobs whose picture differs from another run of the same request. */
  different: number
  rowsWithoutFile: number
}

const script = fileURLToPath(new URL("../jobs/chaos-server.ts", import.meta.url))

/** A server that has loaded its program and waits for the word: starting it then costs what its folder costs. */
function load(directory: string): ChildProcess {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "atelier-compile-cache") }
  return spawn(process.execPath, [script, directory, "15"], { env, stdio: ["pipe", "pipe", "inherit"] })
}

/** Says the word, and waits until it answers requests. */
async function start(child: ChildProcess, port: number): Promise<string> {
  child.stdin!.end(`${port}\n`)
  let text = ""
  for await (const part of child.stdout!) {
    text += String(part)
    const url = /ready (\S+)/.exec(text)?.[1]
    if (url) return url
  }
  throw new Error("The server ended before it was ready.")
}

/** `kills` kill -9 at random instants while submitters and cancellers are at work. */
export async function chaos(options: {
  kills: number
  seed: number
  onKill?: (n: number) => void
}): Promise<ChaosResult> {
  const next = random(options.seed)
  const directory = await dataFolder()
  const acknowledged = new Map<string, { seed: number; key: string }>()
  const cancelled = new Set<string>()
  let port = 0
  let isOver = false
  let url = ""
  let n = 0
  let up = Promise.withResolvers<void>()

  // Each submitter keeps one request in flight; a lost answer is sent again under its key.
  const submitter = async (): Promise<void> => {
    while (!isOver) {
      const key = `chaos-${options.seed}-${n++}`
      const seed = Math.floor(next() * 50)
      for (;;) {
        await up.promise
        if (isOver) return
        try {
          const response = await fetch(`${url}/api/jobs`, {
            method: "POST",
            headers: { "idempotency-key": key },
            body: JSON.stringify({ prompt: "chaos", seed, steps: 3 }),
            signal: AbortSignal.timeout(20_000),
          })
          const job = (await response.json()) as { id: string }
          if (response.status === 201) {
            acknowledged.set(job.id, { seed, key })
            if (next() < 0.05) {
              // Before it is asked: it may be cancelled, and the answer lost in the kill.
              cancelled.add(job.id)
              await fetch(`${url}/api/jobs/${job.id}/cancel`, { method: "POST" })
            }
            break
          }
        } catch {
          // killed in mid-answer: the same key again
        }
      }
      // Enough load to be killed in the middle of things, not more than can be finished afterwards.
      await new Promise((resolve) => setTimeout(resolve, 30 + next() * 60))
    }
  }

  let submitters: Promise<void>[] = []
  let standby = load(directory)
  for (let kill = 0; kill < options.kills; kill++) {
    const server = standby
    const started = start(server, port)
    // The next one loads while this one starts and works: half of a start is reading the program.
    standby = load(directory)
    url = await started
    port = Number(new URL(url).port)
    up.resolve()
    if (submitters.length === 0) submitters = [submitter(), submitter(), submitter()]
    // After some answers, then at a random instant: a slow machine must not be killed before it did anything.
    const wanted = acknowledged.size + Math.floor(next() * 8)
    const end = performance.now() + 15_000
    while (acknowledged.size < wanted && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 2))
    await new Promise((resolve) => setTimeout(resolve, next() * 120))
    up = Promise.withResolvers()
    const ended = once(server, "exit")
    server.kill("SIGKILL")
    await ended
    options.onKill?.(kill + 1)
  }
  isOver = true
  up.resolve()
  await Promise.all(submitters)

  // One last start finishes everything that was acknowledged.
  url = await start(standby, port)
  for (;;) {
    const response = await fetch(`${url}/api/queue`)
    const { running, waiting } = (await response.json()) as { running: unknown[]; waiting: unknown[] }
    if (running.length + waiting.length === 0) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  standby.kill("SIGKILL")
  await once(standby, "exit")
  const result = await check(directory, acknowledged, cancelled)
  await rm(directory, { recursive: true, force: true })
  return { kills: options.kills, acknowledged: acknowledged.size, ...result }
}

/** The checker reads the store itself: every acknowledged job is there, over, and over once. */
async function check(
  directory: string,
  acknowledged: Map<string, { seed: number; key: string }>,
  cancelled: Set<string>,
): Promise<Omit<ChaosResult, "kills" | "acknowledged">> {
  const store = await openStore({ directory })
  const jobs = new Jobs({ db: store.db })
  const rows = await store.db.query<{
    id: string
    state: string
    client_id: string
    ends: number
    pictures: number
    hash: string
  }>(
    `select j.id, j.state, j.client_id, min(p.hash) as hash, count(distinct p.id)::int as pictures,
       (select count(*)::int from job_events e where e.job_id = j.id
        and e.kind in ('job-completed','job-failed','job-cancelled')) as ends
     from jobs j left join pictures p on p.job_id = j.id group by j.id`,
  )
  const byId = new Map(rows.map((r) => [r.id, r]))
  const lost = [...acknowledged.keys()].filter((id) => {
    const state = byId.get(id)?.state
    // A job may fail only by the two-tries rule: both its servers were killed under it.
    return state !== "completed" && state !== "failed" && !(state === "cancelled" && cancelled.has(id))
  }).length
  const keys = rows.map((r) => r.client_id)
  const doubled =
    keys.length -
    new Set(keys).size +
    rows.filter((r) => r.ends !== 1 || r.pictures > 1 || (r.state === "completed") !== (r.pictures === 1))
      .length
  const hashes = new Map<number, string>()
  let different = 0
  for (const [id, { seed }] of acknowledged) {
    const hash = byId.get(id)?.hash
    if (!hash) continue
    if ((hashes.get(seed) ?? hash) !== hash) different++
    hashes.set(seed, hash)
  }
  const files = await scrub(jobs, store.blobs)
  await store.close()
  return { lost, doubled, different, rowsWithoutFile: files.missing.length + files.damaged.length }
}
