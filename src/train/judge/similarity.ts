// How alike two pictures are: in structure, in the classifier's features, pixel by pixel at thumbnail size.
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

const luminance = (b: Bitmap): Float32Array =>
  Float32Array.from(
    { length: b.width * b.height },
    (_, i) => (0.299 * b.rgb[i * 3]! + 0.587 * b.rgb[i * 3 + 1]! + 0.114 * b.rgb[i * 3 + 2]!) / 255,
  )

/** Summed-area table with a zero row and column in front. */
function sums(values: (i: number) => number, width: number, height: number): Float64Array {
  const table = new Float64Array((width + 1) * (height + 1))
  for (let y = 0; y < height; y++) {
    let line = 0
    for (let x = 0; x < width; x++) {
      line += values(y * width + x)
      table[(y + 1) * (width + 1) + x + 1] = table[y * (width + 1) + x + 1]! + line
    }
  }
  return table
}

/** Structural similarity (Wang et al., 2004) of two pictures of one size, 8x8 windows of luminance: -1..1. */
export function structuralSimilarity(one: Bitmap, two: Bitmap): number {
  const { width, height } = one
  if (two.width !== width || two.height !== height)
    throw new Error(`The pictures differ in size: ${width}x${height} and ${two.width}x${two.height}.`)
  const [a, b] = [luminance(one), luminance(two)]
  const tables = [
    (i: number) => a[i]!,
    (i: number) => b[i]!,
    (i: number) => a[i]! ** 2,
    (i: number) => b[i]! ** 2,
    (i: number) => a[i]! * b[i]!,
  ].map((v) => sums(v, width, height))
  const k = 8
  const stride = width + 1
  let [total, count] = [0, 0]
  for (let y = 0; y + k <= height; y += 2)
    for (let x = 0; x + k <= width; x += 2) {
      const mean = (t: Float64Array): number =>
        (t[(y + k) * stride + x + k]! -
          t[y * stride + x + k]! -
          t[(y + k) * stride + x]! +
          t[y * stride + x]!) /
        (k * k)
      const [ma, mb, saa, sbb, sab] = tables.map(mean) as [number, number, number, number, number]
      const [va, vb, vab] = [saa - ma * ma, sbb - mb * mb, sab - ma * mb]
      total += ((2 * ma * mb + 1e-4) * (2 * vab + 9e-4)) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4))
      count++
    }
  return total / count
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
