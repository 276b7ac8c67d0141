// What can be measured of a finished picture: the numbers behind intensity, complexity and movement. Imports planes.

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
  let [all, diagonal, falling, rising] = [1e-9, 0, 0, 0]
  for (let y = 1; y < h - 1; y++)
    for (let x = 1; x < w - 1; x++) {
      const i = y * w + x
      const [gx, gy] = [grey[i + 1]! - grey[i - 1]!, grey[i + w]! - grey[i - w]!]
      const energy = gx * gx + gy * gy
      all += energy
      if (2 * Math.abs(gx * gy) > Math.SQRT1_2 * energy) {
        diagonal += energy
        if (gx * gy < 0) falling += energy
        else rising += energy
      }
    }
  return {
    saturation: round(saturation / n),
    contrast: round(Math.sqrt(Math.max(0, square / n - (sum / n) ** 2))),
    edges: round(strength.reduce((a, b) => a + b, 0) / n),
    diagonal: round(diagonal / all),
    lean: round((falling - rising) / (falling + rising + 1e-9)),
  }
}
