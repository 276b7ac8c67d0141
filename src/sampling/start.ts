// Where a picture begins: in noise, or at a start picture brought to t = strength, of which a mask may hold a part.
import { type Canvas, mirrored, sketchOf, windowOf } from "../image/canvas.ts"
import { decodeImage, resizePixels } from "../image/decode.ts"
import { coarser, decodeMask } from "../image/mask.ts"
import type { Grid } from "./grid.ts"
import type { Lane } from "./lane.ts"
import type { Model } from "./model.ts"
import { drawn, type Origin } from "./variation.ts"

export interface StartFiles {
  picture: Uint8Array
  mask?: Uint8Array
}

/** A start picture as the sampler reads it; with a mask, the window of it that is painted. */
export interface Start {
  /** [C,h,w] */
  latent: Float32Array
  masked?: {
    canvas: Canvas
    /** The same, as small as previews are. */
    sketch: Canvas
    /** How much of each image token is painted anew, [N,P]. */
    tokens: Float32Array
  }
}

/** Softness of a mask's edge, in widths of the picture: a hard one would show every difference of texture. */
const EDGE = 1 / 256

/** Decodes and encodes the start picture. Throws image_invalid. */
export async function readStart(
  { picture, mask }: StartFiles,
  model: Model,
  grid: Grid,
  { size: { width, height }, signal }: { size: { width: number; height: number }; signal?: AbortSignal },
): Promise<Start> {
  const read = { name: "to start from", field: "start.image" }
  const size = { width, height }
  if (!mask) {
    // What `decode` cuts from the grid to give it the asked shape: the picture lies within, and beyond it is its mirror image.
    const share = Math.min(grid.width / width, grid.height / height)
    const fit = { width: Math.round(width * share), height: Math.round(height * share) }
    const seen = await mirrored(await decodeImage(picture, { ...read, fit }), grid)
    return { latent: await model.encode(seen, grid, signal) }
  }
  const kept = await decodeImage(picture, { ...read, fit: size })
  const { hard, soft } = await decodeMask(mask, size, width * EDGE)
  const window = windowOf(hard)
  // The grid's shape may be another one by a little. What stays must not move, so the ways to it and back are stretched.
  const seen = await resizePixels(kept, { ...grid, stretched: true, from: window })
  const latent = await model.encode(seen, grid, signal)
  const cells = coarser(hard, { width: grid.latentWidth, height: grid.latentHeight }, window)
  const tokens = model.toTokens(
    latent.map((_, i) => cells[i % cells.length]!),
    grid,
  )
  const canvas = { kept, edge: soft, window }
  return { latent, masked: { canvas, sketch: await sketchOf(canvas), tokens } }
}

/** (1 - s) z + s e: where the flow from this picture to this noise stands at t = s. */
export async function beginning(
  model: Model,
  grid: Grid,
  origin: Origin,
  start: Start | undefined,
  strength: number,
): Promise<Pick<Lane, "x" | "held">> {
  const width = model.installed.manifest.noise
  const drawing = await drawn(origin, model.latentSize(grid))
  const e = model.toTokens(
    drawing.map((v) => width * v),
    grid,
  )
  if (!start) return { x: e }
  const z = model.toTokens(start.latent, grid)
  const at = (i: number, t: number): number => (1 - t) * z[i]! + t * e[i]!
  const x = strength >= 1 ? e : e.map((_, i) => at(i, strength))
  const mask = start.masked?.tokens
  if (!mask) return { x }
  // What stays follows its own way to the same noise (Lugmayr et al. 2022, "RePaint", 4.1, without its resampling).
  return { x, held: (now, t) => now.map((value, i) => at(i, t) + mask[i]! * (value - at(i, t))) }
}
