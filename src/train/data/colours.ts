// Colour names, their paint, and recolouring in OKLab. Imports planes only.

import { type Colour3, clamp01 } from "./planes.ts"

export const COLOURS = [
  "red",
  "orange",
  "yellow",
  "green",
  "blue",
  "purple",
  "pink",
  "teal",
  "black",
  "white",
  "brown",
] as const
export type Colour = (typeof COLOURS)[number]

/** Body colour per name, sRGB 0..1: what an object wears. */
export const PAINT: Readonly<Record<Colour, Colour3>> = {
  red: [0.88, 0.15, 0.17],
  orange: [0.96, 0.53, 0.11],
  yellow: [0.98, 0.82, 0.16],
  green: [0.22, 0.65, 0.27],
  blue: [0.16, 0.42, 0.88],
  purple: [0.54, 0.27, 0.79],
  pink: [0.96, 0.48, 0.7],
  teal: [0.08, 0.62, 0.62],
  black: [0.15, 0.15, 0.17],
  white: [0.95, 0.95, 0.95],
  brown: [0.5, 0.31, 0.18],
}

const linear = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
const gamma = (v: number): number => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055)

/** sRGB 0..1 to OKLab: lightness 0..1, then the green-red and blue-yellow axes. */
export function oklab(r: number, g: number, b: number): [number, number, number] {
  const [lr, lg, lb] = [linear(r), linear(g), linear(b)]
  const l = Math.cbrt(0.4122214708 * lr + 0.5363325363 * lg + 0.0514459929 * lb)
  const m = Math.cbrt(0.2119034982 * lr + 0.6806995451 * lg + 0.1073969566 * lb)
  const s = Math.cbrt(0.0883024619 * lr + 0.2817188376 * lg + 0.6299787005 * lb)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

/** OKLab to sRGB, clipped to 0..1. */
export function srgb(L: number, a: number, b: number): [number, number, number] {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    clamp01(gamma(Math.max(0, 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s))),
    clamp01(gamma(Math.max(0, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s))),
    clamp01(gamma(Math.max(0, -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s))),
  ]
}

/** What a drawing's main colour is and how much of it there is. */
export interface Dominant {
  /** OKLab of the main colour's mean. */
  readonly lab: readonly [number, number, number]
  /** Share of the opaque pixels that wear the main colour, 0..1. */
  readonly share: number
  /** Share of the coloured pixels that wear it, 0..1: near 1 means one colour only. */
  readonly purity: number
}

const CHROMATIC = 0.055
const turn = (x: number): number => Math.atan2(Math.sin(x), Math.cos(x))

/** Finds the main colour of an RGBA drawing (straight alpha, 8 bits). */
export function dominant(rgba: Uint8Array): Dominant {
  const bins = new Float64Array(36)
  const pixels: [number, number, number][] = []
  let opaque = 0
  for (let i = 0; i < rgba.length; i += 4 * 7) {
    if (rgba[i + 3]! < 200) continue
    opaque++
    const lab = oklab(rgba[i]! / 255, rgba[i + 1]! / 255, rgba[i + 2]! / 255)
    if (Math.hypot(lab[1], lab[2]) < CHROMATIC) continue
    pixels.push(lab)
    const bin = Math.floor(((Math.atan2(lab[2], lab[1]) / (2 * Math.PI) + 1) % 1) * 36)
    bins[bin] = bins[bin]! + 1
  }
  let best = 0
  let top = -1
  for (let b = 0; b < 36; b++) {
    const sum = [-2, -1, 0, 1, 2].reduce((s, d) => s + bins[(b + d + 36) % 36]!, 0)
    if (sum > top) [best, top] = [b, sum]
  }
  const hue = ((best + 0.5) / 36) * 2 * Math.PI
  const worn = pixels.filter(([, a, b]) => Math.abs(turn(Math.atan2(b, a) - hue)) < 0.5)
  const mean = (k: 0 | 1 | 2): number => worn.reduce((s, p) => s + p[k], 0) / Math.max(1, worn.length)
  return {
    lab: [mean(0), mean(1), mean(2)],
    share: worn.length / Math.max(1, opaque),
    purity: worn.length / Math.max(1, pixels.length),
  }
}

