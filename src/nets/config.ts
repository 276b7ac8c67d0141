// Sizes of the networks, as a checkpoint's shapes reveal them.

/** The DiT with its text fusion (architecture.md 1). */
export interface DitConfig {
  features: number
  layers: number
  heads: number
  kvHeads: number
  headDim: number
  /** Side of an image patch in latent pixels. */
  patch: number
  /** Latent channels. */
  channels: number
  /** Width of the time sinusoid. */
  timeDim: number
  mlpDim: number
  textDim: number
  /** Taps: how many hidden states of the text tower each token brings. */
  textLayers: number
  textHeads: number
  textKvHeads: number
  textHeadDim: number
  textMlpDim: number
  layerwiseBlocks: number
  refinerBlocks: number
  /** Whether image tokens also bring their place, from the rotary table (embedded family only). */
  places?: boolean
  /** How many weighted means of the condition tokens join the time's conditioning (embedded family only). */
  pools?: number
}

/** The Qwen3-VL language tower, text path (architecture.md 4.4). */
export interface TextConfig {
  vocabulary: number
  hidden: number
  layers: number
  heads: number
  kvHeads: number
  headDim: number
  mlpDim: number
  /** Hidden-state indices handed to the DiT: 0 is the embedding, i the stream after layer i-1. */
  taps: readonly number[]
  ropeTheta: number
}

/** Pixels along a side for each pixel of a latent: three levels halve the sides, in every VAE of the family. */
export const COMPRESSION = 8

/** The Qwen-Image VAE for single frames (architecture.md 5). */
export interface VaeConfig {
  baseDim: number
  latentChannels: number
  /** Channel multipliers per level, e.g. 1 2 4 4: one halving of the sides between levels. */
  multipliers: readonly number[]
  resBlocks: number
  latentMean: readonly number[]
  latentDeviation: readonly number[]
}

/** SwiGLU hidden size: floor(2d/3) * multiplier, rounded up to 128. */
export const swigluDim = (width: number, multiplier = 4): number =>
  Math.ceil((Math.floor((2 * width) / 3) * multiplier) / 128) * 128
