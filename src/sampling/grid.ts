// From asked pixels to the latent grid that is denoised.
import { COMPRESSION } from "../nets/index.ts"

export interface Grid {
  /** Tokens. */
  rows: number
  columns: number
  latentWidth: number
  latentHeight: number
  /** What the decoder gives. */
  width: number
  height: number
}

/** Pixels per token side. */
const TOKEN = 2 * COMPRESSION

const gridOf = (rows: number, columns: number): Grid => ({
  rows,
  columns,
  latentWidth: 2 * columns,
  latentHeight: 2 * rows,
  width: TOKEN * columns,
  height: TOKEN * rows,
})

/** Sides rounded up to whole tokens, as the reference does. */
export const exactGrid = (width: number, height: number): Grid =>
  gridOf(Math.ceil(height / TOKEN), Math.ceil(width / TOKEN))

/**
 * The grid of a model with its own native size: as many tokens as it was trained on, in the shape nearest to the
 * one asked for. Shape is weighed above count, since a wrong shape is cropped away and a few tokens are not seen.
 */
export function nativeGrid(
  width: number,
  height: number,
  tokens: readonly [least: number, most: number],
): Grid {
  const wanted = Math.log(width / height)
  let best = { rows: 1, columns: 1, cost: Number.POSITIVE_INFINITY }
  for (let rows = 1; rows <= tokens[1]; rows++)
    for (let columns = 1; rows * columns <= tokens[1]; columns++) {
      if (rows * columns < tokens[0]) continue
      const cost = Math.abs(Math.log(columns / rows) - wanted) + 0.02 * Math.log(tokens[1] / (rows * columns))
      if (cost < best.cost) best = { rows, columns, cost }
    }
  return gridOf(best.rows, best.columns)
}
