// A picture of which a part is painted anew: the window that the painter sees, and what he painted put back into it.
import { type Fit, type Pixels, resizePixels } from "./decode.ts"
import { type Mask, resizeMask } from "./mask.ts"
import { toned } from "./seam.ts"

/** Pixels from the upper left corner. */
export interface Box extends Fit {
  left: number
  top: number
}

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
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue
    const [x, y] = [i % width, Math.floor(i / width)]
    left = Math.min(left, x)
    right = Math.max(right, x + 1)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y + 1)
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

/** Copies what lies in a box, of `depth` values a pixel, to `out`. */
function cut<T extends Uint8Array | Float32Array>(
  { width, data }: { width: number; data: T },
  box: Box,
  depth: number,
  out: T,
): T {
  for (let y = 0; y < box.height; y++) {
    const from = ((box.top + y) * width + box.left) * depth
    out.set(data.subarray(from, from + box.width * depth), y * box.width * depth)
  }
  return out
}

export function cutPixels(pixels: Pixels, box: Box): Pixels {
  const { width, height } = box
  return { width, height, data: cut(pixels, box, 3, new Uint8Array(width * height * 3)) }
}

export function cutMask(mask: Mask, box: Box): Mask {
  const { width, height } = box
  return { width, height, data: cut(mask, box, 1, new Float32Array(width * height)) }
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

/** The whole picture with `painted` in its window, brought to the tones around it. */
export async function paintedInto({ kept, edge, window }: Canvas, painted: Pixels): Promise<Pixels> {
  const under = cutPixels(kept, window)
  const over = cutMask(edge, window)
  const fitting = await toned(under, await resizePixels(painted, { ...window, stretched: true }), over)
  const data = Uint8Array.from(kept.data)
  for (let y = 0; y < window.height; y++)
    for (let x = 0; x < window.width; x++) {
      const share = over.data[y * window.width + x]!
      if (share === 0) continue
      for (let c = 0; c < 3; c++) {
        const at = ((window.top + y) * kept.width + window.left + x) * 3 + c
        const value = fitting.data[(y * window.width + x) * 3 + c]!
        data[at] = Math.round(kept.data[at]! + share * (value - kept.data[at]!))
      }
    }
  return { width: kept.width, height: kept.height, data }
}
