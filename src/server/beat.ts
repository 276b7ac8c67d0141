// The beat of an answer that goes on for long.
import type { StreamingApi } from "hono/utils/stream"
import { type AtelierError, asAtelierError } from "../request/index.ts"
import type { Key } from "../store/index.ts"

/**
 * Writes a comment every `seconds`, which keeps proxies from closing a silent stream and tells clients that it is not
 * dead, and asks for the key again: `onRevoked` is called when it is over. Returns the way to stop.
 */
export function beat(
  stream: StreamingApi,
  seconds: number,
  askAgain: () => Promise<Key>,
  onRevoked: (refusal: AtelierError) => void,
): () => void {
  const timer = setInterval(() => {
    void stream.write(": still here\n\n")
    askAgain().catch((thrown: unknown) => {
      const error = asAtelierError(thrown)
      // A database that is away says nothing of the key.
      if (error.code === "unauthorized") onRevoked(error)
    })
  }, seconds * 1000)
  timer.unref()
  return () => clearInterval(timer)
}
