// Order by dragging, for lists that have button twins for the same. Native drag and drop: nothing to load.
import { type DragEvent, type HTMLAttributes, useState } from "react"

const TYPE = "application/x-atelier-order"

/**
 * Gives the attributes of an item by its key; `onMove` gets the places of two as they are at the drop: the list may have moved
 * under the pointer.
 */
export function useReorder(
  keys: readonly string[],
  onMove: (from: number, to: number) => void,
): (key: string) => HTMLAttributes<HTMLElement> {
  const [dragged, setDragged] = useState<string | null>(null)
  const [over, setOver] = useState<string | null>(null)
  const attributes = (key: string): HTMLAttributes<HTMLElement> & Record<`data-${string}`, unknown> => ({
    draggable: true,
    "data-dragged": dragged === key || undefined,
    "data-over": (over === key && dragged !== null && dragged !== key) || undefined,
    onDragStart(e: DragEvent) {
      // A slider or a field inside keeps its own dragging.
      if ((e.target as HTMLElement).closest("input")) return e.preventDefault()
      e.dataTransfer.setData(TYPE, key)
      e.dataTransfer.effectAllowed = "move"
      setDragged(key)
    },
    onDragOver(e: DragEvent) {
      if (dragged === null) return
      e.preventDefault()
      setOver(key)
    },
    onDrop(e: DragEvent) {
      if (dragged === null) return
      e.preventDefault()
      const [from, to] = [keys.indexOf(dragged), keys.indexOf(key)]
      if (from >= 0 && to >= 0 && from !== to) onMove(from, to)
      setDragged(null)
      setOver(null)
    },
    onDragEnd() {
      setDragged(null)
      setOver(null)
    },
    onPointerDownCapture(e) {
      // A draggable ancestor would take the pointer away from a slider.
      const item = e.currentTarget as HTMLElement
      item.draggable = !(e.target as HTMLElement).closest("input")
    },
  })
  return attributes
}
