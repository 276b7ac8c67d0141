// Webhooks: signed messages about jobs, and files put where callers want them; at least once, kept and replayable.
import { keyById, WEBHOOKS } from "../store/index.ts"
import type { Jobs } from "./jobs.ts"
import { signWebhook, standardSignature } from "./signature.ts"
import type { Job, Message, PictureRecord } from "./types.ts"

/** Seconds between tries: a minute within the first five, then longer, a day in all; then given up. */
export const BACKOFF_SECONDS = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 34_000] as const

export interface WebhookRow {
  id: string
  job_id: string
  key_id: string
  url: string
  envelope: Message | "put"
  place: number | null
  body: string | null
  state: string
  attempts: number
  /** Host and port of the address. */
  receiver: string
}

export interface DelivererOptions {
  jobs: Jobs
  /** A job as one message; `place` names the picture where each has its own. */
  render: (message: Message, job: Job, place: number | null) => object | Promise<object>
  /** Sends and returns the HTTP status; throws when there was no answer. Must refuse private addresses. */
  post: (url: string, body: string, headers: Record<string, string>) => Promise<number>
  /** The same for the file of a picture. */
  put: (url: string, picture: PictureRecord) => Promise<number>
  onAttempt?: (delivered: boolean) => void
  /** What became of a try could not be stored; it is made again when its claim is over. */
  onLost?: (thrown: unknown) => void
}

/** Tries under way, in all. */
const AT_ONCE = 64
/** Under way to one receiver, from which on it gets no more. As many are claimed together, so that it may become seven. */
const EACH = 4

export class Deliverer {
  readonly #o: DelivererOptions
  /** By event id. */
  readonly #underWay = new Map<string, { receiver: string; done: Promise<void> }>()

  constructor(options: DelivererOptions) {
    this.#o = options
  }

  /** Begins to send what is due and has room, and waits for no answer. Returns how many were begun. One call at a time. */
  async begin(): Promise<number> {
    const { db, clock } = this.#o.jobs
    let begun = 0
    while (begun < AT_ONCE) {
      const room = Math.min(EACH, AT_ONCE - this.#underWay.size)
      const due = room > 0 ? await db.query<WebhookRow>(WEBHOOKS.claim, [clock(), room, this.#full()]) : []
      if (due.length === 0) break
      // One that took longer than its claim is not sent a second time beside the first.
      for (const row of due.filter(({ id }) => !this.#underWay.has(id))) {
        begun++
        const done = this.#attempt(row)
          .catch((thrown: unknown) => this.#o.onLost?.(thrown))
          .finally(() => this.#underWay.delete(row.id))
        this.#underWay.set(row.id, { receiver: row.receiver, done })
      }
    }
    return begun
  }

  /** Resolves when nothing that was begun is under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#underWay.values()].map(({ done }) => done))
  }

  #full(): string[] {
    const receivers = [...this.#underWay.values()].map(({ receiver }) => receiver)
    return [...new Set(receivers)].filter((name) => receivers.filter((r) => r === name).length >= EACH)
  }

  async #attempt(row: WebhookRow): Promise<void> {
    const { jobs } = this.#o
    let status: number | null = null
    let error: string | null = null
    try {
      status = await this.#send(row)
      if (status < 200 || status > 299) error = `The receiver answered ${status}.`
    } catch (thrown) {
      error = thrown instanceof Error ? thrown.message : String(thrown)
    }
    const now = jobs.clock()
    const wait = BACKOFF_SECONDS[row.attempts]
    const state = error === null ? "delivered" : wait === undefined ? "given-up" : "pending"
    const next = new Date(now.getTime() + (wait ?? 0) * 1000)
    await jobs.db.query(WEBHOOKS.attempted, [row.id, state, next, status, error, now])
    this.#o.onAttempt?.(error === null)
  }

  /** Returns the receiver's status. */
  async #send({ id, url, envelope, place, ...row }: WebhookRow): Promise<number> {
    const { jobs, render, post, put } = this.#o
    const job = await jobs.get(row.job_id, null)
    if (envelope === "put") {
      const picture = job.pictures.find((p) => p.place === place)
      if (!picture) throw new Error("The picture is deleted.")
      return put(url, picture)
    }
    // Kept at the first try, so that every retry carries the same bytes.
    const body = row.body ?? JSON.stringify(await render(envelope, job, place))
    if (row.body === null) await jobs.db.query(WEBHOOKS.keepBody, [id, body])
    const now = jobs.clock()
    const secret = (await keyById(jobs.db, row.key_id))?.webhookSecret ?? ""
    const seconds = Math.floor(now.getTime() / 1000)
    return post(url, body, {
      "content-type": "application/json",
      "user-agent": "atelier-webhooks/1",
      "atelier-event-id": id,
      "atelier-signature": signWebhook(body, secret, now),
      // The same under the names of the standard-webhooks convention, which Replicate's receivers check.
      "webhook-id": id,
      "webhook-timestamp": String(seconds),
      "webhook-signature": standardSignature(id, seconds, body, secret),
    })
  }
}

/** Sends one event again, or all that were given up. Returns their number. */
export async function replayWebhooks(jobs: Jobs, eventId: string | null): Promise<number> {
  return (await jobs.db.query(WEBHOOKS.replay, [eventId, jobs.clock()])).length
}
