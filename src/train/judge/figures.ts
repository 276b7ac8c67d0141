// The judge's figures: which observations each counts, and what the model is expected to reach.
import type { Observation } from "./observe.ts"
import { GROUPS, type Group } from "./prompts.ts"
import { difference, type Estimate, ratio, share } from "./statistics.ts"

export interface Figure {
  /** Stable name, for those who quote it. */
  readonly key: string
  readonly label: string
  readonly estimate: Estimate
  /** The least (or, for a drop, the most) that is good enough. */
  readonly target?: number
  readonly atMost?: boolean
}

export const met = (f: Figure): boolean | undefined =>
  f.target === undefined || Number.isNaN(f.estimate.value)
    ? undefined
    : f.atMost
      ? f.estimate.value <= f.target
      : f.estimate.value >= f.target

/** Groups whose pictures each show one named thing in a way that training has shown. */
const SINGLE: readonly Group[] = ["concept", "style", "background", "colour"]

const within = (observations: readonly Observation[], rank: number): boolean[] =>
  observations.flatMap((o) => (o.conceptRank === undefined ? [] : [o.conceptRank <= rank]))

/** Whether a picture of a combination has both of its halves. */
function combined(o: Observation): boolean {
  if (o.relation !== undefined) return o.relation
  return o.conceptRank === 1 && (o.style ?? o.objectColour ?? false)
}

/** All figures that the observations have something to say of, in the order of the table. */
export function figuresOf(observations: readonly Observation[]): Figure[] {
  const figures: Figure[] = []
  const add = (key: string, label: string, estimate: Estimate, target?: number, atMost = false): void => {
    figures.push({ key, label, estimate, ...(target !== undefined && { target, atMost }) })
  }
  const group = (...names: Group[]): Observation[] =>
    observations.filter((o) => names.includes(o.prompt.group))
  const truths = (
    list: readonly Observation[],
    key: "style" | "backgroundColour" | "backgroundType" | "objectColour" | "relation",
  ): boolean[] => list.flatMap((o) => (o[key] === undefined ? [] : [o[key]]))

  const single = group(...SINGLE)
  add("concept.top1", "concept, top 1", share(within(single, 1)), 0.7)
  add("concept.top5", "concept, top 5", share(within(single, 5)), 0.9)
  for (const name of SINGLE) {
    add(`concept.top1.${name}`, `  of ${name} prompts, top 1`, share(within(group(name), 1)))
    add(`concept.top5.${name}`, `  of ${name} prompts, top 5`, share(within(group(name), 5)))
  }
  add("person.top1", "people, top 1", share(within(group("person"), 1)))
  add("person.top5", "people, top 5", share(within(group("person"), 5)))
  add("style", "style word", share(truths(group("style"), "style")), 0.9)
  add("background.colour", "background colour", share(truths(group("background"), "backgroundColour")), 0.9)
  add("background.type", "background type", share(truths(group("background"), "backgroundType")), 0.85)
  add("object.colour", "object colour", share(truths(group("colour"), "objectColour")), 0.8)
  const counts = group("count")
  const counted = (list: readonly Observation[]): boolean[] => list.map((o) => o.count === o.prompt.count)
  add("count", "count 2, 3, 4", share(counted(counts)), 0.7)
  for (const n of [2, 3, 4])
    add(`count.${n}`, `  count ${n}`, share(counted(counts.filter((o) => o.prompt.count === n))))
  const pairs = group("relation")
  add("relation", "left, right, above, below", share(truths(pairs, "relation")), 0.75)
  for (const axis of ["left", "above"] as const)
    add(
      `relation.${axis}`,
      axis === "left" ? "  left and right" : "  above and below",
      share(
        truths(
          pairs.filter((o) => o.prompt.relation === axis),
          "relation",
        ),
      ),
    )

  const combinations = group("combination")
  const [seen, unseen] = [true, false].map((s) => combinations.filter((o) => o.prompt.seen === s)) as [
    Observation[],
    Observation[],
  ]
  add(
    "combination.drop",
    "never seen combinations, drop",
    difference(seen.map(combined), unseen.map(combined)),
    0.1,
    true,
  )
  add("combination.seen", "  seen combinations", share(seen.map(combined)))
  add("combination.unseen", "  never seen combinations", share(unseen.map(combined)))
  const kinds = {
    style: (o: Observation) => o.style !== undefined,
    colour: (o: Observation) => o.objectColour !== undefined,
    pair: (o: Observation) => o.relation !== undefined,
  }
  for (const [kind, is] of Object.entries(kinds))
    add(
      `combination.drop.${kind}`,
      `  drop, ${kind}`,
      difference(seen.filter(is).map(combined), unseen.filter(is).map(combined)),
    )

  const words = group("synonym")
  const [known, novel] = [true, false].map((s) => words.filter((o) => o.prompt.seen === s)) as [
    Observation[],
    Observation[],
  ]
  add("synonym.ratio", "unseen synonyms over seen words", ratio(within(novel, 1), within(known, 1)), 0.5)
  add("synonym.top1", "  unseen synonyms, top 1", share(within(novel, 1)))
  add("synonym.top5", "  unseen synonyms, top 5", share(within(novel, 5)))
  add("synonym.seen.top1", "  their seen words, top 1", share(within(known, 1)))
  return figures.filter((f) => f.estimate.n > 0)
}

/** How many observations each group holds. */
export const groupSizes = (observations: readonly Observation[]): Record<string, number> =>
  Object.fromEntries(GROUPS.map((g) => [g, observations.filter((o) => o.prompt.group === g).length]))
