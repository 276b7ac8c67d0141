// Which key does what: the original keys, and those that the user chose instead.
import { settings } from "../state/settings.ts"

/** `mod` is Cmd on a Mac and Ctrl elsewhere. */
export const ORIGINAL = {
  focusPrompt: "p",
  lockSeed: "s",
  cancelCurrent: "Escape",
  favourite: "f",
  compare: "c",
  useAll: "u",
  remix: "m",
  asReference: "r",
  vary: "v",
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

/** The name of the key that was pressed, in the spelling above. */
export function pressed(e: KeyboardEvent): string {
  const mod = e.metaKey || e.ctrlKey
  const isLetter = /^[a-z]$/i.test(e.key)
  return [
    ...(mod ? ["mod"] : []),
    ...(e.shiftKey && isLetter ? ["shift"] : []),
    isLetter ? e.key.toLowerCase() : e.key,
  ].join("+")
}
