// The nine picture shapes and their pixel sizes. Imports nothing.

/** Aspect ratios of Krea 2, as the hosted APIs spell them. */
export const ASPECTS = ["1:1", "4:3", "3:2", "16:9", "2.35:1", "4:5", "3:4", "2:3", "9:16"] as const
export type Aspect = (typeof ASPECTS)[number]

/** Output pixels at "1K" per aspect: [width, height], multiples of 32, about one megapixel. */
export const SIZES: Readonly<Record<Aspect, readonly [number, number]>> = {
  "1:1": [1024, 1024],
  "4:3": [1184, 896],
  "3:2": [1248, 832],
  "16:9": [1376, 768],
  "2.35:1": [1568, 672],
  "4:5": [928, 1152],
  "3:4": [896, 1184],
  "2:3": [832, 1248],
  "9:16": [768, 1376],
}

/** The aspect whose 1K size has the nearest logarithmic ratio to width / height. */
export function nearestAspect(width: number, height: number): Aspect {
  const distance = (a: Aspect): number =>
    Math.abs(Math.log(SIZES[a][0] / SIZES[a][1]) - Math.log(width / height))
  return ASPECTS.reduce((best, a) => (distance(a) < distance(best) ? a : best))
}
