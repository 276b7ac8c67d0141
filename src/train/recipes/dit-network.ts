// The denoiser as it is trained: sizes, the loss over a batch, first values, and which rule moves which weight.
import {
  add,
  concat,
  constant,
  input,
  linear,
  mean,
  mul,
  reshape,
  rmsNorm,
  silu,
  slice,
  square,
  sub,
  type Tensor,
} from "../../graph/index.ts"
import {
  type DitConfig,
  denoiser,
  SLIDERS,
  STYLE_TOKENS,
  sliderTokens,
  styleTokens,
  swigluDim,
  type TextConfig,
  textFusion,
  Weights,
  WORD_VECTOR,
  wordTaps,
} from "../../nets/index.ts"
import { SIGHT_WIDTH, sightFeatures } from "../sight.ts"

/** Tokens of text per prompt, the closing one included. */
export const TEXT_TOKENS = 16
/** Words, then style tokens of a reference, then one token per slider. */
export const CONDITION_TOKENS = TEXT_TOKENS + STYLE_TOKENS + SLIDERS
/** Image tokens of a reference: eight by eight. */
export const REFERENCE_TOKENS = 64
/** Most image tokens of a native picture: eleven by six. */
export const IMAGE_TOKENS = 66
export const LATENT_CHANNELS = 16

/** The denoiser of a width in heads of 32 (a multiple of 96 or 128) and a number of blocks, with its text fusion. */
export function ditConfig(features = 192, layers = 12): DitConfig {
  const heads = features / 32
  return {
    features,
    layers,
    heads,
    kvHeads: heads % 4 === 0 ? heads / 4 : heads / 3,
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
    places: true,
    pools: 4,
  }
}

