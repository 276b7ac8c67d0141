// Why something failed: in the page's words where it has them, with what the server said below.
import type { ServerError } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { reasonOf } from "../messages/reasons.ts"

export function Reason({ error }: { error: Pick<ServerError, "code" | "message"> }) {
  const reason = reasonOf(error, useMessages())
  if (reason === null) return <p>{error.message}</p>
  return (
    <>
      <p>{reason}</p>
      <p className="small muted" lang="en">
        {error.message}
      </p>
    </>
  )
}
