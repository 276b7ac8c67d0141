// The denoiser's batches: pictures of one shape with captions, references and slider values, each a function of its step.
import {
  type DitConfig,
  SLIDERS,
  STYLE_TOKENS,
  sliderPowers,
  type TextConfig,
  textRope,
  WORD_VECTOR,
} from "../../nets/index.ts"
import { UNKNOWN } from "../../sampling/words.ts"
import type { LatentStatistics } from "../latent-statistics.ts"
import { noLatents, type openLatents } from "../latents.ts"
import { type Entry, Looks, SliderScale } from "../looks.ts"
import { FOCUS_PREFIX, heldOut, type PictureSet } from "../pictures.ts"
import { Random } from "../random.ts"
import type { Feed } from "../step.ts"
import type { Vocabulary } from "../vocabulary.ts"
import { cleanTokens, fillTokens, imageFeeds, promptFeeds, realTokens } from "./dit-feeds.ts"
import { IMAGE_TOKENS, LATENT_CHANNELS, REFERENCE_TOKENS, TEXT_TOKENS } from "./dit-network.ts"

/** How often a sample brings a reference, and how often each slider is given. */
export const REFERENCE_SHARE = 0.3
/** How many of those with a reference also name its look. */
export const NAMED_SHARE = 0.2
const SLIDER_SHARE = 0.3
/** Place of movement among the sliders. */
const MOVEMENT = 2
/** Share of the batches that show things in steady poses while the focus lasts (decision 034). */
export const FOCUS_SHARE = 0.85

/** Words whose learned vector is never dropped: word vectors blur them. */
const EXACT = new Set(
  "red orange yellow green blue purple pink teal black white brown gray grey two three four left right above below next small large".split(
    " ",
  ),
)

/** Pictures of a shape below which it is left out. */
const LEAST = 64

/** Shift of the training times towards noise, beyond the sampler's 1.6: shapes are decided there, and are learned last. */
const SHIFT = 2.2
/**
 * How often a time is drawn evenly from the first of the sampler's steps instead, and where these begin: there only the
 * words tell what will be seen, and of shifted times one in sixty falls above 0.95.
 */
const FIRST_SHARE = 0.2
const FIRST = 0.85
/**
 * How often a time is shifted towards the picture instead: half of these below 1/3. Small things (spikes, mouths, windows)
 * have a fiftieth of the latents' variance and are lost in the noise from there on, so that is where they are made
 * (decision 047).
 */
const DETAIL_SHARE = 0.4
const DETAIL_SHIFT = 0.5

export interface Material {
  pictures: PictureSet
  latents: ReturnType<typeof openLatents>
  vocabulary: Vocabulary
  statistics: LatentStatistics
  dit: DitConfig
  text: TextConfig
  seed: number
  /** Samples before which most batches show things in steady poses. */
  focusUntil: number
}

/** The pictures that training uses, by their shape in image tokens, "rows x columns". */
export interface Usable {
  all: readonly Entry[]
  shapes: Shapes<Entry>
  /** Those of the focus alone, and how many these are. */
  simple: Shapes<Entry>
  simpleCount: number
}

/** Pictures of one batch must agree in shape; shapes keep their own shares. Throws where there are too few. */
export function usablePictures({ pictures, latents }: Pick<Material, "pictures" | "latents">): Usable {
  const all: Entry[] = pictures.records.flatMap((r, i) =>
    !heldOut(r) && latents.has(i) && (r.width * r.height) / 256 <= IMAGE_TOKENS ? [{ r, i }] : [],
  )
  const shapes = [...Map.groupBy(all, ({ r }) => `${r.height / 16}x${r.width / 16}`)].filter(
    ([, list]) => list.length >= LEAST,
  )
  if (all.length === 0) throw noLatents()
  if (shapes.length === 0)
    throw new Error(
      `None of the shapes of these ${all.length} pictures has ${LEAST}; paint more with: npm run data -- --count 20000, then encode them with: npm run train -- latents`,
    )
  const ofFocus = ({ r }: Entry): boolean => pictures.shards[r.shard]!.startsWith(FOCUS_PREFIX)
  const simple = shapes
    .map(([key, list]): [string, Entry[]] => [key, list.filter(ofFocus)])
    .filter(([, list]) => list.length >= LEAST)
  return { all, shapes, simple, simpleCount: simple.reduce((n, [, list]) => n + list.length, 0) }
}

/** Rows and columns of a shape's key. */
export const sidesOf = (shape: string): [number, number] => shape.split("x").map(Number) as [number, number]

