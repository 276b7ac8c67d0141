// R17: a whole service in one process whose clock, chance, disk, database and workers belong to a seed: what can go wrong goes
// wrong in an order that the seed decides, and afterwards nothing may be lost, doubled or out of place.
import { type Jobs, Jobs as JobsClass, sweep, Worker } from "../../src/jobs/index.ts"
import { AtelierError, type GenerationRequest, parseRequest } from "../../src/request/index.ts"
import { addKey, type BlobStore, type Database, sha256 } from "../../src/store/index.ts"
import { testModel } from "./engine.ts"
import { random } from "./figures.ts"

/** What becomes of a request whenever it is made; the prompt says it. */
const FATES = ["fine", "fine", "fine", "fine", "memory", "crash", "refused"] as const

interface Acknowledged {
  id: string
  key: string
  clientId: string
  request: GenerationRequest
  hooked: boolean
}

/** A machine: its connection to the database breaks now and then, and for good when it dies. */
class Node {
  readonly db: Database
  readonly jobs: Jobs
  readonly worker: Worker
  isDead = false

  constructor(world: Simulation) {
    const faulty = <T>(work: () => Promise<T>): Promise<T> => {
      const lost = () => new Error("the connection is lost")
      if (this.isDead) return Promise.reject(lost())
      if (world.chance(world.faults / 2)) return Promise.reject(lost())
      // The worse half: it was done, and nobody here will know.
      const isUnheard = world.chance(world.faults / 2)
      return world.counted(work()).then((result) => {
        if (isUnheard || this.isDead) throw lost()
        return result
      })
    }
    this.db = {
      ...world.db,
      query: (sql, params) => faulty(() => world.db.query(sql, params)) as never,
      // Notifications get lost with a connection too, and one about a cancel comes only once.
      listen: (channel, handler) =>
        world.db.listen(channel, (payload) => {
          if (!this.isDead && !world.chance(world.faults * 3)) handler(payload)
        }),
    }
    this.jobs = new JobsClass({ db: this.db, clock: world.clock })
    this.worker = new Worker({
      jobs: this.jobs,
      blobs: world.blobs,
      prepare: async (request) => request,
      previewEvery: 0,
      engine: {
        models: async () => [testModel],
        close: async () => {},
        generate: (request, options) => world.generate(this, request, options?.signal, options?.onProgress),
      },
    })
  }
}

export class Simulation {
  readonly db: Database
  readonly clock = (): Date => new Date(this.#time)
  readonly files = new Map<string, Uint8Array>()
  readonly blobs: BlobStore = {
    put: async (key, bytes) => {
      if (this.chance(this.faults)) throw new AtelierError("file_write", "The disk is full.")
      this.files.set(key, bytes)
    },
    get: async (key) => this.files.get(key) ?? null,
    has: async (key) => this.files.has(key),
    delete: async (key) => void this.files.delete(key),
    async *list() {},
  }
  /** Chance of one call to fail. */
  faults: number
  readonly acknowledged: Acknowledged[] = []
  readonly violations: string[] = []
  #time = Date.parse("2026-06-01T00:00:00Z")
  readonly #next: () => number
  readonly #main: Jobs
  #nodes: Node[] = []
  readonly #gone: Node[] = []
  #steps: (() => void)[] = []
  #busy = 0
  #seen: string[] = []
  #n = 0

  constructor(db: Database, seed: number) {
    this.db = db
    this.#next = random(seed)
    this.faults = this.#pick([0.01, 0.05, 0.15])!
    this.#main = new JobsClass({ db, clock: this.clock })
  }

  chance(p: number): boolean {
    return this.#next() < p
  }
  #pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#next() * list.length)]
  }

  async counted<T>(work: Promise<T>): Promise<T> {
    this.#busy++
    try {
      return await work
    } finally {
      this.#busy--
    }
  }

  /** Until nothing moves by itself any more: what happens next is the seed's to say. */
  async #settle(): Promise<void> {
    for (let still = 0; still < 3; still = this.#busy > 0 ? 0 : still + 1)
      await new Promise((resolve) => setImmediate(resolve))
  }

  /** Steps wait for their turn; the pictures depend on the request alone. */
  async generate(
    node: Node,
    request: GenerationRequest,
    signal?: AbortSignal,
    onProgress?: (p: { step: number; steps: number; secondsLeft: null }) => void,
  ) {
    const steps = 3
    for (let step = 1; step <= steps; step++) {
      await new Promise<void>((resolve) => {
        this.#steps.push(resolve)
        signal?.addEventListener("abort", () => resolve(), { once: true })
      })
      signal?.throwIfAborted()
      if (step === 2 && request.prompt.startsWith("memory"))
        throw new AtelierError("out_of_memory", "It does not fit.")
      if (step === 2 && request.prompt.startsWith("refused"))
        throw new AtelierError("content_policy", "It was withheld.")
      if (step === 2 && request.prompt.startsWith("crash")) this.#kill(node)
      onProgress?.({ step, steps, secondsLeft: null })
    }
    const pictures = Array.from({ length: request.count }, (_, index) => {
      const seed = request.seed! + index
      const bytes = Buffer.from(`${request.prompt} ${seed}`)
      return { index, seed, width: 8, height: 8, format: "png" as const, bytes }
    })
    return { pictures, request, expandedPrompts: [], seconds: { total: 1 }, notes: [] }
  }

