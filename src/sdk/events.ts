// Reads the server's event stream, reconnecting with the last id so that nothing is missed.
import { setTimeout as after } from "node:timers/promises"
import type { AtelierError } from "../request/index.ts"
import type { JobView } from "../server/native/views.ts"

export interface ServerEvent {
  /** `hello` when a connection stands; `job-<state>`, `step-end` and the others of docs/serving.md. */
  kind: string
  job: string | null
  state: JobView["state"] | null
  data: Record<string, unknown>
  /** Only with `step-end`. */
  progress: JobView["progress"]
  /** Goes on after this event; null for passing ones. */
  cursor: string | null
}

const LONGEST_PAUSE_MS = 5000
/** Answers that trying again would not change. */
const FINAL = ["unauthorized", "forbidden", "not_found", "invalid_request"]

/**
 * `silenceMs` is how long nothing at all may come, not even the server's heartbeat: after that the connection is taken
 * for dead, as half-open ones are whose other end never said goodbye.
 */
export async function* readEvents(
  open: (query: URLSearchParams, signal: AbortSignal) => Promise<Response>,
  silenceMs: number,
  options: { after?: string; job?: string; signal?: AbortSignal },
): AsyncGenerator<ServerEvent> {
  const signal = options.signal ?? new AbortController().signal
  let cursor = options.after
  let pause = 100
  while (!signal.aborted) {
    const query = new URLSearchParams()
    if (cursor !== undefined) query.set("after", cursor)
    if (options.job !== undefined) query.set("job", options.job)
    const dead = new AbortController()
    const watch = setTimeout(() => dead.abort(), silenceMs)
    try {
      const response = await open(query, AbortSignal.any([signal, dead.signal]))
      for await (const event of parse(response, () => watch.refresh())) {
        pause = 100
        if (event.cursor !== null) cursor = event.cursor
        yield event
      }
    } catch (thrown) {
      if (signal.aborted) return
      if (FINAL.includes((thrown as AtelierError).code)) throw thrown
    } finally {
      clearTimeout(watch)
    }
    await after(pause, undefined, { signal }).catch(() => {})
    pause = Math.min(LONGEST_PAUSE_MS, pause * 2)
  }
}

async function* parse(response: Response, onHeard: () => void): AsyncGenerator<ServerEvent> {
  let text = ""
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    onHeard()
    text += part
    const blocks = text.split("\n\n")
    text = blocks.pop()!
    for (const block of blocks) {
      const fields = new Map<string, string>()
      for (const line of block.split("\n")) {
        const at = line.indexOf(":")
        if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1).trimStart())
      }
      const kind = fields.get("event")
      if (!kind) continue // a comment that keeps the line open
      const data = JSON.parse(fields.get("data") ?? "{}") as Partial<ServerEvent>
      yield {
        kind,
        job: data.job ?? null,
        state: data.state ?? null,
        data: data.data ?? {},
        progress: data.progress ?? null,
        cursor: fields.get("id") ?? null,
      }
    }
  }
}
