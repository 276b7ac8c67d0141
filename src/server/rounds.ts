// Work that comes round again and again, and how much of its failing is told.
import type { Log } from "./log.ts"

/** While work keeps failing it is told this often: a database that is away for an hour is no news ten times a second. */
const TELL_MILLISECONDS = 60_000

/**
 * Rounds of work at intervals, each kind of work with one round at a time: one that is due while the last is still under
 * way is left out. A round that fails is told in the log and the next one comes all the same; of failures one after
 * the other the first is told, then one a minute with how many there were, and that it goes well again.
 */
export class Rounds {
  readonly #log: Log
  readonly #clock: () => number
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #busy = new Set<Promise<void>>()

  /** `clock` gives milliseconds. */
  constructor(log: Log, clock: () => number = () => performance.now()) {
    this.#log = log
    this.#clock = clock
  }

  /** Begins `work` every so many milliseconds, for as long as the process has something else to do. */
  every(milliseconds: number, what: string, work: () => Promise<unknown>): void {
    const round = this.of(what, work)
    const timer = setInterval(() => void round(), milliseconds)
    timer.unref()
    this.#timers.add(timer)
  }

  /** One kind of work as a function that makes a round of it, or nothing while one is under way. Never rejects. */
  of(what: string, work: () => Promise<unknown>): () => Promise<void> {
    let isRunning = false
    let failures = 0
    let toldAt = 0
    const failed = (err: unknown): void => {
      const now = this.#clock()
      if (failures++ > 0 && now - toldAt < TELL_MILLISECONDS) return
      toldAt = now
      this.#log.warn({ err, failures }, `${what} failed; it will be tried again`)
    }
    const went = (): void => {
      if (failures > 0) this.#log.info({ failures }, `${what} goes well again`)
      failures = 0
    }
    return async () => {
      if (isRunning) return
      isRunning = true
      // A promise also of work that throws before its first wait.
      const done = (async () => void (await work()))()
        .then(went, failed)
        .finally(() => {
          isRunning = false
          this.#busy.delete(done)
        })
      this.#busy.add(done)
      await done
    }
  }

  /** No further rounds; resolves when those under way are over. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#busy)
  }
}
