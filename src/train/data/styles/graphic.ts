// Styles of the print shop: silhouette, sticker, duotone. Imports planes.

import { srgb } from "../colours.ts"
import {
  blur,
  clouds,
  compose,
  edges,
  empty,
  type Layers,
  luminance,
  mix,
  type Picture,
  picture,
  smoothstep,
  spread,
} from "../planes.ts"
import type { Random } from "../random.ts"
import { isPlace, type Scene } from "../scene.ts"
import { weight } from "./ink.ts"

/** Everything in front becomes one dark shape; behind it the light is turned up. */
export function silhouette(l: Layers, r: Random, scene: Scene): Picture {
  const dark = scene.background.colour === "black" || ["night", "space"].includes(scene.background.kind)
  const ink = r.pick([
    [0.04, 0.04, 0.06],
    [0.07, 0.05, 0.1],
    [0.04, 0.07, 0.1],
  ] as const)
  const place = isPlace(scene.background.kind)
  const out = picture(l)
  const [cx, cy, size] = [l.w * r.between(0.4, 0.6), l.h * r.between(0.35, 0.5), Math.hypot(l.w, l.h)]
  // A thin lighter seam where the drawing's own colours meet keeps crowded shapes readable.
  const colours = spread(l, 0.5)
  const seams = edges(colours, l, 0.45)
  const seam = r.between(0.1, 0.3)
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const d = Math.hypot(x - cx, y - cy) / size
      const glow = (dark ? 0.34 : 0.2) * (1 - smoothstep(0, 0.6, d))
      const a = smoothstep(0.25, 0.75, l.alpha[i]!)
      const s = seam * smoothstep(0.05, 0.14, seams[i]!)
      for (let c = 0; c < 3; c++) {
        const b = l.back[c]![i]! * (1 - l.shadow[i]! * 1.4)
        const lit = b + (1 - b) * (glow + (dark ? [0.2, 0.22, 0.3][c]! : place ? 0.02 : 0))
        out[c]![i] = mix(lit, mix(ink[c]!, lit, s), a)
      }
    }
  return out
}

/** A die-cut sticker: white rim, soft shadow below it, a breath of gloss across the subject. */
export function sticker(l: Layers, r: Random, scene: Scene): Picture {
  const rim = r.between(2.2, 3.2) * weight(scene) * l.unit
  const near = blur(l.alpha, l, rim)
  const drop = r.between(1.1, 1.8) * l.unit
  const [gloss, slope] = [r.between(0.04, 0.12), r.between(0.5, 1)]
  const white = scene.background.colour === "white"
  const out = picture(l)
  const cut = empty(l.w * l.h)
  const crisp = 0.5 / (rim * 2.5)
  for (let i = 0; i < cut.length; i++)
    cut[i] = Math.max(l.alpha[i]!, smoothstep(0.1 - crisp * 0.5, 0.1 + crisp, near[i]!))
  const shade = blur(cut, l, 1.3 * l.unit)
  const [dx, dy] = [Math.round(drop * 0.6), Math.round(drop)]
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const s = y >= dy && x >= dx ? shade[i - dy * l.w - dx]! : 0
      const shine = smoothstep(0.5, 0.46, (x / l.w) * slope + y / l.h) * gloss * l.alpha[i]!
      for (let c = 0; c < 3; c++) {
        const b = l.back[c]![i]! * (1 - (white ? 0.42 : 0.36) * s)
        const paper = mix(b, 0.995, cut[i]!)
        const v = paper * (1 - l.alpha[i]!) + l.fore[c]![i]!
        out[c]![i] = v + (1 - v) * shine
      }
    }
  return out
}

const INKS = [
  [
    [25, 0.32, 0.12],
    [85, 0.93, 0.07],
  ],
  [
    [285, 0.3, 0.13],
    [75, 0.88, 0.11],
  ],
  [
    [265, 0.3, 0.13],
    [20, 0.85, 0.1],
  ],
  [
    [195, 0.33, 0.07],
    [100, 0.94, 0.1],
  ],
  [
    [300, 0.32, 0.14],
    [190, 0.9, 0.08],
  ],
  [
    [25, 0.42, 0.17],
    [90, 0.95, 0.04],
  ],
  [
    [255, 0.36, 0.14],
    [100, 0.96, 0.03],
  ],
  [
    [145, 0.32, 0.08],
    [95, 0.93, 0.09],
  ],
] as const

/** Two inks: tones in a few flat steps between them, a little misprint and paper grain. */
export function duotone(l: Layers, r: Random): Picture {
  const [dark, light] = r.pick(INKS).map(([h, L, c]) => {
    const a = ((h + r.between(-8, 8)) * Math.PI) / 180
    return srgb(L, c * Math.cos(a), c * Math.sin(a))
  }) as [[number, number, number], [number, number, number]]
  const tone = blur(luminance(compose(l)), l, 0.35 * l.unit)
  const lines = edges([...l.fore, l.alpha], l, 0.5)
  const grain = clouds(l, 1.4, 2, r.below(2 ** 31))
  const steps = 3 + r.below(2)
  const out = picture(l)
  for (let i = 0; i < tone.length; i++) {
    const v = tone[i]! * steps + (grain[i]! - 0.5) * 0.22
    const whole = Math.floor(v)
    const t =
      Math.min(1, (whole + smoothstep(0.42, 0.58, v - whole)) / steps) *
      (1 - 0.8 * smoothstep(0.1, 0.2, lines[i]!) * l.alpha[i]!)
    for (let c = 0; c < 3; c++) out[c]![i] = mix(dark[c]!, light[c]!, t)
  }
  return out
}
