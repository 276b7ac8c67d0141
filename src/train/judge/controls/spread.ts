// Spread over seeds at medium creativity, as people get it when they ask for more of the same. Needs the classifier.
import { expandPrompt } from "../../../controls/creativity/index.ts"
import { CREATIVITY } from "../../../request/request.ts"
import { featureDistance } from "../similarity.ts"
import { average, meanOf } from "../statistics.ts"
import { varietyOf } from "./creativity.ts"
import { type Bench, type ControlFigure, collector } from "./measure.ts"
import { plainPrompts } from "./subjects.ts"

const SEEDS = 8

/** `sets` holds the features of each prompt's pictures. */
export function spreadFiguresOf(sets: readonly (readonly Float32Array[])[]): ControlFigure[] {
  const { figures, addPlain } = collector("spread")
  addPlain("within", `one prompt, ${SEEDS} seeds`, meanOf(sets.map(varietyOf)))
  const next = sets.map((set, i) => {
    const other = sets[(i + 1) % sets.length]!
    return average(set.flatMap((a) => other.map((b) => featureDistance(a, b))))
  })
  if (sets.length > 1) addPlain("between", "two prompts", meanOf(next))
  return figures
}

/** How different the pictures of one prompt are by seed, at creativity medium; nothing without a classifier. */
export async function spreadFigures({ observe, look, words, count }: Bench): Promise<ControlFigure[]> {
  if (!look) return []
  const prompts = plainPrompts("spread", 100).slice(0, count)
  const inputs = prompts.flatMap(({ prompt, seed: first }) =>
    Array.from({ length: SEEDS }, (_, k) => {
      const asked = { prompt, creativity: CREATIVITY.medium, seed: first + k }
      return { prompt: expandPrompt(asked, words).prompt, creativity: 0, seed: asked.seed }
    }),
  )
  const features = await observe(inputs, "spread", async (pictures) =>
    (await look(pictures)).map((v) => v.features),
  )
  return spreadFiguresOf(prompts.map((_, i) => features.slice(i * SEEDS, (i + 1) * SEEDS)))
}
