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
}

const AT_ONCE = 20

export class Deliverer {
  readonly #o: DelivererOptions

  constructor(options: DelivererOptions) {
    this.#o = options
  }

  /** Tries every message that is due, once. Returns how many were tried. */
  async round(): Promise<number> {
    const { db, clock } = this.#o.jobs
    const due = await db.query<WebhookRow>(WEBHOOKS.due, [clock(), AT_ONCE])
    await Promise.all(due.map((row) => this.#attempt(row)))
    return due.length
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
