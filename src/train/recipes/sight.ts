// The recipe of the encoder that the denoiser is aligned with: it learns to tell what every cell of a latent shows.
import { input, type Tensor } from "../../graph/index.ts"
import { keyBias, positionRope, Weights } from "../../nets/index.ts"
import { initialise } from "../initial.ts"
import { BACKGROUND_NAMES, backgroundIndex, conceptIndex, STYLE_NAMES, styleIndex } from "../judge/labels.ts"
import { keptStatistics, latentStatistics } from "../latent-statistics.ts"
import { noLatents, openLatents } from "../latents.ts"
import { heldOut, openPictures, type PictureRecord } from "../pictures.ts"
import { Random } from "../random.ts"
import { CELL_CLASSES, SIGHT_HEADS, sightFeatures, sightLoss } from "../sight.ts"
import type { Recipe } from "../trainer.ts"
import { pickShape } from "./dit-batch.ts"
import { cleanTokens, realTokens } from "./dit-feeds.ts"
import { IMAGE_TOKENS, LATENT_CHANNELS } from "./dit-network.ts"

const BATCH = 64
const CELL = 16

/** Loss of a batch of clean latents, tokens [B,66,64]. */
function encoderLoss(size: number): { loss: Tensor; parts: Record<string, Tensor> } {
  const n = IMAGE_TOKENS
  const w = new Weights().at("sight")
  const half = SIGHT_HEADS.headDim / 2
  const features = sightFeatures(
    input("clean", [size, n, LATENT_CHANNELS * 4]),
    { cosine: input("cosine", [n, half]), sine: input("sine", [n, half]) },
    input("bias", [size, 1, 1, n]),
    w,
  )
  const targets = {
    cells: input("target.cells", [size, n, CELL_CLASSES]),
    style: input("target.style", [size, STYLE_NAMES.length]),
    background: input("target.background", [size, BACKGROUND_NAMES.length]),
    real: input("real", [n]),
  }
  return sightLoss(features, targets, w.at("heads"))
}

/** Rotary tables of a rows x columns grid, without text before it, padded to the most tokens. */
function gridRope(rows: number, columns: number): { cosine: Float32Array; sine: Float32Array } {
  const places = Array.from({ length: IMAGE_TOKENS }, (_, i): [number, number, number] =>
    i < rows * columns ? [0, Math.floor(i / columns), i % columns] : [0, 0, 0],
  )
  return positionRope(places, SIGHT_HEADS.headDim)
}

/** Class of each cell: the frontmost thing whose box, a little smaller, has the cell's middle; 0 is none. */
function cellClasses(r: PictureRecord): number[] {
  const [rows, columns] = [r.height / CELL, r.width / CELL]
  return Array.from({ length: rows * columns }, (_, i) => {
    const [y, x] = [(Math.floor(i / columns) + 0.5) * CELL, ((i % columns) + 0.5) * CELL]
    const at = r.boxes.findLastIndex(
      ([left, top, w, h]) =>
        Math.abs(x - left - w / 2) < Math.max(w * 0.42, CELL / 2) &&
        Math.abs(y - top - h / 2) < Math.max(h * 0.42, CELL / 2),
    )
    return at < 0 ? 0 : conceptIndex(r.concepts[at]!) + 1
  })
}

export interface SightRecipeOptions {
  samples: number
  seed: number
  /** Folder of the denoiser's run, whose statistics normalise the latents. */
  folder: string
}

/** The encoder of the art, from the latents of the scenes. */
export function sightRecipe({ samples, seed, folder }: SightRecipeOptions): Recipe {
  const pictures = openPictures()
  const latents = openLatents(pictures)
  const statistics = keptStatistics(folder, () => latentStatistics(pictures.records.length, latents))
  const usable = pictures.records
    .map((r, i) => ({ r, i }))
    .filter(({ r, i }) => latents.has(i) && (r.width * r.height) / CELL ** 2 <= IMAGE_TOKENS)
  const shapes = [
    ...Map.groupBy(
      usable.filter(({ r }) => !heldOut(r)),
      ({ r }) => `${r.height}x${r.width}`,
    ),
  ]
  if (shapes.length === 0) throw noLatents()
  const total = shapes.reduce((n, [, list]) => n + list.length, 0)
  return {
    name: "sight",
    samples,
    stage: () => "only",
    batchSize: () => BATCH,
    define: () => {
      const { loss, parts } = encoderLoss(BATCH)
      return {
        loss,
        reports: parts,
        rule: (name, shape) => (shape.length === 2 && name.includes("blocks.") ? "muon" : "adamw"),
        options: { iterations: 4, weightDecay: 0.05 },
      }
    },
    initial: () =>
      initialise([encoderLoss(1).loss], seed, (name, shape) =>
        /scale$|bias$/.test(name) ? { value: 0 } : { deviation: Math.sqrt(1 / shape.at(-1)!) },
      ),
    rates: (seen) => {
      const warm = Math.min(1, (seen + 1) / 4000)
      const decay = 0.02 + 0.98 * Math.min(1, Math.max(0, 1 - seen / samples) / 0.7)
      return { rate: 2e-3 * warm * decay, matrixRate: 2e-3 * warm * decay }
    },
    batch: async (step) => {
      const random = new Random(seed, step)
      const [, list] = pickShape(shapes, total, random)
      const { width, height } = list[0]!.r
      const [rows, columns] = [height / CELL, width / CELL]
      const [n, real, token] = [IMAGE_TOKENS, rows * columns, LATENT_CHANNELS * 4]
      const clean = new Float32Array(BATCH * n * token)
      const cells = new Float32Array(BATCH * n * CELL_CLASSES)
      const style = new Float32Array(BATCH * STYLE_NAMES.length)
      const background = new Float32Array(BATCH * BACKGROUND_NAMES.length)
      for (let b = 0; b < BATCH; b++) {
        const { r, i } = list[random.below(list.length)]!
        cleanTokens(clean, b * n * token, latents.read(i), rows, columns, statistics)
        cellClasses(r).forEach((k, cell) => {
          cells[(b * n + cell) * CELL_CLASSES + k] = 1
        })
        style[b * STYLE_NAMES.length + styleIndex(r.style)] = 1
        background[b * BACKGROUND_NAMES.length + backgroundIndex(r.place)] = 1
      }
      // Noise on the input: what the encoder sees must not hang on the last digit of a latent.
      for (let k = 0; k < clean.length; k++) clean[k]! += 0.1 * random.normal()
      const { cosine, sine } = gridRope(rows, columns)
      return {
        clean: { data: clean, shape: [BATCH, n, token] },
        cosine: { data: cosine, shape: [n, SIGHT_HEADS.headDim / 2] },
        sine: { data: sine, shape: [n, SIGHT_HEADS.headDim / 2] },
        bias: { data: keyBias(BATCH, n, (_, key) => key < real), shape: [BATCH, 1, 1, n] },
        "target.cells": { data: cells, shape: [BATCH, n, CELL_CLASSES] },
        "target.style": { data: style, shape: [BATCH, STYLE_NAMES.length] },
        "target.background": { data: background, shape: [BATCH, BACKGROUND_NAMES.length] },
        real: realTokens(real),
      }
    },
    averageOver: 20_000,
  }
}