  #kill(node: Node): void {
    node.isDead = true
    this.#nodes = this.#nodes.filter((n) => n !== node)
    this.#gone.push(node)
  }
  async #start(): Promise<void> {
    const node = new Node(this)
    this.#nodes.push(node)
    await node.worker.start().catch(() => this.#kill(node))
  }

  async #submit(keys: string[], again: Acknowledged | undefined): Promise<void> {
    const node = this.#pick(this.#nodes)
    if (!node) return
    const n = this.#n++
    const fate = this.#pick(FATES)!
    const made = again ?? {
      id: "",
      key: this.#pick(keys)!,
      clientId: `c${n}`,
      request: parseRequest({
        model: "medium",
        prompt: `${fate} ${n % 9}`,
        seed: n % 4,
        count: 1 + (n % 3),
      }),
      hooked: this.chance(0.3),
    }
    try {
      const { jobId } = await node.jobs.submit({
        keyId: made.key,
        request: made.request,
        dialect: "native",
        clientId: made.clientId,
        bodyHash: sha256(JSON.stringify(made.request)),
        priority: n % 3,
        ...(n % 11 === 0 ? { deadlineSeconds: 40 } : {}),
        ...(made.hooked ? { webhook: { url: "https://example.com/", envelope: "atelier" as const } } : {}),
      })
      if (again && again.id !== jobId) this.violations.push(`${made.clientId} is two jobs`)
      if (!again) this.acknowledged.push({ ...made, id: jobId })
    } catch (thrown) {
      // Refused or unheard: the caller does what callers do and sends it again.
      const { code } = thrown as AtelierError
      if (!again && code !== "rate_limited" && this.chance(0.7)) await this.#submit(keys, undefined)
    }
  }

  /** Time passes in steps in which every machine that lives says so. */
  async #pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 4) {
      this.#time += Math.min(4, left) * 1000
      for (const node of this.#nodes) await node.worker.seen().catch(() => {})
      await sweep(this.#pick(this.#nodes)?.jobs ?? this.#main, this.blobs).catch(() => {})
    }
  }

  async #act(keys: string[]): Promise<void> {
    const p = this.#next()
    const job = this.#pick(this.acknowledged)
    const jobs = this.#pick(this.#nodes)?.jobs ?? this.#main
    const tried = (work: Promise<unknown>): Promise<unknown> => work.catch(() => {})
    if (p < 0.5) this.#steps.splice(Math.floor(this.#next() * this.#steps.length), 1)[0]?.()
    else if (p < 0.68) await this.#submit(keys, undefined)
    else if (p < 0.72) await this.#submit(keys, job)
    else if (p < 0.77) await (job && tried(jobs.cancel(job.id, job.key)))
    else if (p < 0.8) await (job && tried(jobs.retry(job.id, job.key)))
    else if (p < 0.83) await (job && tried(jobs.move(job.id, job.key, { to: "front" })))
    else if (p < 0.85) await (job && tried(jobs.remove(job.id, job.key, this.chance(0.5))))
    else if (p < 0.87) await tried(jobs.pause(this.chance(0.4), keys[0]!))
    else if (p < 0.93) await this.#pass(this.#next() * 10)
    else if (p < 0.95 && this.#nodes.length > 0) this.#kill(this.#pick(this.#nodes)!)
    else if (p < 0.97 && this.#nodes.length > 1) {
      const node = this.#nodes.pop()!
      await node.worker.stop().catch(() => {})
      this.#kill(node)
    } else if (this.#nodes.length < 3) await this.#start()
  }

  /** Runs the seed; what it returns should be empty. */
  async run(actions = 120): Promise<string[]> {
    const keys: string[] = []
    const limits = { concurrency: 2 + Math.floor(this.#next() * 3), backlog: 30, rate: 1000 }
    for (const name of ["a", "b", "c"]) keys.push((await addKey(this.db, name, limits, this.clock())).id)
    await this.#main.events.start()
    const from = this.#main.events.cursor
    this.#main.events.follow(null, from, (event) => this.#seen.push(event.cursor))
    await this.#start()
    for (let i = 0; i < actions; i++) {
      await this.#act(keys)
      await this.#settle()
      if (i % 10 === 0) await this.#checkConcurrency(keys, limits.concurrency)
    }
    await this.#heal(keys)
    await this.#check(keys, from)
    await this.#main.events.close()
    for (const node of [...this.#nodes, ...this.#gone]) await node.worker.stop().catch(() => {})
    return this.violations
  }

  /** The faults end; everything that was acknowledged must come to its end. */
  async #heal(keys: string[]): Promise<void> {
    this.faults = 0
    await this.#main.pause(false, keys[0]!)
    for (let round = 0; round < 400; round++) {
      if (this.#nodes.length === 0) await this.#start()
      for (const step of this.#steps.splice(0)) step()
      await this.#settle()
      if (round % 4 === 3) await this.#pass(6)
      for (const node of this.#nodes) node.worker.wake()
      await this.#settle()
      const [left] = await this.db.query<{ n: number }>(
        "select count(*)::int as n from jobs where key_id = any ($1::text[]) and finished_at is null",
        [keys],
      )
      if (left!.n === 0) return
    }
    this.violations.push("some jobs never end")
  }

  async #checkConcurrency(keys: string[], most: number): Promise<void> {
    const rows = await this.db.query<{ n: number }>(
      `select count(*)::int as n from jobs where key_id = any ($1::text[])
       and state in ('scheduled','processing','sampling') group by key_id`,
      [keys],
    )
    for (const { n } of rows) if (n > most) this.violations.push(`${n} jobs of one key run, ${most} may`)
  }

  async #check(keys: string[], from: string): Promise<void> {
    const complain = (text: string): void => void this.violations.push(text)
    const jobs = await this.db.query<{ id: string; state: string; client_id: string }>(
      "select id, state, client_id from jobs where key_id = any ($1::text[])",
      [keys],
    )
    const byId = new Map(jobs.map((j) => [j.id, j]))
    if (new Set(jobs.map((j) => j.client_id)).size !== jobs.length) complain("one submit is two jobs")
    const pictures = await this.db.query<{ job_id: string; place: number; seed: string; hash: string }>(
      `select job_id, place, seed::text, hash from pictures where job_id in
       (select id from jobs where key_id = any ($1::text[]))`,
      [keys],
    )
    for (const { hash } of pictures)
      if (!this.files.has(`sha256/${hash.slice(0, 2)}/${hash}`)) complain(`a row without its file: ${hash}`)
    for (const { id, request, clientId } of this.acknowledged) {
      const job = byId.get(id)
      if (!job) complain(`${clientId} is lost`)
      const mine = pictures.filter((p) => p.job_id === id).sort((a, b) => a.place - b.place)
      const wanted = job?.state === "completed" ? request.count : 0
      if (mine.length !== wanted) complain(`${clientId} is ${job?.state} with ${mine.length} pictures`)
      for (const [i, p] of mine.entries()) {
        const right = sha256(`${request.prompt} ${request.seed! + i}`)
        if (p.hash !== right || Number(p.seed) !== request.seed! + i)
          complain(`${clientId} has a wrong picture`)
      }
      if (job?.state === "completed" && !request.prompt.startsWith("fine"))
        complain(`${clientId} completed, ${request.prompt}`)
    }
    await this.#checkEvents(keys, from, complain)
  }

  async #checkEvents(keys: string[], from: string, complain: (text: string) => void): Promise<void> {
    const events = await this.db.query<{ job_id: string; kind: string; cursor: string; hooked: boolean }>(
      `select e.job_id, e.kind, e.xid::text || '-' || e.seq::text as cursor, j.webhook is not null as hooked
       from job_events e left join jobs j on j.id = e.job_id where e.key_id = any ($1::text[]) order by e.seq`,
      [keys],
    )
    const last = new Map<string, string>()
    const ends = new Map<string, number>()
    for (const { job_id: id, kind, hooked } of events) {
      const state = /^job-(backlogged|queued|scheduled|processing|sampling|completed|failed|cancelled)$/.exec(
        kind,
      )
      if (!id || !state) continue
      const before = last.get(id) ?? "nothing"
      if (!NEXT[before]!.includes(state[1]!)) complain(`${id} went from ${before} to ${state[1]}`)
      last.set(id, state[1]!)
      if (hooked && END.includes(state[1]!)) ends.set(id, (ends.get(id) ?? 0) + 1)
    }
    const hooks = await this.db.query<{ job_id: string; n: number }>(
      "select job_id, count(*)::int as n from webhooks where key_id = any ($1::text[]) group by job_id",
      [keys],
    )
    for (const [id, n] of ends) {
      const told = hooks.find((h) => h.job_id === id)?.n ?? 0
      if (told !== n) complain(`${id} ended ${n} times and is told ${told} times`)
    }
    for (let i = 0; i < 200 && this.#seen.length < events.length; i++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    const order = (cursor: string): number[] => cursor.split("-").map(Number)
    const sorted = events
      .map((e) => e.cursor)
      .sort((a, b) => order(a)[0]! - order(b)[0]! || order(a)[1]! - order(b)[1]!)
    if (JSON.stringify(this.#seen) !== JSON.stringify(sorted))
      complain(
        `a reader after ${from} saw ${this.#seen.length} events of ${sorted.length}, or in another order`,
      )
  }
}

const END = ["completed", "failed", "cancelled"]
/** Which states may follow which. */
const NEXT: Record<string, string[]> = {
  nothing: ["queued", "backlogged"],
  backlogged: ["queued", "scheduled", "failed", "cancelled"],
  queued: ["scheduled", "failed", "cancelled"],
  scheduled: ["processing", "queued", "failed", "cancelled"],
  processing: ["sampling", "queued", ...END],
  sampling: ["queued", ...END],
  completed: ["nothing"],
  failed: ["queued"],
  cancelled: ["queued"],
}
