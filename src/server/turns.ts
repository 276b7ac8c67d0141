// A crowd of requests that arrives at once is let in a few per turn of the event loop. Imports nothing.
//
// Node hands over everything that its sockets hold before it looks at timers again: five hundred requests in one go
// would stand still previews, heartbeats and the answers that are already there.

/** Requests begun per turn: a turn stays within some ten milliseconds. */
const MOST = 16

export class Turns {
  #begun = 0
  #waiting: (() => void)[] = []
  #scheduled = false

  /** Runs `work` now, or in one of the next turns when this one has begun its share. In order of arrival. */
  begin(work: () => void): void {
    if (this.#begun >= MOST || this.#waiting.length > 0) this.#waiting.push(work)
    else {
      this.#begun++
      work()
    }
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      const next = this.#waiting.splice(0, MOST)
      this.#begun = next.length
      if (next.length > 0) this.#schedule()
      for (const work of next) work()
    })
  }
}
