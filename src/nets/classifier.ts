// A small convolutional network that says what a picture shows: the judge's, and the verifier's by which noise is chosen.
import { add, concat, conv, linear, mean, mul, silu, type Tensor } from "../graph/index.ts"
import { channelNorm } from "./vae.ts"
import type { Weights } from "./weights.ts"

export interface ClassifierConfig {
  /** Side of the square input in pixels. */
  side: number
  /** Channels at side / 4, side / 8, side / 16, side / 32. */
  widths: readonly [number, number, number, number]
  /** Residual blocks at each of these scales. */
  blocks: readonly [number, number, number, number]
  concepts: number
  styles: number
  backgrounds: number
}

export interface Heads {
  /** Logits [B, concepts]. */
  concept: Tensor
  /** Logits [B, styles]. */
  style: Tensor
  /** Logits [B, backgrounds]. */
  background: Tensor
  /** Mean of every channel at the last three scales: [B, features]. */
  features: Tensor
}

export const featureSize = (c: ClassifierConfig): number => c.widths[1] + c.widths[2] + c.widths[3]

const around = [1, 1, 1, 1] as const

/** x + W2 silu(W1 norm(x)), W1 3x3 and W2 1x1: the norm is over the channels of each pixel. */
function block(x: Tensor, w: Weights): Tensor {
  const c = x.shape[1] as number
  const h = conv(
    channelNorm(x, w.get("norm.gamma", [c])),
    w.get("conv1.weight", [c, c, 3, 3]),
    w.get("conv1.bias", [c]),
    { padding: around },
  )
  return add(x, conv(silu(h), w.get("conv2.weight", [c, c, 1, 1]), w.get("conv2.bias", [c])))
}

/**
 * image [B,3,side,side] in -1..1 -> logits. `keep`, given in training only, [B,features] of 0 or 1/(1-p), drops
 * features before the heads.
 */
export function classify(image: Tensor, w: Weights, c: ClassifierConfig, keep?: Tensor): Heads {
  let x = conv(image, w.get("stem.weight", [c.widths[0], 3, 6, 6]), w.get("stem.bias", [c.widths[0]]), {
    stride: 4,
    padding: around,
  })
  const pooled: Tensor[] = []
  c.widths.forEach((width, level) => {
    x = w.in(`levels.${level}`, (l) => {
      if (level > 0) {
        const before = x.shape[1] as number
        x = conv(silu(x), l.get("down.weight", [width, before, 3, 3]), l.get("down.bias", [width]), {
          stride: 2,
          padding: around,
        })
      }
      for (let i = 0; i < c.blocks[level]!; i++) x = l.in(`blocks.${i}`, (b) => block(x, b))
      return x
    })
    if (level > 0) pooled.push(mean(silu(channelNorm(x, w.get(`pools.${level}.gamma`, [width]))), [2, 3]))
  })
  const features = concat(pooled, 1)
  const kept = keep ? mul(features, keep) : features
  const size = featureSize(c)
  const head = (name: string, classes: number): Tensor =>
    linear(kept, w.get(`${name}.weight`, [classes, size]), w.get(`${name}.bias`, [classes]))
  return {
    concept: head("concept", c.concepts),
    style: head("style", c.styles),
    background: head("background", c.backgrounds),
    features,
  }
}
