// How alike two pictures are: in the classifier's features, in attributes, pixel by pixel at thumbnail size.
import { type Attributes, measure } from "../data/measure.ts"
import { atNative, type Bitmap, view } from "./pixels.ts"

export type { Attributes } from "../data/measure.ts"

/** 1 - cosine of two feature vectors: 0 the same direction .. 2 opposite. */
export function featureDistance(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 1e-12, 1e-12]
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  return 1 - ab / Math.sqrt(aa * bb)
}

/** Saturation, contrast, edge density, diagonal energy and lean at the native scale of the training art. */
export async function attributesOf(b: Bitmap): Promise<Attributes> {
  return measure(await atNative(b))
}

export const THUMBNAIL = 20

/** The whole picture squeezed to 20x20, three planes of bytes. */
export const thumbnail = (b: Bitmap): Uint8Array =>
  Uint8Array.from(view(b, THUMBNAIL), (v) => Math.round((v + 1) * 127.5))

/** Root mean square difference from the nearest of many thumbnails, 0..1. */
export function nearestDistance(query: Uint8Array, gallery: readonly Uint8Array[]): number {
  let best = Number.POSITIVE_INFINITY
  for (const candidate of gallery) {
    let sum = 0
    for (let i = 0; i < query.length && sum < best; ) {
      for (const end = Math.min(query.length, i + 120); i < end; i++) {
        const d = query[i]! - candidate[i]!
        sum += d * d
      }
    }
    if (sum < best) best = sum
  }
  return Math.sqrt(best / query.length) / 255
}
