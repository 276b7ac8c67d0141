// Ending jobs with group commit: pictures of one batch finish in the same instant, and their ends share a statement.

import { randomUUID } from "node:crypto"
import { setImmediate as nextTurn } from "node:timers/promises"
import { asAtelierError, type ErrorData } from "../request/index.ts"
import { type Database, JOBS } from "../store/index.ts"
import { GroupCommit, type Member } from "./group.ts"
import type { Clock, EndState, PictureRecord, WebhookEvent } from "./types.ts"

export interface Ending {
  error?: ErrorData
  outcome?: unknown
  pictures?: Omit<PictureRecord, "jobId" | "favourite" | "createdAt" | "expiresAt" | "expired">[]
  /** Only while this worker holds the job, and at this try. */
  worker?: string
  tries?: number
  /** Only a job of this key; anyone's otherwise. */
  keyId?: string | null
  /** One webhook per place; null stands for the whole job. */
  hookPlaces?: (number | null)[]
}
type End = Ending & { id: string; state: EndState }

const hook = (event: WebhookEvent, place: number | null) => ({ id: randomUUID(), event, place })

/** Ends per statement. */
const GROUP = 64

export class Ender {
  readonly #db: Database
  readonly #clock: Clock
  readonly #group = new GroupCommit<End, boolean>({
    store: (group) => this.#store(group),
    nameOf: ({ id }) => id,
    most: GROUP,
  })

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /** False when the job had ended already or is in other hands (`worker`, `tries`). */
  async end(id: string, state: EndState, how: Ending): Promise<boolean> {
    await nextTurn() // those that end in this turn of the loop come along
    return this.#group.add({ ...how, id, state })
  }

  async #store(group: Member<End, boolean>[]): Promise<void> {
    try {
      const ended = await this.#write(group.map(({ item }) => item))
      for (const { item, resolve } of group) resolve(ended.has(item.id))
    } catch (thrown) {
      if (group.length === 1) throw thrown
      // One that cannot be stored must not take the others along.
      for (const { item, resolve, reject } of group)
        await this.#write([item]).then(
          (ended) => resolve(ended.has(item.id)),
          (alone: unknown) => reject(asAtelierError(alone)),
        )
    }
  }

  async #write(ends: readonly End[]): Promise<Set<string>> {
    const records = ends.map((e) => ({
      id: e.id,
      state: e.state,
      worker: e.worker ?? null,
      tries: e.tries ?? null,
      key_id: e.keyId ?? null,
      error: e.error ?? null,
      outcome: e.outcome ?? null,
      pictures: e.pictures ?? [],
      hooks: [
        ...(e.hookPlaces ?? [null]).map((place) => hook("completed", place)),
        ...(e.state === "completed" ? [hook("output", null)] : []),
      ],
    }))
    const rows = await this.#db.query<{ id: string }>(JOBS.end, [JSON.stringify(records), this.#clock()])
    return new Set(rows.map((r) => r.id))
  }
}
