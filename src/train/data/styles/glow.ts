// Light lines on dark ground: neon, blueprint, chalkboard. Imports planes and the ink lines.

import {
  blur,
  clamp01,
  clouds,
  edges,
  empty,
  grain,
  type Layers,
  luminance,
  mix,
  type Picture,
  picture,
  smoothstep,
  spread,
  wobble,
} from "../planes.ts"
import type { Random } from "../random.ts"
import { isPlace, type Scene } from "../scene.ts"
import { contour, hatch, seams, weight } from "./ink.ts"

const TUBES = [
  [1, 0.2, 0.55],
  [0.2, 0.9, 1],
  [1, 0.75, 0.15],
  [0.55, 0.35, 1],
  [0.25, 1, 0.5],
] as const

/** Glass tubes bent along the lines, white-hot inside, their colour on the wall behind. */
export function neon(l: Layers, r: Random, scene: Scene): Picture {
  const colours = spread(l, 1.4)
  const ring = contour(l, r.between(1.7, 2.1) * weight(scene))
  const inner = seams(l, 0.5, 0.045, 0.1)
  const scenery = isPlace(scene.background.kind)
  const behind = scenery ? edges(l.back, l, 0.5) : undefined
  const spare = r.pick(TUBES)
  const far = r.pick(TUBES)
  const tube = picture(l)
  const core = empty(ring.length)
  for (let i = 0; i < ring.length; i++) {
    const [cr, cg, cb] = [colours[0][i]!, colours[1][i]!, colours[2][i]!]
    const [top, low] = [Math.max(cr, cg, cb), Math.min(cr, cg, cb)]
    const vivid = smoothstep(0.14, 0.32, top - low)
    const b = behind ? smoothstep(0.045, 0.12, behind[i]!) * (1 - l.alpha[i]!) * 0.5 : 0
    const a = Math.max(ring[i]!, inner[i]! * 0.85)
    core[i] = a
    for (let c = 0; c < 3; c++) {
      const pure = top > low ? ((colours[c]![i]! - low) / (top - low)) * 0.95 + 0.05 : 1
      tube[c]![i] = Math.max(mix(spare[c]!, pure, vivid) * a, far[c]! * b)
    }
  }
  const wide = tube.map((p) => blur(p, l, 2.2 * l.unit))
  const haze = tube.map((p) => blur(p, l, 8 * l.unit))
  const hot = blur(core, l, 0.35 * l.unit)
  const hue = r.pick([
    [0.035, 0.03, 0.075],
    [0.02, 0.035, 0.075],
    [0.06, 0.02, 0.07],
    [0.02, 0.04, 0.05],
  ] as const)
  const bricks = r.chance(0.5)
  const grit = clouds(l, 5, 2, r.below(2 ** 31))
  const [bw, bh] = [13 * l.unit, 5.6 * l.unit]
  const out = picture(l)
  for (let y = 0, i = 0; y < l.h; y++) {
    const row = Math.floor(y / bh)
    const my = Math.min(y / bh - row, row + 1 - y / bh) * bh
    for (let x = 0; x < l.w; x++, i++) {
      const u = x / bw + (row % 2) * 0.5
      const mx = Math.min(u - Math.floor(u), Math.ceil(u) - u) * bw
      const wall = 0.75 + 0.5 * grit[i]! - (bricks && Math.min(mx, my) < 0.45 * l.unit ? 0.4 : 0)
      for (let c = 0; c < 3; c++) {
        const light = wide[c]![i]! * 0.8 + haze[c]![i]! * 1.25 * wall
        const body = tube[c]![i]! * (0.8 + 0.2 * hot[i]!)
        const white = smoothstep(0.72, 1, hot[i]!) * 0.62
        out[c]![i] = clamp01(1 - (1 - hue[c]! * wall) * (1 - clamp01(light)) * (1 - body) + white * 0.6)
      }
    }
  }
  return out
}

