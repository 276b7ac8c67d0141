// Ten references against one, on the clock. Needs no classifier, and a machine that does nothing else.
import { pairedRatio } from "../statistics.ts"
import { type Bench, type ControlFigure, collector } from "./measure.ts"
import { dataUri } from "./pictures.ts"
import { FILTER_STYLES, plainPrompts } from "./subjects.ts"

/** Each takes eleven pictures that were never encoded before, at both sizes: there are things for twenty. */
const ROUNDS = 20
const MOST = 10
/** The model's own size, that of a request which names none, and one where the encoder's share is largest. */
const SIZES = [
  { key: "", label: "", size: { width: undefined, height: undefined } },
  { key: ".small", label: ", at 256 x 256", size: { width: 256, height: 256 } },
] as const

/** Turn by turn, so that a machine that slows down does so for both; the first of each pair has ten references. */
export async function timingFigures({ generate, paint, count }: Bench): Promise<ControlFigure[]> {
  const rounds = Math.min(ROUNDS, count ?? ROUNDS)
  const pictures: string[] = []
  for (const [i, prompt] of plainPrompts("clock", SIZES.length * (rounds * (MOST + 1) + 2)).entries())
    pictures.push(await dataUri(await paint({ ...prompt, style: FILTER_STYLES[i % FILTER_STYLES.length]! })))
  const { figures, add } = collector("references")
  for (const { key, label, size } of SIZES) {
    const seconds = async (images: readonly string[]): Promise<number> => {
      const references = images.map((image, i) => ({ image, weight: i % 2 === 0 ? 0.4 : 0.3 }))
      const began = performance.now()
      await generate({ prompt: "a fox", seed: 1, creativity: 0, references, ...size })
      return (performance.now() - began) / 1000
    }
    // The model is loaded, and the denoiser has run with as many branches as one look has and as two have, before the clock runs.
    const warm = pictures.splice(0, 2)
    for (const images of [warm.slice(0, 1), warm]) await seconds(images)
    const fresh: [number, number][] = []
    const known: [number, number][] = []
    for (let round = 0; round < rounds; round++) {
      const [one, ...ten] = pictures.splice(0, MOST + 1)
      fresh.push([await seconds(ten), await seconds([one!])])
      known.push([await seconds(ten), await seconds([one!])])
    }
    add(`time${key}`, `time of ten references over one${label}`, pairedRatio(known), 1.15, true)
    add(`time.new${key}`, `  pictures that were never encoded before${label}`, pairedRatio(fresh), 1.15, true)
  }
  return figures
}
