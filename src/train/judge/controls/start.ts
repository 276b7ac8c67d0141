// Start image: how much of its structure is left as the strength rises. Needs no classifier.
import { structuralSimilarity } from "../../../controls/similarity.ts"
import { atNative, type Bitmap } from "../pixels.ts"
import { meanOf, share, spearman } from "../statistics.ts"
import { type Bench, type ControlFigure, collector } from "./measure.ts"
import { dataUri } from "./pictures.ts"
import { plainPrompts } from "./subjects.ts"

export const STRENGTHS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1] as const

/** Structural similarity at the scale of the training art. */
export async function likeness(one: Bitmap, two: Bitmap): Promise<number> {
  const pixels = async (b: Bitmap) => {
    const { width, height, rgb } = await atNative(b)
    return { width, height, data: rgb }
  }
  return structuralSimilarity(await pixels(one), await pixels(two))
}

/** Figures of curves: for every start picture the likeness at each strength. */
export function startFiguresOf(curves: readonly (readonly number[])[]): ControlFigure[] {
  const { figures, add, addPlain } = collector("start")
  const correlations = curves.map((curve) => spearman(STRENGTHS, curve))
  add("each", "pictures with Spearman <= -0.95", share(correlations.map((c) => c <= -0.95)), 1)
  addPlain("spearman", "Spearman, mean", meanOf(correlations), -0.95, true)
  for (const [k, strength] of STRENGTHS.entries())
    addPlain(`similarity.${strength}`, `  similarity at ${strength}`, meanOf(curves.map((c) => c[k]!)))
  return figures
}

/** How much of a start picture is left at each strength. */
export async function startFigures({ observe, paint, count }: Bench): Promise<ControlFigure[]> {
  // The picture shows one thing and the prompt another: what is alike is the picture's doing.
  const all = plainPrompts("start", 60)
  const shown = all.slice(0, 30).slice(0, count)
  const curves: number[][] = []
  for (const [i, prompt] of shown.entries()) {
    const picture = await paint(prompt)
    const image = await dataUri(picture)
    const { prompt: other, seed } = all[30 + i]!
    const inputs = STRENGTHS.map((strength) => ({
      prompt: other,
      seed,
      creativity: 0,
      start: { image, strength },
    }))
    const what = `start image ${i + 1} of ${shown.length}`
    curves.push(await observe(inputs, what, (made) => Promise.all(made.map((m) => likeness(picture, m)))))
  }
  return startFiguresOf(curves)
}
