// What is in the dock and no longer on the server: marked where it stands, or taken out, and named.
import { ApiError } from "../api/client.ts"
import type { Submit } from "../api/types.ts"
import { messages } from "../messages/index.ts"
import { boardName, draft, withoutMask } from "./draft.ts"
import { complain, toast } from "./page.ts"

const failReference = (image: string, failed: string): void =>
  draft.set(({ references }) => ({
    references: references.map((r) => (r.image === image ? { ...r, failed } : r)),
  }))

export const failStart = (image: string, part: { failed: string; thumb?: string }): void =>
  draft.set(({ start }) => ({ start: start?.image === image ? { ...start, ...part } : start }))

/** Asks about a picture that did not load: a server that is away or busy has not lost it. */
export async function whenGone(address: string, then: () => void): Promise<void> {
  const status = await fetch(address).then(
    (answer) => answer.status,
    () => 0,
  )
  if (status === 404 || status === 410) then()
}

/** Complains about a request of the dock; the next one is made without what the server did not find of it. */
export function complainOf(thrown: unknown, request: Submit | undefined): void {
  const said = thrown instanceof ApiError && request ? missing(thrown, request) : null
  if (said === null) complain(thrown)
  else toast(said, { kind: "error" })
}

function missing({ field = "", message }: ApiError, request: Submit): string | null {
  const { missing: t } = messages()
  const { references, start, board } = draft.get()
  const place = /^references\[(\d+)\]\.image$/.exec(field)?.[1]
  const image = place && request.references?.[Number(place)]?.image
  const number = references.findIndex((r) => r.image === image) + 1
  if (image && number > 0) {
    failReference(image, message)
    return t.reference(number)
  }
  if (field === "start.image" && start) {
    failStart(start.image, { failed: message })
    return t.start
  }
  if (field === "start.mask" && start) {
    draft.set({ start: withoutMask(start) })
    return t.mask
  }
  if (field === "board.id" && board) {
    const name = boardName(board.id)
    draft.set({ board: null })
    return t.board(name)
  }
  return null
}
