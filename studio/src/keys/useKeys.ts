// Listens for the keys of the page. Fields keep their own keys; a key that opens something works anywhere.
import { useEffect } from "react"
import { PROMPT_ID } from "../dock/Prompt.tsx"
import { startHold, stopHold } from "../look/hold.ts"
import { page } from "../state/page.ts"
import { pictureAt } from "../takes/focus.ts"
import { ACTIONS } from "./actions.ts"
import { type ActionName, isComposing, keyOf, pressed } from "./bindings.ts"

const HOLD_MS = 260
export const FIELDS =
  "input:not([type=range]):not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]"
/** These make sense while a surface covers the page. */
const OVER_LOOK = new Set([
  "favourite",
  "compare",
  "useAll",
  "remix",
  "asReference",
  "vary",
  "varyStrongly",
  "download",
  "delete",
  "inspector",
  "palette",
  "help",
  "theme",
  "undo",
])

/** A field keeps its keys, undo among them; but Escape in the prompt stops what Enter there has begun. */
const worksInField = (name: ActionName, key: string, field: Element): boolean =>
  name === "cancelCurrent"
    ? key === "Escape" && field.id === PROMPT_ID
    : key.includes("mod") && name !== "undo"

/** Deleting wants a picture that is looked at, pointed at or has the keyboard: not the one that was passed last. */
function isMeant(): boolean {
  const { surface, current } = page.get()
  const tile = document.querySelector(`[data-picture="${current?.picture}"]`)?.closest(".tile")
  return surface === "look" || Boolean(tile?.matches(":hover, :focus-within"))
}

export function useKeys(): void {
  useEffect(() => {
    let hold: { code: string; timer: ReturnType<typeof setTimeout>; isHeld: boolean } | null = null
    const down = (e: KeyboardEvent): void => {
      if (e.defaultPrevented || isComposing(e)) return
      const target = e.target as HTMLElement
      const name = pressed(e)
      const action = ACTIONS.find((a) => keyOf(a.name) === name)
      const { surface, panel } = page.get()
      const field = target.closest(FIELDS)
      if (!action || (field && !worksInField(action.name, name, field))) return
      if (panel && action.name !== panel && action.name !== "palette") return
      // The layer that paints has keys of its own; what they are, help tells.
      if (surface === "mask" && action.name !== "help") return
      if (target.closest("[role=menu], [role=listbox], .popover")) return
      if (surface && !OVER_LOOK.has(action.name)) return
      if (action.name === "delete" && !isMeant()) return
      if (action.name === "asReference") {
        e.preventDefault()
        if (e.repeat || hold) return
        const at = pictureAt(page.get().current)
        if (!at) return
        const started = {
          code: e.code,
          isHeld: false,
          timer: setTimeout(() => {
            started.isHeld = true
            void startHold(at.job, at.picture)
          }, HOLD_MS),
        }
        hold = started
        return
      }
      e.preventDefault()
      // A key that is held down starts its action once, not thirty times a second.
      if (!e.repeat) action.run()
    }
    const up = (e: KeyboardEvent): void => {
      // By its place: with Shift pressed meanwhile the same key has another name.
      if (!hold || e.code !== hold.code) return
      clearTimeout(hold.timer)
      if (hold.isHeld) stopHold()
      else ACTIONS.find((a) => a.name === "asReference")!.run()
      hold = null
    }
    const away = (): void => {
      if (hold) clearTimeout(hold.timer)
      hold = null
      stopHold()
    }
    addEventListener("keydown", down)
    addEventListener("keyup", up)
    addEventListener("blur", away)
    return () => {
      removeEventListener("keydown", down)
      removeEventListener("keyup", up)
      removeEventListener("blur", away)
    }
  }, [])
}
