// Sliders: whether what each names follows its value, and whether the subject stays. Attributes need no classifier.
import { SLIDERS, type Slider } from "../../../controls/sliders.ts"
import { conceptIndex } from "../labels.ts"
import { rankOf } from "../network.ts"
import { type Attributes, attributesOf } from "../similarity.ts"
import { average, meanOf, pairedRatio, share, spearman } from "../statistics.ts"
import { type Bench, type ControlFigure, collector } from "./measure.ts"
import { samePixels } from "./pictures.ts"
import { plainPrompts } from "./subjects.ts"

export const SLIDER_VALUES = [-100, -80, -60, -40, -20, 0, 20, 40, 60, 80, 100] as const

/** What a slider moves, as its training measured it: intensity is saturation and contrast in equal parts. */
export const MOVED: Readonly<Record<Slider, (a: Attributes) => number>> = {
  intensity: (a) => a.saturation + 2 * a.contrast,
  complexity: (a) => a.edges,
  movement: (a) => a.diagonal,
}

/** One prompt's pictures along a slider's values. */
export interface Sweep {
  readonly slider: Slider
  readonly attributes: readonly Attributes[]
  /** Whether each picture shows the prompt's subject; absent without a classifier. */
  readonly right?: readonly boolean[]
}

const at = <T>(list: readonly T[], value: (typeof SLIDER_VALUES)[number]): T =>
  list[SLIDER_VALUES.indexOf(value)]!

export function sliderFiguresOf(sweeps: readonly Sweep[]): ControlFigure[] {
  const { figures, add, addPlain } = collector("sliders")
  for (const slider of SLIDERS) {
    const own = sweeps.filter((s) => s.slider === slider)
    const follows = (measure: (a: Attributes) => number) =>
      meanOf(own.map((s) => spearman(SLIDER_VALUES, s.attributes.map(measure))))
    addPlain(slider, `${slider}, Spearman per prompt`, follows(MOVED[slider]), 0.9)
    if (slider === "intensity") {
      addPlain(
        "intensity.saturation",
        "  saturation alone",
        follows((a) => a.saturation),
      )
      addPlain(
        "intensity.contrast",
        "  contrast alone",
        follows((a) => a.contrast),
      )
    }
    for (const value of [-100, 0, 100] as const)
      addPlain(
        `${slider}.${value}`,
        `  measured at ${value}`,
        meanOf(own.map((s) => MOVED[slider](at(s.attributes, value)))),
      )
    const judged = own.flatMap(({ right }): [number, number][] =>
      right ? [[average([at(right, -60), at(right, 60)].map(Number)), Number(at(right, 0))]] : [],
    )
    add(`${slider}.concept`, "  concept at -60 and 60 over 0", pairedRatio(judged), 0.9)
  }
  return figures
}

export async function sliderFigures({ observe, generate, look, count }: Bench): Promise<ControlFigure[]> {
  const prompts = plainPrompts("slider", 40).slice(0, count)
  const sweeps: Sweep[] = []
  for (const slider of SLIDERS)
    for (const [i, { prompt, seed, concepts }] of prompts.entries()) {
      const inputs = SLIDER_VALUES.map((value) => ({ prompt, seed, creativity: 0, [slider]: value }))
      const index = conceptIndex(concepts[0]!)
      const seen = await observe(
        inputs,
        `${slider}, prompt ${i + 1} of ${prompts.length}`,
        async (pictures) => {
          const verdicts = await look?.(pictures)
          const attributes = await Promise.all(pictures.map(attributesOf))
          return attributes.map((a, k) => ({
            a,
            isRight: verdicts && rankOf(verdicts[k]!.concept, index) === 1,
          }))
        },
      )
      const right = look && seen.map((s) => s.isRight === true)
      sweeps.push({ slider, attributes: seen.map((s) => s.a), ...(right && { right }) })
    }
  const { figures, add } = collector("sliders")
  const same: boolean[] = []
  for (const { prompt, seed } of prompts.slice(0, 3)) {
    const plain = await generate({ prompt, seed, creativity: 0 })
    const zero = { intensity: 0, complexity: 0, movement: 0 }
    same.push(await samePixels(plain, await generate({ prompt, seed, creativity: 0, ...zero })))
  }
  add("zero", "0 is bit for bit as not given", share(same), 1)
  return [...sliderFiguresOf(sweeps), ...figures]
}
