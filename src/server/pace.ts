// How fast pictures come, by the jobs that finished last: jobs share batches, so one job's own time says little.
import type { JobEvent } from "../jobs/index.ts"

/** Jobs that are remembered. */
const LAST = 32

export class Pace {
  #done: { from: number; until: number; pictures: number }[] = []

  /** From the event of a completed job itself: a look at each would cost two statements. */
  note({ at, data: { seconds, pictures } }: Pick<JobEvent, "at" | "data">): void {
    if (typeof seconds !== "number" || typeof pictures !== "number") return
    const until = at.getTime() / 1000
    this.#done = [...this.#done.slice(1 - LAST), { from: until - seconds, until, pictures }]
  }

  /** Seconds per picture of all the time in which any was made; null before the first. */
  get seconds(): number | null {
    let [busy, pictures, end] = [0, 0, Number.NEGATIVE_INFINITY]
    for (const job of this.#done.toSorted((a, b) => a.from - b.from)) {
      busy += Math.max(0, job.until - Math.max(job.from, end))
      end = Math.max(end, job.until)
      pictures += job.pictures
    }
    return pictures === 0 ? null : busy / pictures
  }
}
