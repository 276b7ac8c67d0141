// What a part of the controls' examination is given, and the figures it gives back. Imports types and sampling only.
import type { IdeaList } from "../../../controls/creativity/ideas.ts"
import type { Generation } from "../../../request/engine.ts"
import type { GenerationInput } from "../../../request/request.ts"
import type { Figure } from "../figures.ts"
import type { Verdict } from "../network.ts"
import type { Bitmap } from "../pixels.ts"
import type { Prompt } from "../prompts.ts"
import type { Estimate } from "../statistics.ts"

export const PARTS = ["creativity", "references", "start", "mask", "sliders", "spread"] as const
export type Part = (typeof PARTS)[number]

export interface ControlFigure extends Figure {
  readonly part: Part
  /** Shares and ratios are shown in percent; distances, correlations and counts as they are. */
  readonly isPlain?: boolean
}

export interface Bench {
  /**
   * Makes the pictures, in small sets at once, shows each set to `see` and keeps only its answers, one per picture;
   * `from` is the place of a set's first picture. Pictures that were made before come from the cache.
   */
  readonly observe: <T>(
    inputs: readonly GenerationInput[],
    what: string,
    see: (pictures: readonly Bitmap[], from: number) => Promise<T[]>,
  ) => Promise<T[]>
  /** A generation that no cache knows: for clocks and for bits. */
  readonly generate: (input: GenerationInput) => Promise<Generation>
  /** The classifier's verdicts; absent where none is trained. */
  readonly look: ((pictures: readonly Bitmap[]) => Promise<Verdict[]>) | undefined
  /** Real art: by drawings that the model never learned from, or by the model's own, which the judge never saw. */
  readonly paint: (prompt: Prompt, by?: "judge" | "train") => Promise<Bitmap>
  /** What the built-in expander may add for this model. */
  readonly words: IdeaList
  /** How many prompts, pairs or pictures to take; all of them where it is undefined. */
  readonly count: number | undefined
}

/** Added to a prompt's seed: of one picture alone, how likely a style or a subject is is known badly. */
export const SEEDS = [0, 1, 2, 3] as const

/** The target of what must be more than nothing. */
export const ABOVE_ZERO = Number.MIN_VALUE

/** How far the lower end of one interval lies above the upper end of another: below 0 they overlap. */
export function gap(above: Estimate, below: Estimate): Estimate {
  const value = above.low - below.high
  return { value, low: value, high: value, n: Math.min(above.n, below.n) }
}

/** Every n-th of a list, so that a sample has a share of everything. */
export function sampled<T>(list: readonly T[], count: number | undefined): T[] {
  if (count === undefined || count >= list.length) return [...list]
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!)
}

/** Collects one part's figures. */
export function collector(part: Part) {
  const figures: ControlFigure[] = []
  const put =
    (isPlain: boolean) =>
    (key: string, label: string, estimate: Estimate, target?: number, atMost = false): void => {
      if (estimate.n === 0) return
      const wanted = target === undefined ? {} : { target, atMost }
      figures.push({ part, key: `${part}.${key}`, label, estimate, ...wanted, ...(isPlain && { isPlain }) })
    }
  return { figures, add: put(false), addPlain: put(true) }
}
