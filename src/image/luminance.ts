// How bright the pixels of a picture are. Imports the decoder's type.
import type { Pixels } from "./decode.ts"

/** Luminance of sRGB bytes, 0..255 (Rec. 601, as the original measure uses it). */
export function luminance({ width, height, data }: Pixels): Float64Array {
  const out = new Float64Array(width * height)
  for (let i = 0; i < out.length; i++)
    out[i] = 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!
  return out
}
