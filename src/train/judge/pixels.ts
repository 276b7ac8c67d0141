// Pictures as the judge handles them: RGB bytes, resized, cut out and laid out as planes.
import sharp from "sharp"

/** RGB, 8 bits, rows from the top. */
export interface Bitmap {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array
}

/** A rectangle in pixels; it may reach beyond the picture. */
export interface Window {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

/** Decodes an encoded picture (PNG, JPEG, WebP), at most `longest` pixels on its longer side; transparency on white. */
export async function decodeBitmap(bytes: Uint8Array, longest?: number): Promise<Bitmap> {
  let image = sharp(bytes).flatten({ background: "#ffffff" }).toColourspace("srgb").removeAlpha()
  if (longest !== undefined)
    image = image.resize(longest, longest, { fit: "inside", kernel: "lanczos3", withoutEnlargement: true })
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, rgb: new Uint8Array(data) }
}

export const encodePng = async (b: Bitmap): Promise<Uint8Array> =>
  new Uint8Array(
    await sharp(b.rgb, { raw: { width: b.width, height: b.height, channels: 3 } })
      .png()
      .toBuffer(),
  )

/** Area-weighted resize of the whole picture to width x height, sides independent of each other. */
export async function resize(b: Bitmap, width: number, height: number): Promise<Bitmap> {
  if (b.width === width && b.height === height) return b
  const { data } = await sharp(b.rgb, { raw: { width: b.width, height: b.height, channels: 3 } })
    .resize(width, height, { fit: "fill", kernel: "lanczos3" })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { width, height, rgb: new Uint8Array(data) }
}

/** Where a pixel of the output comes from: source = origin + across * x + down * y, in source pixels. */
export interface Map2 {
  readonly origin: readonly [number, number]
  readonly across: readonly [number, number]
  readonly down: readonly [number, number]
}

export const mapOf = (w: Window, side: number): Map2 => ({
  origin: [w.x, w.y],
  across: [w.w / side, 0],
  down: [0, w.h / side],
})

/**
 * Reads a picture through a map into planes of -1..1, [3,side,side], written at `to`. Bilinear, with as many taps
 * as source pixels fall on one output pixel; beyond the border its pixels repeat.
 */
export function readInto(out: Float32Array, to: number, b: Bitmap, map: Map2, side: number): void {
  const plane = side * side
  const density = Math.max(Math.hypot(...map.across), Math.hypot(...map.down))
  const taps = Math.max(1, Math.min(4, Math.round(density)))
  const share = 1 / (127.5 * taps * taps)
  const [maxX, maxY] = [b.width - 1, b.height - 1]
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      let red = 0
      let green = 0
      let blue = 0
      for (let t = 0; t < taps * taps; t++) {
        const u = x + ((t % taps) + 0.5) / taps
        const v = y + (Math.floor(t / taps) + 0.5) / taps
        const sx = Math.min(maxX, Math.max(0, map.origin[0] + map.across[0] * u + map.down[0] * v - 0.5))
        const sy = Math.min(maxY, Math.max(0, map.origin[1] + map.across[1] * u + map.down[1] * v - 0.5))
        const [x0, y0] = [sx | 0, sy | 0]
        const [fx, fy] = [sx - x0, sy - y0]
        const a = (y0 * b.width + x0) * 3
        const right = x0 < maxX ? 3 : 0
        const below = y0 < maxY ? b.width * 3 : 0
        const [wa, wb, wc, wd] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy]
        red +=
          wa * b.rgb[a]! + wb * b.rgb[a + right]! + wc * b.rgb[a + below]! + wd * b.rgb[a + right + below]!
        green +=
          wa * b.rgb[a + 1]! +
          wb * b.rgb[a + right + 1]! +
          wc * b.rgb[a + below + 1]! +
          wd * b.rgb[a + right + below + 1]!
        blue +=
          wa * b.rgb[a + 2]! +
          wb * b.rgb[a + right + 2]! +
          wc * b.rgb[a + below + 2]! +
          wd * b.rgb[a + right + below + 2]!
      }
      const at = to + y * side + x
      out[at] = red * share - 1
      out[at + plane] = green * share - 1
      out[at + 2 * plane] = blue * share - 1
    }
}

/** The part of a picture under a window as planes of -1..1, [3,side,side]. */
export function view(
  b: Bitmap,
  side: number,
  window: Window = { x: 0, y: 0, w: b.width, h: b.height },
): Float32Array {
  const out = new Float32Array(3 * side * side)
  readInto(out, 0, b, mapOf(window, side), side)
  return out
}

/** A square around a box, `margin` of the longer side wider on each side. */
export function squareAround(box: Window, margin: number): Window {
  const side = Math.max(box.w, box.h) * (1 + 2 * margin)
  return { x: box.x + box.w / 2 - side / 2, y: box.y + box.h / 2 - side / 2, w: side, h: side }
}
