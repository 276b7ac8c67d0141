// Figures without a target: copying, likeness to real art, and spread over seeds; each beside the same of real art.

import { frechetDistance } from "./frechet.ts"
import type { Observation } from "./observe.ts"
import { featureDistance, nearestDistance } from "./similarity.ts"
import { average, type Estimate, meanOf, quantile } from "./statistics.ts"

export interface Spread {
  /** Mean feature distance of pictures of one prompt by different seeds. */
  within: Estimate
  /** And of different prompts. */
  between: Estimate
}

/** Undefined for fewer than two prompts that were drawn with several seeds. */
export function spreadOf(observations: readonly Observation[]): Spread | undefined {
  const sets = [
    ...Map.groupBy(
      observations.filter((o) => o.prompt.group === "spread"),
      (o) => o.prompt.prompt,
    ).values(),
  ]
  if (sets.length < 2) return undefined
  const pairs = (a: readonly Observation[], b: readonly Observation[]): number[] =>
    a.flatMap((x) => b.filter((y) => y !== x).map((y) => featureDistance(x.features, y.features)))
  const within = sets.filter((s) => s.length > 1).map((s) => average(pairs(s, s)))
  const between = sets.map((s, i) => average(pairs(s, sets[(i + 1) % sets.length]!)))
  return { within: meanOf(within), between: meanOf(between) }
}

/** Quantiles of the distance to the nearest training picture. */
export interface Copying {
  min: number
  p5: number
  median: number
  p95: number
  n: number
}

/** How near each picture comes to the training picture that is nearest. */
export function copyingOf(thumbnails: readonly Uint8Array[], training: readonly Uint8Array[]): Copying {
  const distances = thumbnails.map((t) => nearestDistance(t, training))
  const [min, p5, median, p95] = [0, 0.05, 0.5, 0.95].map((q) => quantile(distances, q)) as [
    number,
    number,
    number,
    number,
  ]
  return { min, p5, median, p95, n: distances.length }
}

/**
 * Frechet distance of two sets with an interval by leaving out a tenth of both at a time (jackknife): a bootstrap
 * would repeat vectors, which this distance punishes.
 */
export function frechetOf(one: readonly Float32Array[], two: readonly Float32Array[]): Estimate {
  const value = frechetDistance(one, two)
  const folds = 10
  const without = <T>(list: readonly T[], fold: number): T[] => list.filter((_, i) => i % folds !== fold)
  const values = Array.from({ length: folds }, (_, fold) =>
    frechetDistance(without(one, fold), without(two, fold)),
  )
  const mean = average(values)
  const half = 1.96 * Math.sqrt(((folds - 1) / folds) * values.reduce((s, v) => s + (v - mean) ** 2, 0))
  return { value, low: Math.max(0, value - half), high: value + half, n: one.length }
}

/** Model against art, and art against other art in sets of the same size: only together they say something. */
export function frechetBeside(
  model: readonly Float32Array[],
  art: readonly Float32Array[],
): { model: Estimate; art: Estimate } {
  const half = <T>(list: readonly T[], odd: number): T[] => list.filter((_, i) => i % 2 === odd)
  return { model: frechetOf(half(model, 0), half(art, 1)), art: frechetOf(half(art, 0), half(art, 1)) }
}
