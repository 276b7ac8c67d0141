// How a mask looks over a picture: a tint, and a light and a dark line around it, so that it ends visibly on any ground.
import type { Part } from "./parts.ts"

const TINT = 0.5
const LIGHT = "rgb(255 255 255 / 90%)"
const DARK = "rgb(0 0 0 / 55%)"

const AROUND = Array.from({ length: 8 }, (_, i) => [
  Math.cos((i * Math.PI) / 4),
  Math.sin((i * Math.PI) / 4),
]) as [number, number][]

export interface Over {
  shown: CanvasRenderingContext2D
  /** Of the same size. */
  scratch: CanvasRenderingContext2D
  /** Width of each line in pixels of `shown`. */
  line: number
}

/** Draws a part of the mask anew, the mask being as large as what is shown. The tint has the canvas's own colour. */
export function drawOver({ shown, scratch, line }: Over, mask: HTMLCanvasElement, part: Part): void {
  const { width, height } = shown.canvas
  const [across, down] = [width / mask.width, height / mask.height]
  const margin = 2 * line + 2
  const x = Math.max(0, Math.floor(part.x * across - margin))
  const y = Math.max(0, Math.floor(part.y * down - margin))
  const right = Math.min(width, Math.ceil((part.x + part.width) * across + margin))
  const bottom = Math.min(height, Math.ceil((part.y + part.height) * down + margin))
  const area = [x, y, right - x, bottom - y] as const
  for (const context of [shown, scratch]) {
    context.save()
    context.beginPath()
    context.rect(...area)
    context.clip()
    context.clearRect(...area)
  }
  /** The mask, wider by so much, in a colour. */
  const lay = (wider: number, colour: string): void => {
    scratch.globalCompositeOperation = "source-over"
    scratch.clearRect(...area)
    for (const [dx, dy] of wider > 0 ? AROUND : [[0, 0] as const])
      scratch.drawImage(mask, dx * wider, dy * wider, width, height)
    scratch.globalCompositeOperation = "source-in"
    scratch.fillStyle = colour
    scratch.fillRect(...area)
    shown.drawImage(scratch.canvas, 0, 0)
  }
  lay(2 * line, DARK)
  lay(line, LIGHT)
  shown.globalCompositeOperation = "destination-out"
  shown.drawImage(mask, 0, 0, width, height)
  shown.globalCompositeOperation = "source-over"
  shown.globalAlpha = TINT
  lay(0, getComputedStyle(shown.canvas).color)
  for (const context of [shown, scratch]) context.restore()
}
