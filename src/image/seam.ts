// What is painted into a picture brought to the tones around it, so that no edge shows where both show the same thing.
import { type Box, type Pixels, resizePixels } from "./decode.ts"
import { type Mask, resizeMask } from "./mask.ts"
import { nextTurn } from "./turn.ts"

/** Differences of tone across the edge, of 255, beyond which the two sides show different things. */
const SAME = 40
/** Longer side on which the field is found: it is smooth. */
const SIDE = 128
/** Sweeps over the painted part, and how far each leads beyond the mean of its neighbours (successive over-relaxation). */
const SWEEPS = 200
const LEAD = 1.9
/** Places, and sweeps, in one turn of the event loop: some two milliseconds. */
const PLACES_AT_ONCE = 2048
const SWEEPS_AT_ONCE = 10
const CHANNELS = [0, 1, 2] as const
/** No difference, in a picture of differences. */
export const GREY = 128

/** Painted places that the edge says nothing of, and what the field is where it does; 0 elsewhere. */
interface Span {
  free: Int32Array
  /** Painted neighbours of every free place, four to each; -1 for one that is not painted. */
  near: Int32Array
  /** [height, width, 3] */
  field: Float32Array
}

/** The step of tone across the edge where both sides show the same thing. Undefined where they nowhere do. */
async function spanOf(kept: Pixels, painted: Pixels, mask: Mask): Promise<Span | undefined> {
  const { width, height } = kept
  const isInside = (i: number): boolean => mask.data[i]! >= 0.5
  const field = new Float32Array(3 * width * height)
  const free: number[] = []
  const near: number[] = []
  let isHeld = false
  for (let at = 0; at < width * height; at++) {
    if (at % PLACES_AT_ONCE === 0) await nextTurn()
    if (!isInside(at)) continue
    const [x, y] = [at % width, Math.floor(at / width)]
    const around = [
      ...(x > 0 ? [at - 1] : []),
      ...(x + 1 < width ? [at + 1] : []),
      ...(y > 0 ? [at - width] : []),
      ...(y + 1 < height ? [at + width] : []),
    ]
    const inside = around.filter(isInside)
    const outside = around.filter((i) => !isInside(i))
    const mean = (c: number): number =>
      outside.reduce((sum, i) => sum + kept.data[3 * i + c]! - painted.data[3 * at + c]!, 0) / outside.length
    const step = outside.length > 0 ? CHANNELS.map(mean) : undefined
    if (step?.every((d) => Math.abs(d) <= SAME)) {
      field.set(step, 3 * at)
      isHeld = true
    } else if (inside.length > 0) {
      free.push(at)
      near.push(...inside, ...Array<number>(4 - inside.length).fill(-1))
    }
  }
  return isHeld ? { free: Int32Array.from(free), near: Int32Array.from(near), field } : undefined
}

/** Makes the field the smoothest one that is as given where the edge tells. */
async function relax(span: Span): Promise<void> {
  for (let swept = 0; swept < SWEEPS; swept++) {
    if (swept % SWEEPS_AT_ONCE === 0) await nextTurn()
    sweep(span)
  }
}

function sweep({ free, near, field }: Span): void {
  for (let k = 0; k < free.length; k++)
    for (let c = 0; c < 3; c++) {
      let sum = 0
      let n = 4 * k
      for (; n < 4 * k + 4 && near[n]! >= 0; n++) sum += field[3 * near[n]! + c]!
      const at = 3 * free[k]! + c
      field[at]! += LEAD * (sum / (n - 4 * k) - field[at]!)
    }
}

/**
 * What added to `painted`, which fills the window of `kept`, makes it meet what lies around it at the mask's edge: the
 * smoothest field that does (Pérez et al. 2003, "Poisson image editing", equations 4 to 6), as a picture around GREY. Where
 * the two sides differ by more than a tone, an object ends and the field is free; undefined where they nowhere meet.
 */
export async function shiftOf(
  kept: Pixels,
  mask: Mask,
  window: Box,
  painted: Pixels,
): Promise<Pixels | undefined> {
  const { width, height } = window
  const scale = Math.min(1, SIDE / Math.max(width, height))
  const small = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  }
  const around = await resizePixels(kept, { ...small, stretched: true, from: window })
  const within = await resizePixels(painted, { ...small, stretched: true })
  const span = await spanOf(around, within, resizeMask(mask, small, window))
  if (!span) return undefined
  await relax(span)
  // In bytes: the field is no larger than SAME, and a step of it cannot be seen.
  const data = new Uint8Array(span.field.map((v) => Math.round(v + GREY)))
  return await resizePixels({ ...small, data }, { width, height, stretched: true })
}
