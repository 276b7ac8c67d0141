// The unpainted margin of a watercolour sheet: it is neither the background that was asked for nor a thing.
import { borderRing, labOf, median } from "./foreground.ts"
import type { Bitmap } from "./pixels.ts"

/** Share of the shorter side that such a margin takes at most, its ragged edge included. */
const MARGIN = 0.075
/** Lightness from which, and colour up to which, a rim is bare paper, and how far what lies within must be from it (OKLab). */
const PAPER = { lightness: 0.93, chroma: 0.03, apart: 0.05 }

/** The picture within a paper margin, where it has one; any other picture as it is. */
export function withoutPaper(b: Bitmap): Bitmap {
  const { planes } = labOf(b)
  const middle = (places: readonly number[]): [number, number, number] =>
    planes.map((plane) => median(places.map((i) => plane[i]!))) as [number, number, number]
  const rim = middle(borderRing(b.width, b.height, 0.012))
  if (rim[0] < PAPER.lightness || Math.hypot(rim[1], rim[2]) > PAPER.chroma) return b
  const margin = new Set(borderRing(b.width, b.height, MARGIN))
  const within = middle(borderRing(b.width, b.height, MARGIN + 0.05).filter((i) => !margin.has(i)))
  if (Math.hypot(...within.map((v, c) => v - rim[c]!)) < PAPER.apart) return b
  return inset(b, Math.round(Math.min(b.width, b.height) * MARGIN))
}

/** The picture without `d` pixels on each side. */
function inset(b: Bitmap, d: number): Bitmap {
  const [width, height] = [b.width - 2 * d, b.height - 2 * d]
  const rgb = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    const from = ((y + d) * b.width + d) * 3
    rgb.set(b.rgb.subarray(from, from + width * 3), y * width * 3)
  }
  return { width, height, rgb }
}
