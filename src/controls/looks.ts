// Weighted looks as at most two sets of style tokens with a strength each. Pure: numbers in, numbers out; imports nothing.

/** A look: style tokens of one picture, and how much it counts. */
export interface WeightedLook {
  /** Hash of the picture's bytes: who it is, whatever it is called. */
  hash: string
  /** [S,F] of the style encoder; S and F are the model's. */
  tokens: Float32Array
  /** Towards (positive) or away (negative); any size. */
  weight: number
}

/** Looks blended into one: what a branch has beside the text. */
export interface LookSet {
  /** Weighted mean of the style tokens, [S,F]. */
  tokens: Float32Array
  /** How much of its side it makes up; the shares of a side add up to 1. */
  share: number
}

/** All looks on one side of 0. */
export interface LookSide {
  /** One set, or two of looks that differ: each is a branch. */
  sets: readonly LookSet[]
  /** How far the picture goes to the looks, or away from them; 1 is all the way to the looks' own picture. */
  strength: number
}

export interface LookBranches {
  towards?: LookSide
  away?: LookSide
}

/** strength(w) = limit (1 - e^(-w / scale)): rises like limit / scale at first and never passes the limit. */
export interface Saturation {
  limit: number
  scale: number
}

export interface LookCalibration {
  towards: Saturation
  away: Saturation
}

/**
 * Of the embedded Medium, by its contact sheets and the judge (docs/controls.md): 1 is the look's own picture, 2 leads past
 * it by two fifths, and no sum by more than two thirds. Away goes 1.25 and 1.94 times the look's own distance from nothing,
 * for what names a look in the prompt holds on to it.
 */
export const LOOK_CALIBRATION: LookCalibration = {
  towards: { limit: 1.667, scale: 1.09 },
  away: { limit: 2.8, scale: 1.69 },
}

export const saturated = (weight: number, { limit, scale }: Saturation): number =>
  limit * -Math.expm1(-weight / scale)

/**
 * Looks as branches. Equal hashes add up, sums of 0 are as if never given, and the order of the list changes no bit:
 * sums run in the order of hashes, and of weights within one. Of two sets one leads by the picture's seed, where it is
 * given.
 */
export function lookBranches(
  looks: readonly WeightedLook[],
  { seed, calibration = LOOK_CALIBRATION }: { seed?: number; calibration?: LookCalibration } = {},
): LookBranches {
  const merged = mergeLooks(looks)
  const sizes = [...new Set(merged.map(({ tokens }) => tokens.length))]
  if (sizes.length > 1)
    throw new RangeError(`Looks have ${sizes.join(" and ")} values; they are of two encoders.`)
  const side = (
    list: readonly WeightedLook[],
    saturation: Saturation,
    most: number,
  ): LookSide | undefined => {
    const weight = weightOf(list)
    if (weight === 0) return undefined
    const sets = apart(list, most).map((set) => ({ tokens: blend(set), share: weightOf(set) / weight }))
    return { sets: seed === undefined ? sets : led(sets, seed), strength: saturated(weight, saturation) }
  }
  const away = side(
    merged.filter((look) => look.weight < 0),
    calibration.away,
    1,
  )
  const near = merged.filter((look) => look.weight > 0)
  const towards = side(near, calibration.towards, away ? 1 : MOST_SETS)
  return { ...(towards && { towards }), ...(away && { away }) }
}

/** How much of the other's share the look that leads takes. */
const LEAD = 0.6

/**
 * A place in [0, 1) for a seed, its bits backwards (van der Corput): of seeds in a row as many are below a share as the
 * share says. Seeds that differ beyond their last 16 bits alone have the same.
 */
function placeOf(seed: number): number {
  let place = 0
  for (let bit = 0, rest = seed; bit < 16; bit++, rest = Math.floor(rest / 2)) place = 2 * place + (rest % 2)
  return place / 2 ** 16
}

/**
 * Two unlike looks seldom get equally far in one picture, and the same of the two would win for every seed. So one of them
 * leads, by the seed, each as often as its share says: over a batch both have their share.
 */
function led(sets: readonly LookSet[], seed: number): readonly LookSet[] {
  const [one, other] = sets
  if (!one || !other) return sets
  const isFirst = placeOf(seed) < one.share
  const taken = LEAD * (isFirst ? other : one).share
  return [
    { ...one, share: one.share + (isFirst ? taken : -taken) },
    { ...other, share: other.share + (isFirst ? -taken : taken) },
  ]
}

/** Branches that looks may have in all. */
const MOST_SETS = 2

const weightOf = (looks: readonly WeightedLook[]): number =>
  looks.reduce((sum, look) => sum + Math.abs(look.weight), 0)

/**
 * Looks in at most `most` sets, 1 or 2: the two that differ most, each with those that are nearer to it. In the mean of
 * two unlike looks' tokens the one that is farther from the prompt wins (decision 065); as two branches both are drawn.
 */
function apart(looks: readonly WeightedLook[], most: number): WeightedLook[][] {
  if (most < 2 || looks.length < 2) return [[...looks]]
  const distances = looks.map((a) => looks.map((b) => squaredDistance(a.tokens, b.tokens)))
  let [one, other] = [0, 1]
  for (let i = 0; i < looks.length; i++)
    for (let j = i + 1; j < looks.length; j++)
      if (distances[i]![j]! > distances[one]![other]!) [one, other] = [i, j]
  const { near = [], far = [] } = Object.groupBy(looks.keys(), (i) =>
    distances[i]![one]! <= distances[i]![other]! ? "near" : "far",
  )
  return [near, far].filter((set) => set.length > 0).map((set) => set.map((i) => looks[i]!))
}

const squaredDistance = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0)

/** One look per hash, sorted by hash; those whose weights cancel are gone. */
export function mergeLooks(looks: readonly WeightedLook[]): WeightedLook[] {
  const sorted = looks.toSorted((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : a.weight - b.weight))
  const merged: WeightedLook[] = []
  for (const look of sorted) {
    const last = merged.at(-1)
    if (last?.hash === look.hash) merged[merged.length - 1] = { ...last, weight: last.weight + look.weight }
    else merged.push(look)
  }
  // Decimal weights cancel but for a rounding: 0.1 + 0.2 - 0.3 is not 0.
  return merged.filter((look) => Math.abs(look.weight) > 1e-9)
}

/** Mean of the tokens, weighted by |weight|. One look alone keeps its tokens bit for bit. */
function blend(looks: readonly WeightedLook[]): Float32Array {
  const [first] = looks as [WeightedLook]
  if (looks.length === 1) return first.tokens
  const weight = weightOf(looks)
  const sums = new Float64Array(first.tokens.length)
  for (const look of looks)
    for (let i = 0; i < sums.length; i++) sums[i]! += Math.abs(look.weight) * look.tokens[i]!
  return Float32Array.from(sums, (sum) => sum / weight)
}
