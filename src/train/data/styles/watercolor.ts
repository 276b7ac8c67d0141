// Watercolour: washes on rough paper. Imports planes.

import {
  blur,
  blurPicture,
  clamp01,
  clouds,
  edges,
  type Layers,
  mix,
  noise,
  type Picture,
  picture,
  smoothstep,
  spread,
  wobble,
} from "../planes.ts"
import type { Random } from "../random.ts"
import type { Scene } from "../scene.ts"

/**
 * Background first, wet in wet; then the objects as wet-on-dry washes with the darker rim that drying
 * pigment leaves, a sliver of bare paper around them, granulation in the paper's valleys, and an
 * unpainted ragged border. Colour under pigment density d: c - (c - c^2)(d - 1), after Bousseau 2006.
 */
export function watercolor(l: Layers, r: Random, scene: Scene): Picture {
  const seed = r.below(2 ** 31)
  const shaded = l.back.map((p) => p.map((v, i) => v * (1 - 0.7 * l.shadow[i]!)))
  const washed = wobble(
    blurPicture(shaded as Picture, l, r.between(0.9, 1.4) * l.unit),
    l,
    r.between(1.6, 2.6),
    16,
    seed,
  )
  const colours = spread(l, 0.45)
  const [alpha, red, green, blue] = wobble(
    [blur(l.alpha, l, 0.35 * l.unit), ...colours],
    l,
    r.between(0.7, 1.1),
    9,
    seed + 3,
  )
  const ragged = noise(l, 2.2, seed + 4)
  const shape = alpha!.map((a, i) => smoothstep(0.34, 0.62, a + (ragged[i]! - 0.5) * 0.2))
  const near = blur(shape, l, 1.1 * l.unit)
  const rim = blur(shape, l, 1.9 * l.unit)
  const seam = edges([red!, green!, blue!], l, 0.6)
  const flow = clouds(l, 26, 3, seed + 5)
  const bloom = clouds(l, 11, 3, seed + 6)
  const paper = clouds(l, 1.7, 2, seed + 7)
  const border = clouds(l, 20, 3, seed + 8)
  const wetEdges = edges(washed, l, 0.8)
  const [strength, gap, inset] = [r.between(0.8, 0.95), r.between(0.25, 0.6), r.between(2.5, 6.5) * l.unit]
  const bleedOut = scene.background.colour === "white" ? 0 : 1
  const out = picture(l)
  const sheet = [0.992, 0.982, 0.958]
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const grain = paper[i]! - 0.5
      const reach =
        Math.min(x, y, l.w - 1 - x, l.h - 1 - y) - inset * (0.3 + 1.5 * border[i]!) - grain * 1.2 * l.unit
      const painted = smoothstep(-0.5 * l.unit, 0.7 * l.unit, reach) * bleedOut
      const tide = smoothstep(2.4 * l.unit, 0.2 * l.unit, reach) * painted
      const a = shape[i]!
      const backDensity =
        0.62 +
        0.75 * (flow[i]! - 0.2) +
        0.4 * tide +
        0.5 * grain +
        2.2 * wetEdges[i]! -
        gap * 1.4 * smoothstep(0.02, 0.5, near[i]!) * (1 - a)
      const foreDensity =
        0.72 +
        1.0 * (bloom[i]! - 0.25) +
        0.5 * (flow[i]! - 0.5) +
        1.05 * (1 - rim[i]!) * a +
        1.4 * Math.min(0.4, seam[i]!) +
        0.55 * grain
      const fold = [red!, green!, blue!]
      for (let c = 0; c < 3; c++) {
        const b = density(mix(1, washed[c]![i]!, 0.86), Math.max(0.12, backDensity))
        const f = density(mix(1, fold[c]![i]!, strength), Math.max(0.3, foreDensity))
        const ground = mix(1, b, painted)
        out[c]![i] = clamp01(mix(ground, f, a * 0.96) * sheet[c]! * (1 + 0.05 * grain))
      }
    }
  splatter(l, r, out, colours, shape)
  return out
}

/** More pigment darkens and saturates, less lets the paper through. */
function density(c: number, d: number): number {
  return d < 1 ? 1 - (1 - c) * (0.25 + 0.75 * d) : clamp01(c - (c - c * c) * (d - 1))
}

/** A few drops of the subject's colour flicked off the brush. */
function splatter(l: Layers, r: Random, out: Picture, colours: Picture, shape: Float32Array): void {
  for (let n = r.below(7); n > 0; n--) {
    const [x, y, size] = [r() * l.w, r() * l.h, r.between(0.4, 1.1) * l.unit]
    const from = Math.floor(r.between(0.3, 0.7) * l.h) * l.w + Math.floor(r.between(0.3, 0.7) * l.w)
    if (shape[from]! < 0.5) continue
    const tint = [0, 1, 2].map((c) => colours[c]![from]!)
    for (let j = Math.max(0, Math.floor(y - size * 2)); j < Math.min(l.h, y + size * 2); j++)
      for (let i = Math.max(0, Math.floor(x - size * 2)); i < Math.min(l.w, x + size * 2); i++) {
        const d = Math.hypot(i - x, j - y) / size
        const a = smoothstep(1.1, 0.85, d) * (0.3 + 0.3 * smoothstep(0.4, 1, d))
        for (let c = 0; c < 3; c++) out[c]![j * l.w + i] = out[c]![j * l.w + i]! * (1 - a * (1 - tint[c]!))
      }
  }
}
