// The event feed: every event of the database in order, to any number of readers, each from its own cursor.
import { setTimeout as after } from "node:timers/promises"
import { CHANNELS, type Database, EVENTS } from "../store/index.ts"
import { type EventRow, eventOf } from "./rows.ts"
import type { JobEvent, StepEvent } from "./types.ts"

const PAGE = 500
/** A fallback for notifications lost with a connection, and for readers waiting on a slow transaction. */
const LOOK_AGAIN_MS = 2000

/** After so many events at once the feed rests: who follows them can wait that long, and the database has a crowd to store. */
const CROWD = 16
const REST_MS = 40

interface Reader {
  keyId: string | null
  handler: (event: JobEvent) => void
  /** Live events that arrive while the past is still being read. */
  held: JobEvent[] | null
  /** The last event handed over: a replay may have read further than the feed itself. */
  at: [number, number] | null
}

const parseCursor = (cursor: string): [number, number] | null => {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(cursor)
  return match ? [Number(match[1]), Number(match[2])] : null
}
const deliver = (reader: Reader, event: JobEvent): void => {
  const [xid, seq] = parseCursor(event.cursor)!
  if (reader.at && (xid < reader.at[0] || (xid === reader.at[0] && seq <= reader.at[1]))) return
  reader.at = [xid, seq]
  reader.handler(event)
}

export class EventFeed {
  readonly #db: Database
  readonly #readers = new Set<Reader>()
  readonly #stepHandlers = new Set<(step: StepEvent) => void>()
  readonly #steps = new Map<string, StepEvent>()
  #cursor: [number, number] = [0, 0]
  #reading = false
  #again = false
  #stop: (() => Promise<void>)[] = []
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(db: Database) {
    this.#db = db
  }

  async start(): Promise<void> {
    const [last] = await this.#db.query<{ xid: number; seq: number }>(EVENTS.last)
    if (last) this.#cursor = [last.xid, last.seq]
    this.#stop.push(await this.#db.listen(CHANNELS.events, () => this.#wake()))
    this.#stop.push(
      await this.#db.listen(CHANNELS.step, (payload) => {
        if (payload) this.#onStep(JSON.parse(payload) as StepEvent)
      }),
    )
    this.#timer = setInterval(() => this.#wake(), LOOK_AGAIN_MS)
    this.#timer.unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    for (const stop of this.#stop) await stop()
    this.#readers.clear()
    this.#stepHandlers.clear()
  }

  /** The cursor of the newest event, for a reader that wants only what comes next. */
  get cursor(): string {
    return this.#cursor.join("-")
  }

  /** The newest step of a running job, or undefined. */
  step(jobId: string): StepEvent | undefined {
    return this.#steps.get(jobId)
  }

  /** Passes a step on to whoever follows, on this node or another. In one process the database is left out. */
  async tellStep(step: StepEvent): Promise<void> {
    if (this.#db.kind === "embedded") this.#onStep(step)
    else await this.#db.query(EVENTS.tell, [CHANNELS.step, JSON.stringify(step)])
  }

  #onStep(step: StepEvent): void {
    this.#steps.set(step.jobId, step)
    for (const handler of this.#stepHandlers) handler(step)
  }

  onStep(handler: (step: StepEvent) => void): () => void {
    this.#stepHandlers.add(handler)
    return () => this.#stepHandlers.delete(handler)
  }

  /**
   * Calls `handler` for every event after `cursor` (of all keys, or of one), in order, none twice and none
   * missed. An unreadable cursor starts from now. Returns the way to stop.
   */
  follow(keyId: string | null, cursor: string | null, handler: (event: JobEvent) => void): () => void {
    const from = cursor === null ? null : parseCursor(cursor)
    const reader: Reader = { keyId, handler, held: from ? [] : null, at: from }
    this.#readers.add(reader)
    if (from) void this.#catchUp(reader)
    return () => this.#readers.delete(reader)
  }

  /** Until the database answers: to a reader that were given up its silence would look like peace. */
  async #catchUp(reader: Reader): Promise<void> {
    while (this.#readers.has(reader)) {
      const isThere = await this.#replay(reader).then(
        () => true,
        () => false,
      )
      if (isThere) return
      await after(LOOK_AGAIN_MS, undefined, { ref: false })
    }
  }

  async #replay(reader: Reader): Promise<void> {
    for (;;) {
      const rows = await this.#db.query<EventRow>(EVENTS.after, [...reader.at!, reader.keyId, PAGE])
      if (!this.#readers.has(reader)) return
      for (const row of rows) deliver(reader, eventOf(row))
      if (rows.length < PAGE) break
    }
    const held = reader.held!
    reader.held = null
    for (const event of held) deliver(reader, event)
  }

  #wake(): void {
    if (this.#closed) return
    if (this.#reading) {
      this.#again = true
      return
    }
    this.#reading = true
    void this.#read()
      .then((count) => (count < CROWD ? undefined : after(REST_MS, undefined, { ref: false })))
      .catch(() => {}) // the database is away; the timer looks again
      .finally(() => {
        this.#reading = false
        if (this.#again) {
          this.#again = false
          this.#wake()
        }
      })
  }

  /** Hands over what is new and returns how many events that were. */
  async #read(): Promise<number> {
    for (let count = 0; ; ) {
      const rows = await this.#db.query<EventRow>(EVENTS.after, [...this.#cursor, null, PAGE])
      count += rows.length
      for (const row of rows) {
        const event = eventOf(row)
        this.#cursor = [row.xid, row.seq]
        if (/^job-(completed|failed|cancelled|queued)$/.test(event.kind)) this.#steps.delete(event.jobId!)
        for (const reader of this.#readers) {
          if (reader.keyId !== null && reader.keyId !== event.keyId) continue
          if (reader.held) reader.held.push(event)
          else deliver(reader, event)
        }
      }
      if (rows.length < PAGE) return count
    }
  }
}
