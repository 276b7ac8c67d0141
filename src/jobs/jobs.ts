// What may be done with jobs: the one object that the server, its dialects and the tests speak to.
import { AtelierError } from "../request/index.ts"
import { type Database, EVENTS, JOBS, KEYS, PICTURES } from "../store/index.ts"
import { Ender, type Ending } from "./end.ts"
import { EventFeed } from "./events.ts"
import { type EventRow, eventOf, type JobRow, jobOf, type PictureRow, pictureOf } from "./rows.ts"
import { queueFull, type Submission, type Submitted, Submitter } from "./submit.ts"
import type { Clock, EndState, Job, JobEvent, JobState, PictureRecord } from "./types.ts"
import { isEnd } from "./types.ts"

export interface JobFilter {
  /** Words that must all occur in the prompt. */
  search?: string
  states?: JobState[]
  favourite?: boolean
  /** Installed name, or several. */
  model?: string | readonly string[]
  references?: boolean
  from?: Date
  until?: Date
  /** From an earlier page's `nextCursor`. */
  cursor?: string
  /** 1..1000, 50 unless given. */
  limit?: number
}

export interface JobPage {
  jobs: Job[]
  nextCursor: string | null
}

export interface JobsOptions {
  db: Database
  clock?: Clock
  /** Unfinished jobs of all keys together; 10,000 unless given. */
  queueCap?: number
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
export const isUuid = (text: string): boolean => UUID.test(text)

const noJob = (id: string): AtelierError => new AtelierError("not_found", `There is no job ${id}.`)
const likePattern = (word: string): string => `%${word.replace(/[\\%_]/g, "\\$&")}%`

export class Jobs {
  readonly db: Database
  readonly clock: Clock
  readonly events: EventFeed
  readonly #cap: number
  readonly #submitter: Submitter
  readonly #ender: Ender

  constructor(options: JobsOptions) {
    this.db = options.db
    this.clock = options.clock ?? (() => new Date())
    this.events = new EventFeed(this.db)
    this.#cap = options.queueCap ?? 10_000
    this.#submitter = new Submitter(this.db, this.clock, this.#cap)
    this.#ender = new Ender(this.db, this.clock)
  }

  /** Stores a job; see Submitter. When this resolves the job survives a power cut. */
  submit(submission: Submission): Promise<Submitted> {
    return this.#submitter.submit(submission)
  }

  /** Throws `not_found` for an unknown job and for one of another key. `keyId` null means any key. */
  async get(id: string, keyId: string | null): Promise<Job> {
    const rows = isUuid(id) ? await this.db.query<JobRow>(JOBS.get, [id, keyId]) : []
    if (!rows[0]) throw noJob(id)
    return (await this.#withPictures(rows))[0]!
  }

  /** The job that was submitted under an idempotency id in the last 24 hours. */
  async byClientId(keyId: string, clientId: string): Promise<string | null> {
    const [row] = await this.db.query<{ job_id: string }>(JOBS.idempotent, [keyId, clientId, this.clock()])
    return row?.job_id ?? null
  }

  /** History, newest first, without what was deleted. */
  async list(keyId: string, filter: JobFilter = {}): Promise<JobPage> {
    const limit = filter.limit ?? 50
    const words = filter.search?.trim().split(/\s+/).filter(Boolean).map(likePattern)
    const [at, id] = filter.cursor?.split("_") ?? []
    const time = at === undefined ? null : new Date(Number(at))
    if (time && (Number.isNaN(time.getTime()) || !isUuid(id ?? ""))) {
      throw new AtelierError("invalid_request", `cursor ${filter.cursor} is not one of ours.`, {
        field: "cursor",
      })
    }
    const rows = await this.db.query<JobRow>(JOBS.list, [
      keyId,
      words?.length ? words : null,
      filter.states?.length ? filter.states : null,
      filter.favourite ?? null,
      filter.model === undefined ? null : [filter.model].flat(),
      filter.references ?? null,
      filter.from ?? null,
      filter.until ?? null,
      time,
      id ?? null,
      limit,
    ])
    const last = rows.length === limit ? rows.at(-1)! : null
    return {
      jobs: await this.#withPictures(rows),
      nextCursor: last && `${last.created_at.getTime()}_${last.id}`,
    }
  }

  /** Unfinished jobs: running first, then the waiting ones in the order in which they would start. */
  async queue(keyId: string | null): Promise<Job[]> {
    const rows = await this.db.query<JobRow>(JOBS.queue, [keyId])
    return rows.map((row) => jobOf(row, []))
  }

  async count(keyId: string): Promise<number> {
    return (await this.db.query<{ n: number }>(JOBS.count, [keyId]))[0]!.n
  }

  async #withPictures(rows: JobRow[]): Promise<Job[]> {
    const done = rows.filter((r) => r.state === "completed").map((r) => r.id)
    const pictures = done.length ? await this.db.query<PictureRow>(PICTURES.ofJobs, [done]) : []
    return rows.map((row) => jobOf(row, pictures))
  }

