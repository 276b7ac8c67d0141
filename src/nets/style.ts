// What the embedded family reads beside words: style tokens of a reference picture, and tokens for the sliders.
import {
  add,
  concat,
  type Dim,
  gelu,
  linear,
  mean,
  reshape,
  slice,
  sqrt,
  square,
  sub,
  type Tensor,
} from "../graph/index.ts"
import type { Weights } from "./weights.ts"

/** Style tokens per reference. */
export const STYLE_TOKENS = 4
/** Sliders: intensity, complexity, movement. */
export const SLIDERS = 3
const WIDTH = 128

const biased = (x: Tensor, w: Weights, out: number): Tensor =>
  linear(x, w.get("weight", [out, x.shape.at(-1)!]), w.get("bias", [out]))

/**
 * A reference's latent patches [B,N,P] -> style tokens [B,4,F]. Each patch is described by itself, and only the mean
 * and the deviation of the descriptions over the picture go on: statistics carry palette, line and texture, and
 * forget what is where (as Gram matrices do; Gatys et al. 2016, Huang and Belongie 2017).
 */
export function styleTokens(patches: Tensor, w: Weights, features: number): Tensor {
  const batch = patches.shape[0] as Dim
  let x = w.in("style.patch", (u) => gelu(biased(patches, u, WIDTH))) // [B,N,128]
  for (let i = 0; i < 2; i++)
    x = add(
      x,
      w.in(`style.describe.${i}`, (u) => gelu(biased(x, u, WIDTH))),
    )
  const middle = mean(x, [1], true) // [B,1,128]
  const deviation = sqrt(add(mean(square(sub(x, middle)), [1], true), 1e-4))
  const statistics = concat([middle, deviation], 2) // [B,1,256]
  const hidden = w.in("style.hidden", (u) => gelu(biased(statistics, u, 2 * WIDTH)))
  const tokens = w.in("style.tokens", (u) => biased(hidden, u, STYLE_TOKENS * features))
  return reshape(tokens, [batch, STYLE_TOKENS, features])
}

/** Powers 1, v, v^2, v^3 of slider values in -1..1: [B*3*4], the input of sliderTokens. */
export function sliderPowers(values: readonly number[]): Float32Array {
  return Float32Array.from(values.flatMap((v) => [1, v, v * v, v * v * v]))
}

/** Powers of the three sliders [B,3,4] -> one token each, [B,3,F]. Which of them count is the mask's business. */
export function sliderTokens(powers: Tensor, w: Weights, features: number): Tensor {
  const [batch] = powers.shape as [Dim]
  const tokens = ["intensity", "complexity", "movement"].map((name, i) => {
    const own = reshape(slice(powers, 1, i, i + 1), [batch, 4])
    return reshape(linear(own, w.get(`sliders.${name}.weight`, [features, 4])), [batch, 1, features])
  })
  return concat(tokens, 1)
}
