// Several views of one picture, and what a classifier said of each, taken together. Imports nothing.

/** Planes [3,side,side] with left and right exchanged. */
export function mirrored(planes: Float32Array, side: number): Float32Array {
  const out = new Float32Array(planes.length)
  for (let row = 0; row < planes.length; row += side)
    for (let x = 0; x < side; x++) out[row + x] = planes[row + side - 1 - x]!
  return out
}

/** Probabilities as the normalised geometric mean of several. */
export function together(views: readonly Float32Array[]): Float32Array {
  const mean = Float32Array.from(views[0]!, (_, k) =>
    Math.exp(views.reduce((sum, p) => sum + Math.log(p[k]! + 1e-9), 0) / views.length),
  )
  const total = mean.reduce((sum, p) => sum + p, 0)
  return mean.map((p) => p / total)
}
