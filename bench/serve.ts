// npm run bench -- serve [submit|cancel|idempotency|overhead|cluster|promises ...]: figures of the service. The server
// runs in a process of its own; the engine only takes time, so that what is measured is the service. A number after
// the part takes the place of its n (of the counts of workers for cluster).
import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { rm } from "node:fs/promises"
import { Agent, request as httpRequest } from "node:http"
import { createInterface } from "node:readline"
import { setTimeout as after } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { dataFolder } from "../test/support/folder.ts"
import { startPostgres } from "../test/support/postgres.ts"
import { BurstClient } from "./burst.ts"
import type { NodeOptions } from "./serve-node.ts"

interface Node {
  url: string
  child: ChildProcess
  stop(): Promise<void>
}

async function startNode(options: NodeOptions): Promise<Node> {
  const child = fork(fileURLToPath(new URL("./serve-node.ts", import.meta.url)), [JSON.stringify(options)])
  const [{ url }] = (await once(child, "message")) as [{ url: string }]
  return {
    url,
    child,
    async stop() {
      const ended = once(child, "exit")
      child.send("stop")
      await ended
    },
  }
}

const percentile = (values: number[], p: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN
}
const print = (figure: string, values: Record<string, number | string>): void => {
  const text = Object.entries(values).map(
    ([k, v]) => `${k}=${typeof v === "number" ? Number(v.toFixed(3)) : v}`,
  )
  console.log(`figure=${figure} ${text.join(" ")}`)
}

interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: a benchmark reads what it asked for.
  body: any
  milliseconds: number
  retryAfter: string | undefined
}
const agent = new Agent({ keepAlive: true, maxSockets: 500 })
/** Plain http: the time of fetch itself would show in the figures. */
const call = (
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const began = performance.now()
    const asked = httpRequest(url, { method, headers, agent }, (response) => {
      let text = ""
      response.on("data", (part) => {
        text += part
      })
      response.on("end", () => {
        const isJson = response.headers["content-type"]?.includes("json")
        resolve({
          status: response.statusCode!,
          body: isJson ? JSON.parse(text) : text,
          milliseconds: performance.now() - began,
          retryAfter: response.headers["retry-after"],
        })
      })
    })
    asked.on("error", reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })

async function loopDelay(url: string): Promise<number> {
  const { body } = await call(`${url}/metrics`, "GET")
  return Number(/atelier_loop_delay_seconds ([\d.e-]+)/.exec(String(body))![1]) * 1000
}

