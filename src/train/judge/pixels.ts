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

/** Brings a picture down to the scale of the training art, about 128 x 128 pixels; smaller ones stay as they are. */
export async function atNative(b: Bitmap): Promise<Bitmap> {
  const k = 128 / Math.sqrt(b.width * b.height)
  return k < 1 ? await resize(b, Math.round(b.width * k), Math.round(b.height * k)) : b
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
  const { rgb, width, height } = b
  const [ox, oy] = map.origin
  const [ax, ay] = map.across
  const [dx, dy] = map.down
  const taps = Math.max(1, Math.min(4, Math.round(Math.max(Math.hypot(ax, ay), Math.hypot(dx, dy)))))
  const share = 1 / (127.5 * taps * taps)
  const [maxX, maxY] = [width - 1, height - 1]
  // Plain scalars: this loop is what a training batch of the classifier waits for.
  for (let y = 0, at = to; y < side; y++)
    for (let x = 0; x < side; x++, at++) {
      let red = 0
      let green = 0
      let blue = 0
      for (let j = 0; j < taps; j++)
        for (let i = 0; i < taps; i++) {
          const u = x + (i + 0.5) / taps
          const v = y + (j + 0.5) / taps
          let sx = ox + ax * u + dx * v - 0.5
          let sy = oy + ay * u + dy * v - 0.5
          sx = Math.min(maxX, Math.max(0, sx))
          sy = Math.min(maxY, Math.max(0, sy))
          const x0 = sx | 0
          const y0 = sy | 0
          const fx = sx - x0
          const fy = sy - y0
          const p = (y0 * width + x0) * 3
          const q = x0 < maxX ? p + 3 : p
          const below = y0 < maxY ? width * 3 : 0
          const wq = fx * (1 - fy)
          const wp = 1 - fx - fy + fx * fy
          const wr = fy - fx * fy
          const ws = fx * fy
          red += wp * rgb[p]! + wq * rgb[q]! + wr * rgb[p + below]! + ws * rgb[q + below]!
          green += wp * rgb[p + 1]! + wq * rgb[q + 1]! + wr * rgb[p + below + 1]! + ws * rgb[q + below + 1]!
          blue += wp * rgb[p + 2]! + wq * rgb[q + 2]! + wr * rgb[p + below + 2]! + ws * rgb[q + below + 2]!
        }
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
