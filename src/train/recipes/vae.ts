// The autoencoder's recipe: Qwen-Image VAE architecture at small width, trained on crops of the scene art.
import * as ort from "onnxruntime-node"
import {
  add,
  compile,
  constant,
  exp,
  input,
  mean,
  mul,
  reshape,
  type Shape,
  slice,
  sqrt,
  square,
  sub,
  type Tensor,
} from "../../graph/index.ts"
import { decode, encode, type VaeConfig, Weights } from "../../nets/index.ts"
import { initialise } from "../initial.ts"
import { charbonnier, meanOfAll } from "../losses.ts"
import { cropInto, heldOut, openPictures, type PictureSet, toPlanes } from "../pictures.ts"
import { Random } from "../random.ts"
import { type Planes, psnr, writeSheet } from "../sheet.ts"
import { type Feed, parametersOf } from "../step.ts"
import type { Recipe } from "../trainer.ts"

export const vaeConfig: VaeConfig = {
  baseDim: 16,
  latentChannels: 16,
  multipliers: [1, 2, 4, 4],
  resBlocks: 1,
  latentMean: Array(16).fill(0),
  latentDeviation: Array(16).fill(1),
}

/** Our files keep the one temporal tap that acts on single frames. */
export const layout = { temporalTaps: 1 } as const

const KL_WEIGHT = 2e-4
const EDGE_WEIGHT = 0.5
const TEXTURE_WEIGHT = 2
const DRIFT_WEIGHT = 0.1

const smooth = (d: Tensor): Tensor => meanOfAll(charbonnier(d, 0.03))

/** Difference of neighbours along an axis: where edges are. */
function edges(x: Tensor, axis: 2 | 3): Tensor {
  const size = x.shape[axis] as number
  return sub(slice(x, axis, 1, size), slice(x, axis, 0, size - 1))
}

/**
 * Deviation within every block of 4 x 4 pixels: how much texture is there, wherever its dots and strokes lie. Paid for
 * pixel by pixel alone, halftone, stitches and brush strokes come back as even grey.
 */
function texture(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape as number[]
  const blocks = reshape(x, [batch!, channels!, height! / 4, 4, width! / 4, 4])
  const average = mean(blocks, [3, 5], true)
  return sqrt(add(mean(square(sub(blocks, average)), [3, 5]), 1e-4))
}

/**
 * What the autoencoder lowers. With `anchor`, latents that it once gave to the same crops, leaving them costs as well,
 * each channel in its own deviations, so that a denoiser trained on those goes on with these.
 */
function vaeLoss(
  image: Tensor,
  noise: Tensor,
  w: Weights,
  anchor?: { latents: Tensor; deviation: readonly number[] },
): { loss: Tensor; reports: Record<string, Tensor> } {
  const z = vaeConfig.latentChannels
  const moments = encode(image, w, vaeConfig, layout).output
  const mu = slice(moments, 1, 0, z)
  const logVariance = slice(moments, 1, z, 2 * z)
  const latent = add(mu, mul(exp(mul(logVariance, 0.5)), noise))
  const output = decode(latent, w, vaeConfig, layout).output
  const difference = sub(output, image)
  const error = meanOfAll(square(difference))
  const edge = add(smooth(edges(difference, 2)), smooth(edges(difference, 3)))
  const kl = mul(meanOfAll(sub(add(square(mu), exp(logVariance)), add(logVariance, 1))), 0.5)
  const grain = smooth(sub(texture(output), texture(image)))
  const picture = add(add(smooth(difference), mul(edge, EDGE_WEIGHT)), mul(grain, TEXTURE_WEIGHT))
  const loss = add(picture, mul(kl, KL_WEIGHT))
  if (!anchor) return { loss, reports: { error, grain, kl } }
  const scale = constant(
    Float32Array.from(anchor.deviation, (d) => 1 / d),
    [1, z, 1, 1],
  )
  const drift = meanOfAll(square(mul(sub(mu, anchor.latents), scale)))
  return { loss: add(loss, mul(drift, DRIFT_WEIGHT)), reports: { error, grain, kl, drift } }
}

/** Residual branches start small, everything else keeps the variance of its input. */
function rule(name: string, shape: readonly number[]): { deviation: number } | { value: number } {
  if (name.endsWith("gamma")) return { value: 1 }
  if (name.endsWith("bias")) return { value: 0 }
  const inner = shape.slice(1).reduce((a, b) => a * b, 1)
  const small = /conv2\.weight|proj\.weight|conv_out\.weight/.test(name) ? 0.3 : 1
  return { deviation: small * Math.sqrt(1 / inner) }
}

export interface VaeRecipeOptions {
  samples: number
  seed: number
  /** Weights to go on from. The encoder is frozen, so that latents stay what they are and only pictures get better... */
  from?: ReadonlyMap<string, Float32Array>
  /** ...or, with the latents' deviation per channel, it may move, but not far from the latents it gives now. */
  near?: readonly number[]
}

/** Pixels after which every texture that keeps step with the latents begins anew. */
const STEP = 16

const ofEncoder = (name: string): boolean => /^(encoder|quant_conv)\b/.test(name)

