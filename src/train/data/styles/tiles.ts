// Styles made of small pieces: pixel art, mosaic, cross stitch. Imports planes.

import {
  blur,
  clamp01,
  empty,
  grain,
  type Layers,
  mix,
  type Picture,
  type Plane,
  picture,
  smoothstep,
  spread,
} from "../planes.ts"
import { avalanche, type Random } from "../random.ts"
import type { Scene } from "../scene.ts"

/** One thing alone, at its usual size or larger: pieces may be larger, too. */
const isClose = ({ layout, size }: Scene): boolean => layout === "single" && size !== "small"

interface Cells {
  readonly cols: number
  readonly rows: number
  readonly cell: number
  /** Mean colour of what lies behind and of what stands in front, and how much of the cell it covers. */
  readonly back: Picture
  readonly fore: Picture
  readonly cover: Plane
}

/** Averages the layers over square cells of `size` units, objects and background apart. */
function cellsOf(l: Layers, size: number): Cells {
  const cell = size * l.unit
  const [cols, rows] = [Math.ceil(l.w / cell), Math.ceil(l.h / cell)]
  const small = { w: cols, h: rows, unit: 1 }
  const [back, fore, cover, count] = [picture(small), picture(small), empty(cols * rows), empty(cols * rows)]
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const k = Math.floor(y / cell) * cols + Math.floor(x / cell)
      count[k] = count[k]! + 1
      cover[k] = cover[k]! + l.alpha[i]!
      for (let c = 0; c < 3; c++) {
        back[c]![k] = back[c]![k]! + l.back[c]![i]! * (1 - l.shadow[i]!)
        fore[c]![k] = fore[c]![k]! + l.fore[c]![i]!
      }
    }
  for (let k = 0; k < count.length; k++)
    for (let c = 0; c < 3; c++) {
      back[c]![k] = back[c]![k]! / count[k]!
      fore[c]![k] = cover[k]! > 1e-3 ? fore[c]![k]! / cover[k]! : 0
    }
  for (let k = 0; k < count.length; k++) cover[k] = cover[k]! / count[k]!
  return { cols, rows, cell, back, fore, cover }
}

const BAYER = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5].map((v) => v / 16 - 0.47)

/** Square cells in few colours, a dark line of cells around every object, dithered skies. */
export function pixelArt(l: Layers, r: Random, scene: Scene): Picture {
  const g = cellsOf(l, isClose(scene) ? 16 / 3 : 4)
  const levels = r.pick([7, 8, 9])
  const ink = r.pick([
    [0.1, 0.08, 0.16],
    [0.14, 0.08, 0.12],
    [0.06, 0.1, 0.16],
  ] as const)
  const colours = empty(g.cols * g.rows * 3)
  const solid = (k: number): boolean => g.cover[k]! > 0.5
  for (let y = 0, k = 0; y < g.rows; y++)
    for (let x = 0; x < g.cols; x++, k++) {
      const near =
        !solid(k) &&
        ((x > 0 && solid(k - 1)) ||
          (x + 1 < g.cols && solid(k + 1)) ||
          (y > 0 && solid(k - g.cols)) ||
          (y + 1 < g.rows && solid(k + g.cols)))
      const own = (solid(k) ? g.fore : g.back).map((p) => p[k]!)
      const tone = Math.max(0.02, (own[0]! + own[1]! + own[2]!) / 3)
      // Brightness alone takes steps (dithered behind the objects): stepping each channel would invent hues.
      const dither = solid(k) || tone > 0.94 || tone < 0.05 ? 0 : BAYER[(y % 4) * 4 + (x % 4)]! * 0.8
      const step = Math.round(tone * levels + dither) / levels
      for (let c = 0; c < 3; c++)
        colours[k * 3 + c] = near
          ? ink[c]!
          : clamp01(solid(k) ? Math.round(own[c]! * 14) / 14 : (own[c]! / tone) * mix(tone, step, 0.8))
    }
  const out = picture(l)
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const k = Math.floor(y / g.cell) * g.cols + Math.floor(x / g.cell)
      for (let c = 0; c < 3; c++) out[c]![i] = colours[k * 3 + c]!
    }
  return out
}

