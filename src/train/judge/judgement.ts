// The whole examination: the model's pictures and real art for the same prompts under the same measures.

import { type Copying, copyingOf, frechetBeside, type Spread, spreadOf } from "./distances.ts"
import type { FeatureNet } from "./feature-net.ts"
import { type Figure, figuresOf, groupSizes } from "./figures.ts"
import { styleIndex, styleReserve } from "./labels.ts"
import { type Classifier, rankOf } from "./network.ts"
import { type Observation, observe, type Shot } from "./observe.ts"
import { thumbnail } from "./similarity.ts"
import { type Estimate, share } from "./statistics.ts"
import { asSeen, lookClosely } from "./views.ts"

/** Everything found about one set of pictures. */
export interface Findings {
  readonly figures: readonly Figure[]
  readonly observations: readonly Observation[]
  readonly spread?: Spread | undefined
  readonly copying?: Copying | undefined
  /** The same, of training pictures of things in steady poses. */
  readonly steady?: Copying | undefined
  /** Features of the independent network, in the order of the shots. */
  readonly independent?: readonly Float32Array[] | undefined
}

export interface Instruments {
  readonly classifier: Classifier
  readonly featureNet?: FeatureNet | undefined
  /** Thumbnails of training pictures; copying is only reported with them. */
  readonly training?: readonly Uint8Array[] | undefined
  /** Thumbnails of training pictures of things in steady poses. */
  readonly steady?: readonly Uint8Array[] | undefined
}

/** Looks at one set of pictures with every instrument that is there. */
export async function examine(
  shots: readonly Shot[],
  { classifier, featureNet, training, steady }: Instruments,
): Promise<Findings> {
  const observations = await observe(shots, classifier)
  const distinct = shots.filter((s) => s.prompt.group !== "spread")
  const thumbnails = distinct.map((s) => thumbnail(s.picture))
  return {
    figures: figuresOf(observations),
    observations,
    spread: spreadOf(observations),
    copying: training?.length ? copyingOf(thumbnails, training) : undefined,
    steady: steady?.length ? copyingOf(thumbnails, steady) : undefined,
    independent: await featureNet?.features(distinct.map((s) => s.picture)),
  }
}

/** How good the judge itself is, on real art. */
export interface SelfExamination {
  /** Drawings of the model's sets, which the classifier never learned concepts from. */
  readonly concept1: Estimate
  readonly concept5: Estimate
  /** New scenes of the drawings that it learned from. */
  readonly known1: Estimate
  readonly known5: Estimate
  /** On subjects that it never saw in the model's drawings. */
  readonly style: Estimate
}

export const SELF_TARGETS = { concept5: 0.95, style: 0.97 } as const

/** `real` are pictures with the style they truly wear; `known` show the judge's own drawings. */
export async function examineSelf(
  real: readonly (Shot & { style: string })[],
  known: readonly Shot[],
  classifier: Classifier,
): Promise<SelfExamination> {
  const own = await observe(known, classifier)
  const other = await observe(real, classifier)
  const ranks = (list: readonly Observation[], rank: number): Estimate =>
    share(list.flatMap((o) => (o.conceptRank === undefined ? [] : [o.conceptRank <= rank])))
  const reserved = real.filter((s) => s.prompt.concepts.every(styleReserve))
  const verdicts = await lookClosely(await Promise.all(reserved.map((s) => asSeen(s.picture))), classifier)
  return {
    concept1: ranks(other, 1),
    concept5: ranks(other, 5),
    known1: ranks(own, 1),
    known5: ranks(own, 5),
    style: share(reserved.map((s, i) => rankOf(verdicts[i]!.style, styleIndex(s.style)) === 1)),
  }
}

/** The report, as `--json` prints it. Shares are 0..1; every estimate is { value, low, high, n }, 95 %. */
export interface Report {
  readonly format: 1
  readonly command: string
  readonly model: string | null
  readonly prompts: Readonly<Record<string, number>>
  readonly judge: SelfExamination & { readonly samples: number }
  readonly figures: readonly {
    readonly key: string
    readonly label: string
    readonly model?: Estimate | undefined
    /** The same measure on real art for the same prompts: what the judge would give a perfect model. */
    readonly art: Estimate
    readonly target?: number | undefined
    readonly atMost?: boolean | undefined
  }[]
  readonly spread?: { readonly model?: Spread | undefined; readonly art: Spread } | undefined
  readonly copying?: { readonly model?: Copying | undefined; readonly art: Copying } | undefined
  /** The same of training pictures of things in steady poses, beside such pictures that training leaves out. */
  readonly steady?: { readonly model?: Copying | undefined; readonly art: Copying } | undefined
  /** Frechet distances to real art: by the classifier's features and by the independent network's. */
  readonly frechet?:
    | {
        readonly classifier: { model: Estimate; art: Estimate }
        readonly independent?: { model: Estimate; art: Estimate } | undefined
      }
    | undefined
  readonly secondsPerPicture?: number | undefined
}

/** Puts the findings about a model beside those about real art for the same prompts. */
export function reportOf(options: {
  command: string
  model: string | null
  self: SelfExamination
  samples: number
  art: Findings
  made?: Findings | undefined
  /** How near steady pictures that training leaves out come to those that it shows. */
  steadyArt?: Copying | undefined
  secondsPerPicture?: number | undefined
}): Report {
  const { command, model, self, samples, art, made, steadyArt, secondsPerPicture } = options
  const distinct = (f: Findings): Float32Array[] =>
    f.observations.flatMap((o) => (o.prompt.group === "spread" ? [] : [o.features]))
  return {
    format: 1,
    command,
    model,
    prompts: groupSizes(art.observations),
    judge: { ...self, samples },
    figures: art.figures.map(({ key, label, estimate, target, atMost }) => ({
      key,
      label,
      model: made?.figures.find((f) => f.key === key)?.estimate,
      art: estimate,
      target,
      atMost,
    })),
    spread: art.spread && { model: made?.spread, art: art.spread },
    copying: art.copying && { model: made?.copying, art: art.copying },
    steady: steadyArt && { model: made?.steady, art: steadyArt },
    frechet: made && {
      classifier: frechetBeside(distinct(made), distinct(art)),
      independent: made.independent && art.independent && frechetBeside(made.independent, art.independent),
    },
    secondsPerPicture,
  }
}
