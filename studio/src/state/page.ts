// What stands where on the page: the open surface, the picture in focus, messages at its edge.
import { ApiError } from "../api/client.ts"
import type { Connection } from "../api/events.ts"
import { type HistoryFilter, NO_FILTER } from "../api/filter.ts"
import { messages } from "../messages/index.ts"
import { reasonOf } from "../messages/reasons.ts"
import { createStore } from "./store.ts"

export interface PictureAt {
  job: string
  picture: string
}

export type Surface = "look" | "compare" | "grid" | "mask" | null
export type Panel = "queue" | "boards" | "palette" | "help" | "settings" | null

export const page = createStore<{
  surface: Surface
  panel: Panel
  /** The picture that is looked at, or that has the keyboard. */
  current: PictureAt | null
  /** Pictures chosen for comparison, first and second. */
  compared: PictureAt[]
  filter: HistoryFilter
  connection: Connection
  /** How often the server has come back: what did not load is asked for again. */
  returns: number
  needsKey: boolean
  dockOpen: boolean
  /** A request of the dock is on its way to the server. */
  isSending: boolean
  /** What is shown again when the picture that is looked at, or the comparison, is closed. */
  under: "grid" | null
}>({
  surface: null,
  panel: null,
  current: null,
  compared: [],
  filter: NO_FILTER,
  connection: "connecting",
  returns: 0,
  needsKey: false,
  dockOpen: false,
  isSending: false,
  under: null,
})

/** Looks closely at a picture, over the page or over the grid that it stands in. */
export const openLook = (at: PictureAt): void =>
  page.set(({ surface }) => ({ current: at, surface: "look", under: surface === "grid" ? surface : null }))
/** Back to where the picture was opened. */
export const closeLook = (): void => page.set(({ under }) => ({ surface: under, under: null }))
export const closeCompare = (): void =>
  page.set(({ under }) => ({ surface: under, under: null, compared: [] }))

export interface Toast {
  id: number
  text: string
  /** The server's own sentence, where the text is the page's for it. */
  detail?: string
  kind: "plain" | "error"
  /** Milliseconds for which it stays, not counting those in which it is pointed at or has the keyboard. */
  stays: number
  /** Takes something back, unless it says that it does not. */
  action?: { label: string; run: () => void; isBack?: false }
}
export const toasts = createStore<{ items: Toast[] }>({ items: [] })

const isWayBack = ({ action }: Toast): boolean => action !== undefined && action.isBack !== false

let nextToast = 1
/** Shows a message for a while; one with an undo stays longer. */
export function toast(text: string, options: Partial<Pick<Toast, "kind" | "action" | "detail">> = {}): void {
  const id = nextToast++
  const stays = options.action ? 10_000 : options.kind === "error" ? 8000 : 3500
  toasts.set(({ items }) => {
    // The same words once: two references added are not two lines. A way back stays for its time, however many there are.
    const others = items.filter((t) => t.text !== text || isWayBack(t))
    return { items: [...others, { id, text, kind: "plain", stays, ...options }] }
  })
}
export const dismiss = (id: number): void =>
  toasts.set(({ items }) => ({ items: items.filter((t) => t.id !== id) }))
/** Takes back what the newest message offers to take back. */
export function undoLast(): void {
  const last = toasts.get().items.findLast(isWayBack)
  if (!last) return
  last.action!.run()
  dismiss(last.id)
}
export function complain(thrown: unknown): void {
  const said = thrown instanceof Error ? thrown.message : String(thrown)
  const reason = thrown instanceof ApiError ? reasonOf(thrown, messages()) : null
  toast(reason ?? said, { kind: "error", ...(reason !== null && { detail: said }) })
}
