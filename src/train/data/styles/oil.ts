// Oil: the picture is laid in with brush strokes, large to small, and lit from the side. Imports planes.

import {
  blur,
  blurPicture,
  clamp01,
  clouds,
  compose,
  edges,
  empty,
  type Layers,
  luminance,
  mix,
  type Picture,
  type Plane,
  sample,
} from "../planes.ts"
import { avalanche, type Random } from "../random.ts"

/** One layer of strokes; lengths in scene units. `need` = how much detail a place must have to be painted again. */
interface Pass {
  readonly length: number
  readonly width: number
  readonly spacing: number
  readonly need: number
}

const BRISTLES = 24

/** How far each bristle reaches (about 1) and how much paint it carries (0..1). */
interface Brush {
  readonly ragged: readonly number[]
  readonly furrow: readonly number[]
}

/** Strokes follow the forms where there are forms and one slow current elsewhere. */
export function oilPainting(l: Layers, r: Random): Picture {
  const source = compose(l)
  const vivid = r.between(1.08, 1.25)
  const grey = luminance(source)
  for (const p of source)
    for (let i = 0; i < p.length; i++) p[i] = clamp01(grey[i]! + (p[i]! - grey[i]!) * vivid)
  const angles = directions(l, source, r)
  const detail = edges([...source, l.alpha], l, 0.8)
  const reach = blur(detail, l, 1.1 * l.unit)
  const canvas = blurPicture(source, l, 2.5 * l.unit)
  const height = empty(grey.length)
  const wide = r.between(1.3, 1.6)
  const passes: Pass[] = [
    { length: 20 * wide, width: 6.5 * wide, spacing: 4.2 * wide, need: -1 },
    { length: 11 * wide, width: 3.6 * wide, spacing: 2.5 * wide, need: 0.012 },
    { length: 8, width: 2.8, spacing: 2.1, need: 0.05 },
    { length: 4, width: 1.5, spacing: 1.2, need: 0.1 },
  ]
  const brushes = Array.from(
    { length: 61 },
    (): Brush => ({
      ragged: Array.from({ length: BRISTLES }, () => r.between(0.72, 1.04)),
      furrow: Array.from({ length: BRISTLES }, () => r()),
    }),
  )
  for (const pass of passes) {
    const sharp = blurPicture(source, l, pass.width * 0.16 * l.unit)
    strokes(l, r.below(2 ** 31), pass, sharp, angles, reach, canvas, height, brushes)
  }
  return light(l, canvas, height, r.between(1.2, 1.7))
}

/** Stroke angle per pixel: along the edges of the picture, blended with slow noise where it is flat. */
function directions(l: Layers, source: Picture, r: Random): Plane {
  const soft = blur(luminance(source), l, 1.5 * l.unit)
  const [xx, xy, yy] = [empty(soft.length), empty(soft.length), empty(soft.length)]
  for (let y = 1; y < l.h - 1; y++)
    for (let x = 1; x < l.w - 1; x++) {
      const i = y * l.w + x
      const gx = (soft[i + 1]! - soft[i - 1]!) * l.unit
      const gy = (soft[i + l.w]! - soft[i - l.w]!) * l.unit
      xx[i] = gx * gx
      xy[i] = gx * gy
      yy[i] = gy * gy
    }
  const s = 2.5 * l.unit
  const [a, b, c] = [blur(xx, l, s), blur(xy, l, s), blur(yy, l, s)]
  const current = clouds(l, 55, 2, r.below(2 ** 31))
  const lean = r.between(-0.5, 0.5)
  const out = empty(soft.length)
  for (let i = 0; i < out.length; i++) {
    const strength = Math.min(1, (a[i]! + c[i]!) * 420)
    const along = 0.5 * Math.atan2(2 * b[i]!, a[i]! - c[i]!) + Math.PI / 2
    const free = lean + (current[i]! - 0.5) * 2.6
    // Angles are lines, not arrows: blend them doubled.
    out[i] =
      0.5 *
      Math.atan2(
        mix(Math.sin(2 * free), Math.sin(2 * along), strength),
        mix(Math.cos(2 * free), Math.cos(2 * along), strength),
      )
  }
  return out
}

