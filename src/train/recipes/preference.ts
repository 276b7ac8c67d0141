// Post-training on the model's own pictures: towards those that the verifier finds better than others of the same caption.
import { SLIDERS, textRope } from "../../nets/index.ts"
import { guided, unstretched } from "../../sampling/lane.ts"
import type { RunState } from "../checkpoint.ts"
import { openLatents } from "../latents.ts"
import { GUIDANCE, modelOf, Painter, type PainterModel } from "../painter.ts"
import { openPictures } from "../pictures.ts"
import { Random } from "../random.ts"
import { openRollouts, type Rollout } from "../rollouts.ts"
import type { Feed } from "../step.ts"
import type { Recipe } from "../trainer.ts"
import { Verifier } from "../verifier.ts"
import { ditBatches, trainingTime } from "./dit-batch.ts"
import { captionFeeds, fillTokens, imageFeeds, realTokens } from "./dit-feeds.ts"
import {
  flowLoss,
  IMAGE_TOKENS,
  LATENT_CHANNELS,
  optimiserRule,
  REFERENCE_TOKENS,
  TEXT_TOKENS,
} from "./dit-network.ts"
import { drawSheet } from "./dit-sheet.ts"

const BATCH = 64
/** How far the guided velocity is moved by an advantage of 1, as a share of the way to the picture. */
const REACH = 1
/** Rows and columns of image tokens of a rollout. */
const SIDE = 8
/** Rollouts are kept as normalised latents. */
const AS_IT_IS = {
  mean: Array<number>(LATENT_CHANNELS).fill(0),
  deviation: Array<number>(LATENT_CHANNELS).fill(1),
}
/** Own pictures of every other batch; the art itself in those between, so that nothing else is forgotten. */
const isOwn = (step: number): boolean => step % 2 === 1

export interface PreferenceOptions {
  /** Samples of this recipe alone. */
  samples: number
  seed: number
  rate?: number
  perceptual: number
  /** The run that painted the rollouts, at rest: its average is where this begins. */
  from: RunState
  folder: string
  /** Folder of its rollouts. */
  rollouts: string
  /** Who says which are better, and the autoencoder that shows it the pictures. */
  verifier: RunState
  autoencoder: RunState
}

/**
 * What the conditional velocity c is to become, where guidance made g of it and `way` leads to a picture: moved so that g
 * comes nearer to the way by the picture's advantage, or goes away from it.
 */
export function bettered(
  c: Float32Array,
  g: Float32Array,
  way: Float32Array,
  advantage: number,
): Float32Array {
  const reach = (REACH / (1 + GUIDANCE)) * advantage // g = c + guidance (c - u), so it moves 1 + guidance times as far
  return c.map((value, j) => value + reach * (way[j]! - g[j]!))
}

export interface OwnMaterial {
  /** Of the weights that painted the rollouts. */
  painter: Pick<Painter, "read" | "velocities">
  model: PainterModel
  rollouts: readonly Rollout[]
  seed: number
}

/** Draws batches of `size` rollouts, each with the velocity it is to have: a function of the step's number. */
export function ownBatches(
  { painter, model: { dit, text, vocabulary }, rollouts, seed }: OwnMaterial,
  size = BATCH,
): (step: number) => Promise<Record<string, Feed>> {
  const textTable = textRope(TEXT_TOKENS, text.headDim, text.ropeTheta)
  return async (step) => {
    const random = new Random(seed, step)
    const [count, row, token] = [
      SIDE * SIDE * LATENT_CHANNELS * 4,
      IMAGE_TOKENS * LATENT_CHANNELS * 4,
      LATENT_CHANNELS * 4,
    ]
    const chosen = Array.from({ length: size }, () => rollouts[random.below(rollouts.length)]!)
    const times = chosen.map(() => trainingTime(random))
    const image = new Float32Array(size * row)
    const target = new Float32Array(size * row)
    chosen.forEach(({ latent }, b) => {
      fillTokens(image, target, b * row, latent, SIDE, SIDE, times[b]!, random, AS_IT_IS)
    })
    const both = new Float32Array(2 * size * row)
    both.set(image)
    both.set(image, size * row)
    const captions = chosen.map(({ caption }) => caption)
    const read = await painter.read([...captions, ...captions.map(() => "")])
    const velocities = await painter.velocities(both, [...times, ...times], read)
    const mix = guided(GUIDANCE) // the rollouts were painted so: it is the guided velocity that is bettered
    for (let b = 0; b < size; b++) {
      const part = (from: Float32Array, at: number): Float32Array => from.subarray(at * row, at * row + count)
      const [x, c, u] = [part(image, b), part(velocities, b), part(velocities, size + b)]
      const aim = part(target, b)
      aim.set(bettered(c, mix([c, unstretched(c, u, { x, t: times[b]! })]), aim, chosen[b]!.advantage))
    }
    const { feeds, lengths } = captionFeeds(captions, vocabulary, textTable)
    return {
      ...feeds,
      ...imageFeeds(image, times, lengths, SIDE, SIDE, dit),
      reference: {
        data: new Float32Array(size * REFERENCE_TOKENS * token),
        shape: [size, REFERENCE_TOKENS, token],
      },
      sliders: { data: new Float32Array(size * SLIDERS * 4), shape: [size, SLIDERS, 4] },
      target: { data: target, shape: [size, IMAGE_TOKENS, token] },
      t: { data: Float32Array.from(times), shape: [size, 1, 1] },
      real: realTokens(SIDE * SIDE),
    }
  }
}

/**
 * Zheng et al. 2025 (DiffusionNFT, "Online diffusion reinforcement with forward process"), with guidance in it. Their loss
 * pulls one implicit policy to a picture and another away from it, by how good it is; written out, it is a flow loss whose
 * target is the old velocity, moved by the picture's advantage towards the way to that picture or away from it.
 */
export async function preferenceRecipe(options: PreferenceOptions): Promise<Recipe> {
  const { samples, seed, from, folder } = options
  const pictures = openPictures()
  const latents = openLatents(pictures)
  const model = modelOf(folder, pictures, from.average)
  const { dit, text } = model
  const art = ditBatches({ ...model, pictures, latents, seed, focusUntil: Infinity })
  const verifier = await Verifier.open(
    options.verifier.average,
    options.autoencoder.average,
    model.statistics,
  )
  const rollouts = await openRollouts(options.rollouts, verifier)
  await verifier.close()
  const painter = await Painter.open(from.average, model)
  const extras = { aligned: true, perceptual: options.perceptual }
  const rate = options.rate ?? 5e-4

  const own = ownBatches({ painter, model, rollouts, seed })
  return {
    name: "preference",
    samples: from.counters.samples + samples,
    before: from.counters,
    stage: () => "only",
    batchSize: () => BATCH,
    define: () => {
      const { loss, ...reports } = flowLoss(BATCH, dit, text, extras)
      return { loss, reports, rule: optimiserRule, options: { iterations: 4 } }
    },
    initial: () => new Map([...from.average].map(([name, data]) => [`w:${name}`, data])),
    rates: (all) => {
      const seen = all - from.counters.samples
      const warm = Math.min(1, (seen + 1) / 3000)
      const decay = 0.02 + 0.98 * Math.max(0, 1 - seen / samples)
      return { rate: rate * warm * decay, matrixRate: 2 * rate * warm * decay }
    },
    batch: (step) => (isOwn(step) ? own(step) : art(step, String(BATCH))),
    averageOver: samples / 8,
    sheet: (weights, sheets, counters) => drawSheet(weights, sheets, counters, model),
  }
}