/** Draws batches: the step's number and the stage (the batch's size) tell everything. */
export function ditBatches(
  material: Material,
): (step: number, stage: string) => Promise<Record<string, Feed>> {
  const { latents, vocabulary, statistics, dit, text, seed, focusUntil } = material
  const { all: usable, shapes, simple, simpleCount } = usablePictures(material)
  const looks = new Looks(usable)
  const scale = new SliderScale(usable)
  const textTable = textRope(TEXT_TOKENS, text.headDim, text.ropeTheta)
  return async (step, stage) => {
    const size = Number(stage)
    const random = new Random(seed, step)
    const early = step * size < focusUntil && simpleCount > 0 && random.next() < FOCUS_SHARE
    const [shape, list] = early
      ? pickShape(simple, simpleCount, random)
      : pickShape(shapes, usable.length, random)
    const [rows, columns] = sidesOf(shape)
    const token = LATENT_CHANNELS * 4
    const image = new Float32Array(size * IMAGE_TOKENS * token)
    const target = new Float32Array(size * IMAGE_TOKENS * token)
    const ids = new BigInt64Array(size * TEXT_TOKENS)
    const vectors = new Float32Array(size * TEXT_TOKENS * WORD_VECTOR)
    const reference = new Float32Array(size * REFERENCE_TOKENS * token)
    const powers: number[][] = []
    const present: boolean[][] = []
    const lengths: number[] = []
    const times: number[] = []
    for (let b = 0; b < size; b++) {
      const entry = list[random.below(list.length)]!
      const { r, i } = entry
      const t = trainingTime(random)
      times.push(t)
      fillTokens(
        image,
        target,
        b * IMAGE_TOKENS * token,
        latents.read(i),
        rows,
        columns,
        t,
        random,
        statistics,
      )
      const dropped = random.next() < 0.1
      // With a reference the words for the look are mostly left out: it must come from the picture. Where they stay, the
      // two learn to go together.
      const look = random.next() < REFERENCE_SHARE ? looks.reference(entry, random) : undefined
      const nameless = look !== undefined && random.next() >= NAMED_SHARE
      if (look) cleanTokens(reference, b * REFERENCE_TOKENS * token, latents.read(look.i), 8, 8, statistics)
      powers.push(scale.values(entry))
      present.push([
        ...Array(STYLE_TOKENS).fill(look !== undefined),
        // What leans is always asked to: unasked, everything stands upright.
        ...powers[b]!.map((_, k) => random.next() < SLIDER_SHARE || (r.leans && k === MOVEMENT)),
      ])
      const words = vocabulary.tokens(dropped ? "" : nameless ? r.styleless : r.caption, TEXT_TOKENS)
      words.ids.forEach((id, k) => {
        const replace =
          id >= 2 && random.next() < 0.12 && vocabulary.hasVector(id) && !EXACT.has(vocabulary.word(id))
        ids[b * TEXT_TOKENS + k] = BigInt(replace ? UNKNOWN : id)
      })
      vectors.set(words.vectors, b * TEXT_TOKENS * WORD_VECTOR)
      lengths.push(words.ids.length)
    }
    return {
      ...promptFeeds(ids, vectors, lengths, textTable),
      ...imageFeeds(image, times, lengths, rows, columns, dit, present),
      reference: { data: reference, shape: [size, REFERENCE_TOKENS, token] },
      sliders: { data: sliderPowers(powers.flat()), shape: [size, SLIDERS, 4] },
      target: { data: target, shape: [size, IMAGE_TOKENS, token] },
      t: { data: Float32Array.from(times), shape: [size, 1, 1] },
      real: realTokens(rows * columns),
    }
  }
}

/** A time of the flow: of the sampler's first steps, of its last ones, or of all. */
export function trainingTime(random: Random): number {
  const kind = random.next()
  if (kind < FIRST_SHARE) return FIRST + (1 - FIRST) * random.next()
  return shiftedTime(random, kind < FIRST_SHARE + DETAIL_SHARE ? DETAIL_SHIFT : SHIFT)
}

/** A time drawn logit-normal and shifted towards noise (Esser et al. 2024, 3.1), or below 1 towards the picture. */
function shiftedTime(random: Random, shift: number): number {
  const normal = 1 / (1 + Math.exp(-random.normal()))
  return (shift * normal) / (1 + (shift - 1) * normal)
}

export type Shapes<T> = [string, T[]][]

/** One shape of `total` pictures in all, each as often as its share. */
export function pickShape<T>(shapes: Shapes<T>, total: number, random: Random): [string, T[]] {
  let at = random.below(total)
  for (const entry of shapes) {
    at -= entry[1].length
    if (at < 0) return entry
  }
  return shapes[0]!
}
