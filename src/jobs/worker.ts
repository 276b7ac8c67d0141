// The worker: takes jobs from the queue to the engine and brings pictures back, exactly once each.
import { randomUUID } from "node:crypto"
import {
  AtelierError,
  asAtelierError,
  type Engine,
  type ErrorCode,
  type GenerationRequest,
  type ModelInfo,
  type Picture,
} from "../request/index.ts"
import {
  type BlobStore,
  CHANNELS,
  confirmContent,
  EVENTS,
  JOBS,
  previewKey,
  putContent,
  WORKERS,
} from "../store/index.ts"
import { hookPlaces, type Jobs } from "./jobs.ts"
import type { JobRow } from "./rows.ts"
import { Steps } from "./steps.ts"

export interface WorkerOptions {
  id?: string
  jobs: Jobs
  blobs: BlobStore
  engine: Engine
  /** Stored pictures (`blob:<sha256>`, boards) as what the engine reads. */
  prepare: (request: GenerationRequest, keyId: string) => Promise<GenerationRequest>
  /** Judges finished pictures; throws `content_policy`. */
  inspect?: (pictures: Picture[], job: { keyId: string; request: GenerationRequest }) => Promise<void>
  /** Signs a finished file before it is stored; the same file gets the same bytes every time. */
  seal?: (bytes: Uint8Array) => Promise<Uint8Array>
  /** A try that makes no step for this long is given up; 900 s unless given. However long it takes, one that steps on goes on. */
  trySeconds?: number
  /** Steps between previews; 0 for none, 3 unless given. */
  previewEvery?: number
  onEnd?: (seen: {
    state: string
    code?: ErrorCode
    seconds: number
    waited: number
    pictures: number
  }) => void
  /** What broke inside while a job was made: its words are for the log, not for the job's owner. */
  onFault?: (thrown: unknown, jobId: string) => void
  onStep?: (secondsPerStep: number, inFlight: number) => void
}

/** A second try may help; any other code says something about the request and would fail again. */
const AGAIN: readonly ErrorCode[] = [
  "worker_lost",
  "out_of_memory",
  "timeout",
  "file_write",
  "unavailable",
  "internal",
]
const TRIES = 2
/** An engine that ignores its signal for this long is left behind. */
const ABORT_GRACE_MS = 10_000

interface Running {
  row: JobRow
  controller: AbortController
  model: string
  /** Whether the engine still works on it; afterwards its pictures are only stored. */
  painting: boolean
  done: Promise<void>
}

const abort = (running: Running | undefined): void =>
  running?.controller.abort(new AtelierError("cancelled", "The job was cancelled."))

export class Worker {
  readonly id: string
  readonly #o: WorkerOptions
  readonly #running = new Map<string, Running>()
  #models: ModelInfo[] = []
  #strays = new Set<string>()
  #stops: (() => Promise<void>)[] = []
  #timer: NodeJS.Timeout | undefined
  #draining = false
  #gone = false
  #pumping: Promise<void> | null = null
  #again = false
  /** The engine has finished something since the last look. */
  #freed = false
  /** A suspect runs alone, so that a job which kills its engine takes no innocent one along twice. */
  #alone = false

  constructor(options: WorkerOptions) {
    this.id = options.id ?? randomUUID()
    this.#o = options
  }

  /** Pictures in flight, from the claim until they are stored. */
  get inFlight(): number {
    return this.#pictures(() => true)
  }

  /** Pictures that the engine works on: its batch. */
  get painting(): number {
    return this.#pictures((r) => r.painting)
  }

  #pictures(counts: (running: Running) => boolean): number {
    let n = 0
    for (const running of this.#running.values()) if (counts(running)) n += running.row.pictures
    return n
  }

  get models(): ModelInfo[] {
    return this.#models
  }

  async start(): Promise<void> {
    this.#models = await this.#o.engine.models()
    const { db } = this.#o.jobs
    await this.seen()
    this.#stops.push(await db.listen(CHANNELS.work, () => this.wake()))
    this.#stops.push(
      await db.listen(CHANNELS.cancel, (jobId) => {
        if (jobId) abort(this.#running.get(jobId))
        else this.#held().catch(() => {}) // the database is away again; the next beat looks
      }),
    )
    // Notifications can be lost with a connection; looking again costs one small query.
    this.#timer = setInterval(() => this.wake(), 1000)
    this.#timer.unref()
    this.wake()
  }

