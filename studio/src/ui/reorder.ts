// Order by dragging, for lists that have button twins for the same. Native drag and drop: nothing to load.
import { type DragEvent, type HTMLAttributes, useState } from "react"

const TYPE = "application/x-atelier-order"

/** Gives the attributes of the item at a place; `onMove` gets from and to. */
export function useReorder(
  onMove: (from: number, to: number) => void,
): (index: number) => HTMLAttributes<HTMLElement> {
  const [dragged, setDragged] = useState<number | null>(null)
  const [over, setOver] = useState<number | null>(null)
  const attributes = (index: number): HTMLAttributes<HTMLElement> & Record<`data-${string}`, unknown> => ({
    draggable: true,
    "data-dragged": dragged === index || undefined,
    "data-over": (over === index && dragged !== null && dragged !== index) || undefined,
    onDragStart(e: DragEvent) {
      // A slider or a field inside keeps its own dragging.
      if ((e.target as HTMLElement).closest("input")) return e.preventDefault()
      e.dataTransfer.setData(TYPE, String(index))
      e.dataTransfer.effectAllowed = "move"
      setDragged(index)
    },
    onDragOver(e: DragEvent) {
      if (dragged === null) return
      e.preventDefault()
      setOver(index)
    },
    onDrop(e: DragEvent) {
      if (dragged === null) return
      e.preventDefault()
      if (dragged !== index) onMove(dragged, index)
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
