// The denoiser as it is trained: sizes, the loss over a batch, first values, and which rule moves which weight.
import { concat, input, mean, mul, square, sub, type Tensor } from "../../graph/index.ts"
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

/** Tokens of text per prompt, the closing one included. */
export const TEXT_TOKENS = 16
/** Words, then style tokens of a reference, then one token per slider. */
export const CONDITION_TOKENS = TEXT_TOKENS + STYLE_TOKENS + SLIDERS
/** Image tokens of a reference: eight by eight. */
export const REFERENCE_TOKENS = 64
/** Most image tokens of a native picture: eleven by six. */
export const IMAGE_TOKENS = 66
export const LATENT_CHANNELS = 16

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

/** First values: neutral scales, closed gates, products that keep the variance of their input. */
export function initialRule(
  name: string,
  shape: readonly number[],
): { deviation: number } | { value: number } {
  if (/scale$|norm\.weight$|layernorm\.weight$/.test(name)) return { value: name.endsWith("scale") ? 0 : 1 }
  if (/bias$|mod\.lin$|modulation\.lin$|tproj|last\.linear/.test(name)) return { value: 0 }
  if (/projector/.test(name)) return { value: 1 / shape[1]! }
  if (/embed_tokens/.test(name)) return { deviation: 0.5 }
  return { deviation: Math.sqrt(1 / shape.at(-1)!) }
}

/** Hidden matrices go to Muon; tables, first and last layers and everything flat to AdamW. */
export const optimiserRule = (name: string, shape: readonly number[]): "muon" | "adamw" =>
  shape.length === 2 && /blocks\.|layers\./.test(name) && shape[0]! > 1 && !/mod\.lin/.test(name)
    ? "muon"
    : "adamw"
