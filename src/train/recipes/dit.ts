// The denoiser's recipe: text tower, text fusion and DiT trained together by flow matching on encoded scenes.
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { concat, input, mean, mul, square, sub, type Tensor } from "../../graph/index.ts"
import {
  causalBias,
  type DitConfig,
  denoiser,
  imageRope,
  keyBias,
  SLIDERS,
  STYLE_TOKENS,
  sliderPowers,
  sliderTokens,
  styleTokens,
  swigluDim,
  type TextConfig,
  textFusion,
  textRope,
  timeEmbedding,
  Weights,
  WORD_VECTOR,
  wordTaps,
} from "../../nets/index.ts"
import { UNKNOWN } from "../../sampling/words.ts"
import { initialise } from "../initial.ts"
import { openLatents } from "../latents.ts"
import { Looks, SliderScale } from "../looks.ts"
import { heldOut, openPictures } from "../pictures.ts"
import { Random } from "../random.ts"
import type { Feed } from "../step.ts"
import type { Recipe } from "../trainer.ts"
import { loadVocabulary, type Vocabulary } from "../vocabulary.ts"
import { drawSheet } from "./dit-sheet.ts"

/** Tokens of text per prompt, the closing one included. */
export const TEXT_TOKENS = 16
/** Words, then style tokens of a reference, then one token per slider. */
export const CONDITION_TOKENS = TEXT_TOKENS + STYLE_TOKENS + SLIDERS
/** Image tokens of a reference: eight by eight. */
const REFERENCE_TOKENS = 64
/** Most image tokens of a native picture: eleven by six. */
export const IMAGE_TOKENS = 66
const LATENT_CHANNELS = 16

export function ditConfig(features = 256, layers = 8): DitConfig {
  return {
    features,
    layers,
    heads: features / 32,
    kvHeads: features / 128,
    headDim: 32,
    patch: 2,
    channels: LATENT_CHANNELS,
    timeDim: 256,
    mlpDim: swigluDim(features),
    textDim: 192,
    textLayers: 3,
    textHeads: 6,
    textKvHeads: 6,
    textHeadDim: 32,
    textMlpDim: swigluDim(192),
    layerwiseBlocks: 2,
    refinerBlocks: 2,
  }
}

export const textConfig = (vocabulary: number): TextConfig => ({
  vocabulary,
  hidden: 192,
  layers: 3,
  heads: 6,
  kvHeads: 2,
  headDim: 32,
  mlpDim: 512,
  taps: [1, 2, 3],
  ropeTheta: 10_000,
})

/** Mean and deviation per latent channel over the training set. */
export interface LatentStatistics {
  mean: readonly number[]
  deviation: readonly number[]
}

/** The loss over a batch: mean squared error of the velocity on real image tokens. */
export function flowLoss(size: number, dit: DitConfig, text: TextConfig): { loss: Tensor; hidden: Tensor[] } {
  const [t, n, e] = [TEXT_TOKENS, IMAGE_TOKENS, dit.headDim / 2]
  const joint = CONDITION_TOKENS + n
  const w = new Weights()
  const textTable = {
    cosine: input("text.cosine", [t, text.headDim / 2]),
    sine: input("text.sine", [t, text.headDim / 2]),
  }
  const taps = wordTaps(
    input("ids", [size, t], "int64"),
    input("vectors", [size, t, WORD_VECTOR]),
    textTable,
    input("causal", [size, 1, t, t]),
    w.at("text"),
    text,
  )
  const fused = textFusion(taps, w, dit, input("textBias", [size, 1, 1, t]))
  const token = dit.channels * 4
  const style = styleTokens(input("reference", [size, REFERENCE_TOKENS, token]), w, dit.features)
  const sliders = sliderTokens(input("sliders", [size, SLIDERS, 4]), w, dit.features)
  const { velocity, states } = denoiser(
    {
      image: input("image", [size, n, token]),
      time: input("time", [size, 1, dit.timeDim]),
      text: concat([fused.text, style, sliders], 1),
      rope: { cosine: input("cosine", [joint, e]), sine: input("sine", [joint, e]) },
      bias: input("bias", [size, 1, 1, joint]),
    },
    w,
    dit,
  )
  // `real` is 1 / share on real tokens and 0 on padding, so that the mean runs over real tokens only.
  const error = mean(square(sub(velocity, input("target", [size, n, token]))), [0, 2]) // [N]
  const loss = mean(mul(error, input("real", [n])), [0])
  return { loss, hidden: states }
}

function rule(name: string, shape: readonly number[]): { deviation: number } | { value: number } {
  if (/scale$|norm\.weight$|layernorm\.weight$/.test(name)) return { value: name.endsWith("scale") ? 0 : 1 }
  if (/bias$|mod\.lin$|modulation\.lin$|tproj|last\.linear/.test(name)) return { value: 0 }
  if (/projector/.test(name)) return { value: 1 / shape[1]! }
  if (/embed_tokens/.test(name)) return { deviation: 0.5 }
  return { deviation: Math.sqrt(1 / shape.at(-1)!) }
}

