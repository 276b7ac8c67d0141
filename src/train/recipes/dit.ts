// The denoiser's recipe: text tower, text fusion and DiT trained together by flow matching on encoded scenes.
import type { Tensor } from "../../graph/index.ts"
import { initialise } from "../initial.ts"
import { keptStatistics, latentStatistics } from "../latent-statistics.ts"
import { openLatents } from "../latents.ts"
import { openPictures } from "../pictures.ts"
import type { Recipe } from "../trainer.ts"
import { loadVocabulary } from "../vocabulary.ts"
import { ditBatches } from "./dit-batch.ts"
import { ditConfig, ditConfigOf, flowLoss, initialRule, optimiserRule, textConfig } from "./dit-network.ts"
import { drawSheet } from "./dit-sheet.ts"

export interface DitRecipeOptions {
  samples: number
  seed: number
  features?: number
  layers?: number
  /** Weights of the run that is gone on with, whose sizes stay. */
  weights?: ReadonlyMap<string, Float32Array>
  /** Samples with batches of 32; 64 after them. */
  firstStage?: number
  rate?: number
  /** Averaged weights of the encoder to align with (sight.ts); without it the flow alone is learned. */
  sight?: ReadonlyMap<string, Float32Array>
  /** Weight of the perceptual loss, which the same encoder judges; 0 without it. */
  perceptual?: number
  folder: string
}

/** A recipe and an expression that uses every weight, for those who need their shapes. */
export type DitRecipe = Recipe & { root: Tensor }

/** The denoiser with text tower, style encoder and sliders. Needs the painted scenes and their latents. */
export function ditRecipe(options: DitRecipeOptions): DitRecipe {
  const pictures = openPictures()
  const latents = openLatents(pictures)
  const statistics = keptStatistics(options.folder, () => latentStatistics(pictures.records.length, latents))
  const vocabulary = loadVocabulary(options.folder, pictures)
  const dit = options.weights
    ? ditConfigOf(options.weights, options)
    : ditConfig(options.features, options.layers)
  const text = textConfig(vocabulary.size)
  const seed = options.seed
  const batch = ditBatches({
    pictures,
    latents,
    vocabulary,
    statistics,
    dit,
    text,
    seed,
    focusUntil: 4_000_000,
  })
  const extras = { aligned: options.sight !== undefined, perceptual: options.perceptual ?? 0 }
  const rate = options.rate ?? 2e-3
  return {
    name: "dit",
    root: flowLoss(1, dit, text).loss,
    samples: options.samples,
    stage: (samples) => (samples < (options.firstStage ?? 70_000) ? "32" : "64"),
    batchSize: Number,
    define: (stage) => {
      const { loss, ...reports } = flowLoss(Number(stage), dit, text, extras)
      return {
        loss,
        reports,
        rule: optimiserRule,
        options: { iterations: 4 },
      }
    },
    initial: () => initialise([flowLoss(1, dit, text, extras).loss], seed, initialRule),
    // The encoder without its own heads.
    borrowed: new Map([...(options.sight ?? [])].filter(([name]) => !name.startsWith("sight.heads."))),
    rates: (samples) => {
      const warm = Math.min(1, (samples + 1) / 5000)
      const left = Math.max(0, 1 - samples / options.samples)
      const decay = 0.02 + 0.98 * Math.min(1, left / 0.4)
      return { rate: rate * warm * decay, matrixRate: 2 * rate * warm * decay }
    },
    batch,
    averageOver: 33_000,
    sheet: (weights, folder, counters) =>
      drawSheet(weights, folder, counters, { dit, text, vocabulary, statistics }),
  }
}
