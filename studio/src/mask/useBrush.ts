// Painting by hand: mouse, pen and finger over the picture, and the keys as their twin.
import { type KeyboardEvent, type PointerEvent, type RefObject, useEffect, useRef } from "react"
import { messages } from "../messages/index.ts"
import { say } from "../state/announce.ts"
import { brush, type Tool, tool } from "./brush.ts"
import type { Painting } from "./painting.ts"
import type { Point } from "./parts.ts"

/** Share of the longer side that a key moves the brush. */
const STEP = 0.02
const LONG_STEP = 0.1
const MOVES: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}
const toolOf = (key: string): Tool | null =>
  key === " " || key === "Enter" ? tool.get().now : key === "x" || key === "X" ? "eraser" : null

/** What is under way: by which pointer or key, and where it is. */
interface Stroke {
  by: number | string
  tool: Tool
}

/** Handlers for the canvas over the picture; `ring` shows where the brush is and how large. */
export function useBrush(painting: Painting, ring: RefObject<HTMLElement | null>) {
  const { width, height } = painting.canvas
  const longer = Math.max(width, height)
  const at = useRef<Point>({ x: width / 2, y: height / 2 })
  const stroke = useRef<Stroke | null>(null)
  const place = (to: Point): void => {
    at.current = to
    const { style } = ring.current!
    style.left = `${(to.x / width) * 100}%`
    style.top = `${(to.y / height) * 100}%`
  }
  const paintTo = (to: Point): void => {
    painting.paint(at.current, to, (brush.get().size / 100) * longer, stroke.current!.tool)
    place(to)
  }
  const begin = (by: Stroke["by"], wanted: Tool, from: Point): void => {
    stroke.current = { by, tool: wanted }
    ring.current!.dataset.painting = wanted
    at.current = from
    paintTo(from)
  }
  const end = (): void => {
    if (!stroke.current) return
    painting.finish()
    say(messages().mask[stroke.current.tool === "brush" ? "painted" : "erased"])
    stroke.current = null
    delete ring.current!.dataset.painting
  }
  /** Keys show the ring wherever the pointer is. */
  const show = (isByKeys: boolean): void => {
    ring.current!.toggleAttribute("data-keys", isByKeys)
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: where the brush begins
  useEffect(() => place(at.current), [painting])

  const pointOf = (e: PointerEvent | globalThis.PointerEvent, box: DOMRect): Point => ({
    x: ((e.clientX - box.left) / box.width) * width,
    y: ((e.clientY - box.top) / box.height) * height,
  })
  return {
    onPointerDown(e: PointerEvent<HTMLCanvasElement>) {
      // A second finger, or a button that means something else.
      if (stroke.current || ![0, 2, 5].includes(e.button)) return
      e.currentTarget.setPointerCapture(e.pointerId)
      // Button 5 is the other end of a pen.
      const isErasing = e.button !== 0 || e.altKey
      const from = pointOf(e, e.currentTarget.getBoundingClientRect())
      begin(e.pointerId, isErasing ? "eraser" : tool.get().now, from)
    },
    onPointerMove(e: PointerEvent<HTMLCanvasElement>) {
      const box = e.currentTarget.getBoundingClientRect()
      show(false)
      if (!stroke.current) return place(pointOf(e, box))
      if (stroke.current.by !== e.pointerId) return
      const passed = e.nativeEvent.getCoalescedEvents?.() ?? []
      for (const each of passed.length > 0 ? passed : [e.nativeEvent]) paintTo(pointOf(each, box))
    },
    onPointerUp: (e: PointerEvent) => stroke.current?.by === e.pointerId && end(),
    onPointerCancel: (e: PointerEvent) => stroke.current?.by === e.pointerId && end(),
    onContextMenu: (e: { preventDefault: () => void }) => e.preventDefault(),
    onKeyDown(e: KeyboardEvent) {
      if (e.ctrlKey || e.metaKey) return
      const move = MOVES[e.key]
      const wanted = toolOf(e.key)
      if (!move && !wanted) return
      e.preventDefault()
      show(true)
      if (wanted && !e.repeat && !stroke.current) begin(e.code, wanted, at.current)
      if (!move) return
      const step = (e.shiftKey ? LONG_STEP : STEP) * longer
      const to = {
        x: Math.min(width, Math.max(0, at.current.x + move[0] * step)),
        y: Math.min(height, Math.max(0, at.current.y + move[1] * step)),
      }
      if (!stroke.current) place(to)
      else if (typeof stroke.current.by === "string") paintTo(to)
    },
    onKeyUp: (e: KeyboardEvent) => stroke.current?.by === e.code && end(),
    // A key that is let go elsewhere is not heard.
    onBlur() {
      end()
      show(false)
    },
  }
}
