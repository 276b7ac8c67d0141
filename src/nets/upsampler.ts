// The upsampler of the embedded family: all work at native resolution, one sub-pixel step to the full size
// (Shi et al. 2016). What it adds is the difference from the native pixels repeated.
import {
  add,
  concat,
  conv,
  type Dim,
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
  const cells = c.factor * c.factor
  const detail = layer(silu(x), "last", 3 * cells)
  const [batch, , height, columns] = image.shape as [Dim, Dim, Dim, Dim]
  const repeated = reshape(image, [batch, 3, 1, height, columns])
  const base = reshape(
    concat(
      Array.from({ length: cells }, () => repeated),
      2,
    ),
    [batch, 3 * cells, height, columns],
  )
  return add(base, detail)
}

/** Sub-pixels [B,3*r*r,H,W] -> picture [B,3,rH,rW]. */
export function arrange(pixels: Tensor, factor: number): Tensor {
  const [batch, , height, width] = pixels.shape as [Dim, Dim, Dim, Dim]
  const apart = reshape(pixels, [batch, 3, factor, factor, height, width])
  const rows = transpose(apart, [0, 1, 4, 2, 5, 3]) // [B,3,H,r,W,r]
  return reshape(rows, [batch, 3, mulDims(height, factor), mulDims(width, factor)])
}
