// What is painted into a picture brought to the tones around it, so that no edge shows where both show the same thing.
import { type Fit, type Pixels, resizePixels } from "./decode.ts"
import { type Mask, resizeMask } from "./mask.ts"

/** Differences of tone across the edge, of 255, beyond which the two sides show different things. */
const SAME = 40
/** Longer side on which the field is found: it is smooth. */
const SIDE = 128
/** Sweeps over the painted part, and how far each leads beyond the mean of its neighbours (successive over-relaxation). */
const SWEEPS = 200
const LEAD = 1.9
const CHANNELS = [0, 1, 2] as const

interface Place {
  at: number
  /** Painted neighbours. */
  near: number[]
  /** What the field is there, where the edge tells. */
  given?: number[]
}

/** Painted places with their neighbours, and the step of tone across the edge where both sides show the same thing. */
function placesOf(kept: Pixels, painted: Pixels, mask: Mask): Place[] {
  const { width, height } = kept
  const isInside = (i: number): boolean => mask.data[i]! >= 0.5
  const places: Place[] = []
  for (let at = 0; at < width * height; at++) {
    if (!isInside(at)) continue
    const [x, y] = [at % width, Math.floor(at / width)]
    const around = [
      ...(x > 0 ? [at - 1] : []),
      ...(x + 1 < width ? [at + 1] : []),
      ...(y > 0 ? [at - width] : []),
      ...(y + 1 < height ? [at + width] : []),
    ]
    const outside = around.filter((i) => !isInside(i))
    const near = around.filter(isInside)
    const step = CHANNELS.map(
      (c) =>
        outside.reduce((sum, i) => sum + kept.data[3 * i + c]! - painted.data[3 * at + c]!, 0) /
        outside.length,
    )
    const isSame = outside.length > 0 && step.every((d) => Math.abs(d) <= SAME)
    places.push({ at, near, ...(isSame && { given: step }) })
  }
  return places
}

/** The smoothest field [height, width, 3] that is as given where the edge tells; 0 where nothing does. */
function membrane(places: readonly Place[], { width, height }: Fit): Float32Array {
  const field = new Float32Array(3 * width * height)
  for (const { at, given } of places) if (given) field.set(given, 3 * at)
  if (places.every(({ given }) => !given)) return field
  const free = places.filter(({ given, near }) => !given && near.length > 0)
  for (let sweep = 0; sweep < SWEEPS; sweep++)
    for (const { at, near } of free)
      for (const c of CHANNELS) {
        let sum = 0
        for (const i of near) sum += field[3 * i + c]!
        field[3 * at + c]! += LEAD * (sum / near.length - field[3 * at + c]!)
      }
  return field
}

/**
 * `painted` and the smoothest field that makes it meet `kept` at the mask's edge (Pérez et al. 2003, "Poisson image editing",
 * equations 4 to 6). Where the two sides differ by more than a tone, an object ends and the field is free. All of one size.
 */
export async function toned(kept: Pixels, painted: Pixels, mask: Mask): Promise<Pixels> {
  const { width, height } = kept
  const scale = Math.min(1, SIDE / Math.max(width, height))
  const small = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  }
  const shrink = (pixels: Pixels): Promise<Pixels> => resizePixels(pixels, { ...small, stretched: true })
  const places = placesOf(await shrink(kept), await shrink(painted), resizeMask(mask, small))
  const field = membrane(places, small)
  // As a picture around a middle grey: the field is no larger than SAME, and a step of it cannot be seen.
  const grey = { ...small, data: Uint8Array.from(field, (v) => Math.round(v + 128)) }
  const shift = await resizePixels(grey, { width, height, stretched: true })
  const data = painted.data.map((v, i) => Math.min(255, Math.max(0, v + shift.data[i]! - 128)))
  return { width, height, data }
}
