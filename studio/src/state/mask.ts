// The mask of the start image in the dock: given by the layer that paints it, or taken away.
import { assetThumb } from "../api/client.ts"
import { messages } from "../messages/index.ts"
import { say } from "./announce.ts"
import { type DraftStart, draft, START_STRENGTH, withoutMask } from "./draft.ts"
import { complain, page, toast } from "./page.ts"
import { upload } from "./work.ts"

export function openMask(): void {
  const { start } = draft.get()
  if (start?.image) page.set({ surface: "mask" })
  else toast(start ? messages().references.uploading : messages().mask.needStart)
}

/**
 * Shows at once from memory, and gets its id when the server has it. If that fails, what was before comes back, and
 * `onFail` is called.
 */
export async function setMask(file: File, onFail: () => void): Promise<void> {
  const before = draft.get().start
  if (!before) return
  const { mask: t } = messages()
  const thumb = URL.createObjectURL(file)
  // Below 1 what was there shines through: nobody's first wish.
  const isRaised = before.mask === undefined && before.strength === START_STRENGTH
  const strength = isRaised ? 1 : before.strength
  draft.set({ start: { ...before, mask: "", maskThumb: thumb, strength } })
  toast(isRaised ? t.setAtOne : t.set)
  /** Unless the picture or its mask has been changed meanwhile. */
  const change = (to: (now: DraftStart) => DraftStart): void =>
    draft.set(({ start }) => ({ start: start?.maskThumb === thumb ? to(start) : start }))
  try {
    const { id } = await upload(file)
    change((now) => ({ ...now, mask: id, maskThumb: assetThumb(id) }))
  } catch (thrown) {
    change(() => before)
    complain(thrown)
    onFail()
  }
}

export function removeMask(): void {
  const { start } = draft.get()
  if (start?.mask === undefined) return
  draft.set({ start: withoutMask(start) })
  say(messages().mask.removed)
}
