// Colours as a judge names them: of the background's border, of the thing in front, and of a whole palette.
import { BACKGROUND_COLOURS, type BackgroundColour } from "../data/backgrounds.ts"
import { COLOURS, type Colour, dominant, oklab, PAINT } from "../data/colours.ts"
import { borderRing, foreground, labOf, median } from "./foreground.ts"
import type { Bitmap } from "./pixels.ts"

/** Middle of what each background colour is painted with, sRGB 0..255. */
const WALLS: Readonly<Record<BackgroundColour, readonly [number, number, number]>> = {
  red: [228, 63, 57],
  orange: [247, 149, 59],
  yellow: [251, 213, 70],
  green: [79, 186, 101],
  blue: [64, 142, 232],
  purple: [149, 100, 206],
  pink: [246, 147, 183],
  teal: [52, 178, 173],
  black: [31, 31, 36],
  white: [249, 248, 246],
}
const wallLab = BACKGROUND_COLOURS.map((name) => {
  const [r, g, b] = WALLS[name]
  return { name, lab: oklab(r / 255, g / 255, b / 255) }
})

/** Black and white are told by lightness where there is hardly any colour; the rest by hue, then lightness. */
function nameLab([L, a, b]: readonly [number, number, number]): BackgroundColour {
  if (Math.hypot(a, b) < 0.035) return L < 0.5 ? "black" : "white"
  const distance = (t: readonly [number, number, number]): number =>
    Math.hypot((t[0] - L) * 0.6, t[1] - a, t[2] - b)
  return wallLab.reduce((best, w) => (distance(w.lab) < distance(best.lab) ? w : best)).name
}

/** The colour of the background: the middle colour of the border ring. */
export function backgroundColour(b: Bitmap): BackgroundColour {
  const { planes } = labOf(b)
  const ring = borderRing(b.width, b.height, 0.06)
  const middle = planes.map((plane) => median(ring.map((i) => plane[i]!))) as [number, number, number]
  return nameLab(middle)
}

const HUES = COLOURS.slice(0, 8).map((name) => {
  const [, a, b] = oklab(...PAINT[name])
  return { name, hue: Math.atan2(b, a) }
})

const apart = (x: number, y: number): number => Math.abs(Math.atan2(Math.sin(x - y), Math.cos(x - y)))

/** The dominant of the eight hues among the pixels off a plain background; undefined where nothing has a colour. */
export function objectColour(b: Bitmap): Colour | undefined {
  const mask = foreground(labOf(b))
  const rgba = new Uint8Array(mask.length * 4)
  for (let i = 0; i < mask.length; i++) {
    for (let c = 0; c < 3; c++) rgba[i * 4 + c] = b.rgb[i * 3 + c]!
    rgba[i * 4 + 3] = mask[i]! * 255
  }
  const main = dominant(rgba)
  if (main.share < 0.08) return undefined
  const hue = Math.atan2(main.lab[2], main.lab[1])
  return HUES.reduce((best, h) => (apart(h.hue, hue) < apart(best.hue, hue) ? h : best)).name
}

const D = Math.SQRT1_2
/** Directions in OKLab along which palettes are compared: the axes and the diagonals between them. */
const DIRECTIONS = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
  [0, D, D],
  [0, D, -D],
  [D, D, 0],
  [D, -D, 0],
  [D, 0, D],
  [D, 0, -D],
] as const
const QUANTILES = 64

/**
 * Distance of two pictures' palettes, wherever the colours stand: the sliced earth mover's distance in OKLab, in its
 * units (0 the same colours in the same shares; about 0.1 clearly another palette; black against white 0.5).
 */
export function paletteDistance(one: Bitmap, two: Bitmap): number {
  const [a, b] = [paletteOf(one), paletteOf(two)]
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!)
  return sum / a.length
}

/** Quantiles of the colours along every direction. */
export function paletteOf(b: Bitmap): Float32Array {
  const { planes } = labOf(b)
  const n = planes[0].length
  const out = new Float32Array(DIRECTIONS.length * QUANTILES)
  DIRECTIONS.forEach(([l, a, c], d) => {
    const along = Float32Array.from(
      { length: n },
      (_, i) => l * planes[0][i]! + a * planes[1][i]! + c * planes[2][i]!,
    ).sort()
    for (let q = 0; q < QUANTILES; q++)
      out[d * QUANTILES + q] = along[Math.min(n - 1, Math.floor(((q + 0.5) / QUANTILES) * n))]!
  })
  return out
}