/** The sizes of a denoiser with these weights. Throws where others are asked for. */
export function ditConfigOf(
  weights: ReadonlyMap<string, Float32Array>,
  asked: { features?: number; layers?: number } = {},
): DitConfig {
  const modulations = [...weights].filter(([name]) => /^blocks\.\d+\.mod\.lin$/.test(name))
  const sizes = { features: modulations[0]![1].length / 6, layers: modulations.length }
  for (const size of ["features", "layers"] as const)
    if ((asked[size] ?? sizes[size]) !== sizes[size])
      throw new Error(
        `--${size} ${asked[size]}: the run has ${sizes[size]}; leave the option out, or make it deeper with: npm run train -- grow`,
      )
  return ditConfig(sizes.features, sizes.layers)
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

/** How much the alignment counts beside the flow. */
const ALIGNMENT = 0.5

export interface FlowLossOptions {
  /** Pulls a middle layer towards what the encoder (sight.ts) sees in the clean picture. */
  aligned?: boolean
  /** How much it counts beside the flow that the picture aimed at looks to the encoder as the clean one does; 0 for not. */
  perceptual?: number
  /** Where the weights come from; a parameter each without it. */
  weights?: Weights
}

export interface FlowLoss {
  /** What training lowers. */
  loss: Tensor
  /** Mean squared error of the velocity on real image tokens. */
  flow: Tensor
  /** 1 - cosine between the middle of the denoiser and what the encoder sees in the clean picture. */
  alignment?: Tensor
  /** 1 - cosine between what the encoder sees in the picture aimed at and in the clean one, less the noisier it is. */
  perceptual?: Tensor
}

/**
 * The loss over a batch. With `aligned`, a middle layer's image tokens are also pulled towards the features of the
 * encoder of the same art (sight.ts), as Yu et al. (REPA, 2024) do with a pretrained one. With `perceptual`, the clean
 * picture that the velocity aims at is compared in those features too, as Berrada et al. (Boosting latent diffusion
 * with perceptual objectives, 2024) do with a decoder's: squared error alone spends most on what nobody sees.
 */
export function flowLoss(
  size: number,
  dit: DitConfig,
  text: TextConfig,
  { aligned = false, perceptual: weight = 0, weights: w = new Weights() }: FlowLossOptions = {},
): FlowLoss {
  const [t, n, e] = [TEXT_TOKENS, IMAGE_TOKENS, dit.headDim / 2]
  const joint = CONDITION_TOKENS + n
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
  const [image, target] = [input("image", [size, n, token]), input("target", [size, n, token])]
  const rope = { cosine: input("cosine", [joint, e]), sine: input("sine", [joint, e]) }
  const bias = input("bias", [size, 1, 1, joint])
  const { velocity, states } = denoiser(
    {
      image,
      time: input("time", [size, 1, dit.timeDim]),
      text: concat([fused.text, style, sliders], 1),
      rope,
      bias,
    },
    w,
    dit,
  )
  // `real` is 1 / share on real tokens and 0 on padding, so that the mean runs over real tokens only.
  const real = input("real", [n])
  const flow = mean(mul(mean(square(sub(velocity, target)), [0, 2]), real), [0])
  if (!aligned) return { loss: flow, flow }

  const time = input("t", [size, 1, 1])
  const table = {
    cosine: slice(rope.cosine, 0, CONDITION_TOKENS, joint),
    sine: slice(rope.sine, 0, CONDITION_TOKENS, joint),
  }
  const see = (tokens: Tensor): Tensor =>
    sightFeatures(tokens, table, slice(bias, 3, CONDITION_TOKENS, joint), w.at("sight"))
  /** 1 - cosine per cell [B,N] of features that both have mean square 1. */
  const apart = (a: Tensor, b: Tensor): Tensor => sub(1, mean(mul(a, b), [2]))
  const features = see(sub(image, mul(time, target))) // x_t - t (noise - x) = x
  const middle = slice(states[Math.round(dit.layers * 0.4) - 1]!, 1, CONDITION_TOKENS, joint)
  const project = (x: Tensor, name: string, rows: number): Tensor =>
    w.in(name, (u) => linear(x, u.get("weight", [rows, x.shape[2] as number]), u.get("bias", [rows])))
  const seen = project(silu(project(middle, "align.0", dit.features)), "align.1", SIGHT_WIDTH)
  const unit = rmsNorm(seen, constant(new Float32Array(SIGHT_WIDTH).fill(1)), 1e-5)
  const alignment = mean(mul(mean(apart(unit, features), [0]), real), [0])
  const loss = add(flow, mul(alignment, ALIGNMENT))
  if (weight === 0) return { loss, flow, alignment }

  const aim = see(sub(image, mul(time, velocity)))
  const clearness = mul(sub(1, reshape(time, [size, 1])), 2) // from noise one sees a mean of pictures, which looks like none
  const perceptual = mean(mul(mean(mul(apart(aim, features), clearness), [0]), real), [0])
  return { loss: add(loss, mul(perceptual, weight)), flow, alignment, perceptual }
}

/** First values: neutral scales, closed gates, products that keep the variance of their input. */
export function initialRule(
  name: string,
  shape: readonly number[],
): { deviation: number } | { value: number } {
  if (/scale$|norm\.weight$|layernorm\.weight$/.test(name)) return { value: name.endsWith("scale") ? 0 : 1 }
  if (/bias$|mod\.lin$|modulation\.lin$|tproj|last\.linear|places|pool\.out/.test(name)) return { value: 0 }
  if (/projector/.test(name)) return { value: 1 / shape[1]! }
  if (/embed_tokens/.test(name)) return { deviation: 0.5 }
  return { deviation: Math.sqrt(1 / shape.at(-1)!) }
}

/** Hidden matrices go to Muon; tables, first and last layers and everything flat to AdamW. */
export const optimiserRule = (name: string, shape: readonly number[]): "muon" | "adamw" | undefined =>
  name.startsWith("sight.")
    ? undefined // the encoder is finished
    : shape.length === 2 && /blocks\.|layers\./.test(name) && shape[0]! > 1 && !/mod\.lin/.test(name)
      ? "muon"
      : "adamw"
