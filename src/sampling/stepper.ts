// Step-level batching: pictures of one size share denoiser runs, joining and leaving between steps.
import { imageRope, type RopeTable } from "../nets/index.ts"
import { AtelierError } from "../request/errors.ts"
import type { Dit } from "../runtime/networks.ts"
import type { Grid } from "./grid.ts"
import { advance, type Lane, running } from "./lane.ts"

interface Job {
  grid: Grid
  lanes: readonly Lane[]
  onStep: () => void
  resolve: () => void
  reject: (error: unknown) => void
}

/** A lane that waits for its next step. */
interface Waiting {
  job: Job
  lane: Lane
  /** Lanes of one key have the same shape and can share a run. */
  key: string
  /** Turn in which it last ran. */
  served: number
}

/** What an aborted signal means: the caller's own error, or `cancelled`. */
export function cancellation(signal: AbortSignal): AtelierError {
  if (signal.reason instanceof AtelierError) return signal.reason
  return new AtelierError("cancelled", "The generation was cancelled.", { cause: signal.reason })
}

export const throwIfCancelled = (signal?: AbortSignal): void => {
  if (signal?.aborted) throw cancellation(signal)
}

const textLength = (lane: Lane): number => lane.branches[0]!.valid.length

export class Stepper {
  readonly #dit: Dit
  readonly #mostRows: number
  readonly #waiting = new Set<Waiting>()
  #turn = 0
  #running = false
  #rope: { key: string; table: RopeTable } | undefined

  constructor(dit: Dit, mostRows: number) {
    this.#dit = dit
    this.#mostRows = mostRows
  }

  /** Takes all lanes through all their times. Rejects at once when the signal aborts; the step under way ends alone. */
  async run(
    lanes: readonly Lane[],
    grid: Grid,
    { signal, onStep = () => {} }: { signal?: AbortSignal; onStep?: () => void } = {},
  ): Promise<void> {
    throwIfCancelled(signal)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const job: Job = { grid, lanes, onStep, resolve, reject }
    for (const lane of lanes.filter(unfinished)) {
      const key = `${grid.rows}x${grid.columns}+${textLength(lane)}`
      this.#waiting.add({ job, lane, key, served: this.#turn })
    }
    if (!lanes.some(unfinished)) return
    const abort = (): void => this.#drop(job, () => reject(cancellation(signal!)))
    signal?.addEventListener("abort", abort, { once: true })
    void this.#loop()
    try {
      await promise
    } finally {
      signal?.removeEventListener("abort", abort)
    }
  }

  async #loop(): Promise<void> {
    if (this.#running) return
    this.#running = true
    while (this.#waiting.size > 0) {
      const chosen = this.#pick()
      const jobs = new Set(chosen.map((w) => w.job))
      const lanes = chosen.map((w) => w.lane)
      try {
        await advance(this.#dit, lanes, this.#ropeOf(chosen[0]!))
      } catch (error) {
        for (const job of jobs) this.#drop(job, () => job.reject(error))
        continue
      }
      const living = new Set([...this.#waiting].map((w) => w.job))
      for (const w of chosen) if (!unfinished(w.lane)) this.#waiting.delete(w)
      for (const job of jobs) {
        if (!living.has(job)) continue
        job.onStep()
        if (!job.lanes.some(unfinished)) job.resolve()
      }
    }
    this.#running = false
  }

  #drop(job: Job, settle: () => void): void {
    for (const w of this.#waiting) if (w.job === job) this.#waiting.delete(w)
    settle()
  }

  /** The shape that waited longest; of it, one lane of each job in turn, until the run is full. */
  #pick(): Waiting[] {
    const all = [...this.#waiting].sort((a, b) => a.served - b.served)
    const places = new Map<Job, number>()
    const turns = all
      .filter((w) => w.key === all[0]!.key)
      .map((w) => {
        const place = places.get(w.job) ?? 0
        places.set(w.job, place + 1)
        return { w, place }
      })
    const chosen: Waiting[] = []
    let rows = 0
    this.#turn++
    for (const { w } of turns.sort((a, b) => a.place - b.place)) {
      const more = running(w.lane).length
      if (rows > 0 && rows + more > this.#mostRows) continue
      chosen.push(w)
      rows += more
      w.served = this.#turn
    }
    return chosen
  }

  #ropeOf({ key, job: { grid }, lane }: Waiting): RopeTable {
    if (this.#rope?.key !== key)
      this.#rope = {
        key,
        table: imageRope(textLength(lane), grid.rows, grid.columns, this.#dit.config.headDim),
      }
    return this.#rope.table
  }
}

const unfinished = (lane: Lane): boolean => lane.times.length > 1