/** The autoencoder from nothing, its decoder alone (`from`), or both halves close to what they were (`from` and `near`). */
export function vaeRecipe(options: VaeRecipeOptions, pictures: PictureSet = openPictures()): Recipe {
  const crop = 64
  const batch = (stage: string): number => Number(stage)
  const held = pictures.records.filter((r) => heldOut(r) && r.width === 128 && r.height === 128)
  const used = pictures.records.filter((r) => !heldOut(r))
  const expressions = (size: number) => {
    const image = input("image", [size, 3, crop, crop])
    const shape = [size, vaeConfig.latentChannels, crop / 8, crop / 8]
    const anchor = options.near && { latents: input("anchor", shape), deviation: options.near }
    return vaeLoss(image, input("noise", shape), new Weights(), anchor)
  }
  const { from, near } = options
  // What has come to rest would first be thrown back by the rates of a beginning.
  const [name, share] = near
    ? (["tune", 0.4] as const)
    : from
      ? (["decoder", 0.25] as const)
      : (["vae", 1] as const)
  let before: Promise<Coder> | undefined
  return {
    name,
    samples: options.samples,
    stage: (samples) => (!from && samples < 0.15 * options.samples ? "8" : "16"),
    batchSize: batch,
    define: (stage) => {
      return {
        ...expressions(batch(stage)),
        rule: (name, shape) => {
          if (from && !near && ofEncoder(name)) return undefined
          const hidden = shape.length >= 4 && name.endsWith("weight") && !/conv_in|conv_out|quant/.test(name)
          return hidden ? "muon" : "adamw"
        },
        options: { weightDecay: 0 },
      }
    },
    initial: () =>
      from
        ? new Map([...from].map(([name, data]) => [`w:${name}`, data]))
        : initialise([expressions(1).loss], options.seed, rule),
    rates: (samples) => {
      const warm = Math.min(1, (samples + 1) / 2000)
      const left = Math.max(0, 1 - samples / options.samples)
      const decay = 0.02 + 0.98 * Math.min(1, left / 0.6)
      const scale = warm * decay * share
      return { rate: 2e-3 * scale, matrixRate: 6e-3 * scale }
    },
    batch: async (step, stage) => {
      const size = batch(stage)
      const random = new Random(options.seed, step)
      const data = new Float32Array(size * 3 * crop * crop)
      for (let i = 0; i < size; i++) {
        const record = used[random.below(used.length)]!
        // Textures keep step with the latents' grid (decision 050), so crops do, and are never mirrored.
        const x = STEP * random.below((record.width - crop) / STEP + 1)
        const y = STEP * random.below((record.height - crop) / STEP + 1)
        cropInto(data, i * 3 * crop * crop, pictures.read(record), record.width, x, y, crop, crop)
      }
      const shape = [size, vaeConfig.latentChannels, crop / 8, crop / 8]
      const feeds: Record<string, Feed> = {
        image: { data, shape: [size, 3, crop, crop] },
        noise: { data: random.normals(shape.reduce((a, b) => a * b)), shape },
      }
      if (from && near) {
        before ??= createCoder(from, 1)
        feeds.anchor = { data: await (await before).encode(data, crop, crop), shape }
      }
      return feeds
    },
    averageOver: 5_000,
    sheet: async (weights, folder, { samples }) => {
      const coder = await createCoder(weights)
      const rows: Planes[][] = []
      let total = 0
      for (const record of held.slice(0, 24)) {
        const image = toPlanes(pictures.read(record), 128)
        const back = await coder.roundTrip(image, 128, 128)
        total += psnr(back, image)
        rows.push([image, back].map((data) => ({ data, width: 128, height: 128 })))
      }
      const count = rows.length
      await coder.close()
      const lines = [0, 1, 2, 3].map((i) => rows.slice(i * 6, i * 6 + 6).flat())
      await writeSheet(`${folder}/sheet-${String(samples).padStart(8, "0")}.png`, lines)
      return { psnr: total / count }
    },
  }
}

/** Names and shapes of the autoencoder's weights as training keeps them. */
export function vaeShapes(): { name: string; shape: readonly number[] }[] {
  const image = input("image", [1, 3, 64, 64])
  return parametersOf([
    vaeLoss(image, input("noise", [1, vaeConfig.latentChannels, 8, 8]), new Weights()).loss,
  ])
}

export interface Coder {
  /** Picture planes in -1..1 -> latent mean [16,h/8,w/8], not normalised. */
  encode: (image: Float32Array, width: number, height: number) => Promise<Float32Array>
  decode: (latent: Float32Array, width: number, height: number) => Promise<Float32Array>
  roundTrip: (image: Float32Array, width: number, height: number) => Promise<Float32Array>
  close: () => Promise<void>
}

/** Inference sessions over given weights; sizes are free. */
export async function createCoder(weights: ReadonlyMap<string, Float32Array>, threads = 2): Promise<Coder> {
  const source = (name: string) => ({ kind: "values" as const, data: weights.get(name)! })
  const session = async (name: string, shape: Shape, build: (x: Tensor) => Tensor) => {
    const { model } = compile({ out: build(input(name, shape)) }, { weights: source })
    return await ort.InferenceSession.create(model, { intraOpNumThreads: threads, logSeverityLevel: 3 })
  }
  const z = vaeConfig.latentChannels
  const down = await session("x", ["B", 3, "8*h", "8*w"], (x) =>
    slice(encode(x, new Weights(), vaeConfig, layout).output, 1, 0, z),
  )
  const up = await session("x", ["B", z, "h", "w"], (x) => decode(x, new Weights(), vaeConfig, layout).output)
  const run = async (s: ort.InferenceSession, data: Float32Array, shape: number[]): Promise<Float32Array> =>
    (await s.run({ x: new ort.Tensor("float32", data, shape) })).out!.data as Float32Array
  const coder: Coder = {
    encode: (image, width, height) =>
      run(down, image, [image.length / (3 * width * height), 3, height, width]),
    decode: (latent, width, height) =>
      run(up, latent, [latent.length / ((z * width * height) / 64), z, height / 8, width / 8]),
    roundTrip: async (image, width, height) =>
      coder.decode(await coder.encode(image, width, height), width, height),
    close: async () => {
      await down.release()
      await up.release()
    },
  }
  return coder
}
