// How alike two pictures are in structure: SSIM on luminance, for the judge of start images. Imports the decoder's type.
import type { Pixels } from "../image/decode.ts"
import { luminance } from "../image/luminance.ts"

/** Weights of an 11-wide Gaussian with deviation 1.5. */
const KERNEL = (() => {
  const values = Array.from({ length: 11 }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 ** 2)))
  const sum = values.reduce((a, b) => a + b, 0)
  return values.map((v) => v / sum)
})()

/** Blurred where the whole window fits: [h-10][w-10]. */
function blurred(plane: Float64Array, width: number, height: number): Float64Array {
  const w = width - 10
  const across = new Float64Array(w * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < w; x++) {
      let sum = 0
      for (let k = 0; k < 11; k++) sum += KERNEL[k]! * plane[y * width + x + k]!
      across[y * w + x] = sum
    }
  const out = new Float64Array(w * (height - 10))
  for (let y = 0; y < height - 10; y++)
    for (let x = 0; x < w; x++) {
      let sum = 0
      for (let k = 0; k < 11; k++) sum += KERNEL[k]! * across[(y + k) * w + x]!
      out[y * w + x] = sum
    }
  return out
}

/**
 * Mean structural similarity of two pictures of one size, -1..1, 1 for the same (Wang, Bovik, Sheikh, Simoncelli:
 * "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004; window and constants of that
 * paper, without its automatic downsampling). Sides of at least 11 pixels.
 */
export function structuralSimilarity(a: Pixels, b: Pixels): number {
  const { width, height } = a
  if (b.width !== width || b.height !== height)
    throw new RangeError(
      `Pictures of ${width}x${height} and ${b.width}x${b.height} cannot be compared; make them one size.`,
    )
  if (Math.min(width, height) < 11)
    throw new RangeError("Pictures to compare need sides of at least 11 pixels.")
  const [x, y] = [luminance(a), luminance(b)]
  const of = (plane: Float64Array): Float64Array => blurred(plane, width, height)
  const [mx, my] = [of(x), of(y)]
  const [xx, yy, xy] = [of(x.map((v) => v * v)), of(y.map((v) => v * v)), of(x.map((v, i) => v * y[i]!))]
  const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2]
  let sum = 0
  for (let i = 0; i < mx.length; i++) {
    const [p, q] = [mx[i]!, my[i]!]
    const mean = (2 * p * q + c1) / (p * p + q * q + c1)
    const spread = (2 * (xy[i]! - p * q) + c2) / (xx[i]! - p * p + yy[i]! - q * q + c2)
    sum += mean * spread
  }
  return sum / mx.length
}
