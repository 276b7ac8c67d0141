// What the denoiser's graphs are fed: prompts as tokens, pictures as noisy patches, masks for what is padding.
import {
  causalBias,
  type DitConfig,
  imageRope,
  keyBias,
  timeEmbedding,
  WORD_VECTOR,
} from "../../nets/index.ts"
import type { LatentStatistics } from "../latent-statistics.ts"
import type { Random } from "../random.ts"
import type { Feed } from "../step.ts"
import type { Vocabulary } from "../vocabulary.ts"
import { CONDITION_TOKENS, IMAGE_TOKENS, LATENT_CHANNELS, TEXT_TOKENS } from "./dit-network.ts"

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
export function fillTokens(
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

/** Writes x itself as patch tokens. */
export const cleanTokens = (
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

/** 1 / share on the first `count` tokens and 0 on padding: a mean over all, weighted so, is the mean of the real ones. */
export const realTokens = (count: number): Feed => ({
  data: Float32Array.from({ length: IMAGE_TOKENS }, (_, k) => (k < count ? IMAGE_TOKENS / count : 0)),
  shape: [IMAGE_TOKENS],
})

/** What the text tower is fed for captions of `lengths` words, padded to the most tokens. */
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

/** Whole captions as feeds, with the tokens of each. */
export function captionFeeds(
  captions: readonly string[],
  vocabulary: Vocabulary,
  table: { cosine: Float32Array; sine: Float32Array },
): { feeds: Record<string, Feed>; lengths: number[] } {
  const words = captions.map((caption) => vocabulary.tokens(caption, TEXT_TOKENS))
  const ids = new BigInt64Array(captions.length * TEXT_TOKENS)
  const vectors = new Float32Array(captions.length * TEXT_TOKENS * WORD_VECTOR)
  words.forEach((w, b) => {
    ids.set(BigInt64Array.from(w.ids, BigInt), b * TEXT_TOKENS)
    vectors.set(w.vectors, b * TEXT_TOKENS * WORD_VECTOR)
  })
  const lengths = words.map((w) => w.ids.length)
  return { feeds: promptFeeds(ids, vectors, lengths, table), lengths }
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
    return key < t ? (present?.[row]?.[key - TEXT_TOKENS] ?? false) : key - t < real
  }
  return {
    image: { data: image, shape: [size, n, dit.channels * 4] },
    time: { data: timeEmbedding(times, dit.timeDim), shape: [size, 1, dit.timeDim] },
    cosine: { data: wide(rope.cosine, 1), shape: [t + n, half] },
    sine: { data: wide(rope.sine, 0), shape: [t + n, half] },
    bias: { data: keyBias(size, t + n, counts), shape: [size, 1, 1, t + n] },
  }
}
