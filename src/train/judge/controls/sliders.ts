// Sliders: whether what each names follows its value, and whether the subject stays. Attributes need no classifier.
import { SLIDERS, type Slider } from "../../../controls/sliders.ts"
import { conceptIndex } from "../labels.ts"
import { rankOf } from "../network.ts"
import { type Attributes, attributesOf } from "../similarity.ts"
import { average, meanOf, pairedRatio, share, spearman } from "../statistics.ts"
import { type Bench, type ControlFigure, collector, SEEDS } from "./measure.ts"
import { samePixels } from "./pictures.ts"
import { plainPrompts } from "./subjects.ts"

export const SLIDER_VALUES = [-100, -80, -60, -40, -20, 0, 20, 40, 60, 80, 100] as const

/** Values at which the subject is looked for. */
export const SUBJECT_VALUES = [-60, 0, 60] as const

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
  /** Share of the seeds that show the prompt's subject, at SUBJECT_VALUES; absent without a classifier. */
  readonly shown?: readonly number[]
}

const at = <T>(list: readonly T[], value: (typeof SLIDER_VALUES)[number]): T =>
  list[SLIDER_VALUES.indexOf(value)]!

/** How each slider's measure follows its value, and whether the subject stays, over all prompts. */
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
    const judged = own.flatMap(({ shown }): [number, number][] =>
      shown ? [[average([shown[0]!, shown[2]!]), shown[1]!]] : [],
    )
    add(`${slider}.concept`, "  concept at -60 and 60 over 0", pairedRatio(judged), 0.9)
  }
  return figures
}

/** Moves every slider through its values under each prompt. */
export async function sliderFigures({ observe, generate, look, count }: Bench): Promise<ControlFigure[]> {
  const prompts = plainPrompts("slider", 40).slice(0, count)
  const sweeps: Sweep[] = []
  for (const slider of SLIDERS)
    for (const [i, { prompt, seed, concepts }] of prompts.entries()) {
      const ask = (value: number, more = 0) => ({ prompt, seed: seed + more, creativity: 0, [slider]: value })
      const what = `${slider}, prompt ${i + 1} of ${prompts.length}`
      const attributes = await observe(
        SLIDER_VALUES.map((value) => ask(value)),
        what,
        async (pictures) => await Promise.all(pictures.map(attributesOf)),
      )
      if (!look) {
        sweeps.push({ slider, attributes })
        continue
      }
      const index = conceptIndex(concepts[0]!)
      const isRight = await observe(
        SUBJECT_VALUES.flatMap((value) => SEEDS.map((more) => ask(value, more))),
        what,
        async (pictures) => (await look(pictures)).map(({ concept }) => rankOf(concept, index) === 1),
      )
      const shown = SUBJECT_VALUES.map((_, k) =>
        average(isRight.slice(k * SEEDS.length, (k + 1) * SEEDS.length).map(Number)),
      )
      sweeps.push({ slider, attributes, shown })
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
