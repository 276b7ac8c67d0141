// The three styles that the drawing sets bring themselves; only light is added. Imports planes.

import { blur, blurPicture, compose, type Layers, type Picture, smoothstep } from "../planes.ts"
import type { Random } from "../random.ts"

export const flatVector = (l: Layers): Picture => compose(l)

/** Soft light from above left over the whole picture, as in children's books. */
export function cartoon(l: Layers, r: Random): Picture {
  const out = compose(l)
  const strength = r.between(0.03, 0.07)
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const light = 1 + strength * (1 - (x / l.w) * 0.7 - (y / l.h) * 1.3)
      for (const p of out) p[i] = Math.min(1, p[i]! * light)
    }
  return out
}

/**
 * A lens and a lamp: the background falls out of focus, a pool of light lies behind the subject, the
 * corners darken, and the subject's shade spreads softly around it.
 */
export function render3d(l: Layers, r: Random): Picture {
  const back = blurPicture(l.back, l, r.between(0.9, 1.7) * l.unit)
  const near = blur(l.alpha, l, 5 * l.unit)
  const out: Picture = [back[0], back[1], back[2]]
  const [cx, cy] = [l.w * r.between(0.35, 0.6), l.h * r.between(0.25, 0.45)]
  const size = Math.hypot(l.w, l.h)
  const [pool, corner, occlusion] = [r.between(0.05, 0.1), r.between(0.08, 0.16), r.between(0.1, 0.18)]
  for (let y = 0, i = 0; y < l.h; y++)
    for (let x = 0; x < l.w; x++, i++) {
      const d = Math.hypot(x - cx, y - cy) / size
      const light = 1 + pool * (1 - smoothstep(0, 0.55, d)) - corner * smoothstep(0.35, 0.85, d)
      const shade = (1 - l.shadow[i]!) * (1 - occlusion * near[i]! * (0.4 + 0.6 * (y / l.h)))
      const a = 1 - l.alpha[i]!
      for (let c = 0; c < 3; c++) out[c]![i] = Math.min(1, out[c]![i]! * light * shade) * a + l.fore[c]![i]!
    }
  return out
}
