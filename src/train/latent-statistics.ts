// Mean and deviation of latents per channel, by which the denoiser sees them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { noLatents, type openLatents } from "./latents.ts"

const LATENT_CHANNELS = 16

/** Mean and deviation per latent channel over the training set. */
export interface LatentStatistics {
  mean: readonly number[]
  deviation: readonly number[]
}

/** A latent [16,h,w] as the denoiser sees it. */
export function normalised(z: Float32Array, { mean, deviation }: LatentStatistics): Float32Array {
  const plane = z.length / LATENT_CHANNELS
  return z.map((v, i) => (v - mean[Math.floor(i / plane)]!) / deviation[Math.floor(i / plane)]!)
}

/** The inverse of normalised: a latent as the autoencoder gave it. */
export function asEncoded(z: Float32Array, { mean, deviation }: LatentStatistics): Float32Array {
  const plane = z.length / LATENT_CHANNELS
  return z.map((v, i) => v * deviation[Math.floor(i / plane)]! + mean[Math.floor(i / plane)]!)
}

/** A run normalises latents by the same numbers for ever, however the set grows. */
export function keptStatistics(folder: string, compute: () => LatentStatistics): LatentStatistics {
  const path = `${folder}/latents.json`
  if (!existsSync(path)) {
    const statistics = JSON.stringify(compute())
    mkdirSync(folder, { recursive: true }) // the encoder is trained before the denoiser, whose folder this is
    writeFileSync(path, statistics)
  }
  return JSON.parse(readFileSync(path, "utf8")) as LatentStatistics
}

/** Statistics of latents from every n-th record. Throws where there are none. */
export function latentStatistics(count: number, latents: ReturnType<typeof openLatents>): LatentStatistics {
  const sums = new Float64Array(LATENT_CHANNELS)
  const squares = new Float64Array(LATENT_CHANNELS)
  let seen = 0
  for (let i = 0, taken = 0; i < count && taken < 2000; i += Math.max(1, Math.floor(count / 2000))) {
    if (!latents.has(i)) continue
    taken++
    const z = latents.read(i)
    const plane = z.length / LATENT_CHANNELS
    seen += plane
    for (let c = 0; c < LATENT_CHANNELS; c++)
      for (let k = 0; k < plane; k++) {
        const v = z[c * plane + k]!
        sums[c]! += v
        squares[c]! += v * v
      }
  }
  if (seen === 0) throw noLatents()
  const means = [...sums].map((s) => s / seen)
  return { mean: means, deviation: [...squares].map((s, c) => Math.sqrt(s / seen - means[c]! ** 2)) }
}