/** Hidden matrices go to Muon; tables, first and last layers and everything flat to AdamW. */
const optimiserRule = (name: string, shape: readonly number[]): "muon" | "adamw" =>
  shape.length === 2 && /blocks\.|layers\./.test(name) && shape[0]! > 1 && !/mod\.lin/.test(name)
    ? "muon"
    : "adamw"

export interface DitRecipeOptions {
  samples: number
  seed: number
  features?: number
  layers?: number
  /** Samples with batches of 32; 64 after them. */
  firstStage?: number
  rate?: number
  folder: string
}

/** How often a sample brings a reference, and how often each slider is given. */
const REFERENCE_SHARE = 0.3
const SLIDER_SHARE = 0.3

/** Words whose learned vector is never dropped: word vectors blur them. */
const EXACT = new Set(
  "red orange yellow green blue purple pink teal black white brown gray grey two three four left right above below next small large".split(
    " ",
  ),
)

/** A recipe and an expression that uses every weight, for those who need their shapes. */
export type DitRecipe = Recipe & { root: Tensor }

export function ditRecipe(options: DitRecipeOptions): DitRecipe {
  const pictures = openPictures()
  const latents = openLatents(pictures)
  const vocabulary: Vocabulary = loadVocabulary(options.folder, pictures)
  const dit = ditConfig(options.features, options.layers)
  const text = textConfig(vocabulary.size)
  const statistics = keptStatistics(options.folder, () => latentStatistics(pictures.records.length, latents))
  // Records by shape, those of a batch must agree; weights keep the shapes' own shares.
  const usable = pictures.records.flatMap((r, i) =>
    !heldOut(r) && latents.has(i) && (r.width * r.height) / 256 <= IMAGE_TOKENS ? [{ r, i }] : [],
  )
  const shapes = [...Map.groupBy(usable, ({ r }) => `${r.height / 16}x${r.width / 16}`)].filter(
    ([, list]) => list.length >= 64,
  )
  const looks = new Looks(usable)
  const scale = new SliderScale(usable)
  const singles = new Map(shapes.map(([key, list]) => [key, list.filter(({ r }) => r.stage === "single")]))
  const textTable = textRope(TEXT_TOKENS, text.headDim, text.ropeTheta)
  const sizeOf = (stage: string): number => Number(stage)
  const shift = Math.exp(0.48)
  const batch = async (step: number, stage: string): Promise<Record<string, Feed>> => {
    const size = sizeOf(stage)
    const random = new Random(options.seed, step)
    const [shape, all] = pickShape(shapes, usable.length, random)
    const simple = singles.get(shape)!
    // Single objects first: half of the early batches leave scenes out.
    const early = step * size < 0.15 * options.samples && simple.length >= 64 && random.next() < 0.5
    const list = early ? simple : all
    const [rows, columns] = shape.split("x").map(Number) as [number, number]
    const real = rows * columns
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
      const normal = 1 / (1 + Math.exp(-random.normal()))
      const t = (shift * normal) / (1 + (shift - 1) * normal)
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
      // With a reference the words for the look are left out: it must come from the picture.
      const look = random.next() < REFERENCE_SHARE ? looks.reference(entry, random) : undefined
      if (look) cleanTokens(reference, b * REFERENCE_TOKENS * token, latents.read(look.i), 8, 8, statistics)
      powers.push(scale.values(entry))
      present.push([
        ...Array(STYLE_TOKENS).fill(look !== undefined),
        ...powers[b]!.map(() => random.next() < SLIDER_SHARE),
      ])
      const words = vocabulary.tokens(dropped ? "" : look ? r.styleless : r.caption, TEXT_TOKENS)
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
      real: {
        data: Float32Array.from({ length: IMAGE_TOKENS }, (_, k) => (k < real ? IMAGE_TOKENS / real : 0)),
        shape: [IMAGE_TOKENS],
      },
    }
  }
  const rate = options.rate ?? 1.5e-3
  return {
    name: "dit",
    root: flowLoss(1, dit, text).loss,
    samples: options.samples,
    stage: (samples) => (samples < (options.firstStage ?? 400_000) ? "32" : "64"),
    batchSize: sizeOf,
    define: (stage) => ({
      loss: flowLoss(sizeOf(stage), dit, text).loss,
      rule: optimiserRule,
      options: { iterations: 4 },
    }),
    initial: () => initialise([flowLoss(1, dit, text).loss], options.seed, rule),
    rates: (samples) => {
      const warm = Math.min(1, (samples + 1) / 5000)
      const left = Math.max(0, 1 - samples / options.samples)
      const decay = 0.02 + 0.98 * Math.min(1, left / 0.4)
      return { rate: rate * warm * decay, matrixRate: rate * warm * decay }
    },
    batch,
    averageDecay: 0.97,
    sheet: (weights, folder, counters) =>
      drawSheet(weights, folder, counters, { dit, text, vocabulary, statistics }),
  }
}

/** A run normalises latents by the same numbers for ever, however the set grows. */
export function keptStatistics(folder: string, compute: () => LatentStatistics): LatentStatistics {
  const path = `${folder}/latents.json`
  if (!existsSync(path)) writeFileSync(path, JSON.stringify(compute()))
  return JSON.parse(readFileSync(path, "utf8")) as LatentStatistics
}

