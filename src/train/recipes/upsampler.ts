// The upsampler's recipe: from the model's own output at native size to the drawn truth at eight times that.
import * as ort from "onnxruntime-node"
import {
  add,
  compile,
  constant,
  input,
  maximum,
  mean,
  mul,
  pad,
  reshape,
  sigmoid,
  slice,
  sqrt,
  square,
  sub,
  type Tensor,
} from "../../graph/index.ts"
import { arrange, type UpsamplerConfig, upsampledPixels, Weights } from "../../nets/index.ts"
import { initialise } from "../initial.ts"
import { resize } from "../judge/pixels.ts"
import { charbonnier, meanOfAll } from "../losses.ts"
import { openPairs, type Pair } from "../pairs.ts"
import { toPlanes } from "../pictures.ts"
import { Random } from "../random.ts"
import { type Planes, psnr, toBytes, writeSheet } from "../sheet.ts"
import type { Recipe } from "../trainer.ts"

export const upsamplerConfig: UpsamplerConfig = { width: 64, blocks: 6, factor: 8 }

const CROP = 24
const BATCH = 16

/** How much the amounts of light and of edges within every native pixel count beside the pixels themselves. */
const CRISPNESS = 1
/** Values whose shares are compared, and how softly a sub-pixel is counted as above or below one. */
const LEVELS = Array.from({ length: 8 }, (_, i) => (i - 3.5) / 4)
const SOFTNESS = 0.08

/**
 * Amounts within every native pixel of a picture [B,3,8h,8w], wherever in it they lie: which share of its sub-pixels is
 * above each level (a blurred edge has all greys between its two colours, a sharp one none), and how large the steps from
 * sub-pixel to sub-pixel are.
 */
function amounts(picture: Tensor): { shares: Tensor[]; steps: Tensor } {
  const { factor } = upsamplerConfig
  const [batch, , height, width] = picture.shape as number[]
  const perCell = (x: Tensor): Tensor =>
    mean(reshape(x, [batch!, 3, height! / factor, factor, width! / factor, factor]), [3, 5])
  const step = (axis: 2 | 3): Tensor => {
    const size = picture.shape[axis] as number
    const after = [0, 0, axis === 2 ? 1 : 0, axis === 3 ? 1 : 0]
    return pad(
      square(sub(slice(picture, axis, 1, size), slice(picture, axis, 0, size - 1))),
      [0, 0, 0, 0],
      after,
    )
  }
  return {
    shares: LEVELS.map((level) => perCell(sigmoid(mul(sub(picture, level), 1 / SOFTNESS)))),
    steps: sqrt(add(perCell(add(step(2), step(3))), 1e-5)),
  }
}

const smooth = (d: Tensor, softness: number): Tensor => meanOfAll(charbonnier(d, softness))

/**
 * A picture against the truth, both [B,3,8h,8w] in -1..1: smooth absolute difference, and as crisp as the truth. Paid for pixel
 * by pixel alone, an edge whose place is uncertain by a pixel comes out as a blur eight wide. Steps are only counted
 * where there are too many: where too few were counted as well, textures that nobody could guess became a weave of dots.
 */
export function pictureLoss(
  picture: Tensor,
  truth: Tensor,
): { loss: Tensor; reports: Record<string, Tensor> } {
  const difference = sub(picture, truth)
  const [ours, theirs] = [amounts(picture), amounts(truth)]
  // Summed over levels a quarter apart, differences of shares are how far light has to be moved between values.
  const apart = ours.shares.map((share, i) => smooth(sub(share, theirs.shares[i]!), 0.01))
  const light = mul(apart.reduce(add), 1 / 4)
  const steps = smooth(maximum(sub(ours.steps, theirs.steps), constant(0)), 0.01)
  return {
    loss: add(smooth(difference, 0.03), mul(add(light, steps), CRISPNESS)),
    reports: { error: meanOfAll(square(difference)), light, steps },
  }
}

function upsamplerLoss(batch: number): ReturnType<typeof pictureLoss> {
  const { factor } = upsamplerConfig
  const native = input("native", [batch, 3, CROP, CROP])
  const truth = input("truth", [batch, 3 * factor ** 2, CROP, CROP])
  const pixels = upsampledPixels(native, new Weights(), upsamplerConfig)
  return pictureLoss(arrange(pixels, factor), arrange(truth, factor))
}

function rule(name: string, shape: readonly number[]): { deviation: number } | { value: number } {
  if (name.endsWith("bias") || name.startsWith("last")) return { value: 0 }
  const inner = shape.slice(1).reduce((a, b) => a * b, 1)
  return { deviation: (name.endsWith("1.weight") ? 0.3 : 1) * Math.sqrt(1.5 / inner) }
}

export interface UpsamplerRecipeOptions {
  samples: number
  seed: number
}

