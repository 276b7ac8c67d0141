// Styles drawn with lines on paper: outlined cartoon, comic halftone, pencil. Imports planes.

import {
  blur,
  blurPicture,
  clamp01,
  clouds,
  compose,
  edges,
  empty,
  grain,
  type Layers,
  luminance,
  mix,
  noise,
  type Picture,
  type Plane,
  picture,
  smoothstep,
  spread,
  wobble,
} from "../planes.ts"
import type { Random } from "../random.ts"
import type { Scene } from "../scene.ts"

/** Line weight for a scene: full for one big subject, finer where things are small. */
export const weight = (scene: Scene): number => {
  const longest = Math.max(12, ...scene.objects.map((o) => Math.max(o.w, o.h)))
  return Math.min(1.1, Math.max(0.62, (longest / 76) ** 0.6))
}

/** Ring around every object, `width` units wide, half inside and half outside; 0..1. */
export function contour(l: Layers, width: number): Plane {
  const near = blur(l.alpha, l, width * 0.55 * l.unit)
  for (let i = 0; i < near.length; i++)
    near[i] = smoothstep(0.1, 0.2, near[i]!) * smoothstep(0.94, 0.84, near[i]!)
  return near
}

/** Where the object's own colours meet, 0..1; lines come out about 2.5 `sigma` wide. */
export function seams(l: Layers, sigma: number, low = 0.035, high = 0.09): Plane {
  const e = edges(spread(l, 0.3), l, sigma)
  for (let i = 0; i < e.length; i++) e[i] = smoothstep(low, high, e[i]!) * l.alpha[i]!
  return e
}

/** Bold dark outline, finer inner lines in a darker tone, the background drawn with thin soft lines. */
export function outlinedCartoon(l: Layers, r: Random, scene: Scene): Picture {
  const out = compose(l)
  const ring = contour(l, r.between(2.0, 2.9) * weight(scene))
  const inner = seams(l, r.between(0.42, 0.55))
  const behind = edges(l.back, l, 0.4)
  const ink = r.pick([
    [0.1, 0.08, 0.12],
    [0.16, 0.1, 0.1],
    [0.08, 0.1, 0.18],
  ] as const)
  const boost = r.between(1.05, 1.2)
  for (let i = 0; i < ring.length; i++) {
    const line = Math.max(ring[i]!, inner[i]! * 0.9)
    const soft = smoothstep(0.05, 0.13, behind[i]!) * 0.42 * (1 - l.alpha[i]!)
    const grey = 0.299 * out[0][i]! + 0.587 * out[1][i]! + 0.114 * out[2][i]!
    for (let c = 0; c < 3; c++) {
      const flat = clamp01(grey + (out[c]![i]! - grey) * boost)
      out[c]![i] = mix(mix(flat, ink[c]!, soft), ink[c]!, line)
    }
  }
  return out
}

/** Printed comic: flat strong colours, black lines, and dots of ink for shade and for the backdrop. */
export function comicHalftone(l: Layers, r: Random, scene: Scene): Picture {
  const base = blurPicture(compose(l), l, 0.5 * l.unit)
  const ring = contour(l, r.between(1.9, 2.6) * weight(scene))
  const inner = seams(l, 0.5, 0.03, 0.075)
  const behind = edges(l.back, l, 0.45)
  const tone = luminance(base)
  const pitch = (8 / Math.SQRT2) * l.unit
  const angle = Math.PI / 4
  const [cos, sin] = [Math.cos(angle) / pitch, Math.sin(angle) / pitch]
  const fall = r.chance(0.5) ? 1 : -1
  const paper = [1, 0.98, 0.92]
  const out = picture(l)
  const crisp = 0.55 / pitch
  const white = scene.background.colour === "white"
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const [u, v] = [x * cos + y * sin, y * cos - x * sin]
      const d = Math.hypot(u - Math.round(u), v - Math.round(v))
      const a = l.alpha[i]!
      const t = tone[i]!
      // Dots grow with darkness on objects, and from one side of the picture to the other behind them.
      const want = mix(
        0.2 + 0.26 * clamp01(0.5 + fall * (y / l.h - 0.5)) * (1.1 - t),
        0.47 * smoothstep(0.88, 0.25, t),
        a,
      )
      const dot = smoothstep(want + crisp, want - crisp, d) * (want > 0.08 ? 1 : 0)
      const line = Math.max(ring[i]!, inner[i]!, smoothstep(0.06, 0.12, behind[i]!) * (1 - a) * 0.8)
      for (let c = 0; c < 3; c++) {
        const raw = base[c]![i]!
        const strong = clamp01(t + (raw - t) * 1.35)
        const lightInk = mix(strong, paper[c]!, a > 0.5 ? 0.2 : white ? 0.05 : 0.34)
        const darkInk =
          white && a < 0.5 ? mix(lightInk, [0.55, 0.75, 0.9][c]!, 0.5) : strong * (a > 0.5 ? 0.62 : 0.72)
        out[c]![i] = mix(mix(lightInk, darkInk, dot), 0.05, line)
      }
    }
  return out
}

