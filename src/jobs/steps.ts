// Steps and previews of a running job, on their way to whoever watches it.
import type { Progress } from "../request/index.ts"
import { type BlobStore, JOBS, previewKey } from "../store/index.ts"
import type { Jobs } from "./jobs.ts"
import type { JobRow } from "./rows.ts"
import type { StepEvent } from "./types.ts"

export interface StepsOptions {
  /** The worker's id: only the job's own worker tells its steps. */
  worker: string
  jobs: Jobs
  blobs: BlobStore
  onStep?: (secondsPerStep: number) => void
}

/** Steps and previews of one job on their way to whoever watches: in order, newest wins. */
export class Steps {
  readonly #row: JobRow
  readonly #o: StepsOptions
  #chain: Promise<void> = Promise.resolve()
  #newest: Progress | null = null
  #last = performance.now()
  #sampling = false
  #preview = 0
  /** Previews that are kept: as many as the job has pictures, once there are some. */
  previews = 0

  constructor(row: JobRow, options: StepsOptions) {
    this.#row = row
    this.#o = options
  }

  on(progress: Progress): void {
    const now = performance.now()
    if (progress.step > 1) this.#o.onStep?.((now - this.#last) / 1000)
    this.#last = now
    const previews = progress.previews ?? this.#newest?.previews
    const isQueued = this.#newest !== null
    this.#newest = { ...progress, ...(previews ? { previews } : {}) }
    if (!isQueued) this.#chain = this.#chain.then(() => this.#send()).catch(() => {})
  }

  flush(): Promise<void> {
    return this.#chain
  }

  async #send(): Promise<void> {
    const progress = this.#newest!
    this.#newest = null
    const { jobs, blobs } = this.#o
    const row = this.#row
    if (!this.#sampling) {
      this.#sampling = true
      await jobs.db.query(JOBS.advance, [row.id, this.#o.worker, row.tries, "sampling", jobs.clock()])
    }
    if (progress.previews) {
      await Promise.all(
        progress.previews.map((p, i) => blobs.put(previewKey(row.id, i), p, { fleeting: true })),
      )
      this.previews = Math.max(this.previews, progress.previews.length)
      this.#preview++
    }
    const { step, steps, secondsLeft } = progress
    const event: StepEvent = {
      jobId: row.id,
      keyId: row.key_id,
      step,
      steps,
      secondsLeft,
      count: row.pictures,
      preview: this.#preview,
    }
    await jobs.events.tellStep(event)
  }
}
