// A picture of which a part is painted anew: the window that the painter sees, and what he painted put back into it.
import sharp from "sharp"
import { type Box, type Fit, type Pixels, resizePixels } from "./decode.ts"
import { type Mask, resizeMask } from "./mask.ts"
import { GREY, shiftOf } from "./seam.ts"
import { nextTurn } from "./turn.ts"

export interface Canvas {
  kept: Pixels
  /** Where what is painted lies over what is kept; of the size of `kept`. */
  edge: Mask
  window: Box
}

/** How much of its surroundings the painter sees on each side of the mask, in sizes of the mask. */
const MARGIN = 1 / 8
/** Least size of a window, in sizes of the picture: a spot is painted with its surroundings. */
const LEAST = 0.25

/**
 * The part of a picture to paint in, of the picture's own shape: what the mask covers, with a margin. A small mask is so
 * painted at the model's full size. The whole picture where the mask is empty.
 */
export function windowOf({ width, height, data }: Mask): Box {
  let [left, top, right, bottom] = [width, height, 0, 0]
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width)
    const first = row.findIndex((share) => share > 0)
    if (first < 0) continue
    left = Math.min(left, first)
    right = Math.max(right, row.findLastIndex((share) => share > 0) + 1)
    top = Math.min(top, y)
    bottom = y + 1
  }
  if (right === 0) return { left: 0, top: 0, width, height }
  const covered = Math.max((right - left) / width, (bottom - top) / height)
  const share = Math.min(1, Math.max(LEAST, covered * (1 + 2 * MARGIN)))
  const along = (from: number, to: number, whole: number): [start: number, size: number] => {
    const size = Math.round(whole * share)
    return [Math.min(Math.max(0, Math.round((from + to - size) / 2)), whole - size), size]
  }
  const [x, across] = along(left, right, width)
  const [y, down] = along(top, bottom, height)
  return { left: x, top: y, width: across, height: down }
}

export function cutPixels({ width, data }: Pixels, box: Box): Pixels {
  const out = new Uint8Array(box.width * box.height * 3)
  for (let y = 0; y < box.height; y++) {
    const from = ((box.top + y) * width + box.left) * 3
    out.set(data.subarray(from, from + box.width * 3), y * box.width * 3)
  }
  return { width: box.width, height: box.height, data: out }
}

/** A picture in the middle of a larger one, which goes on as its mirror image. */
export async function mirrored({ width, height, data }: Pixels, size: Fit): Promise<Pixels> {
  const [left, top] = [Math.floor((size.width - width) / 2), Math.floor((size.height - height) / 2)]
  if (size.width === width && size.height === height) return { width, height, data }
  const around = { left, top, right: size.width - width - left, bottom: size.height - height - top }
  const wide = sharp(data, { raw: { width, height, channels: 3 } }).extend({
    ...around,
    extendWith: "mirror",
  })
  return { ...size, data: new Uint8Array(await wide.raw().toBuffer()) }
}

/** Longer side of a sketch. */
const SKETCH = 256

/** The canvas as small as previews are. */
export async function sketchOf({ kept, edge, window }: Canvas): Promise<Canvas> {
  const scale = SKETCH / Math.max(kept.width, kept.height)
  const fit = { width: Math.round(kept.width * scale), height: Math.round(kept.height * scale) }
  const [across, down] = [fit.width / kept.width, fit.height / kept.height]
  const left = Math.floor(window.left * across)
  const top = Math.floor(window.top * down)
  return {
    kept: await resizePixels(kept, { ...fit, stretched: true }),
    edge: resizeMask(edge, fit),
    window: {
      left,
      top,
      width: Math.max(1, Math.min(Math.round(window.width * across), fit.width - left)),
      height: Math.max(1, Math.min(Math.round(window.height * down), fit.height - top)),
    },
  }
}

/** Rows that are blended in one turn of the event loop: a millisecond or two. */
const ROWS_AT_ONCE = 32

/** The whole picture with `painted` in its window, brought to the tones around it. */
export async function paintedInto({ kept, edge, window }: Canvas, painted: Pixels): Promise<Pixels> {
  const { width, height } = kept
  const fitting = await resizePixels(painted, { ...window, stretched: true })
  const shift = await shiftOf(kept, edge, window, fitting)
  const data = new Uint8Array(kept.data.length)
  for (let y = 0; y < height; y++) {
    if (y % ROWS_AT_ONCE === 0) await nextTurn()
    data.set(kept.data.subarray(y * width * 3, (y + 1) * width * 3), y * width * 3)
    if (y < window.top || y >= window.top + window.height) continue
    for (let x = 0; x < window.width; x++) {
      const at = y * width + window.left + x
      const from = (y - window.top) * window.width + x
      const share = edge.data[at]!
      if (share === 0) continue
      for (let c = 0; c < 3; c++) {
        const toned = fitting.data[3 * from + c]! + (shift ? shift.data[3 * from + c]! - GREY : 0)
        const value = Math.min(255, Math.max(0, toned))
        const under = kept.data[3 * at + c]!
        data[3 * at + c] = Math.round(under + share * (value - under))
      }
    }
  }
  return { width, height, data }
}
