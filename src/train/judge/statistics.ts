// Figures with 95 % intervals: shares, means, differences, ratios, rank correlation.
import { Random } from "../random.ts"

/** A value with its 95 % interval and the number of observations behind it. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
  readonly n: number
}

const Z = 1.959964

/** Share of true, with Wilson's interval. */
export function share(hits: readonly boolean[]): Estimate {
  const n = hits.length
  if (n === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN, n }
  const p = hits.filter(Boolean).length / n
  const middle = (p + (Z * Z) / (2 * n)) / (1 + (Z * Z) / n)
  const half = (Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n))) / (1 + (Z * Z) / n)
  return { value: p, low: Math.max(0, middle - half), high: Math.min(1, middle + half), n }
}

export const average = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length

/** Value at the share `q` of the sorted values, 0..1, between neighbours by weight. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = q * (sorted.length - 1)
  const below = sorted[Math.floor(at)]!
  return below + (sorted[Math.ceil(at)]! - below) * (at % 1)
}

/**
 * Percentile bootstrap of a statistic of several independent samples, each drawn again with replacement.
 * Repeatable: the draws come from a fixed seed.
 */
export function bootstrap<T>(
  samples: readonly (readonly T[])[],
  statistic: (samples: readonly (readonly T[])[]) => number,
  rounds = 1000,
): Estimate {
  const n = samples.reduce((sum, s) => sum + s.length, 0)
  if (samples.some((s) => s.length === 0)) return { value: Number.NaN, low: Number.NaN, high: Number.NaN, n }
  const random = new Random(20, n, samples.length)
  const draws = Array.from({ length: rounds }, () =>
    statistic(samples.map((s) => s.map(() => s[random.below(s.length)]!))),
  )
  const finite = draws.filter(Number.isFinite)
  return { value: statistic(samples), low: quantile(finite, 0.025), high: quantile(finite, 0.975), n }
}

export const meanOf = (values: readonly number[]): Estimate => bootstrap([values], ([v]) => average(v!))

/**
 * Share of `first` less share of `second`, of other prompts; with Newcombe's interval (1998, method 10), which is as
 * wide as the two shares' own even where every one of them is alike.
 */
export function difference(first: readonly boolean[], second: readonly boolean[]): Estimate {
  const [a, b] = [share(first), share(second)]
  const value = a.value - b.value
  return {
    value,
    low: value - Math.hypot(a.value - a.low, b.high - b.value),
    high: value + Math.hypot(a.high - a.value, b.value - b.low),
    n: a.n + b.n,
  }
}

const rate = (hits: readonly boolean[]): number => hits.filter(Boolean).length / hits.length

const quotient = (a: number, b: number): number => (b === 0 ? Number.NaN : a / b)

/** Share of `first` over share of `second`. Over nothing it is no number. */
export const ratio = (first: readonly boolean[], second: readonly boolean[]): Estimate =>
  bootstrap([first, second], ([a, b]) => quotient(rate(a!), rate(b!)))

/** Sum of firsts over sum of seconds: two shares of the same prompts. Over nothing it is no number. */
export const pairedRatio = (pairs: readonly (readonly [number, number])[]): Estimate =>
  bootstrap([pairs], ([list]) => {
    const sum = (k: 0 | 1): number => list!.reduce((total, pair) => total + pair[k], 0)
    return quotient(sum(0), sum(1))
  })

/** Ranks from 1; equal values share the mean of theirs. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((v, i) => ({ v, i })).sort((a, b) => a.v - b.v)
  const out = new Array<number>(values.length)
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to + 1 < order.length && order[to + 1]!.v === order[from]!.v) to++
    for (let k = from; k <= to; k++) out[order[k]!.i] = (from + to) / 2 + 1
    from = to + 1
  }
  return out
}

/** Spearman's rank correlation, -1..1; 0 where one side does not vary. */
export function spearman(x: readonly number[], y: readonly number[]): number {
  const [a, b] = [ranks(x), ranks(y)]
  const [ma, mb] = [average(a), average(b)]
  let [ab, aa, bb] = [0, 0, 0]
  a.forEach((v, i) => {
    const [da, db] = [v - ma, b[i]! - mb]
    ab += da * db
    aa += da * da
    bb += db * db
  })
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb)
}
