// Figures of pictures made with references: what rises, what falls, what stays, what must not appear. Pure.
import { average, meanOf, pairedRatio, share, spearman } from "../statistics.ts"
import { ABOVE_ZERO, type ControlFigure, collector, gap } from "./measure.ts"

export const WEIGHTS = [-2, -1, -0.5, 0, 0.5, 1, 2] as const
export type Weight = (typeof WEIGHTS)[number]

/** What was seen of one picture. */
export interface View {
  /** Distance of its palette from the reference's. */
  readonly palette: number
  /** Absent without a classifier. */
  readonly verdict?: {
    /** Probability of the reference's style. */
    readonly style: number
    readonly isStyle: boolean
    readonly isSubject: boolean
    /** Whether the reference's subject appears. */
    readonly isLeak: boolean
  }
}

/** One pair's pictures. */
export interface Trial {
  /** Whether the prompt names the style. */
  readonly named: boolean
  /** Of each seed, in the order of WEIGHTS. */
  readonly views: readonly (readonly View[])[]
}

type Verdict = NonNullable<View["verdict"]>

/** A style that is less likely than this at weight 0 cannot be made less likely in a way that shows. */
export const COULD_OCCUR = 0.05

/**
 * Below this a style is not there, and which of two pictures has less of it is chance: figures are also given with all
 * such probabilities alike, beside those that are asked for.
 */
export const NONE = 0.01
const floored = (probability: number): number => (probability < NONE ? 0 : probability)

interface Judged {
  readonly named: boolean
  /** What was seen at a weight, of each seed. */
  readonly at: (weight: Weight) => readonly Verdict[]
  /** How likely the style is at a weight: the mean over seeds. */
  readonly likely: (weight: Weight) => number
}

/** How the style, the palette and the subject follow a reference's weight, over all pairs. */
export function trialFiguresOf(trials: readonly Trial[]): ControlFigure[] {
  const { figures, add, addPlain } = collector("references")
  const judged = trials.flatMap(({ named, views }): Judged[] => {
    if (!views.every((seed) => seed.every((v) => v.verdict))) return []
    const at = (w: Weight) => views.map((seed) => seed[WEIGHTS.indexOf(w)]!.verdict!)
    return [{ named, at, likely: (w) => average(at(w).map((v) => v.style)) }]
  })
  const bare = judged.filter((t) => !t.named)
  const named = judged.filter((t) => t.named)

  const rises = (probability: (weight: Weight) => number): number =>
    spearman(WEIGHTS, WEIGHTS.map(probability))
  const follows = (list: readonly Judged[], read = (probability: number) => probability) =>
    meanOf(list.map((t) => rises((w) => read(t.likely(w)))))
  addPlain("spearman", "probability of the style, Spearman", follows(judged), 0.9)
  addPlain("spearman.floored", "  what is below 1 % counted alike", follows(judged, floored))
  const single = judged.map((t) => average(t.at(0).map((_, seed) => rises((w) => t.at(w)[seed]!.style))))
  addPlain("spearman.single", "  of one seed alone, mean over seeds", meanOf(single))
  addPlain("spearman.bare", "  prompts that name no style", follows(bare))
  addPlain("spearman.named", "  prompts that name it", follows(named))
  for (const w of WEIGHTS)
    add(`probability.${w}`, `  named none, probability at ${w}`, meanOf(bare.map((t) => t.likely(w))))
  for (const w of WEIGHTS)
    add(`probability.named.${w}`, `  named, probability at ${w}`, meanOf(named.map((t) => t.likely(w))))
  const recognised = (w: Weight) => share(bare.flatMap((t) => t.at(w).map((v) => v.isStyle)))
  add("recognised", "style recognised at 1, prompt names none", recognised(1), 0.8)
  add("recognised.0", "  at 0, by chance", recognised(0))

  const possible = judged.filter((t) => t.likely(0) >= COULD_OCCUR)
  add(
    "away.1",
    "less likely at -1 than at 0, where it could occur",
    share(possible.map((t) => t.likely(-1) < t.likely(0))),
    0.9,
  )
  add("away.2", "less likely at -2 than at -1", share(possible.map((t) => t.likely(-2) < t.likely(-1))), 0.9)
  add(
    "away.2.floored",
    "  or below 1 % at both",
    share(possible.map((t) => t.likely(-2) < Math.max(t.likely(-1), NONE))),
  )

  const palette = (t: Trial, w: Weight): number =>
    average(t.views.map((seed) => seed[WEIGHTS.indexOf(w)]!.palette))
  const nearer = trials.map((t) =>
    spearman(
      WEIGHTS,
      WEIGHTS.map((w) => -palette(t, w)),
    ),
  )
  const comesNearer = meanOf(nearer)
  addPlain("palette", "palette comes nearer, Spearman", comesNearer)
  const none = { ...comesNearer, value: 0, low: 0, high: 0 }
  addPlain("palette.gap", "  its interval above 0", gap(comesNearer, none), ABOVE_ZERO)
  for (const w of [-2, 0, 2] as const)
    addPlain(`palette.${w}`, `  distance at ${w}`, meanOf(trials.map((t) => palette(t, w))))

  const shown = (t: Judged, w: Weight): number => average(t.at(w).map((v) => Number(v.isSubject)))
  const subject = judged.map((t): [number, number] => [shown(t, 1), shown(t, 0)])
  add("concept", "concept at 1 over 0", pairedRatio(subject), 0.9)
  add(
    "leak",
    "reference's subject appears, 0.5 to 2",
    share(judged.flatMap((t) => ([0.5, 1, 2] as const).flatMap((w) => t.at(w).map((v) => v.isLeak)))),
    0.02,
    true,
  )
  add("leak.0", "  at 0, by mistake of the judge", share(judged.flatMap((t) => t.at(0).map((v) => v.isLeak))))
  return figures
}

/** Two looks at once: each one's probability, in the blend and alone, for pictures of one combination of styles. */
export interface Blend {
  readonly first: { readonly blended: readonly number[]; readonly alone: readonly number[] }
  readonly second: { readonly blended: readonly number[]; readonly alone: readonly number[] }
}

/** How much two looks keep beside each other of what each has alone. */
export function blendFiguresOf(blends: readonly Blend[]): ControlFigure[] {
  const { figures, add } = collector("references")
  const due = ({ blended, alone }: Blend["first"]): number => average(blended) / average(alone)
  const smaller = blends.map((b) => Math.min(due(b.first), due(b.second)))
  add(
    "both",
    "two styles at 1: both at least 25 % of what each has alone",
    share(smaller.map((d) => d >= 0.25)),
    1,
  )
  add("both.lesser", "  the lesser one's share, mean", meanOf(smaller))
  return figures
}
