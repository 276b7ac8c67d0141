// A picture of a latent without the decoder: one matrix per pixel.
import type { Grid } from "./grid.ts"

/** Colours from latent channels, fitted per model: rgb = weights x latent + bias, in 0..1. */
export interface PreviewTable {
  /** [3][channels] */
  weights: readonly (readonly number[])[]
  bias: readonly [number, number, number]
}

/** For a model that brings no table: three channels as they come, enough to see shapes. */
export const roughTable = (channels: number): PreviewTable => ({
  weights: [0, 1, 2].map((c) => Array.from({ length: channels }, (_, i) => (i === c % channels ? 0.25 : 0))),
  bias: [0.5, 0.5, 0.5],
})

/** Latent [C,h,w] -> bytes [h,w,3]. */
export function previewPixels(
  latent: Float32Array,
  { latentWidth, latentHeight }: Grid,
  table: PreviewTable,
): Uint8Array {
  const area = latentWidth * latentHeight
  const out = new Uint8Array(area * 3)
  table.weights.forEach((row, colour) => {
    for (let i = 0; i < area; i++) {
      let value = table.bias[colour]!
      for (let c = 0; c < row.length; c++) value += row[c]! * latent[c * area + i]!
      out[i * 3 + colour] = Math.round(255 * Math.min(1, Math.max(0, value)))
    }
  })
  return out
}