  /** Final at once: whatever a worker still brings for the job is dropped. True when it was not over before. */
  async cancel(id: string, keyId: string | null): Promise<boolean> {
    const job = await this.get(id, keyId)
    return isEnd(job.state) ? false : this.#cancelled(id, keyId)
  }

  #cancelled(id: string, keyId: string | null): Promise<boolean> {
    const error = { code: "cancelled" as const, message: "The job was cancelled." }
    return this.end(id, "cancelled", { error, keyId })
  }

  /** Cancels all unfinished jobs of a key and returns their number. */
  async cancelAll(keyId: string): Promise<number> {
    const rows = await this.db.query<{ id: string }>(JOBS.unfinishedOf, [keyId])
    const ended = await Promise.all(rows.map(({ id }) => this.#cancelled(id, keyId)))
    return ended.filter(Boolean).length
  }

  /** Ends a job; false when it had ended already or is in other hands (`worker`, `tries`). */
  end(id: string, state: EndState, how: Ending): Promise<boolean> {
    return this.#ender.end(id, state, how)
  }

  /**
   * Starts a failed or cancelled job over, with the same seed. Throws `conflict` for any other, and `rate_limited` where
   * a submit would be refused too.
   */
  async retry(id: string, keyId: string): Promise<Job> {
    const job = await this.get(id, keyId)
    const [answer] = await this.db.query<{ moved: boolean; full: boolean; most: number | null }>(JOBS.retry, [
      id,
      keyId,
      this.clock(),
      this.#cap,
    ])
    if (answer!.moved) return this.get(id, keyId)
    if (job.deletedAt) throw new AtelierError("conflict", `Job ${id} is deleted; restore it first.`)
    if (answer!.full && (job.state === "failed" || job.state === "cancelled")) throw queueFull(answer!.most)
    const message = `Job ${id} is ${job.state}; only failed and cancelled jobs are retried.`
    throw new AtelierError("conflict", message)
  }

  /** Changes place or priority of a waiting job. Throws `conflict` once it, or the one that it should stand beside, has started. */
  async move(
    id: string,
    keyId: string,
    to: { to?: "front" | "back"; before?: string; after?: string; priority?: number },
  ): Promise<Job> {
    const order = await this.db.query<{ id: string; rank: number; priority: number }>(JOBS.waitingOrder, [
      keyId,
    ])
    const me = order.find((j) => j.id === id)
    if (!me) {
      const job = await this.get(id, keyId)
      throw new AtelierError("conflict", `Job ${id} is ${job.state}; only waiting jobs can be moved.`)
    }
    const anchorId = to.before ?? to.after
    if (anchorId === id) return this.get(id, keyId)
    const others = order.filter((j) => j.id !== id)
    const anchor = anchorId === undefined ? undefined : others.find((j) => j.id === anchorId)
    if (anchorId !== undefined && !anchor) {
      const { state } = await this.get(anchorId, keyId)
      const message = `Job ${anchorId} is ${state}; jobs can be moved before and after waiting ones only.`
      throw new AtelierError("conflict", message)
    }
    // The front is that of the highest lane; nobody sinks by going there.
    const front = to.to === "front" ? Math.max(me.priority, others[0]?.priority ?? me.priority) : undefined
    const priority = to.priority ?? anchor?.priority ?? front
    const lane = others.filter((j) => j.priority === (priority ?? me.priority))
    const rank = newRank(lane, anchor, to)
    await this.db.query(JOBS.move, [id, keyId, rank, priority ?? null, this.clock()])
    return this.get(id, keyId)
  }

  async mark(id: string, keyId: string, favourite: boolean): Promise<Job> {
    const rows = isUuid(id) ? await this.db.query(JOBS.favourite, [id, keyId, favourite, this.clock()]) : []
    if (rows.length === 0) throw noJob(id)
    return this.get(id, keyId)
  }

  /** Hides a finished job; it can be restored until it is purged. Throws `conflict` while it is unfinished. */
  async remove(id: string, keyId: string, deleted = true): Promise<Job> {
    const job = await this.get(id, keyId)
    if (!isEnd(job.state)) {
      throw new AtelierError("conflict", `Job ${id} is ${job.state}; cancel it before deleting it.`)
    }
    await this.db.query(JOBS.remove, [id, keyId, this.clock(), deleted])
    return this.get(id, keyId)
  }

  /** A picture by its id; with `keyId` null by anyone who knows it. Throws `not_found`. */
  async picture(
    id: string,
    keyId: string | null,
  ): Promise<PictureRecord & { keyId: string; prompt: string }> {
    const [row] = isUuid(id)
      ? await this.db.query<
          PictureRow & {
            key_id: string
            prompt: string
            deleted_at: Date | null
            job_deleted_at: Date | null
          }
        >(PICTURES.get, [id, keyId])
      : []
    if (!row || row.deleted_at || row.job_deleted_at) {
      throw new AtelierError("not_found", `There is no picture ${id}.`)
    }
    return { ...pictureOf(row), keyId: row.key_id, prompt: row.prompt }
  }

  /** Marks a picture as favourite, deletes or restores it. */
  async markPicture(
    id: string,
    keyId: string,
    change: { favourite?: boolean; deleted?: boolean },
  ): Promise<void> {
    const rows = isUuid(id)
      ? await this.db.query(PICTURES.mark, [
          id,
          keyId,
          change.favourite ?? null,
          change.deleted ?? null,
          this.clock(),
        ])
      : []
    if (rows.length === 0) throw new AtelierError("not_found", `There is no picture ${id}.`)
  }

  /** The pictures a job was made from, and the jobs made from its pictures. */
  async lineage(
    id: string,
    keyId: string,
  ): Promise<{
    cameFrom: { picture: string; role: string; job: string }[]
    ledTo: { picture: string; role: string; job: string }[]
  }> {
    await this.get(id, keyId)
    type LineageRow = { picture_id: string; role: string; job_id: string }
    const tell = (r: LineageRow) => ({ picture: r.picture_id, role: r.role, job: r.job_id })
    const [from, to] = await Promise.all([
      this.db.query<LineageRow>(PICTURES.cameFrom, [id]),
      this.db.query<LineageRow>(PICTURES.ledTo, [id]),
    ])
    return { cameFrom: from.map(tell), ledTo: to.map(tell) }
  }

  async eventsOf(id: string): Promise<Omit<JobEvent, "cursor" | "jobId" | "keyId">[]> {
    const rows = await this.db.query<EventRow>(EVENTS.ofJob, [id])
    return rows.map((r) => {
      const { kind, data, at } = eventOf(r)
      return { kind, data, at }
    })
  }

  /** Pausing lets what runs of a key finish and starts nothing new of it; others go on. */
  async pause(paused: boolean, keyId: string): Promise<void> {
    await this.db.query(KEYS.pause, [keyId, paused, this.clock()])
  }

  async paused(keyId: string): Promise<boolean> {
    const [row] = await this.db.query<{ paused: boolean }>(KEYS.paused, [keyId])
    return row?.paused === true
  }

  /**
   * Resolves with the job once it is over. With `seconds`, or when `signal` aborts, resolves with the job
   * as it is by then.
   */
  async wait(
    id: string,
    keyId: string | null,
    options: { seconds?: number; signal?: AbortSignal } = {},
  ): Promise<Job> {
    const over = Promise.withResolvers<void>()
    // Followed first and looked at second, so that an end in between is not missed.
    const stop = this.events.follow(null, null, (event) => {
      if (event.jobId === id && isEnd(event.kind.replace("job-", "") as JobState)) over.resolve()
    })
    const timer = options.seconds === undefined ? undefined : setTimeout(over.resolve, options.seconds * 1000)
    const onAbort = (): void => over.resolve()
    options.signal?.addEventListener("abort", onAbort, { once: true })
    try {
      const job = await this.get(id, keyId)
      if (isEnd(job.state) || options.signal?.aborted) return job
      await over.promise
      return await this.get(id, keyId)
    } finally {
      stop()
      clearTimeout(timer)
      options.signal?.removeEventListener("abort", onAbort)
    }
  }
}

/** Runware sends one message per picture, the others one per job. */
export const hookPlaces = (row: {
  webhook: { envelope: string } | null
  pictures: number
}): (number | null)[] =>
  row.webhook?.envelope === "runware" ? Array.from({ length: row.pictures }, (_, i) => i) : [null]

function newRank(
  lane: { id: string; rank: number }[],
  anchor: { id: string; rank: number } | undefined,
  to: { to?: "front" | "back"; before?: string },
): number | null {
  if (anchor) {
    const i = lane.findIndex((j) => j.id === anchor.id)
    const neighbour = to.before === undefined ? lane[i + 1] : lane[i - 1]
    if (neighbour) return (anchor.rank + neighbour.rank) / 2
    return to.before === undefined ? anchor.rank + 1 : anchor.rank - 1
  }
  if (to.to === "front" && lane.length) return lane[0]!.rank - 1
  if (to.to === "back" && lane.length) return lane.at(-1)!.rank + 1
  return null
}
