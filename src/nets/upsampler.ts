// The upsampler of the embedded family: all work at native resolution, one sub-pixel step to the full size
// (Shi et al. 2016). What it adds is the difference from a bilinear enlargement.
import {
  add,
  constant,
  conv,
  type Dim,
  div,
  mul,
  mulDims,
  reshape,
  silu,
  type Tensor,
  transpose,
} from "../graph/index.ts"
import type { Weights } from "./weights.ts"

export interface UpsamplerConfig {
  width: number
  blocks: number
  /** How many times the sides grow. */
  factor: number
}

const around = { padding: [1, 1, 1, 1] as const }

/** Native picture [B,3,H,W] in -1..1 -> sub-pixels [B,3*r*r,H,W], channel order (colour, dy, dx). */
export function upsampledPixels(image: Tensor, w: Weights, c: UpsamplerConfig): Tensor {
  const layer = (x: Tensor, name: string, out: number): Tensor =>
    w.in(name, (u) => conv(x, u.get("weight", [out, x.shape[1]!, 3, 3]), u.get("bias", [out]), around))
  let x = layer(image, "first", c.width)
  for (let i = 0; i < c.blocks; i++) {
    const inner = layer(silu(x), `blocks.${i}.0`, c.width)
    x = add(x, layer(silu(inner), `blocks.${i}.1`, c.width))
  }
  const detail = layer(silu(x), "last", 3 * c.factor * c.factor)
  return add(bilinear(image, c.factor), detail)
}

/**
 * [B,3,H,W] -> sub-pixels [B,3*r*r,H,W] on the straight lines between pixels; beyond the border its pixels repeat.
 * Repeated pixels would do for a start, too, but their steps show through as a grid wherever the network does not
 * take them back exactly.
 */
function bilinear(image: Tensor, factor: number): Tensor {
  const cells = factor * factor
  const [batch, , height, columns] = image.shape as [Dim, Dim, Dim, Dim]
  const kernel = constant(bilinearKernel(factor), [cells, 1, 3, 3])
  const apart = reshape(image, [mulDims(batch, 3), 1, height, columns])
  // Zeros beyond the border count nothing once the sum is divided by the weights of what is inside.
  const inside = conv(add(mul(apart, 0), 1), kernel, undefined, around)
  return reshape(div(conv(apart, kernel, undefined, around), inside), [batch, 3 * cells, height, columns])
}

/** Weights [r*r,1,3,3] of a pixel and its eight neighbours in each of its sub-pixels, rows of sub-pixels first. */
function bilinearKernel(factor: number): Float32Array {
  const along = Array.from({ length: factor }, (_, i) => {
    const at = (i + 0.5) / factor - 0.5 // the sub-pixel's middle, from the pixel's
    return [Math.max(0, -at), 1 - Math.abs(at), Math.max(0, at)]
  })
  return Float32Array.from(
    along.flatMap((down) => along.flatMap((right) => down.flatMap((d) => right.map((r) => d * r)))),
  )
}

/** Sub-pixels [B,3*r*r,H,W] -> picture [B,3,rH,rW]. */
export function arrange(pixels: Tensor, factor: number): Tensor {
  const [batch, , height, width] = pixels.shape as [Dim, Dim, Dim, Dim]
  const apart = reshape(pixels, [batch, 3, factor, factor, height, width])
  const rows = transpose(apart, [0, 1, 4, 2, 5, 3]) // [B,3,H,r,W,r]
  return reshape(rows, [batch, 3, mulDims(height, factor), mulDims(width, factor)])
}
