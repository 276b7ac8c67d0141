// Two references of different styles at equal weight: each should still show. Needs the classifier.
import { styleProbability } from "../observe.ts"
import { average } from "../statistics.ts"
import { type Bench, type ControlFigure, SEEDS } from "./measure.ts"
import { type Blend, blendFiguresOf, WEIGHTS } from "./reference-figures.ts"
import type { Tried } from "./references.ts"

/** Each pair with the next one's reference added; pairs go through the styles in turn, so the two differ. */
export async function blendFigures(
  { observe, look }: Bench,
  tried: readonly Tried[],
): Promise<ControlFigure[]> {
  if (!look) return []
  const couples = tried.flatMap((one, i) => {
    const two = tried[(i + 1) % tried.length]!
    return one.pair.style === two.pair.style ? [] : SEEDS.map((seed) => ({ one, two, seed }))
  })
  const inputs = couples.map(({ one, two, seed }) => ({
    prompt: one.pair.prompt.prompt,
    seed: one.pair.prompt.seed + seed,
    creativity: 0,
    references: [one, two].map(({ image }) => ({ image, weight: 1 })),
  }))
  const seen = await observe(inputs, "two references", async (pictures, from) =>
    (await look(pictures)).map((v, k) => {
      const { one, two } = couples[from + k]!
      return { one, two, blended: [one, two].map((t) => styleProbability(v, t.pair.style)) }
    }),
  )
  const alone = (t: Tried): number => average(t.views.map((v) => v[WEIGHTS.indexOf(1)]!.verdict!.style))
  const combinations = Map.groupBy(seen, ({ one, two }) => `${one.pair.style} and ${two.pair.style}`)
  return blendFiguresOf(
    [...combinations.values()].map((list): Blend => {
      const [first, second] = [
        list.map((s) => ({ blended: s.blended[0]!, alone: alone(s.one) })),
        list.map((s) => ({ blended: s.blended[1]!, alone: alone(s.two) })),
      ]
      const split = (side: typeof first) => ({
        blended: side.map((s) => s.blended),
        alone: side.map((s) => s.alone),
      })
      return { first: split(first), second: split(second) }
    }),
  )
}
