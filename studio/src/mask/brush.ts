// The brush: which tool is in the hand, and how large it is. The size is kept in the browser.
import { createStore } from "../state/store.ts"

export type Tool = "brush" | "eraser"

/** Percent of the picture's longer side. The least is as fine as the model sees. */
export const SIZES = { least: 1, most: 50 } as const

export const brush = createStore<{ size: number }>({ size: 8 }, "brush")
export const tool = createStore<{ now: Tool }>({ now: "brush" })

/** About a sixth larger or smaller, one percent at least. */
export function resizeBrush(by: 1 | -1): void {
  const { size } = brush.get()
  const next = size + by * Math.max(1, Math.round(size / 6))
  brush.set({ size: Math.min(SIZES.most, Math.max(SIZES.least, next)) })
}