/** Pale drafting lines on blue, a grid, and the dimension lines of every object. */
export function blueprint(l: Layers, r: Random, scene: Scene): Picture {
  const ring = contour(l, 1.5 * weight(scene))
  const inner = seams(l, 0.36, 0.03, 0.08)
  const behind = edges(l.back, l, 0.4)
  const deep = r.between(0.85, 1.15)
  const blue = [0.07 * deep, 0.25 * deep, 0.55 * deep]
  const line = [0.9, 0.96, 1]
  const fine = r.pick([4, 16 / 3, 8]) * l.unit
  const coarse = fine * r.pick([4, 3])
  const stain = clouds(l, 60, 3, r.below(2 ** 31))
  const tone = luminance(l.fore)
  const lines = hatch(l, 0.785, 2.4, r.below(2 ** 31))
  const out = picture(l)
  const on = (v: number, gap: number, half: number): number =>
    smoothstep(half + 0.6, half - 0.4, Math.abs(v - Math.round(v / gap) * gap))
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const grid = Math.max(
        0.11 * Math.max(on(x, fine, 0.18 * l.unit), on(y, fine, 0.18 * l.unit)),
        0.2 * Math.max(on(x, coarse, 0.28 * l.unit), on(y, coarse, 0.28 * l.unit)),
      )
      const a = l.alpha[i]!
      const shade = a * lines[i]! * smoothstep(0.6, 0.15, tone[i]!) * 0.3
      const back = smoothstep(0.03, 0.1, behind[i]!) * (1 - a) * 0.4
      const v = Math.max(ring[i]! * 0.96, inner[i]! * 0.8, back, grid * (1 - 0.75 * a), shade)
      for (let c = 0; c < 3; c++) out[c]![i] = mix(blue[c]! * (0.9 + 0.22 * stain[i]!), line[c]!, v)
    }
  const half = Math.max(0.5, 0.22 * l.unit)
  const stroke = (x0: number, y0: number, x1: number, y1: number): void => {
    for (
      let y = Math.max(0, Math.floor(Math.min(y0, y1) * l.unit - half));
      y < Math.min(l.h, Math.max(y0, y1) * l.unit + half);
      y++
    )
      for (
        let x = Math.max(0, Math.floor(Math.min(x0, x1) * l.unit - half));
        x < Math.min(l.w, Math.max(x0, x1) * l.unit + half);
        x++
      )
        for (let c = 0; c < 3; c++) out[c]![y * l.w + x] = mix(out[c]![y * l.w + x]!, line[c]!, 0.62)
  }
  for (const o of scene.objects) {
    const [left, right, top, bottom] = [o.x, o.x + o.w, o.y, o.y + o.h]
    const below = bottom + 4 < scene.height - 1.5 ? bottom + 3.4 : bottom - 1
    stroke(left, below, right, below)
    stroke(left, below - 1.8, left, below + 1.8)
    stroke(right, below - 1.8, right, below + 1.8)
    const aside = right + 4 < scene.width - 1.5 ? right + 3.4 : right - 1
    stroke(aside, top, aside, bottom)
    stroke(aside - 1.8, top, aside + 1.8, top)
    stroke(aside - 1.8, bottom, aside + 1.8, bottom)
  }
  return out
}

/** Coloured chalk on slate: dusty lines and loose shading, the board's old smears below. */
export function chalkboard(l: Layers, r: Random, scene: Scene): Picture {
  const seed = r.below(2 ** 31)
  const ring = contour(l, r.between(1.9, 2.4) * weight(scene))
  const inner = seams(l, 0.5, 0.03, 0.08)
  const behind = edges(l.back, l, 0.5)
  const drawn = empty(ring.length)
  for (let i = 0; i < drawn.length; i++)
    drawn[i] = Math.max(
      ring[i]!,
      inner[i]! * 0.8,
      smoothstep(0.04, 0.11, behind[i]!) * (1 - l.alpha[i]!) * 0.5,
    )
  const [line] = wobble([drawn], l, 0.8, 13, seed)
  const dust = grain(l, 0.75, seed + 1)
  const patchy = clouds(l, 9, 2, seed + 2)
  const smear = clouds(l, 46, 3, seed + 3)
  const strokes = hatch(l, r.between(0.5, 1), r.between(2, 2.6), seed + 4)
  const colours = spread(l, 1)
  const board = r.pick([
    [0.14, 0.24, 0.2],
    [0.13, 0.16, 0.17],
    [0.13, 0.2, 0.24],
  ] as const)
  const out = picture(l)
  for (let i = 0; i < drawn.length; i++) {
    const fill = l.alpha[i]! * (0.14 + 0.5 * strokes[i]!) * (0.5 + patchy[i]!)
    const chalk = clamp01((line![i]! * 1.05 + fill * 0.62) * (0.5 + 0.95 * dust[i]!))
    const mark = smoothstep(0.5, 0.8, smear[i]!) * 0.07
    for (let c = 0; c < 3; c++) {
      const pastel = mix(0.95, colours[c]![i]! * 0.6 + 0.38, l.alpha[i]! * 0.85)
      out[c]![i] = mix(board[c]! + mark + 0.02 * (dust[i]! - 0.5), pastel, chalk)
    }
  }
  return out
}
