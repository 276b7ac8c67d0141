// What can be measured of a finished picture: the numbers behind intensity, complexity and movement. Imports planes.

import { diagonalsOf } from "../../image/diagonals.ts"
import { edges, type Plane } from "./planes.ts"
import type { Rendered } from "./render.ts"

/** Raw measures; whoever trains on them normalises by their distribution over the whole set. */
export interface Attributes {
  /** Mean of (max - min) over red, green, blue: 0..1. */
  readonly saturation: number
  /** Standard deviation of luminance: 0..0.5. */
  readonly contrast: number
  /** Mean edge strength of luminance after a blur of 0.7 native pixels: about 0..0.2. */
  readonly edges: number
  /** Share of gradient energy within 22.5 degrees of a diagonal: 0..1, 0.5 when directions are even. */
  readonly diagonal: number
  /** Energy of falling minus energy of rising diagonals over both: -1..1, the lean. */
  readonly lean: number
}

const round = (x: number): number => Math.round(x * 1e4) / 1e4

/** What the sliders go by, of a picture of any size, rounded to four places. */
export function measure({ width: w, height: h, rgb }: Rendered): Attributes {
  const grey: Plane = new Float32Array(w * h)
  let [saturation, sum, square] = [0, 0, 0]
  for (let i = 0; i < grey.length; i++) {
    const [r, g, b] = [rgb[i * 3]! / 255, rgb[i * 3 + 1]! / 255, rgb[i * 3 + 2]! / 255]
    saturation += Math.max(r, g, b) - Math.min(r, g, b)
    const v = 0.299 * r + 0.587 * g + 0.114 * b
    grey[i] = v
    sum += v
    square += v * v
  }
  const n = grey.length
  const strength = edges([grey], { w, h, unit: 1 }, 0.7)
  const { diagonal, lean } = diagonalsOf(grey, w, h)
  return {
    saturation: round(saturation / n),
    contrast: round(Math.sqrt(Math.max(0, square / n - (sum / n) ** 2))),
    edges: round(strength.reduce((a, b) => a + b, 0) / n),
    diagonal: round(diagonal),
    lean: round(lean),
  }
}
