// References: every pair of a prompt and a style at seven weights, with reference pictures that the model never saw.
import { paletteDistance } from "../colour.ts"
import { conceptIndex, styleIndex } from "../labels.ts"
import { rankOf } from "../network.ts"
import { conceptProbability, styleProbability } from "../observe.ts"
import { atNative, type Bitmap } from "../pixels.ts"
import type { Prompt } from "../prompts.ts"
import { average, pairedRatio, share } from "../statistics.ts"
import { blendFigures } from "./blends.ts"
import { type Bench, type ControlFigure, collector, SEEDS } from "./measure.ts"
import { dataUri, samePixels } from "./pictures.ts"
import { type Trial, trialFiguresOf, type View, WEIGHTS } from "./reference-figures.ts"
import { type Pair, pairsOf } from "./subjects.ts"
import { timingFigures } from "./timing.ts"

/** Five pairs a style where the prompt names none, three where it names the reference's own. */
const PAIRS = 70
const NAMED = 42
/** A subject counts as shown from this probability on, also beside another one. */
const SHOWN = 0.25

/** A pair, its reference as requests carry it, and what was seen of its pictures. */
export interface Tried extends Trial {
  readonly pair: Pair
  readonly image: string
}

/** Tries the pairs of prompt and reference at every weight, and beside them real art, weight 0 and two looks at once. */
export async function referenceFigures(bench: Bench): Promise<ControlFigure[]> {
  const count = Math.min(bench.count ?? PAIRS, PAIRS)
  const pairs = [...pairsOf(count, false), ...pairsOf(Math.ceil((count * NAMED) / PAIRS), true)]
  const tried: Tried[] = []
  for (const [i, pair] of pairs.entries())
    tried.push(await tryPair(bench, pair, `references, pair ${i + 1} of ${pairs.length}`))
  return [
    ...trialFiguresOf(tried),
    ...(await artFigures(bench, pairs)),
    ...(await zeroFigures(bench, tried)),
    ...(await blendFigures(
      bench,
      tried.filter((t) => !t.pair.named),
    )),
    ...(await timingFigures(bench)),
  ]
}

async function tryPair({ observe, look, paint }: Bench, pair: Pair, what: string): Promise<Tried> {
  const { style, prompt, reference, named } = pair
  const shown = await paint(reference)
  const image = await dataUri(shown)
  const inputs = SEEDS.flatMap((seed) =>
    WEIGHTS.map((weight) => ({
      prompt: prompt.prompt,
      seed: prompt.seed + seed,
      creativity: 0,
      references: [{ image, weight }],
    })),
  )
  const [subject, foreign] = [prompt.concepts[0]!, reference.concepts[0]!]
  const seen = await observe(inputs, what, async (pictures): Promise<View[]> => {
    const verdicts = await look?.(pictures)
    return await Promise.all(
      pictures.map(async (picture, k): Promise<View> => {
        const palette = paletteDistance(shown, await atNative(picture))
        const v = verdicts?.[k]
        if (!v) return { palette }
        const isLeak =
          rankOf(v.concept, conceptIndex(foreign)) === 1 || conceptProbability(v, foreign) >= SHOWN
        return {
          palette,
          verdict: {
            style: styleProbability(v, style),
            isStyle: rankOf(v.style, styleIndex(style)) === 1,
            isSubject: rankOf(v.concept, conceptIndex(subject)) === 1,
            isLeak,
          },
        }
      }),
    )
  })
  const views = SEEDS.map((_, i) => seen.slice(i * WEIGHTS.length, (i + 1) * WEIGHTS.length))
  return { pair, image, named, views }
}

/**
 * What the concept figure would be of real art: each pair's subject without its style and with it, by drawings that the
 * judge never saw. Where the prompt names the style, both have it.
 */
async function artFigures({ look, paint }: Bench, pairs: readonly Pair[]): Promise<ControlFigure[]> {
  if (!look) return []
  const { figures, add } = collector("references")
  const shown = async (prompts: readonly Prompt[], id: string): Promise<number> => {
    const pictures: Bitmap[] = []
    for (const prompt of prompts) pictures.push(await paint(prompt, "train"))
    return average((await look(pictures)).map((v) => Number(rankOf(v.concept, conceptIndex(id)) === 1)))
  }
  const subject: [number, number][] = []
  for (const { prompt, style } of pairs) {
    const plain = SEEDS.map((seed): Prompt => ({ ...prompt, id: `${prompt.id} ${seed}` }))
    const worn = plain.map((p): Prompt => ({ ...p, style }))
    const id = prompt.concepts[0]!
    subject.push([await shown(worn, id), await shown(plain, id)])
  }
  add("concept.art", "concept of real art, in the style over without", pairedRatio(subject))
  return figures
}

/** Weight 0 against no reference at all, on a few pairs. */
async function zeroFigures({ generate }: Bench, tried: readonly Tried[]): Promise<ControlFigure[]> {
  const { figures, add } = collector("references")
  const same: boolean[] = []
  for (const { pair, image } of tried.slice(0, 3)) {
    const asked = { prompt: pair.prompt.prompt, seed: pair.prompt.seed, creativity: 0 }
    const zero = await generate({ ...asked, references: [{ image, weight: 0 }] })
    same.push(await samePixels(await generate(asked), zero))
  }
  add("zero", "weight 0 is bit for bit as not given", share(same), 1)
  return figures
}