  /** Says that this worker lives; a worker unseen for the lease loses its jobs. */
  async seen(): Promise<void> {
    if (this.#gone) return
    const { db, clock } = this.#o.jobs
    await db.query(WORKERS.seen, [this.id, JSON.stringify(this.#models), clock()])
    // While it stops, jobs that are left wait for being handed back together, untried.
    if (!this.#draining) await this.#dropStrays(await this.#held())
  }

  /**
   * The jobs that are this worker's by their rows. What runs here and is none of them was cancelled, or taken away, and is
   * aborted: the notice of it may have been lost with a connection.
   */
  async #held(): Promise<string[]> {
    // What is claimed while the database answers is not in its answer.
    const before = [...this.#running.values()]
    const rows = await this.#o.jobs.db.query<{ id: string }>(JOBS.heldBy, [this.id])
    const held = new Set(rows.map(({ id }) => id))
    for (const running of before) if (!held.has(running.row.id)) abort(running)
    return [...held]
  }

  /**
   * A job whose end could not be stored, because the database was away, is this worker's by its row and nobody's
   * in fact. Missing at two looks in a row (a claim may be on its way at the first), it is handed back.
   */
  async #dropStrays(held: readonly string[]): Promise<void> {
    const { db, clock } = this.#o.jobs
    const strays = held.filter((id) => !this.#running.has(id))
    for (const id of strays.filter((s) => this.#strays.has(s))) {
      const moved = await db.query(JOBS.handBack, [this.id, null, clock(), true, id])
      const message = `Failed after ${TRIES} tries: the results could not be stored.`
      if (moved.length === 0)
        await this.#o.jobs.end(id, "failed", {
          error: { code: "file_write", message },
          worker: this.id,
          tries: TRIES,
        })
    }
    this.#strays = new Set(strays)
  }

  /** Stops claiming, aborts what runs within one step and hands it back untried. */
  async stop(): Promise<void> {
    this.#draining = true
    clearInterval(this.#timer)
    for (const stop of this.#stops) await stop()
    await this.#pumping
    const running = [...this.#running.values()]
    for (const { controller } of running) {
      controller.abort(new AtelierError("unavailable", "The service is shutting down."))
    }
    await Promise.all(running.map((r) => r.done))
    this.#gone = true
    const { db, clock } = this.#o.jobs
    try {
      await db.query(JOBS.handBack, [this.id, null, clock(), false, null])
      await db.query(WORKERS.gone, [this.id])
    } catch {
      // The database is away: the lease runs out, and the jobs are handed back then.
    }
  }

  /** Looks for work as soon as possible. */
  wake(): void {
    if (this.#draining) return
    if (this.#pumping) {
      this.#again = true
      return
    }
    this.#pumping = this.#pump()
      .catch(() => {}) // the database is away; the timer looks again
      .finally(() => {
        this.#pumping = null
        if (this.#again) {
          this.#again = false
          this.wake()
        }
      })
  }

  async #pump(): Promise<void> {
    const isBusy = this.#running.size > 0
    if (isBusy && (this.#alone || this.#models.every((m) => this.#room(m) <= 0))) return
    // Where the engine just became free among other work, more is likely: claiming at once saves it a wait.
    const isFreed = this.#freed && isBusy
    this.#freed = false
    if (!isFreed) {
      const [seen] = await this.#o.jobs.db.query<{ suspects: boolean; waiting: boolean }>(JOBS.look)
      if (!seen?.waiting) return
      if (!isBusy && (await this.#takeSuspect(seen.suspects))) return
    }
    for (const model of this.#models) {
      const room = this.#room(model)
      if (room <= 0) continue
      for (const row of await this.#claim([model.name], room, false)) this.#take(row)
    }
  }

  /** An idle worker takes a job that already had a try before any other, and alone. */
  async #takeSuspect(isWaiting: boolean): Promise<boolean> {
    this.#alone = false
    if (!isWaiting) return false
    const names = this.#models.map((m) => m.name)
    const [suspect] = await this.#claim(names, 1, true)
    if (!suspect) return false
    this.#alone = true
    this.#take(suspect)
    return true
  }

  /**
   * Pictures of a model that may still be taken. While finished ones are stored the engine takes the next, but where
   * storing is the slower of the two no more than a batch waits for it.
   */
  #room(model: ModelInfo): number {
    const painting = this.#pictures((r) => r.model === model.name && r.painting)
    const inFlight = this.#pictures((r) => r.model === model.name)
    return Math.min(model.batch - painting, 2 * model.batch - inFlight)
  }

  async #claim(models: string[], pictures: number, suspects: boolean): Promise<JobRow[]> {
    const { db, clock } = this.#o.jobs
    const isIdle = this.#running.size === 0
    const all = this.#models.map((m) => m.name)
    const rows = await db.query<JobRow>(JOBS.claim, [
      this.id,
      clock(),
      models,
      pictures,
      suspects,
      isIdle,
      all,
    ])
    // Told beside the work, not in the claim: PostgreSQL commits one notifying transaction after the other.
    if (rows.length > 0) db.query(EVENTS.tell, [CHANNELS.events, ""]).catch(() => {}) // readers look again anyway
    return rows
  }

  #take(row: JobRow): void {
    const controller = new AbortController()
    const running: Running = { row, controller, model: row.model, painting: true, done: Promise.resolve() }
    this.#running.set(row.id, running)
    running.done = this.#run(running)
      .catch(() => {}) // the database is away: the lease runs out and the job is handed back
      .finally(() => {
        // A cancelled job that was started over may be back here before its first run has let go.
        if (this.#running.get(row.id) === running) this.#running.delete(row.id)
        this.wake()
      })
  }

  async #run(running: Running): Promise<void> {
    const { row, controller } = running
    const { jobs, engine, prepare, inspect, seal, blobs } = this.#o
    const began = performance.now()
    const trySeconds = this.#o.trySeconds ?? 900
    const timer = setTimeout(() => {
      controller.abort(
        new AtelierError(
          "timeout",
          `A try made no step for ${trySeconds} seconds; where steps take that long, start the server with a larger --try-seconds.`,
        ),
      )
    }, trySeconds * 1000)
    const { onStep } = this.#o
    const steps = new Steps(row, {
      worker: this.id,
      jobs,
      blobs,
      ...(onStep && { onStep: (seconds) => onStep(seconds, this.painting) }),
    })
    try {
      const request = await prepare(row.request, row.key_id)
      if (row.state === "scheduled") await this.#advance(row, "processing")
      const generation = await settled(
        engine.generate(request, {
          signal: controller.signal,
          onProgress: (progress) => {
            timer.refresh()
            steps.on(progress)
          },
          previewEvery: this.#o.previewEvery ?? 3,
        }),
        controller.signal,
      )
      running.painting = false
      this.#freed = true
      this.wake()
      await steps.flush()
      await inspect?.(generation.pictures, { keyId: row.key_id, request: row.request })
      // Files before rows: a row always has its file; a file without a row is swept up.
      const files: Uint8Array[] = []
      const pictures = await Promise.all(
        generation.pictures.map(async (p, i) => {
          const bytes = seal ? await seal(p.bytes) : p.bytes
          files[i] = bytes
          return {
            id: randomUUID(),
            place: p.index,
            seed: p.seed,
            width: p.width,
            height: p.height,
            format: p.format,
            hash: await putContent(blobs, bytes),
            bytes: bytes.byteLength,
          }
        }),
      )
      const { expandedPrompts, seconds, notes } = generation
      // The engine's copy of the request holds whole pictures; ours holds their names.
      const { steps: stepCount, guidance, candidates, model } = generation.request
      const told = { ...row.request, steps: stepCount, guidance, candidates, model }
      const isOurs = await jobs.end(row.id, "completed", {
        outcome: { request: told, expandedPrompts, seconds, notes },
        pictures,
        worker: this.id,
        tries: row.tries,
        hookPlaces: hookPlaces(row),
      })
      if (isOurs)
        await Promise.all(pictures.map(({ hash }, i) => confirmContent(blobs, hash, files[i]!))).catch(
          (thrown: unknown) => this.#o.onFault?.(thrown, row.id), // the job is over all the same
        )
      this.#tell(row, "completed", began)
    } catch (thrown) {
      await steps.flush().catch(() => {})
      await this.#failed(row, controller.signal.aborted ? controller.signal.reason : thrown, began)
    } finally {
      clearTimeout(timer)
      for (let i = 0; i < steps.previews; i++) await blobs.delete(previewKey(row.id, i)).catch(() => {})
    }
  }

  async #advance(row: JobRow, state: string): Promise<void> {
    const { db, clock } = this.#o.jobs
    await db.query(JOBS.advance, [row.id, this.id, row.tries, state, clock()])
  }

  async #failed(row: JobRow, thrown: unknown, began: number): Promise<void> {
    const { jobs } = this.#o
    const error = asAtelierError(thrown)
    if (error.code === "cancelled") return this.#tell(row, "cancelled", began) // ended by who cancelled it
    if (this.#draining && error.code === "unavailable") return // stop() hands it back
    if (AGAIN.includes(error.code) && row.tries < TRIES) {
      await jobs.db.query(JOBS.handBack, [this.id, null, jobs.clock(), true, row.id])
      return
    }
    const isFault = error.code === "internal" && error.cause !== undefined
    if (isFault) this.#o.onFault?.(thrown, row.id)
    const said = isFault ? "something failed inside; the log has it under the job's id." : error.message
    const message = AGAIN.includes(error.code) ? `Failed after ${row.tries} tries: ${said}` : said
    await jobs.end(row.id, "failed", {
      error: { ...error.toJSON(), message },
      worker: this.id,
      tries: row.tries,
      hookPlaces: [null],
    })
    this.#tell(row, "failed", began, error.code)
  }

  #tell(row: JobRow, state: string, began: number, code?: ErrorCode): void {
    const waited = row.started_at ? (row.started_at.getTime() - row.created_at.getTime()) / 1000 : 0
    const seconds = (performance.now() - began) / 1000
    this.#o.onEnd?.({ state, ...(code ? { code } : {}), seconds, waited, pictures: row.pictures })
  }
}

/** The engine's promise, or the abort reason once the engine has had its grace to obey it. */
async function settled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const given = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const onAbort = (): void => {
    timer = setTimeout(() => given.reject(signal.reason), ABORT_GRACE_MS)
  }
  if (signal.aborted) onAbort()
  signal.addEventListener("abort", onAbort, { once: true })
  try {
    return await Promise.race([work, given.promise])
  } finally {
    signal.removeEventListener("abort", onAbort)
    clearTimeout(timer)
  }
}
