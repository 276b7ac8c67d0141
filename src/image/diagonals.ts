// How much of a picture leans: the share of its gradient energy that lies near a diagonal. Pure.

export interface Diagonals {
  /** Share of gradient energy within 22.5 degrees of a diagonal: 0..1, 0.5 when directions are even. */
  diagonal: number
  /** Energy of falling minus energy of rising diagonals over both: -1..1. */
  lean: number
}

/** Of luminance in rows from the top, in any unit. */
export function diagonalsOf(grey: Float32Array | Float64Array, width: number, height: number): Diagonals {
  let [all, diagonal, falling, rising] = [1e-9, 0, 0, 0]
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x
      const [gx, gy] = [grey[i + 1]! - grey[i - 1]!, grey[i + width]! - grey[i - width]!]
      const energy = gx * gx + gy * gy
      all += energy
      if (2 * Math.abs(gx * gy) > Math.SQRT1_2 * energy) {
        diagonal += energy
        if (gx * gy < 0) falling += energy
        else rising += energy
      }
    }
  return { diagonal: diagonal / all, lean: (falling - rising) / (falling + rising + 1e-9) }
}
