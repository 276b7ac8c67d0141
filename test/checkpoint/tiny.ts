// Tiny networks of the same structure as Krea 2's, for the checkpoint tests.
import type { DitConfig, TextConfig, VaeConfig } from "../../src/checkpoint/config.ts"

export const tinyDit: DitConfig = {
  features: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  patch: 2,
  channels: 4,
  timeDim: 32,
  mlpDim: 256,
  textDim: 32,
  textLayers: 3,
  textHeads: 2,
  textKvHeads: 1,
  textHeadDim: 16,
  textMlpDim: 128,
  layerwiseBlocks: 2,
  refinerBlocks: 2,
}

export const tinyText: TextConfig = {
  vocabulary: 50,
  hidden: 32,
  layers: 5,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  mlpDim: 96,
  taps: [2, 5],
  ropeTheta: 5_000_000,
}

export const tinyVae: VaeConfig = {
  baseDim: 8,
  latentChannels: 3,
  multipliers: [1, 2, 4, 4],
  resBlocks: 2,
  latentMean: [0.5, -0.5, 0],
  latentDeviation: [1, 2, 3],
}

/** The real sizes (architecture.md 1). */
export const kreaDit: DitConfig = {
  features: 6144,
  layers: 28,
  heads: 48,
  kvHeads: 12,
  headDim: 128,
  patch: 2,
  channels: 16,
  timeDim: 256,
  mlpDim: 16384,
  textDim: 2560,
  textLayers: 12,
  textHeads: 20,
  textKvHeads: 20,
  textHeadDim: 128,
  textMlpDim: 6912,
  layerwiseBlocks: 2,
  refinerBlocks: 2,
}
