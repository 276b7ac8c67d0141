// Fits the preview: the matrix that turns a normalised latent pixel into the mean colour of its eight by eight pixels.

import type { LatentStatistics } from "./latent-statistics.ts"
import { noLatents, type openLatents } from "./latents.ts"
import type { PictureSet } from "./pictures.ts"

/** Least squares over pictures of the training set: rgb (0..1) = weights x latent + bias. Throws where none has latents. */
export function fitPreview(
  pictures: PictureSet,
  latents: ReturnType<typeof openLatents>,
  s: LatentStatistics,
): { weights: number[][]; bias: [number, number, number] } {
  const channels = s.mean.length
  const n = channels + 1
  const gram = Array.from({ length: n }, () => new Float64Array(n))
  const right = [0, 1, 2].map(() => new Float64Array(n))
  let taken = 0
  for (let i = 0; i < pictures.records.length && taken < 200; i += 37) {
    if (!latents.has(i)) continue
    taken++
    const record = pictures.records[i]!
    const [z, rgb] = [latents.read(i), pictures.read(record)]
    const [w, h] = [record.width / 8, record.height / 8]
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const row = Array.from({ length: n }, (_, c) =>
          c === channels ? 1 : (z[(c * h + y) * w + x]! - s.mean[c]!) / s.deviation[c]!,
        )
        const colour = [0, 0, 0]
        for (let dy = 0; dy < 8; dy++)
          for (let dx = 0; dx < 8; dx++)
            for (let c = 0; c < 3; c++)
              colour[c]! += rgb[((y * 8 + dy) * record.width + x * 8 + dx) * 3 + c]! / (64 * 255)
        for (let a = 0; a < n; a++) {
          for (let b = 0; b < n; b++) gram[a]![b]! += row[a]! * row[b]!
          for (let c = 0; c < 3; c++) right[c]![a]! += row[a]! * colour[c]!
        }
      }
  }
  if (taken === 0) throw noLatents()
  const solved = right.map((r) => solve(gram, r))
  const short = (x: number): number => Number(x.toFixed(5))
  return {
    weights: solved.map((x) => [...x.subarray(0, channels)].map(short)),
    bias: solved.map((x) => short(x[channels]!)) as [number, number, number],
  }
}

/** Gaussian elimination with pivoting of a small symmetric system; neither argument changes. */
function solve(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
  const n = vector.length
  const m = matrix.map((row, i) => Float64Array.from([...row, vector[i]!]))
  for (let k = 0; k < n; k++) {
    let pivot = k
    for (let i = k + 1; i < n; i++) if (Math.abs(m[i]![k]!) > Math.abs(m[pivot]![k]!)) pivot = i
    ;[m[k], m[pivot]] = [m[pivot]!, m[k]!]
    for (let i = k + 1; i < n; i++) {
      const factor = m[i]![k]! / m[k]![k]!
      for (let j = k; j <= n; j++) m[i]![j]! -= factor * m[k]![j]!
    }
  }
  const x = new Float64Array(n)
  for (let i = n - 1; i >= 0; i--) {
    let sum = m[i]![n]!
    for (let j = i + 1; j < n; j++) sum -= m[i]![j]! * x[j]!
    x[i] = sum / m[i]![i]!
  }
  return x
}
