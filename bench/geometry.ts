// The three sizes of network that are measured, and the work that one evaluation does.
import { type DitConfig, swigluDim } from "../src/nets/index.ts"

export type Geometry = "S" | "M" | "X"
export type Precision = "f32" | "q8" | "q4"

function dit(
  features: number,
  [heads, kvHeads]: readonly [number, number],
  layers: number,
  [textDim, textHeads, textLayers]: readonly [number, number, number],
): DitConfig {
  return {
    features,
    layers,
    heads,
    kvHeads,
    headDim: features / heads,
    patch: 2,
    channels: 16,
    timeDim: 256,
    mlpDim: swigluDim(features),
    textDim,
    textLayers,
    textHeads,
    textKvHeads: textHeads,
    textHeadDim: textDim / textHeads,
    textMlpDim: swigluDim(textDim),
    layerwiseBlocks: 2,
    refinerBlocks: 2,
  }
}

/** X is the real Krea 2. */
export const geometries: Readonly<Record<Geometry, DitConfig>> = {
  S: dit(512, [8, 2], 12, [256, 4, 4]),
  M: dit(1536, [12, 3], 12, [2560, 20, 12]),
  X: dit(6144, [48, 12], 28, [2560, 20, 12]),
}

/** One row of the table: what is measured, and the best time that stable-diffusion.cpp needs for it, ms. */
export interface Row {
  geometry: Geometry
  image: number
  text: number
  reference: number
  /** How many times faster than the reference one step should be. */
  goal: number
  precisions: readonly Precision[]
}

export const rows: readonly Row[] = [
  { geometry: "S", image: 64, text: 32, reference: 57, goal: 2.5, precisions: ["f32", "q8", "q4"] },
  { geometry: "S", image: 256, text: 32, reference: 147, goal: 2.5, precisions: ["f32", "q8", "q4"] },
  { geometry: "M", image: 1024, text: 64, reference: 3000, goal: 2, precisions: ["f32", "q8", "q4"] },
  { geometry: "X", image: 256, text: 64, reference: 36300, goal: 2.5, precisions: ["q8", "q4"] },
]

/** Rows and columns of a grid of `tokens` patches, as square as its divisors allow. */
export function grid(tokens: number): [number, number] {
  let side = Math.floor(Math.sqrt(tokens))
  while (tokens % side !== 0) side--
  return [side, tokens / side]
}
