// How many rows of its neighbours a strip of a picture needs on its way through the VAE's local parts (vae.ts).
import type { VaeConfig } from "./config.ts"

export interface Reach {
  above: number
  below: number
}

/**
 * Rows of a map that what follows it reads beyond a strip, as many above as below: of the map that a strip comes with, then
 * of every level's. Of official sizes 7 (of the latent's rows), 6, 4 and, for the last convolution, 1.
 */
export function decoderReach({ multipliers, resBlocks }: VaeConfig): number[] {
  const reach = [1]
  // Two convolutions in every block and one of the map just upsampled, which has twice as many rows as before.
  for (let level = multipliers.length - 1; level > 0; level--)
    reach.unshift(Math.ceil((reach[0]! + 2 * (resBlocks + 1) + 1) / 2))
  return reach
}

/**
 * Rows that the encoder's levels read beyond a strip, from the picture to the last map, in even numbers, for every second row goes on.
 * Of official sizes 30 pixels above and 42 below, then 12 and 18, 4 and 6, and none.
 */
export function encoderReach({ multipliers, resBlocks }: VaeConfig): Reach[] {
  const even = (rows: number): number => 2 * Math.ceil(rows / 2)
  const reach = [{ above: 0, below: 0 }]
  for (let level = multipliers.length - 2; level >= 0; level--) {
    const own = 2 * resBlocks + (level === 0 ? 1 : 0)
    // A convolution that strides reads two rows for each of its own, and one more below them.
    const { above, below } = reach[0]!
    reach.unshift({ above: even(2 * above + own), below: even(2 * below + 1 + own) })
  }
  return reach
}
