// Which key does what: the original keys, and those that the user chose instead.
import { settings } from "../state/settings.ts"

/** `mod` is Cmd on a Mac and Ctrl elsewhere. */
export const ORIGINAL = {
  focusPrompt: "p",
  lockSeed: "s",
  mask: "k",
  cancelCurrent: "Escape",
  favourite: "f",
  compare: "c",
  useAll: "u",
  remix: "m",
  asReference: "r",
  vary: "v",
  varyStrongly: "shift+v",
  download: "d",
  delete: "Delete",
  inspector: "i",
  search: "/",
  palette: "mod+k",
  queue: "q",
  pause: "shift+q",
  boards: "b",
  grid: "g",
  wall: "w",
  theme: "t",
  help: "?",
  undo: "mod+z",
} as const
export type ActionName = keyof typeof ORIGINAL

export const bindingOf = (name: ActionName): string => shown(settings.get().bindings[name] ?? ORIGINAL[name])

export const keyOf = (name: ActionName): string => settings.get().bindings[name] ?? ORIGINAL[name]

const isMac = /Mac|iPhone|iPad/.test(navigator.platform)

/** As it is written on a key. */
export const shown = (key: string): string =>
  key
    .split("+")
    .map((part) =>
      part === "mod"
        ? isMac
          ? "⌘"
          : "Ctrl"
        : part === "alt"
          ? isMac
            ? "⌥"
            : "Alt"
          : part === "shift"
            ? "⇧"
            : part === "Escape"
              ? "Esc"
              : part === "Delete"
                ? "Del"
                : part.length === 1
                  ? part.toUpperCase()
                  : part,
    )
    .join(isMac ? "" : " ")

/** Whether an input method has the key: it chooses a word and must not do more. Safari tells by the number alone. */
export const isComposing = (e: KeyboardEvent): boolean => e.isComposing || e.keyCode === 229

/** The name of the key that was pressed, in the spelling above. */
export function pressed(e: KeyboardEvent): string {
  const isThird = e.getModifierState("AltGraph")
  const key = isThird ? e.key : latin(e)
  const isLetter = /^[a-z]$/i.test(key)
  return [
    ...((e.metaKey || e.ctrlKey) && !isThird ? ["mod"] : []),
    // A sign that needs Alt on this keyboard is that sign.
    ...(e.altKey && !isThird && (isLetter || key.length > 1) ? ["alt"] : []),
    ...(e.shiftKey && isLetter ? ["shift"] : []),
    isLetter ? key.toLowerCase() : key,
  ].join("+")
}

/** On a keyboard without Latin letters, the letter that others have in this place. */
const latin = ({ key, code }: KeyboardEvent): string =>
  /^\P{ASCII}$/u.test(key) && code.startsWith("Key") ? code.slice("Key".length).toLowerCase() : key