/** The upsampler, from pairs of which one in twenty is held out for the sheet. */
export function upsamplerRecipe({ samples, seed }: UpsamplerRecipeOptions, pairs = openPairs()): Recipe {
  const held = pairs.filter((_, i) => i % 20 === 19)
  const used = pairs.filter((_, i) => i % 20 !== 19)
  return {
    name: "upsampler",
    samples,
    stage: () => "only",
    batchSize: () => BATCH,
    define: () => {
      return {
        ...upsamplerLoss(BATCH),
        rule: (name, shape) => (shape.length === 4 && name.startsWith("blocks") ? "muon" : "adamw"),
        options: { weightDecay: 0 },
      }
    },
    initial: () => initialise([upsamplerLoss(1).loss], seed, rule),
    rates: (seen) => {
      const warm = Math.min(1, (seen + 1) / 2000)
      const decay = 0.02 + 0.98 * Math.min(1, Math.max(0, 1 - seen / samples) / 0.6)
      return { rate: 1e-3 * warm * decay, matrixRate: 3e-3 * warm * decay }
    },
    batch: async (step) => {
      const random = new Random(seed, step)
      const cells = upsamplerConfig.factor ** 2
      const native = new Float32Array(BATCH * 3 * CROP * CROP)
      const truth = new Float32Array(BATCH * 3 * cells * CROP * CROP)
      for (let b = 0; b < BATCH; b++) cropPair(used[random.below(used.length)]!, b, native, truth, random)
      return {
        native: { data: native, shape: [BATCH, 3, CROP, CROP] },
        truth: { data: truth, shape: [BATCH, 3 * cells, CROP, CROP] },
      }
    },
    averageOver: 5_000,
    sheet: async (weights, folder, counters): Promise<Record<string, number>> => {
      if (held.length === 0) return { pictures: 0 }
      const pictures: Planes[][] = []
      const [ours, resized]: [number[], number[]] = [[], []]
      for (const pair of held) {
        const truth = pair.truth()
        const both = async (view: Float32Array): Promise<[Planes, Planes]> => [
          await lanczos(view, pair.side),
          await upsample(weights, view, pair.side),
        ]
        const [plain, made] = await both(pair.views[0]!)
        ours.push(psnr(made.data, truth.data))
        resized.push(psnr(plain.data, truth.data))
        if (pictures.length < 3) pictures.push([plain, made, ...(await both(pair.views.at(-1)!)), truth])
      }
      await writeSheet(`${folder}/sheet-${String(counters.samples).padStart(8, "0")}.png`, pictures)
      const average = (list: number[]): number => list.reduce((a, b) => a + b) / list.length
      return { psnr: average(ours), lanczos: average(resized), pictures: held.length }
    },
  }
}

function cropPair(pair: Pair, b: number, native: Float32Array, truth: Float32Array, random: Random): void {
  const { factor } = upsamplerConfig
  const [x0, y0] = [random.below(pair.side - CROP + 1), random.below(pair.side - CROP + 1)]
  const small = pair.views[random.below(pair.views.length)]!
  const area = CROP * CROP
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < CROP; y++)
      for (let x = 0; x < CROP; x++) {
        native[(b * 3 + c) * area + y * CROP + x] = small[(c * pair.side + y0 + y) * pair.side + x0 + x]!
        for (let dy = 0; dy < factor; dy++)
          for (let dx = 0; dx < factor; dx++) {
            const channel = (c * factor + dy) * factor + dx
            truth[(b * 3 * factor * factor + channel) * area + y * CROP + x] = pair.pixel(
              c,
              (y0 + y) * factor + dy,
              (x0 + x) * factor + dx,
            )
          }
      }
}

/** One native picture [3,side,side] at eight times its sides by plain resizing: what the network must beat. */
async function lanczos(native: Float32Array, side: number): Promise<Planes> {
  const size = side * upsamplerConfig.factor
  const small = { width: side, height: side, rgb: toBytes({ data: native, width: side, height: side }) }
  const { rgb } = await resize(small, size, size)
  return { data: toPlanes(rgb, size), width: size, height: size }
}

/** One native picture [3,side,side] at eight times its sides. */
export async function upsample(
  weights: ReadonlyMap<string, Float32Array>,
  native: Float32Array,
  side: number,
): Promise<Planes> {
  const x = input("native", ["B", 3, "h", "w"])
  const out = arrange(upsampledPixels(x, new Weights(), upsamplerConfig), upsamplerConfig.factor)
  const { model } = compile({ out }, { weights: (name) => ({ kind: "values", data: weights.get(name)! }) })
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 2, logSeverityLevel: 3 })
  const result = await session.run({ native: new ort.Tensor("float32", native, [1, 3, side, side]) })
  await session.release()
  const size = side * upsamplerConfig.factor
  return { data: result.out!.data as Float32Array, width: size, height: size }
}
