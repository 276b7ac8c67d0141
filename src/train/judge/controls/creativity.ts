// Creativity: what the expander writes over 500 prompts, how various the pictures become, and whether the subject stays.
import { expandPrompt, MEASURED_PROMPTS, measureCreativity } from "../../../controls/creativity/index.ts"
import { CREATIVITY, type CreativityLevel } from "../../../request/request.ts"
import { conceptIndex } from "../labels.ts"
import { rankOf } from "../network.ts"
import { featureDistance } from "../similarity.ts"
import { average, type Estimate, meanOf, pairedRatio, share } from "../statistics.ts"
import { ABOVE_ZERO, type Bench, type ControlFigure, collector, gap, sampled } from "./measure.ts"
import { conceptNamed } from "./subjects.ts"

const SEEDS = [0, 1, 2, 3]
const LEVELS = Object.entries(CREATIVITY) as [CreativityLevel, number][]

/** Mean feature distance of all pairs. */
export function varietyOf(features: readonly Float32Array[]): number {
  const distances = features.flatMap((a, i) => features.slice(i + 1).map((b) => featureDistance(a, b)))
  return distances.length === 0 ? Number.NaN : average(distances)
}

const counted = (hits: number, n: number): Estimate => share(Array.from({ length: n }, (_, i) => i < hits))

/** What the expander writes, counted over its prompts, and how much of the styles it names is seen. */
export async function creativityFigures({ observe, look, words, count }: Bench): Promise<ControlFigure[]> {
  const { figures, add, addPlain } = collector("creativity")
  const prompts = sampled(MEASURED_PROMPTS, count)

  const text = measureCreativity({ seeds: SEEDS.length, prompts }, (r) => expandPrompt(r, words))
  const per = prompts.length * SEEDS.length
  add("raw", "raw identical, byte for byte", counted(Math.round(text.rawIdentical * per), per), 1)
  const kept = Math.round(text.contentWordsKept * text.expansions)
  add("kept", "content words kept, in order", counted(kept, text.expansions), 1)
  add("contradictions", "contradictions", counted(text.contradictions, text.expansions), 0, true)
  const aspects = text.levels.map((l): [CreativityLevel, Estimate] => [
    l.level,
    { value: l.aspects, low: l.aspects - l.interval, high: l.aspects + l.interval, n: prompts.length },
  ])
  rising("aspects", "aspects added", aspects)
  if (!look) return figures

  const inputs = prompts.flatMap(({ prompt }) =>
    LEVELS.flatMap(([, creativity]) => SEEDS.map((seed) => ({ prompt, creativity, seed }))),
  )
  const indices = prompts.map(({ prompt }) => {
    const concept = conceptNamed(prompt)
    return concept === undefined ? undefined : conceptIndex(concept)
  })
  const each = LEVELS.length * SEEDS.length
  const seen = await observe(inputs, "creativity", async (pictures, from) =>
    (await look(pictures)).map(({ features, concept }, k) => {
      const index = indices[Math.floor((from + k) / each)]
      return { features, isRight: index === undefined ? undefined : rankOf(concept, index) === 1 }
    }),
  )
  /** What was seen of one prompt at one level. */
  const cell = (prompt: number, level: number) => {
    const first = (prompt * LEVELS.length + level) * SEEDS.length
    return seen.slice(first, first + SEEDS.length)
  }
  const variety = LEVELS.map(([level], k): [CreativityLevel, Estimate] => [
    level,
    meanOf(prompts.map((_, i) => varietyOf(cell(i, k).map((s) => s.features)))),
  ])
  rising("variety", "variety over seeds", variety)

  const rate = (i: number, level: number): number => average(cell(i, level).map((s) => (s.isRight ? 1 : 0)))
  const named = prompts.flatMap((_, i) => (indices[i] === undefined ? [] : [i]))
  for (const [k, [level]] of LEVELS.entries())
    add(`concept.${level}`, `  concept, top 1, ${level}`, meanOf(named.map((i) => rate(i, k))))
  const pairs = named.map((i): [number, number] => [rate(i, LEVELS.length - 1), rate(i, 0)])
  add("concept", "concept at high over raw", pairedRatio(pairs), 0.9)
  return figures

  /** One row per level, and one per step between levels: how far apart their intervals are. */
  function rising(key: string, label: string, levels: readonly [CreativityLevel, Estimate][]): void {
    for (const [level, estimate] of levels) addPlain(`${key}.${level}`, `${label}, ${level}`, estimate)
    for (const [i, [level, estimate]] of levels.slice(1).entries())
      addPlain(
        `${key}.gap.${level}`,
        `  ${level} above ${levels[i]![0]}, interval to interval`,
        gap(estimate, levels[i]![1]),
        ABOVE_ZERO,
      )
  }
}
