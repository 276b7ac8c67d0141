// The pictures chosen for comparison: the second one opens the view.
import { messages } from "../messages/index.ts"
import { say } from "./announce.ts"
import { dismiss, type PictureAt, page, toast, toasts } from "./page.ts"

export function toggleCompared(at: PictureAt): void {
  const { compare } = messages()
  const { compared } = page.get()
  // What asked for a second picture would lie over the two.
  for (const { id, text } of toasts.get().items) if (text === compare.chosen) dismiss(id)
  if (compared.some((c) => c.picture === at.picture)) {
    page.set({ compared: compared.filter((c) => c.picture !== at.picture) })
    say(compare.cleared)
    return
  }
  const next = [...compared.slice(-1), at]
  if (next.length === 2) page.set((now) => ({ compared: next, surface: "compare", under: gridOf(now) }))
  else {
    page.set((now) => ({ compared: next, surface: gridOf(now), under: null }))
    toast(compare.chosen)
  }
}

/** A grid stays open for the second picture, and is there again after the comparison. */
const gridOf = ({ surface, under }: Pick<ReturnType<typeof page.get>, "surface" | "under">): "grid" | null =>
  surface === "grid" ? surface : surface && under
