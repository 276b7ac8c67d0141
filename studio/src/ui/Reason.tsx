// Why something failed: in the page's words where it has them, with what the server said below.
import { useMessages } from "../messages/index.ts"
import { reasonOf } from "../messages/reasons.ts"

export function Reason({ error }: { error: { code?: string; message: string } }) {
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
