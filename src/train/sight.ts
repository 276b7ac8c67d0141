// A small network that sees what is in a clean latent: its features are what the denoiser's middle is pulled towards.
import {
  add,
  constant,
  linear,
  log,
  mean,
  mul,
  reshape,
  rmsNorm,
  softmax,
  sum,
  type Tensor,
} from "../graph/index.ts"
import { gatedAttention, norm, type Rope, swiglu, type Weights } from "../nets/index.ts"
import { BACKGROUND_NAMES, CONCEPT_IDS, STYLE_NAMES } from "./judge/labels.ts"

export const SIGHT_WIDTH = 128
export const SIGHT_HEADS = { width: SIGHT_WIDTH, heads: 4, kvHeads: 2, headDim: 32 }
const LAYERS = 3
/** Classes of one cell: no object, or one of the concepts. */
export const CELL_CLASSES = CONCEPT_IDS.length + 1

/** Clean image tokens [B,N,P] -> features [B,N,128] of unit mean square. `bias` [B,1,1,N] masks padding. */
export function sightFeatures(tokens: Tensor, table: Rope, bias: Tensor, w: Weights): Tensor {
  const d = SIGHT_WIDTH
  let x = w.in("first", (u) => linear(tokens, u.get("weight", [d, tokens.shape[2] as number])))
  for (let i = 0; i < LAYERS; i++)
    x = w.in(`blocks.${i}`, (u) => {
      const attended = u.in("attn", (a) =>
        gatedAttention(norm(x, u.get("prenorm.scale", [d])), a, SIGHT_HEADS, table, bias),
      )
      const y = add(x, attended)
      return add(
        y,
        u.in("mlp", (m) => swiglu(norm(y, u.get("postnorm.scale", [d])), m, d, 3 * d)),
      )
    })
  return rmsNorm(x, constant(new Float32Array(d).fill(1)), 1e-5)
}

/** Minus the log likelihood of `target`, whose rows over the last axis sum to 1 or 0; mean over the first axis. */
const crossEntropy = (logits: Tensor, target: Tensor): Tensor =>
  mul(mean(sum(mul(log(add(softmax(logits), 1e-7)), target), [-1]), [0]), -1)

export interface SightTargets {
  /** Class of each cell [B,N,classes]; rows of zeros on padding. */
  cells: Tensor
  /** [B,styles] */
  style: Tensor
  /** [B,backgrounds] */
  background: Tensor
  /** 1 / share on real cells, 0 on padding: [N]. */
  real: Tensor
}

/** What the encoder says of every cell [B,N,classes], and of the picture's style and background; before the softmax. */
function sightVerdicts(
  features: Tensor,
  real: Tensor,
  w: Weights,
): { cells: Tensor; style: Tensor; background: Tensor } {
  const head = (x: Tensor, name: string, classes: number): Tensor =>
    w.in(name, (u) => linear(x, u.get("weight", [classes, SIGHT_WIDTH]), u.get("bias", [classes])))
  const pooled = mean(mul(features, reshape(real, [real.shape[0]!, 1])), [1])
  return {
    cells: head(features, "cells", CELL_CLASSES),
    style: head(pooled, "style", STYLE_NAMES.length),
    background: head(pooled, "background", BACKGROUND_NAMES.length),
  }
}

/** The encoder's own task: which thing is in each cell, and the whole picture's style and background. */
export function sightLoss(
  features: Tensor,
  targets: SightTargets,
  w: Weights,
): { loss: Tensor; parts: Record<string, Tensor> } {
  const said = sightVerdicts(features, targets.real, w)
  const cells = mean(mul(crossEntropy(said.cells, targets.cells), targets.real), [0])
  const style = crossEntropy(said.style, targets.style)
  const background = crossEntropy(said.background, targets.background)
  return { loss: add(cells, mul(add(style, background), 0.2)), parts: { cells, style, background } }
}
