// Swiping with a finger: sideways to the next picture, down to leave.
import { type PointerEvent, useRef } from "react"

const FAR = 56

export function useSwipe(go: (by: 1 | -1) => void, leave: () => void) {
  const from = useRef<{ x: number; y: number } | null>(null)
  return {
    onPointerDown(e: PointerEvent) {
      from.current = e.pointerType === "touch" && e.isPrimary ? { x: e.clientX, y: e.clientY } : null
    },
    onPointerUp(e: PointerEvent) {
      if (!from.current) return
      const [dx, dy] = [e.clientX - from.current.x, e.clientY - from.current.y]
      from.current = null
      if (Math.abs(dx) > FAR && Math.abs(dx) > Math.abs(dy)) go(dx < 0 ? 1 : -1)
      else if (dy > FAR * 1.5) leave()
    },
    onPointerCancel() {
      from.current = null
    },
  }
}
