// What is painted into a picture brought to the tones around it, so that no edge shows where both show the same thing.
import { type Pixels, resizePixels } from "./decode.ts"
import { type Mask, resizeMask } from "./mask.ts"

/** Differences of tone across the edge, of 255, beyond which the two sides show different things. */
const SAME = 40
/** Longer side on which the field is found: it is smooth. */
const SIDE = 128
/** Sweeps over the painted part, and how far each leads beyond the mean of its neighbours (successive over-relaxation). */
const SWEEPS = 200
const LEAD = 1.9
const CHANNELS = [0, 1, 2] as const

/** Painted places that the edge says nothing of, and what the field is where it does; 0 elsewhere. */
interface Span {
  free: Int32Array
  /** Painted neighbours of every free place, four to each; -1 for one that is not painted. */
  near: Int32Array
  /** [height, width, 3] */
  field: Float32Array
}

/** The step of tone across the edge where both sides show the same thing. Undefined where they nowhere do. */
function spanOf(kept: Pixels, painted: Pixels, mask: Mask): Span | undefined {
  const { width, height } = kept
  const isInside = (i: number): boolean => mask.data[i]! >= 0.5
  const field = new Float32Array(3 * width * height)
  const free: number[] = []
  const near: number[] = []
  let isHeld = false
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
    const step = CHANNELS.map(
      (c) =>
        outside.reduce((sum, i) => sum + kept.data[3 * i + c]! - painted.data[3 * at + c]!, 0) /
        outside.length,
    )
    if (outside.length > 0 && step.every((d) => Math.abs(d) <= SAME)) {
      field.set(step, 3 * at)
      isHeld = true
    } else if (outside.length < around.length) {
      const inside = around.filter(isInside)
      free.push(at)
      near.push(...inside, ...Array<number>(4 - inside.length).fill(-1))
    }
  }
  return isHeld ? { free: Int32Array.from(free), near: Int32Array.from(near), field } : undefined
}

/** Makes the field the smoothest one that is as given where the edge tells. */
function relax({ free, near, field }: Span): void {
  for (let sweep = 0; sweep < SWEEPS; sweep++)
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
  const span = spanOf(await shrink(kept), await shrink(painted), resizeMask(mask, small))
  if (!span) return painted
  relax(span)
  // As a picture around a middle grey: the field is no larger than SAME, and a step of it cannot be seen.
  const grey = { ...small, data: Uint8Array.from(span.field, (v) => Math.round(v + 128)) }
  const shift = await resizePixels(grey, { width, height, stretched: true })
  const data = painted.data.map((v, i) => Math.min(255, Math.max(0, v + shift.data[i]! - 128)))
  return { width, height, data }
}
