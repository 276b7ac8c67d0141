// What a screen reader is told about running takes: queued, started, half, done, failed; not each step.
import type { Job, JobState, Progress, ServerError, ServerEvent } from "../api/types.ts"
import { messages } from "../messages/index.ts"
import { reasonOf } from "../messages/reasons.ts"
import { createStore } from "./store.ts"

export const spoken = createStore({ text: "" })
const halfTold = new Set<string>()

/** The same words twice would be no change, and not be spoken: every other time they end in a space that is not heard. */
export const say = (text: string): void =>
  spoken.set((now) => ({ text: now.text === text ? `${text}\u00a0` : text }))

export function announce(job: Job, state: JobState, event: ServerEvent | null, progress?: Progress): void {
  const { live } = messages()
  if (progress) {
    if (halfTold.has(job.id) || progress.step * 2 < progress.steps || progress.steps < 4) return
    halfTold.add(job.id)
    say(live.half)
    return
  }
  if (state === "processing") say(live.started)
  if (state === "completed") say(live.done(job.request.count))
  if (state === "cancelled") say(live.cancelled)
  if (state === "failed" && event) {
    const error = event.data.error as ServerError
    say(live.failed(reasonOf(error, messages()) ?? error.message))
  }
  halfTold.delete(job.id)
}
