// Masks: whether what they leave out stays, whether the asked thing is seen where they lie, and how its edge shows.
import sharp from "sharp"
import { cutPixels } from "../../../image/canvas.ts"
import { conceptIndex } from "../labels.ts"
import { rankOf } from "../network.ts"
import { type Bitmap, decodeBitmap, resize } from "../pixels.ts"
import { average, meanOf, pairedRatio, share } from "../statistics.ts"
import { type Bench, type ControlFigure, collector } from "./measure.ts"
import { dataUri } from "./pictures.ts"
import { plainPrompts } from "./subjects.ts"

const SIDE = 512
/** A circle in each quarter in turn, in sides of the picture. */
const RADIUS = 0.2
const MIDDLES = [
  [0.7, 0.3],
  [0.3, 0.3],
  [0.3, 0.7],
  [0.7, 0.7],
] as const
/** Pixels: a mask's softness ends within so many of its edge, and steps across it are taken as far on either side. */
const SOFT = 10
const STEP = 4

type Middle = (typeof MIDDLES)[number]

/** One masked picture beside the one that it was painted into. */
export interface Painted {
  readonly kept: boolean
  /** Mean difference of two pixels on either side of the edge, 0..1, in what was made and in the start picture. */
  readonly step: number
  readonly before: number
  /** Place of the asked thing among the classifier's guesses in the mask, and in a picture of the same words alone. */
  readonly rank?: number
  readonly alone?: number
}

export function maskFiguresOf(pictures: readonly Painted[]): ControlFigure[] {
  const { figures, add, addPlain } = collector("mask")
  add("kept", "pixels outside are the start picture's", share(pictures.map((p) => p.kept)), 1)
  const judged = pictures.filter((p) => p.rank !== undefined)
  for (const [key, most] of [
    ["top1", 1],
    ["top5", 5],
  ] as const) {
    const within = (rank: number | undefined): number => Number(rank! <= most)
    const label = `the asked thing is seen in it, top ${most}`
    add(key, label, share(judged.map((p) => within(p.rank) === 1)))
    const ratio = pairedRatio(judged.map((p) => [within(p.rank), within(p.alone)]))
    add(`${key}.ratio`, "  over a picture of the same words alone", ratio, 0.9)
  }
  addPlain("step", "step of tone across the edge", meanOf(pictures.map((p) => p.step)))
  addPlain("step.before", "  at the same place in the start picture", meanOf(pictures.map((p) => p.before)))
  return figures
}

const circle = async ([x, y]: Middle): Promise<string> => {
  const shape = `<circle cx="${x * SIDE}" cy="${y * SIDE}" r="${RADIUS * SIDE}" fill="white"/>`
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}"><rect width="${SIDE}" height="${SIDE}"/>${shape}</svg>`
  const png = await sharp(Buffer.from(drawing)).png().toBuffer()
  return `data:image/png;base64,${png.toString("base64")}`
}

const isKept = (made: Bitmap, start: Bitmap, [x, y]: Middle): boolean => {
  const far = RADIUS * SIDE + SOFT
  return made.rgb.every((value, i) => {
    const pixel = Math.floor(i / 3)
    const away = Math.hypot((pixel % SIDE) + 0.5 - x * SIDE, Math.floor(pixel / SIDE) + 0.5 - y * SIDE)
    return away < far || value === start.rgb[i]
  })
}

/** Mean difference of pixels STEP inside and STEP beyond the soft edge of the circle, in 120 directions. */
export function stepAcross({ rgb }: Bitmap, [x, y]: Middle): number {
  const at = (distance: number, angle: number): number => {
    const column = Math.floor(x * SIDE + distance * Math.cos(angle))
    return (Math.floor(y * SIDE + distance * Math.sin(angle)) * SIDE + column) * 3
  }
  const differences = Array.from({ length: 120 }, (_, k) => {
    const angle = (k / 120) * 2 * Math.PI
    const [inside, outside] = [at(RADIUS * SIDE - STEP, angle), at(RADIUS * SIDE + SOFT + STEP, angle)]
    return average([0, 1, 2].map((c) => Math.abs(rgb[inside + c]! - rgb[outside + c]!) / 255))
  })
  return average(differences)
}

/** What the judge is shown of a picture: the square around the circle. */
function seen({ rgb }: Bitmap, [x, y]: Middle): Bitmap {
  const size = Math.round(2 * RADIUS * SIDE)
  const [left, top] = [x, y].map((middle) => Math.round(middle * SIDE - size / 2)) as [number, number]
  const box = { left, top, width: size, height: size }
  const { data } = cutPixels({ width: SIDE, height: SIDE, data: rgb }, box)
  return { width: size, height: size, rgb: data }
}

/** Paints one thing into a picture of another, at strength 1. */
export async function maskFigures({
  observe,
  generate,
  paint,
  look,
  count,
}: Bench): Promise<ControlFigure[]> {
  const all = plainPrompts("mask", 160)
  const shown = all.slice(0, 80).slice(0, count)
  const asked = shown.map((_, i) => all[80 + i]!)
  const alone =
    look &&
    (await observe(
      asked.map(({ prompt, seed }) => ({ prompt, seed, creativity: 0 })),
      "words alone",
      async (pictures, from) =>
        (await look(pictures)).map((v, i) => rankOf(v.concept, conceptIndex(asked[from + i]!.concepts[0]!))),
    ))
  const pictures: Painted[] = []
  for (const [i, prompt] of shown.entries()) {
    const middle = MIDDLES[i % MIDDLES.length]!
    const start = await resize(await paint(prompt), SIDE, SIDE)
    const { prompt: words, seed, concepts } = asked[i]!
    const { pictures: files } = await generate({
      prompt: words,
      seed,
      creativity: 0,
      width: SIDE,
      height: SIDE,
      start: { image: await dataUri(start), mask: await circle(middle), strength: 1 },
    })
    const made = await decodeBitmap(files[0]!.bytes)
    const [verdict] = look ? await look([seen(made, middle)]) : []
    pictures.push({
      kept: isKept(made, start, middle),
      step: stepAcross(made, middle),
      before: stepAcross(start, middle),
      ...(verdict && { rank: rankOf(verdict.concept, conceptIndex(concepts[0]!)), alone: alone![i]! }),
    })
  }
  return maskFiguresOf(pictures)
}