/**
 * Graphite: contours drawn twice by an unsteady hand, hatching that thickens with darkness and follows
 * two directions, and paper tooth that lets the white through.
 */
export function pencilSketch(l: Layers, r: Random, scene: Scene): Picture {
  const seed = r.below(2 ** 31)
  const k = weight(scene)
  const front = blur(luminance(compose(l)), l, 0.6 * l.unit)
  const behind = stretched(blur(luminance(l.back), l, 0.8 * l.unit))
  const ring = contour(l, r.between(1.15, 1.5) * k)
  const inner = seams(l, 0.42, 0.028, 0.085)
  const far = edges([stretched(luminance(l.back))], l, 0.45)
  const drawn = empty(ring.length)
  for (let i = 0; i < drawn.length; i++)
    drawn[i] = Math.max(
      ring[i]!,
      inner[i]! * 0.75,
      smoothstep(0.022, 0.09, far[i]!) * (1 - l.alpha[i]!) * 0.5,
    )
  const [one] = wobble([drawn], l, 0.7, 15, seed)
  const [two] = wobble([drawn], l, 1.3, 21, seed + 11)
  const angle = r.between(0.65, 0.95) * (r.chance(0.5) ? 1 : -1)
  const first = hatch(l, angle, r.between(2.1, 2.7), seed + 21)
  const second = hatch(l, angle + r.between(0.9, 1.3), r.between(2.3, 3), seed + 31)
  const tooth = grain(l, 0.8, seed + 41)
  const pressure = clouds(l, 24, 2, seed + 51)
  const lead = r.between(0.12, 0.2)
  const warm = r.between(0, 0.03)
  const out = picture(l)
  for (let i = 0; i < drawn.length; i++) {
    const a = l.alpha[i]!
    // The distance is drawn paler, whatever its true tone, so that the subject stays the darkest thing.
    const dark = mix(Math.max((1 - behind[i]!) * 0.5, l.shadow[i]! * 1.6), 1 - front[i]!, a)
    const press = 0.7 + 0.6 * pressure[i]!
    const light = smoothstep(0.1, 0.7, dark)
    const deep = smoothstep(0.48, 0.95, dark)
    const strokes = clamp01(first[i]! * light * 0.66 + second[i]! * deep * 0.6 + dark * 0.13)
    const lines = clamp01((one![i]! * 0.95 + two![i]! * 0.4) * press)
    const graphite = clamp01((1 - (1 - strokes * press) * (1 - lines)) * (0.72 + 0.5 * tooth[i]!))
    const paper = 0.965 + 0.03 * tooth[i]!
    for (let c = 0; c < 3; c++) out[c]![i] = mix(paper - warm * c * 0.6, lead + 0.02 * c, graphite)
  }
  return out
}

/** Spreads a plane's own range over about 0..1, at most threefold, bright end up. */
function stretched(p: Plane): Plane {
  let [low, high] = [1, 0]
  for (const v of p) {
    if (v < low) low = v
    if (v > high) high = v
  }
  const k = Math.min(3, 1 / Math.max(0.02, high - low))
  return p.map((v) => clamp01(1 - (high - v) * k))
}

/** Parallel strokes at an angle, `gap` units apart, each breaking off and swelling by itself; 0..1. */
export function hatch(l: Layers, angle: number, gap: number, seed: number): Plane {
  const out = empty(l.w * l.h)
  const bend = clouds(l, 30, 2, seed)
  const breaks = noise(l, 7, seed + 1)
  const [cos, sin] = [Math.cos(angle) / (gap * l.unit), Math.sin(angle) / (gap * l.unit)]
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const v = y * cos - x * sin + bend[i]! * 1.6
      const d = Math.abs(v - Math.round(v))
      const thick = 0.2 + 0.16 * breaks[i]!
      out[i] = smoothstep(thick + 0.14, thick - 0.1, d) * smoothstep(0.05, 0.4, breaks[i]!)
    }
  return out
}