/** Statistics of latents from every n-th record. */
export function latentStatistics(count: number, latents: ReturnType<typeof openLatents>): LatentStatistics {
  const sums = new Float64Array(LATENT_CHANNELS)
  const squares = new Float64Array(LATENT_CHANNELS)
  let seen = 0
  for (let i = 0, taken = 0; i < count && taken < 2000; i += Math.max(1, Math.floor(count / 2000))) {
    if (!latents.has(i)) continue
    taken++
    const z = latents.read(i)
    const plane = z.length / LATENT_CHANNELS
    seen += plane
    for (let c = 0; c < LATENT_CHANNELS; c++)
      for (let k = 0; k < plane; k++) {
        const v = z[c * plane + k]!
        sums[c]! += v
        squares[c]! += v * v
      }
  }
  const means = [...sums].map((s) => s / seen)
  return { mean: means, deviation: [...squares].map((s, c) => Math.sqrt(s / seen - means[c]! ** 2)) }
}

type Shapes<T> = [string, T[]][]

function pickShape<T>(shapes: Shapes<T>, total: number, random: Random): [string, T[]] {
  let at = random.below(total)
  for (const entry of shapes) {
    at -= entry[1].length
    if (at < 0) return entry
  }
  return shapes[0]!
}

/** Visits every value of a latent [16,2 rows,2 columns]: its normalised number and its place among patch tokens. */
function eachToken(
  z: Float16Array,
  rows: number,
  columns: number,
  s: LatentStatistics,
  visit: (clean: number, place: number) => void,
): void {
  const [h, w] = [rows * 2, columns * 2]
  for (let c = 0; c < LATENT_CHANNELS; c++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const clean = (z[(c * h + y) * w + x]! - s.mean[c]!) / s.deviation[c]!
        visit(clean, ((y >> 1) * columns + (x >> 1)) * LATENT_CHANNELS * 4 + c * 4 + (y & 1) * 2 + (x & 1))
      }
}

/** Writes x_t = (1-t) x + t noise and the velocity noise - x as patch tokens. */
function fillTokens(
  image: Float32Array,
  target: Float32Array,
  at: number,
  z: Float16Array,
  rows: number,
  columns: number,
  t: number,
  random: Random,
  s: LatentStatistics,
): void {
  eachToken(z, rows, columns, s, (clean, place) => {
    const noise = random.normal()
    image[at + place] = (1 - t) * clean + t * noise
    target[at + place] = noise - clean
  })
}

const cleanTokens = (
  out: Float32Array,
  at: number,
  z: Float16Array,
  rows: number,
  columns: number,
  s: LatentStatistics,
): void =>
  eachToken(z, rows, columns, s, (clean, place) => {
    out[at + place] = clean
  })

export function promptFeeds(
  ids: BigInt64Array,
  vectors: Float32Array,
  lengths: readonly number[],
  table: { cosine: Float32Array; sine: Float32Array },
): Record<string, Feed> {
  const [size, t] = [lengths.length, TEXT_TOKENS]
  const half = table.cosine.length / t
  return {
    ids: { data: ids, shape: [size, t] },
    vectors: { data: vectors, shape: [size, t, WORD_VECTOR] },
    "text.cosine": { data: table.cosine, shape: [t, half] },
    "text.sine": { data: table.sine, shape: [t, half] },
    causal: { data: causalBias(lengths, t), shape: [size, 1, t, t] },
    textBias: { data: keyBias(size, t, (row, key) => key < lengths[row]!), shape: [size, 1, 1, t] },
  }
}

/** `present` tells which style and slider tokens of each row count; without it none do. */
export function imageFeeds(
  image: Float32Array,
  times: readonly number[],
  lengths: readonly number[],
  rows: number,
  columns: number,
  dit: DitConfig,
  present?: readonly (readonly boolean[])[],
): Record<string, Feed> {
  const [size, t, n] = [times.length, CONDITION_TOKENS, IMAGE_TOKENS]
  const real = rows * columns
  const rope = imageRope(t, rows, columns, dit.headDim)
  const half = dit.headDim / 2
  const wide = (table: Float32Array, fill: number): Float32Array => {
    const out = new Float32Array((t + n) * half).fill(fill)
    out.set(table)
    return out
  }
  const counts = (row: number, key: number): boolean => {
    if (key < TEXT_TOKENS) return key < lengths[row]!
    return key < t ? (present?.[row]![key - TEXT_TOKENS] ?? false) : key - t < real
  }
  return {
    image: { data: image, shape: [size, n, dit.channels * 4] },
    time: { data: timeEmbedding(times, dit.timeDim), shape: [size, 1, dit.timeDim] },
    cosine: { data: wide(rope.cosine, 1), shape: [t + n, half] },
    sine: { data: wide(rope.sine, 0), shape: [t + n, half] },
    bias: { data: keyBias(size, t + n, counts), shape: [size, 1, 1, t + n] },
  }
}
