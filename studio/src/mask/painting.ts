// A mask while it is painted: opaque where the picture is painted anew. Every change can be undone.
import { messages } from "../messages/index.ts"
import { createStore, type Store } from "../state/store.ts"
import type { Tool } from "./brush.ts"
import { makeCanvas } from "./canvas.ts"
import { around, inside, type Part, type Point, union } from "./parts.ts"

export interface Painting {
  readonly canvas: HTMLCanvasElement
  /** How many changes can be taken back, and made again. */
  readonly history: Store<{ undo: number; redo: number }>
  /** Paints from one point to another; `size` is the brush's diameter. All in pixels of the mask. */
  paint(from: Point, to: Point, size: number, tool: Tool): void
  /** What was painted since the last time becomes one change. */
  finish(): void
  clear(): void
  invert(): void
  undo(): void
  redo(): void
  isEmpty(): boolean
  /** White where it is painted anew, black elsewhere. */
  toFile(): Promise<File>
  /** Tells which part has changed. Gives the way to stop. */
  follow(listener: (part: Part) => void): () => void
}

/** Changes that are kept, each as the pixels that were there before. */
const KEPT = 40

/** Begins from `first`, which is kept and painted on. */
export function createPainting(first: CanvasRenderingContext2D): Painting {
  const { canvas } = first
  const whole: Part = { x: 0, y: 0, width: canvas.width, height: canvas.height }
  /** As it was after the last change: where pixels are read from. */
  const settled = makeCanvas(canvas.width, canvas.height, true)
  settled.drawImage(canvas, 0, 0)
  const history = createStore({ undo: 0, redo: 0 })
  const listeners = new Set<(part: Part) => void>()
  const undone: ImageDataAt[] = []
  const done: ImageDataAt[] = []
  let touched: Part | null = null

  const tell = (part: Part): void => {
    for (const listener of listeners) listener(part)
  }
  const keep = (): void => history.set({ undo: done.length, redo: undone.length })
  const touch = (part: Part): void => {
    touched = union(touched, part)
    tell(part)
  }
  const finish = (): void => {
    if (!touched) return
    done.push(read(settled, touched))
    if (done.length > KEPT) done.shift()
    undone.length = 0
    copy(canvas, settled, touched)
    touched = null
    keep()
  }
  /** Puts pixels back, and gives those that were there. */
  const exchange = (pixels: ImageDataAt): ImageDataAt => {
    const now = read(settled, pixels.part)
    for (const context of [first, settled]) context.putImageData(pixels.data, pixels.part.x, pixels.part.y)
    tell(pixels.part)
    return now
  }
  /** Takes back the last change of one list; what it undoes is the other's last. */
  const move = (from: ImageDataAt[], to: ImageDataAt[]): void => {
    finish()
    const last = from.pop()
    if (!last) return
    to.push(exchange(last))
    keep()
  }
  return {
    canvas,
    history,
    paint(from, to, size, tool) {
      first.globalCompositeOperation = tool === "brush" ? "source-over" : "destination-out"
      first.lineCap = "round"
      first.lineWidth = size
      first.beginPath()
      first.moveTo(from.x, from.y)
      first.lineTo(to.x, to.y)
      first.stroke()
      // A line without length is not drawn.
      first.beginPath()
      first.arc(to.x, to.y, size / 2, 0, 2 * Math.PI)
      first.fill()
      first.globalCompositeOperation = "source-over"
      const part = inside(around(from, to, size / 2 + 1), whole)
      if (part) touch(part)
    },
    finish,
    clear() {
      finish()
      first.clearRect(0, 0, whole.width, whole.height)
      touch(whole)
      finish()
    },
    invert() {
      finish()
      first.globalCompositeOperation = "source-out"
      first.fillRect(0, 0, whole.width, whole.height)
      first.globalCompositeOperation = "source-over"
      touch(whole)
      finish()
    },
    undo: () => move(done, undone),
    redo: () => move(undone, done),
    isEmpty() {
      finish()
      return !read(settled, whole).data.data.some((value, i) => i % 4 === 3 && value > 0)
    },
    toFile() {
      finish()
      return fileOf(canvas)
    },
    follow(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

interface ImageDataAt {
  part: Part
  data: ImageData
}

const read = (context: CanvasRenderingContext2D, part: Part): ImageDataAt => ({
  part,
  data: context.getImageData(part.x, part.y, part.width, part.height),
})

function copy(from: HTMLCanvasElement, to: CanvasRenderingContext2D, { x, y, width, height }: Part): void {
  to.clearRect(x, y, width, height)
  to.drawImage(from, x, y, width, height, x, y, width, height)
}

async function fileOf(mask: HTMLCanvasElement): Promise<File> {
  const out = makeCanvas(mask.width, mask.height)
  out.drawImage(mask, 0, 0)
  out.globalCompositeOperation = "source-in"
  out.fillStyle = "#fff"
  out.fillRect(0, 0, mask.width, mask.height)
  out.globalCompositeOperation = "destination-over"
  out.fillStyle = "#000"
  out.fillRect(0, 0, mask.width, mask.height)
  const blob = await new Promise<Blob | null>((resolve) => out.canvas.toBlob(resolve, "image/png"))
  if (!blob) throw new Error(messages().mask.notWritten)
  return new File([blob], "mask.png", { type: "image/png" })
}
