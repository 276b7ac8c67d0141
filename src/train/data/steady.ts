// Steady things: always in the same places, mostly of one size and upright (decision 034). Imports tables.
import { FLOATING } from "./backgrounds.ts"
import type { Concept } from "./concepts.ts"
import type { Random } from "./random.ts"
import type { Box, Ground, Scene, Size } from "./scene.ts"
import type { Sprite } from "./sprites.ts"

/** The middle of a thing's box as shares of the picture, its longest side in pixels. */
interface SteadyPlace {
  x: number
  y: number
  long: number
  /** Whether nothing stands below it, so that it may stand on the ground. */
  low: boolean
}

/** Longest side of a thing alone in a square picture. */
const LONG: Readonly<Record<Size, number>> = { small: 0.42 * 128, normal: 0.74 * 128, large: 0.92 * 128 }

/**
 * One place for each arrangement: one in the middle, two in a row or a column, three as a triangle, four as a square;
 * three or four in a row or a column where the picture is long enough. Things are as large in every shape of picture as
 * there is room for, up to their size in a square. In a square, neighbours keep a latent's width (8 pixels) between them at
 * least: what is nearer melts together (decision 051).
 */
export function steadyPlaces(
  {
    layout,
    relation,
    size,
    width: w,
    height: h,
  }: Pick<Scene, "layout" | "relation" | "size" | "width" | "height">,
  count: number,
): SteadyPlace[] {
  const at = (x: number, y: number, long: number, low = true): SteadyPlace => ({ x, y, long, low })
  if (count === 0) return []
  if (count === 1) return [at(0.5, 0.5, Math.min(LONG[size], 0.92 * w, 0.92 * h))]
  if (count === 2 && (layout === "pair" ? relation === "above" : h >= 1.45 * w)) {
    const long = Math.min(0.42 * 128, 0.42 * h, 0.9 * w)
    return [at(0.5, 0.26, long, false), at(0.5, 0.755, long)]
  }
  if (count === 2) {
    const long = Math.min(0.42 * 128, 0.42 * w, 0.9 * h)
    return [at(0.25, 0.5, long), at(0.75, 0.5, long)]
  }
  if (Math.max(w, h) >= (count === 3 ? 1.45 : 2) * Math.min(w, h)) {
    const long = Math.min(0.4 * 128, (0.8 * Math.max(w, h)) / count, 0.9 * Math.min(w, h))
    return Array.from({ length: count }, (_, i) => {
      const along = 0.02 + (0.96 * (i + 0.5)) / count
      return w > h ? at(along, 0.5, long) : at(0.5, along, long, i === count - 1)
    })
  }
  const long = Math.min(0.4 * 128, 0.4 * w, 0.4 * h)
  const above = count === 3 ? [at(0.5, 0.26, long, false)] : [0.25, 0.75].map((x) => at(x, 0.26, long, false))
  return [...above, at(0.25, 0.745, long), at(0.75, 0.745, long)]
}

/** How many single steady things lean, and how far in degrees: what movement can turn up (decision 052). */
const LEANING = 0.22
const LEANS = [6, 45] as const

export const leanOf = (r: Random): number | undefined => (r.chance(LEANING) ? r.between(...LEANS) : undefined)

/** Width and height of the upright box around a box that leans by `degrees`. */
export function leaning(w: number, h: number, degrees: number): [number, number] {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]
  return [w * c + h * s, w * s + h * c]
}

/**
 * The same place for every drawing; on the ground it stands a little below the horizon at least. What leans is off the
 * ground, and small enough to lie within the picture.
 */
export function inPlace(place: SteadyPlace, concept: Concept, sprite: Sprite, g: Ground, lean?: number): Box {
  const long = place.long / Math.max(sprite.width, sprite.height)
  const around = leaning(sprite.width, sprite.height, lean ?? 0)
  const k = lean === undefined ? long : Math.min(long, (0.94 * g.w) / around[0], (0.94 * g.h) / around[1])
  const [w, h] = [sprite.width * k, sprite.height * k]
  const grounded =
    lean === undefined && place.low && g.place && !FLOATING.has(g.kind) && concept.posture !== "air"
  const middle = place.y * g.h - h / 2
  return {
    x: place.x * g.w - w / 2,
    y: grounded ? Math.min(g.h * 0.97 - h, Math.max(middle, g.horizon + 0.06 * g.h - h)) : middle,
    w,
    h,
    grounded,
    ...(lean !== undefined && { lean }),
  }
}
