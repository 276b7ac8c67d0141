// Submitting with group commit. A resolved submit is on disk.
import { randomUUID } from "node:crypto"
import { setImmediate as nextTurn } from "node:timers/promises"
import { AtelierError, asAtelierError, type ErrorData, type GenerationRequest } from "../request/index.ts"
import { type Database, JOBS } from "../store/index.ts"
import { GroupCommit, type Member } from "./group.ts"
import type { Clock, Webhook } from "./types.ts"

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
  webhook?: Webhook
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

type Waiting = Member<{ id: string; submission: Submission }, Submitted>

/** What the statement says of one submit. */
interface Verdict {
  id: string
  state: "queued" | "backlogged" | null
  fresh: boolean
  accepted: boolean
  /** The unfinished jobs that its key may have, where it has them. */
  most: number | null
}

/** Rows per statement, and answers per turn of the event loop. */
const GROUP = 250
const AT_ONCE = 16

export class Submitter {
  readonly #db: Database
  readonly #clock: Clock
  readonly #cap: number
  readonly #group = new GroupCommit<Waiting["item"], Submitted>({
    store: (group) => this.#store(group),
    // The same clientId twice in one statement could not see itself.
    nameOf: ({ submission: { keyId, clientId } }) =>
      clientId === undefined ? null : `${keyId}\n${clientId}`,
    most: GROUP,
  })

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
    return this.#group.add({ id: randomUUID(), submission })
  }

  async #store(group: Waiting[]): Promise<void> {
    const now = this.#clock()
    const records = group.map(({ item: { id, submission: s } }, ord) => ({
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
    const params = [JSON.stringify(records), now, this.#cap]
    let verdicts: Verdict[]
    try {
      verdicts = (await this.#plain(group, params)) ?? (await this.#db.query<Verdict>(JOBS.submit, params))
    } catch (thrown) {
      if (group.length === 1 || asAtelierError(thrown).code !== "invalid_request") throw thrown
      // One that cannot be stored must not take the others along.
      for (const member of group)
        await this.#store([member]).catch((alone: unknown) => member.reject(asAtelierError(alone)))
      return
    }
    void this.#tell(group, new Map(verdicts.map((v) => [v.id, v])), now) // the next group need not wait for it
  }

  /** Stores a crowd of plain submits of one key by one quick statement; null where they are not that, or have no room. */
  async #plain(group: Waiting[], params: unknown[]): Promise<Verdict[] | null> {
    const key = plainKey(group)
    if (key === null) return null
    const [answer] = await this.#db.query<{ stored: number; queued: number }>(JOBS.submitPlain, [
      ...params,
      key,
      group.length,
    ])
    if (answer!.stored === 0) return null
    return group.map(({ item: { id } }, i) => ({
      id,
      state: i < answer!.queued ? "queued" : "backlogged",
      fresh: true,
      accepted: true,
      most: null,
    }))
  }

  /** Settles a few at a time: each one's answer is written at once, and the loop must get its turns in between. */
  async #tell(group: Waiting[], verdicts: ReadonlyMap<string, Verdict>, now: Date): Promise<void> {
    for (const [i, member] of group.entries()) {
      if (i % AT_ONCE === 0 && i > 0) await nextTurn()
      const { id, submission } = member.item
      const verdict = verdicts.get(id)!
      if (verdict.state !== null)
        member.resolve({ jobId: id, repeated: false, stored: { state: verdict.state, createdAt: now } })
      else if (verdict.fresh && !verdict.accepted) member.reject(queueFull(verdict.most))
      else
        this.#repeat(submission, now)
          .then(member.resolve)
          .catch((thrown: unknown) => member.reject(asAtelierError(thrown)))
    }
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

/** The one key of a group of plain submits; null for any other group. */
function plainKey(group: readonly Waiting[]): string | null {
  const { keyId } = group[0]!.item.submission
  const isPlain = ({ item: { submission: s } }: Waiting): boolean =>
    s.keyId === keyId && s.clientId === undefined && !s.lineage?.length
  return group.every(isPlain) ? keyId : null
}

/** `most` where it is the key that has as many unfinished jobs as it may. */
export const queueFull = (most: number | null): AtelierError => {
  const what =
    most === null ? "The queue is full" : `This key has as many unfinished jobs as it may (${most})`
  return new AtelierError("rate_limited", `${what}. Try again when some jobs have finished.`, {
    details: { retryAfterSeconds: 5, queueFull: true },
  })
}

/** Whether a `rate_limited` is of the queue, and not of a key that submits too often. */
export const isQueueFull = (error: Pick<ErrorData, "details">): boolean => error.details?.queueFull === true
