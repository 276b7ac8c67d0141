// Work in parts on the thread that also serves: between two parts others get their turn.
import { setImmediate } from "node:timers/promises"

let last: Promise<void> = Promise.resolve()

/** Resolves in a later turn of the event loop, for one caller in each: what many do at once still holds it for one part at a time. */
export function nextTurn(): Promise<void> {
  last = last.then(() => setImmediate())
  return last
}
