// Submitting with group commit: requests that arrive while one transaction runs share the next one, so a
// thousand callers cost a handful of syncs instead of a thousand. A resolved submit is on disk.
import { randomUUID } from "node:crypto"
import { AtelierError, asAtelierError, type GenerationRequest } from "../request/index.ts"
import { type Database, JOBS } from "../store/index.ts"
import type { Clock, Envelope } from "./types.ts"

export interface Submission {
  keyId: string
  /** Canonical, with pictures stored (`blob:<sha256>`) and the installed model's name. */
  request: GenerationRequest
  dialect: string
  raw?: unknown
  /** Idempotency id within the key: kept 24 h. */
  clientId?: string
  /** sha256 of what the caller sent; another one under the same clientId is a conflict. */
  bodyHash?: string
  /** -100..100, higher first, 0 unless given. */
  priority?: number
  /** Fails with `timeout` when not finished this long after submit. */
  deadlineSeconds?: number
  /** How long the pictures are kept; for good unless given. */
  keepSeconds?: number
  webhook?: { url: string; envelope: Envelope }
  /** Pictures of earlier jobs that this one uses. */
  lineage?: { picture: string; role: string }[]
}

export interface Submitted {
  jobId: string
  /** State and time of a job that was stored just now; of a repeated one nothing is known here. */
  stored: { state: "queued" | "backlogged"; createdAt: Date } | null
  /** An earlier job under the same clientId. */
  repeated: boolean
}

interface Waiting {
  id: string
  submission: Submission
  resolve: (s: Submitted) => void
  reject: (e: AtelierError) => void
}

/** Rows per statement: keeps one commit within some tens of milliseconds. */
const GROUP = 250

export class Submitter {
  readonly #db: Database
  readonly #clock: Clock
  readonly #cap: number
  #waiting: Waiting[] = []
  #running = false

  /** `cap` bounds the unfinished jobs of all keys together. */
  constructor(db: Database, clock: Clock, cap: number) {
    this.#db = db
    this.#clock = clock
    this.#cap = cap
  }

  /**
   * Throws `conflict` when the clientId was used for another body, `rate_limited` when the key's backlog or
   * the whole queue is full.
   */
  submit(submission: Submission): Promise<Submitted> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id: randomUUID(), submission, resolve, reject })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup()
      try {
        await this.#store(group)
      } catch (thrown) {
        for (const w of group) w.reject(asAtelierError(thrown))
      }
    }
    this.#running = false
  }

  /** The same clientId twice in one statement could not see itself; the second waits for the next group. */
  #nextGroup(): Waiting[] {
    const seen = new Set<string>()
    const group: Waiting[] = []
    const rest: Waiting[] = []
    for (const w of this.#waiting) {
      const { keyId, clientId } = w.submission
      const name = clientId === undefined ? w.id : `${keyId}\n${clientId}`
      if (group.length < GROUP && !seen.has(name)) group.push(w)
      else rest.push(w)
      seen.add(name)
    }
    this.#waiting = rest
    return group
  }

  async #store(group: Waiting[]): Promise<void> {
    const now = this.#clock()
    const records = group.map(({ id, submission: s }, ord) => ({
      id,
      key_id: s.keyId,
      model: s.request.model,
      prompt: s.request.prompt,
      request: s.request,
      pictures: s.request.count,
      dialect: s.dialect,
      raw: s.raw ?? null,
      client_id: s.clientId ?? null,
      body_hash: s.bodyHash ?? "",
      priority: s.priority ?? 0,
      deadline_at:
        s.deadlineSeconds === undefined ? null : new Date(now.getTime() + s.deadlineSeconds * 1000),
      keep_seconds: s.keepSeconds ?? null,
      webhook: s.webhook ?? null,
      lineage: s.lineage ?? [],
      ord,
    }))
    const rows = await this.#db.query<{
      id: string
      state: "queued" | "backlogged" | null
      fresh: boolean
      accepted: boolean
    }>(JOBS.submit, [JSON.stringify(records), now, this.#cap])
    const verdicts = new Map(rows.map((r) => [r.id, r]))
    await Promise.all(
      group
        .map(async (w) => {
          const verdict = verdicts.get(w.id)!
          if (verdict.state !== null)
            return w.resolve({
              jobId: w.id,
              repeated: false,
              stored: { state: verdict.state, createdAt: now },
            })
          if (verdict.fresh && !verdict.accepted) return w.reject(queueFull())
          w.resolve(await this.#repeat(w.submission, now))
        })
        .map((p, i) => p.catch((thrown: unknown) => group[i]!.reject(asAtelierError(thrown)))),
    )
  }

  async #repeat(s: Submission, now: Date): Promise<Submitted> {
    const [earlier] = await this.#db.query<{ job_id: string; body_hash: string }>(JOBS.idempotent, [
      s.keyId,
      s.clientId,
      now,
    ])
    if (!earlier) throw new AtelierError("internal", `Key ${s.keyId} is gone.`)
    if (earlier.body_hash !== (s.bodyHash ?? "")) {
      throw new AtelierError(
        "conflict",
        `The id ${s.clientId} was used for another request in the last 24 hours; send a new one.`,
        { details: { jobId: earlier.job_id } },
      )
    }
    return { jobId: earlier.job_id, repeated: true, stored: null }
  }
}

const queueFull = (): AtelierError =>
  new AtelierError("rate_limited", "The queue is full. Try again when some jobs have finished.", {
    details: { retryAfterSeconds: 5 },
  })