async function withNode(options: Partial<NodeOptions>, work: (node: Node) => Promise<void>): Promise<void> {
  const directory = await dataFolder()
  const node = await startNode({ directory, step: 20, steps: 10, batch: 4, picture: true, ...options })
  try {
    await work(node)
  } finally {
    await node.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Bursts before the clock runs: a server has compiled what it does after some thousand requests, and opened its sockets. */
const WARM_BURSTS = 10
const BURSTS = 11
const SOCKETS = 500

/**
 * R9: a thousand submits at once on 500 sockets while pictures are made, as the first thing after a start and when the
 * server is warm; past the cap all are 429.
 */
const submit = ([given = "1000"]: string[]): Promise<void> =>
  withNode({ queueCap: Number(given) + 200 }, async ({ url }) => {
    const n = Number(given)
    for (let i = 0; i < 30; i++) await call(`${url}/api/jobs`, "POST", { prompt: "warm" })
    const client = await BurstClient.open(url, SOCKETS)
    const burst = async () => {
      await loopDelay(url)
      const bodies = Array.from({ length: n }, (_, seed) => ({ prompt: `load ${seed}`, seed }))
      const answers = await client.post("/api/jobs", bodies)
      const delay = await loopDelay(url)
      const times = answers.map((a) => a.milliseconds)
      const stored = answers.filter((a) => a.status === 201).length
      return { stored, p50: percentile(times, 50), p99: percentile(times, 99), delay }
    }
    const emptied = async () => void (await call(`${url}/api/queue/cancel`, "POST"))
    const first = await burst()
    print("R9-submit-first", {
      n,
      stored: first.stored,
      p50_ms: first.p50,
      p99_ms: first.p99,
      loop_delay_p99_ms: first.delay,
    })
    for (let i = 0; i < WARM_BURSTS; i++) {
      await emptied()
      await burst()
    }
    const bursts: Awaited<ReturnType<typeof burst>>[] = []
    for (let i = 0; i < BURSTS; i++) {
      await emptied()
      bursts.push(await burst())
    }
    print("R9-submit", {
      n: `${BURSTS}x${n}`,
      stored: bursts.reduce((sum, b) => sum + b.stored, 0),
      p50_ms: percentile(
        bursts.map((b) => b.p50),
        50,
      ),
      p99_ms: percentile(
        bursts.map((b) => b.p99),
        50,
      ),
      p99_worst_ms: Math.max(...bursts.map((b) => b.p99)),
      loop_delay_p99_ms: Math.max(...bursts.map((b) => b.delay)),
    })
    client.close()
    const times2: number[] = []
    for (let i = 0; i < 100; i++)
      times2.push((await call(`${url}/api/jobs`, "POST", { prompt: "one by one" })).milliseconds)
    print("R9-submit-alone", { n: 100, p50_ms: percentile(times2, 50), p99_ms: percentile(times2, 99) })
    const over = await Promise.all(
      Array.from({ length: 400 }, () => call(`${url}/api/jobs`, "POST", { prompt: "over" })),
    )
    const shed = over.filter((a) => a.status === 429)
    print("R9-shed", {
      n: 400,
      stored: over.filter((a) => a.status === 201).length,
      shed: shed.length,
      shed_with_retry_after: shed.filter((a) => a.retryAfter).length,
      other: over.filter((a) => a.status !== 201 && a.status !== 429).length,
    })
  })

/** R5: from the cancel call to the step at which the engine lets go. */
const cancel = ([given = "200"]: string[]): Promise<void> =>
  withNode({ step: 50, steps: 1000 }, async ({ url, child }) => {
    const aborted = new Map<string, (at: number) => void>()
    child.on(
      "message",
      (m: { aborted?: string; at?: number }) => m.aborted && aborted.get(m.aborted)?.(m.at!),
    )
    const times: number[] = []
    let after = 0
    const n = Number(given)
    for (let i = 0; i < n; i++) {
      const prompt = `cancel ${i}`
      const gone = new Promise<number>((resolve) => aborted.set(prompt, resolve))
      const { body } = await call(`${url}/api/jobs`, "POST", { prompt })
      while ((await call(`${url}/api/jobs/${body.id}`, "GET")).body.state !== "sampling") {}
      const began = Date.now()
      await call(`${url}/api/jobs/${body.id}/cancel`, "POST")
      times.push((await gone) - began)
      if ((await call(`${url}/api/jobs/${body.id}`, "GET")).body.pictures.length > 0) after++
    }
    print("R5-cancel", {
      n,
      step_ms: 50,
      p50_ms: percentile(times, 50),
      p99_ms: percentile(times, 99),
      results_after_cancel: after,
    })
  })

/** R4: many submits under 50 ids from 64 callers, with restarts in between; each caller sends again what got no answer. */
async function idempotency([given = "10000"]: string[]): Promise<void> {
  const n = Number(given)
  const directory = await dataFolder()
  const options = { directory, step: 20, steps: 10, batch: 4, picture: true }
  let node = await startNode(options)
  const port = Number(new URL(node.url).port)
  const ids = new Map<number, Set<string>>()
  let next = 0
  let answered = 0
  let sentAgain = 0
  const caller = async (): Promise<void> => {
    while (next < n) {
      const k = next++ % 50
      for (;;) {
        const asked = { prompt: "same", seed: k }
        const answer = await call(`${node.url}/api/jobs`, "POST", asked, {
          "idempotency-key": `k${k}`,
        }).catch(() => null)
        if (answer?.status === 201) {
          ids.set(k, (ids.get(k) ?? new Set()).add(answer.body.id))
          break
        }
        sentAgain++
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      answered++
    }
  }
  const callers = Promise.all(Array.from({ length: 64 }, caller))
  const restarts = 3
  for (let i = 1; i <= restarts; i++) {
    while (answered < (n * i) / (restarts + 1)) await new Promise((resolve) => setTimeout(resolve, 5))
    node.child.kill("SIGKILL")
    await once(node.child, "exit")
    node = await startNode({ ...options, port })
  }
  await callers
  const changed = { prompt: "changed" }
  const other = await call(`${node.url}/api/jobs`, "POST", changed, { "idempotency-key": "k1" })
  print("R4-idempotency", {
    n,
    keys: 50,
    callers: 64,
    kills: restarts,
    sent_again: sentAgain,
    jobs: new Set([...ids.values()].flatMap((s) => [...s])).size,
    changed_body: other.status,
  })
  await node.stop()
  await rm(directory, { recursive: true, force: true })
}

/** What the service adds to the bare time of the engine, per picture, one at a time. */
const overhead = ([given = "50"]: string[]): Promise<void> =>
  withNode({ step: 100, steps: 2 }, async ({ url }) => {
    const times: number[] = []
    const n = Number(given)
    for (let i = 0; i < n + 10; i++) {
      const { milliseconds, body } = await call(`${url}/api/jobs?wait=60`, "POST", {
        prompt: `overhead ${i}`,
      })
      // Its own time, not the one that was asked for: timers are late by a millisecond or two.
      if (i >= 10) times.push(milliseconds - 1000 * body.seconds.total)
    }
    print("overhead", { n, p50_ms: percentile(times, 50), p90_ms: percentile(times, 90) })
  })

/** Jobs at a time of one worker, and milliseconds of a job. */
const SHAPES = [
  { batch: 1, step: 200 },
  { batch: 8, step: 200 },
  { batch: 8, step: 400 },
]

/**
 * Worker processes on PostgreSQL. One job at a time each, of about what a picture of the embedded model takes, shows how well
 * the queue feeds many workers; eight show how much it carries, and eight longer ones whether it does both at once.
 */
async function cluster(args: string[]): Promise<void> {
  const counts = args.length ? args.map(Number) : [1, 2, 4, 8, 16]
  for (const { batch, step, count } of SHAPES.flatMap((s) => counts.map((count) => ({ ...s, count })))) {
    const postgres = await startPostgres()
    const directory = await dataFolder()
    const base = {
      directory,
      databaseUrl: postgres.url,
      step,
      steps: 1,
      batch,
      picture: false,
      queueCap: 100_000,
    }
    const api = await startNode({ ...base, role: "api" })
    const workers = await Promise.all(
      Array.from({ length: count }, () => startNode({ ...base, role: "worker" })),
    )
    await call(`${api.url}/api/queue/pause`, "POST")
    // Whole rounds: of a part of one the workers without a job would count as idle.
    const n = count * batch * Math.min(100, Math.ceil(6400 / (count * batch)))
    let next = 0
    const began = performance.now()
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        while (next < n) {
          next++
          await call(`${api.url}/api/jobs`, "POST", { prompt: "queue" })
        }
      }),
    )
    const submitted = (performance.now() - began) / 1000
    const start = performance.now()
    await call(`${api.url}/api/queue/resume`, "POST")
    const unfinished = async (): Promise<number> => {
      const { body } = await call(`${api.url}/metrics`, "GET")
      return [...String(body).matchAll(/atelier_queue_jobs\{[^}]*\} (\d+)/g)].reduce(
        (a, m) => a + Number(m[1]),
        0,
      )
    }
    // Asking costs the machine that is measured: seldom while much is left, often towards the end.
    for (let left = await unfinished(); left > 0; left = await unfinished()) {
      const rounds = left / (count * batch)
      await after(Math.max(20, Math.min(1000, ((rounds - 1) * step) / 2)))
    }
    const seconds = (performance.now() - start) / 1000
    const ideal = (n / (count * batch)) * (step / 1000)
    print("cluster", {
      workers: count,
      at_a_time: batch,
      job_ms: step,
      n,
      submits_per_second: n / submitted,
      jobs_per_second: n / seconds,
      efficiency_percent: (100 * ideal) / seconds,
    })
    for (const node of [...workers, api]) await node.stop()
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

/** What needs no clock: the tests that count, with the n that is promised instead of the suite's. */
async function promises(args: string[]): Promise<void> {
  const files = args.length
    ? args
    : ["jobs/queue", "jobs/webhooks", "jobs/simulation", "server/*", "store/faults", "store/upgrade"]
  const env = { ...process.env, ATELIER_FIGURES: "full" }
  const words = [
    "--test",
    "--test-reporter=spec",
    "--test-concurrency=1",
    ...files.map((f) => `test/${f}.test.ts`),
  ]
  const child = spawn(process.execPath, words, { env, stdio: ["ignore", "pipe", "inherit"] })
  for await (const line of createInterface(child.stdout))
    if (/figure=|^\s*✖/.test(line)) console.log(line.replace(/^.*(?=figure=)/, ""))
  if ((await ended(child)) !== 0) process.exitCode = 1
}
const ended = async (child: ChildProcess): Promise<number | null> =>
  child.exitCode ?? ((await once(child, "exit")) as [number | null])[0]

const PARTS: Record<string, (args: string[]) => Promise<void>> = {
  submit,
  cancel,
  idempotency,
  overhead,
  cluster,
  promises,
}

export async function main(args: string[]): Promise<void> {
  const [name, ...rest] = args
  if (name !== undefined && !PARTS[name])
    throw new Error(`There is no part "${name}"; there are: ${Object.keys(PARTS).join(", ")}`)
  for (const part of name ? [name] : Object.keys(PARTS)) await PARTS[part]!(rest)
  agent.destroy()
}