function strokes(
  l: Layers,
  seed: number,
  pass: Pass,
  source: Picture,
  angles: Plane,
  detail: Plane,
  canvas: Picture,
  height: Plane,
  brushes: readonly Brush[],
): void {
  const step = pass.spacing
  const [cols, rows] = [Math.ceil(l.w / l.unit / step), Math.ceil(l.h / l.unit / step)]
  const lot = (k: number, n: number): number => avalanche(seed + Math.imul(k * 8 + n, 0x9e3779b1)) / 2 ** 32
  const order = Uint32Array.from({ length: cols * rows }, (_, k) => k).sort(
    (a, b) => avalanche(seed ^ a) - avalanche(seed ^ b),
  )
  for (const k of order) {
    const x = ((k % cols) + lot(k, 0)) * step * l.unit
    const y = (Math.floor(k / cols) + lot(k, 1)) * step * l.unit
    if (x >= l.w || y >= l.h) continue
    const at = Math.floor(y) * l.w + Math.floor(x)
    if (detail[at]! < pass.need) continue
    const thick = 0.8 + 0.4 * lot(k, 2)
    const tint = (lot(k, 3) - 0.5) * 0.2
    const warm = (lot(k, 4) - 0.5) * 0.08
    const colour = [0, 1, 2].map((c) => clamp01(source[c]![at]! + tint + warm * (1 - c)))
    const angle = angles[at]! + (lot(k, 5) - 0.5) * 0.4
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
    const forth = extent(l, source, x, y, cos, sin, colour, (pass.length / 2) * thick)
    const back = extent(l, source, x, y, -cos, -sin, colour, (pass.length / 2) * thick)
    dab(
      l,
      brushes[k % brushes.length]!,
      x,
      y,
      cos,
      sin,
      forth,
      back,
      (pass.width / 2) * thick * l.unit,
      colour,
      canvas,
      height,
      pass,
    )
  }
}

/** How far a stroke may run, in pixels, before the picture's colour turns away from its own. */
function extent(
  l: Layers,
  source: Picture,
  x: number,
  y: number,
  cos: number,
  sin: number,
  colour: readonly number[],
  most: number,
): number {
  for (let d = 1; d <= most; d += 0.75) {
    const [px, py] = [x + cos * d * l.unit, y + sin * d * l.unit]
    if (px < 0 || py < 0 || px >= l.w || py >= l.h) return d * l.unit
    let off = 0
    for (let c = 0; c < 3; c++) off += Math.abs(sample(source[c]!, l, px, py) - colour[c]!)
    if (off > 0.26) return (d - 0.6) * l.unit
  }
  return most * l.unit
}

/** One stroke: ragged ends, bristle furrows, paint heaped at its sides. */
function dab(
  l: Layers,
  { ragged, furrow }: Brush,
  x: number,
  y: number,
  cos: number,
  sin: number,
  forth: number,
  back: number,
  half: number,
  colour: readonly number[],
  canvas: Picture,
  height: Plane,
  pass: Pass,
): void {
  const [ahead, behind] = [forth + half * 0.7, back + half * 0.7]
  const reachX = Math.abs(cos) * Math.max(ahead, behind) + Math.abs(sin) * half + 1
  const reachY = Math.abs(sin) * Math.max(ahead, behind) + Math.abs(cos) * half + 1
  const soft = Math.min(0.9, 0.8 / half)
  for (let j = Math.max(0, Math.floor(y - reachY)); j < Math.min(l.h, y + reachY); j++)
    for (let i = Math.max(0, Math.floor(x - reachX)); i < Math.min(l.w, x + reachX); i++) {
      const [dx, dy] = [i + 0.5 - x, j + 0.5 - y]
      const along = dx * cos + dy * sin
      const across = (dy * cos - dx * sin) / half
      if (across <= -1 || across >= 1) continue
      const slot = (across * 0.5 + 0.5) * (BRISTLES - 1)
      const b = Math.floor(slot)
      const t = slot - b
      const end =
        mix(ragged[b]!, ragged[Math.min(BRISTLES - 1, b + 1)]!, t) * Math.sqrt(1 - across * across * 0.6)
      const limit = along > 0 ? ahead * end : behind * end
      const tail = Math.abs(along) / Math.max(1, limit)
      if (tail >= 1) continue
      const cover = Math.min(1, (1 - Math.abs(across)) / soft) * Math.min(1, (1 - tail) / 0.16)
      const groove = mix(furrow[b]!, furrow[Math.min(BRISTLES - 1, b + 1)]!, t)
      const p = j * l.w + i
      const a = cover * 0.94
      for (let c = 0; c < 3; c++)
        canvas[c]![p] = mix(canvas[c]![p]!, clamp01(colour[c]! * (0.965 + 0.07 * groove)), a)
      const ridge = (groove * 0.6 + 0.5 * across * across) * Math.min(1, pass.width / 4 + 0.35)
      height[p] = mix(height[p]!, ridge, a)
    }
}

/** Side light on the paint's relief. */
function light(l: Layers, canvas: Picture, height: Plane, strength: number): Picture {
  const relief = blur(height, l, 0.28 * l.unit)
  const k = strength * 0.085 * l.unit
  for (let y = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++) {
      const i = y * l.w + x
      const slope = relief[i]! - relief[Math.max(0, y - 1) * l.w + Math.max(0, x - 1)]!
      const lit = Math.max(-0.16, Math.min(0.16, slope * k))
      for (const p of canvas) p[i] = clamp01(p[i]! * (1 + lit) + Math.max(0, lit) * 0.25)
    }
  return canvas
}
