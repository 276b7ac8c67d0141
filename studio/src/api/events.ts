// The one event stream: resumes where it stood, over lost connections and restarts of the server.
import type { Progress, ServerEvent } from "./types.ts"

export type Connection = "connecting" | "open" | "lost"
export type StepEvent = { job: string; kind: "step-end"; progress: Progress | null }

interface Handlers {
  /** Everything kept: in order, none twice. */
  onEvent: (event: ServerEvent) => void
  onStep: (step: StepEvent) => void
  onConnection: (state: Connection) => void
  /** The server asks for a key, or no longer knows the one it was given. */
  onUnauthorized: () => void
  /** The very first time the stream stands: what was fetched before may be stale. */
  onFirst: () => void
  /** Every other time. */
  onAgain: () => void
}

/** The server sends a comment every 15 s; silence for longer means a dead connection. */
const SILENCE_MS = 40_000
const RETRY_MS = [300, 600, 1000, 2000, 4000]

/** Follows the stream until the signal aborts. */
export async function followEvents(handlers: Handlers, signal: AbortSignal): Promise<void> {
  let cursor: string | null = null
  let tries = 0
  handlers.onConnection("connecting")
  while (!signal.aborted) {
    const attempt = new AbortController()
    const stop = (): void => attempt.abort()
    signal.addEventListener("abort", stop, { once: true })
    let watchdog = setTimeout(stop, SILENCE_MS)
    try {
      const response = await fetch(`api/events${cursor === null ? "" : `?after=${cursor}`}`, {
        headers: { accept: "text/event-stream" },
        signal: attempt.signal,
      })
      if (response.status === 401) handlers.onUnauthorized()
      if (!response.ok || !response.body) throw new Error(String(response.status))
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      let rest = ""
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        clearTimeout(watchdog)
        watchdog = setTimeout(stop, SILENCE_MS)
        const blocks = (rest + value).split("\n\n")
        rest = blocks.pop() ?? ""
        for (const block of blocks) {
          const message = parse(block)
          if (!message) continue
          if (message.event === "hello") {
            if (cursor === null) handlers.onFirst()
            else handlers.onAgain()
            tries = 0
            handlers.onConnection("open")
          } else if (message.event === "step-end") handlers.onStep(JSON.parse(message.data) as StepEvent)
          else handlers.onEvent(JSON.parse(message.data) as ServerEvent)
          if (message.id !== null) cursor = message.id
        }
      }
    } catch {
      // the next round tries again
    } finally {
      clearTimeout(watchdog)
      signal.removeEventListener("abort", stop)
      attempt.abort()
    }
    if (signal.aborted) return
    handlers.onConnection("lost")
    await pause(RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]!, signal)
  }
}

interface Message {
  event: string
  data: string
  id: string | null
}

function parse(block: string): Message | null {
  let event = "message"
  let id: string | null = null
  const data: string[] = []
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim()
    else if (line.startsWith("data:")) data.push(line.slice(5).trim())
    else if (line.startsWith("id:")) id = line.slice(3).trim()
  }
  return data.length ? { event, data: data.join("\n"), id } : null
}

/** Waits, but not past the moment at which the browser says that the network is back. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      removeEventListener("online", done)
      signal.removeEventListener("abort", done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    addEventListener("online", done, { once: true })
    signal.addEventListener("abort", done, { once: true })
  })