/** Safe to recolour: most of the drawing is one colour, so that the new colour's name is true of it. */
export const recolourable = (d: Dominant): boolean => d.share > 0.5 && d.purity > 0.72

/** The colour name that a recolourable drawing wears by itself, or nothing if no name is plainly true. */
export function naturalColour(d: Dominant): Colour | undefined {
  const hue = Math.atan2(d.lab[2], d.lab[1])
  const chroma = Math.hypot(d.lab[1], d.lab[2])
  if (chroma < 0.09) return undefined
  let best: Colour | undefined
  let nearest = 0.3
  for (const name of COLOURS.slice(0, 8)) {
    const [, a, b] = oklab(...PAINT[name])
    const away = Math.abs(turn(Math.atan2(b, a) - hue))
    if (away < nearest) [best, nearest] = [name, away]
  }
  if (best === "orange" && d.lab[0] < 0.6) return "brown"
  if (best === "pink" && (d.lab[0] < 0.6 || chroma > 0.2)) return undefined
  if (best === "red" && d.lab[0] > 0.72) return undefined
  return best
}

/**
 * Recolours one straight-alpha RGBA drawing in place. Pixels near the main hue take the new hue;
 * their lightness keeps its distance from the main colour's, so folds and highlights survive.
 */
export function recolour(rgba: Uint8Array, main: Dominant, colour: Colour): void {
  const target = oklab(...PAINT[colour])
  const hue = Math.atan2(main.lab[2], main.lab[1])
  const chroma = Math.hypot(main.lab[1], main.lab[2])
  const memo = new Map<number, number>()
  for (let i = 0; i < rgba.length; i += 4) {
    if (rgba[i + 3] === 0) continue
    const key = ((rgba[i]! >> 1) << 14) | ((rgba[i + 1]! >> 1) << 7) | (rgba[i + 2]! >> 1)
    let done = memo.get(key)
    if (done === undefined) {
      done = shift(rgba[i]! / 255, rgba[i + 1]! / 255, rgba[i + 2]! / 255)
      memo.set(key, done)
    }
    rgba[i] = done >> 16
    rgba[i + 1] = (done >> 8) & 255
    rgba[i + 2] = done & 255
  }

  function shift(r: number, g: number, b: number): number {
    const lab = oklab(r, g, b)
    const c = Math.hypot(lab[1], lab[2])
    const off = turn(Math.atan2(lab[2], lab[1]) - hue)
    const near = clamp01((0.95 - Math.abs(off)) / 0.3) * clamp01((c - 0.02) / 0.04)
    const ratio = Math.min(1.25, c / Math.max(chroma, 1e-3))
    const cos = Math.cos(off * 0.35)
    const sin = Math.sin(off * 0.35)
    const contrast = colour === "white" ? 0.45 : colour === "black" ? 0.6 : 0.85
    const L = clamp01(target[0] + (lab[0] - main.lab[0]) * contrast)
    const a = (target[1] * cos - target[2] * sin) * ratio
    const bb = (target[1] * sin + target[2] * cos) * ratio
    const [nr, ng, nb] = srgb(
      lab[0] + (L - lab[0]) * near,
      lab[1] + (a - lab[1]) * near,
      lab[2] + (bb - lab[2]) * near,
    )
    return (Math.round(nr * 255) << 16) | (Math.round(ng * 255) << 8) | Math.round(nb * 255)
  }
}

/** A colour by name, by chance as much as `most` of the way lighter (towards 1) or darker (towards 0); 0..1. */
export function chanceColour(towards: 0 | 1, most: number, lot: () => number): [number, number, number] {
  const named = PAINT[COLOURS[Math.floor(lot() * COLOURS.length)]!]
  const share = lot() * most
  return named.map((v) => v + (towards - v) * share) as [number, number, number]
}