/** Irregular glazed tiles with grout between them; no tile crosses an object's outline. */
export function mosaic(l: Layers, r: Random, scene: Scene): Picture {
  const size = (isClose(scene) ? r.between(8.4, 9.6) : r.between(6, 7)) * l.unit
  const seed = r.below(2 ** 31)
  const [cols, rows] = [Math.ceil(l.w / size) + 2, Math.ceil(l.h / size) + 2]
  const inside = blur(l.alpha, l, 0.4 * l.unit)
  const colours = spread(l, 0.9)
  const backs = l.back.map((p) => blur(p, l, 1.2 * l.unit))
  const [sx, sy] = [empty(cols * rows), empty(cols * rows)]
  const own = new Uint8Array(cols * rows)
  const paint = empty(cols * rows * 3)
  for (let j = 0, k = 0; j < rows; j++)
    for (let i = 0; i < cols; i++, k++) {
      const a = avalanche(seed + k * 2) / 2 ** 32
      const b = avalanche(seed + k * 2 + 1) / 2 ** 32
      sx[k] = (i - 1 + 0.5 + (a - 0.5) * 0.72) * size
      sy[k] = (j - 1 + 0.5 + (b - 0.5) * 0.72) * size
      const px = Math.min(l.w - 1, Math.max(0, Math.floor(sx[k]!)))
      const py = Math.min(l.h - 1, Math.max(0, Math.floor(sy[k]!)))
      const p = py * l.w + px
      own[k] = inside[p]! > 0.5 ? 1 : 0
      const shine = 0.9 + 0.2 * (avalanche(seed ^ (k * 97 + 5)) / 2 ** 32)
      for (let c = 0; c < 3; c++)
        paint[k * 3 + c] = clamp01(
          (own[k] ? colours[c]![p]! : backs[c]![p]! * (1 - 0.7 * l.shadow[p]!)) * shine,
        )
    }
  const grout = r.pick([
    [0.24, 0.22, 0.23],
    [0.36, 0.33, 0.31],
    [0.16, 0.15, 0.18],
    [0.3, 0.26, 0.22],
  ] as const)
  const joint = r.between(0.1, 0.135) * size
  const out = picture(l)
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const [ci, cj] = [Math.floor(x / size) + 1, Math.floor(y / size) + 1]
      const side = inside[i]! > 0.5 ? 1 : 0
      let [d1, d2, best] = [1e9, 1e9, -1]
      for (let wide = 1; wide <= 2 && best < 0; wide++)
        for (let j = Math.max(0, cj - wide); j <= Math.min(rows - 1, cj + wide); j++)
          for (
            let k = j * cols + Math.max(0, ci - wide), end = j * cols + Math.min(cols - 1, ci + wide);
            k <= end;
            k++
          ) {
            if (own[k] !== side) continue
            const [ex, ey] = [sx[k]! - x, sy[k]! - y]
            const d = ex * ex + ey * ey
            if (d < d1) [d2, d1, best] = [d1, d, k]
            else if (d < d2) d2 = d
          }
      const gap = best < 0 ? 0 : (d2 - d1) / (2 * Math.sqrt(d2) + 1e-6)
      const rim = Math.abs(inside[i]! - 0.5) * 2
      const tile = Math.min(smoothstep(joint * 0.35, joint * 1.05, gap), smoothstep(0.25, 0.75, rim))
      const bevel =
        best < 0 ? 0 : clamp01(((x - sx[best]! + (y - sy[best]!)) / (size * 1.4)) * -0.5 + 0.5) - 0.5
      for (let c = 0; c < 3; c++) {
        const glaze = best < 0 ? (side ? colours[c]![i]! : backs[c]![i]!) : paint[best * 3 + c]!
        out[c]![i] = mix(grout[c]!, clamp01(glaze * (1 + 0.22 * bevel)), tile)
      }
    }
  return out
}

/** Every cell an X of two threads on woven cloth. */
export function crossStitch(l: Layers, r: Random, scene: Scene): Picture {
  const g = cellsOf(l, isClose(scene) ? 16 / 3 : 4)
  const cloth = r.pick([
    [0.95, 0.92, 0.85],
    [0.92, 0.94, 0.95],
    [0.97, 0.95, 0.9],
  ] as const)
  const bare = scene.background.colour === "white"
  const fibre = grain(l, 0.7, r.below(2 ** 31))
  const out = picture(l)
  const band = r.between(0.2, 0.24)
  for (let y = 0, i = 0; y < l.h; y++) {
    const j = Math.floor(y / g.cell)
    const v = y / g.cell - j
    for (let x = 0; x < l.w; x++, i++) {
      const q = Math.floor(x / g.cell)
      const u = x / g.cell - q
      const k = j * g.cols + q
      const front = g.cover[k]! > 0.5
      const rising = Math.abs(u + v - 1) / 2
      const falling = Math.abs(u - v) / 2
      const over = smoothstep(band, band - 0.08, rising)
      const under = smoothstep(band, band - 0.08, falling) * (1 - over)
      const hole = smoothstep(0.2, 0.06, Math.hypot(Math.min(u, 1 - u), Math.min(v, 1 - v))) * 0.35
      const stitched = !front && bare ? 0 : Math.max(over, under)
      const sheen = over > under ? 1.08 - rising * 0.7 : 0.88 - falling * 0.7
      const cell = front ? g.fore : g.back
      const tone = Math.max(0.03, (cell[0][k]! + cell[1][k]! + cell[2][k]!) / 3)
      const dyed = Math.round(tone * 9) / 9 / tone // few shades of thread, but of the true hue
      for (let c = 0; c < 3; c++) {
        const thread = clamp01(cell[c]![k]! * dyed)
        const weave = cloth[c]! * (1 - hole) * (0.94 + 0.1 * fibre[i]!)
        out[c]![i] = mix(
          front || !bare ? mix(weave, thread * 0.8, 0.35) : weave,
          clamp01(thread * sheen * (0.92 + 0.16 * fibre[i]!)),
          stitched,
        )
      }
    }
  }
  return out
}
