// The pictures chosen for comparison: the second one opens the view.
import { messages } from "../messages/index.ts"
import { say } from "./announce.ts"
import { type PictureAt, page, toast } from "./page.ts"

export function toggleCompared(at: PictureAt): void {
  const { compare } = messages()
  const { compared } = page.get()
  if (compared.some((c) => c.picture === at.picture)) {
    page.set({ compared: compared.filter((c) => c.picture !== at.picture) })
    say(compare.cleared)
    return
  }
  const next = [...compared.slice(-1), at]
  if (next.length === 2) page.set({ compared: next, surface: "compare" })
  else {
    page.set({ compared: next, surface: null })
    toast(compare.chosen)
  }
}
