// What stands before a plain or gradient background, and in how many pieces.
import { oklab } from "../data/colours.ts"
import type { Bitmap, Window } from "./pixels.ts"

/** A picture in OKLab, planes [height * width] of lightness 0..1 and the two colour axes. */
export interface Lab {
  readonly width: number
  readonly height: number
  readonly planes: readonly [Float32Array, Float32Array, Float32Array]
}

/** A picture in Oklab, a plane for each of its axes. */
export function labOf(b: Bitmap): Lab {
  const n = b.width * b.height
  const planes = [new Float32Array(n), new Float32Array(n), new Float32Array(n)] as const
  for (let i = 0; i < n; i++) {
    const lab = oklab(b.rgb[i * 3]! / 255, b.rgb[i * 3 + 1]! / 255, b.rgb[i * 3 + 2]! / 255)
    for (let c = 0; c < 3; c++) planes[c]![i] = lab[c]!
  }
  return { width: b.width, height: b.height, planes }
}

/** Places of the pixels within `share` of the shorter side from the border. */
export function borderRing(width: number, height: number, share = 0.05): number[] {
  const d = Math.max(1, Math.round(Math.min(width, height) * share))
  const ring: number[] = []
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (x < d || y < d || x >= width - d || y >= height - d) ring.push(y * width + x)
  return ring
}

/** The middle value, of an even number the greater of both; no number of none. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort()
  return sorted.length === 0 ? Number.NaN : sorted[sorted.length >> 1]!
}

const TERMS = 6
function terms(x: number, y: number): readonly number[] {
  return [1, x, y, x * x, y * y, x * y]
}

/** Solves a small symmetric system in place by elimination; a little ridge keeps it solvable. */
function solve(a: number[][], b: number[]): number[] {
  const n = b.length
  for (let i = 0; i < n; i++) a[i]![i]! += 1e-6
  for (let i = 0; i < n; i++) {
    for (let k = i + 1; k < n; k++) {
      const f = a[k]![i]! / a[i]![i]!
      for (let j = i; j < n; j++) a[k]![j]! -= f * a[i]![j]!
      b[k]! -= f * b[i]!
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i]!
    for (let j = i + 1; j < n; j++) sum -= a[i]![j]! * x[j]!
    x[i] = sum / a[i]![i]!
  }
  return x
}

/**
 * Distance of every pixel from the background, in OKLab: a quadratic surface per axis is fitted to the border
 * ring, thrice, each time without the pixels that fit worst (things that touch the border).
 */
export function backgroundDistance(lab: Lab): Float32Array {
  const { width, height, planes } = lab
  const at = (i: number) => terms(((i % width) / width) * 2 - 1, (Math.floor(i / width) / height) * 2 - 1)
  let ring = borderRing(width, height)
  let surfaces: number[][] = []
  for (let round = 0; round < 3; round++) {
    const rows = ring.map(at)
    const gram = Array.from({ length: TERMS }, (_, p) =>
      Array.from({ length: TERMS }, (_, q) => rows.reduce((s, t) => s + t[p]! * t[q]!, 0)),
    )
    surfaces = planes.map((plane) =>
      solve(
        gram.map((row) => [...row]),
        Array.from({ length: TERMS }, (_, p) => rows.reduce((s, t, k) => s + t[p]! * plane[ring[k]!]!, 0)),
      ),
    )
    const errors = ring.map((i, k) =>
      Math.hypot(
        ...planes.map((plane, c) => plane[i]! - rows[k]!.reduce((s, t, p) => s + t * surfaces[c]![p]!, 0)),
      ),
    )
    const limit = Math.max(0.02, 3 * median(errors))
    const kept = ring.filter((_, k) => errors[k]! <= limit)
    if (kept.length < ring.length * 0.3) break
    ring = kept
  }
  return Float32Array.from({ length: width * height }, (_, i) => {
    const t = at(i)
    return Math.hypot(
      ...planes.map((plane, c) => plane[i]! - t.reduce((s, v, p) => s + v * surfaces[c]![p]!, 0)),
    )
  })
}

/** Steepest change of colour from each pixel to its neighbours, in OKLab per pixel, after a 3x3 mean. */
function steepness({ width, height, planes }: Lab): Float32Array {
  const out = new Float32Array(width * height)
  const clamp = (v: number, size: number): number => Math.min(size - 1, Math.max(0, v))
  const across = new Float32Array(out.length)
  const soft = new Float32Array(out.length)
  for (const plane of planes) {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const row = y * width
        across[row + x] =
          (plane[row + clamp(x - 1, width)]! + plane[row + x]! + plane[row + clamp(x + 1, width)]!) / 3
      }
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        soft[y * width + x] =
          (across[clamp(y - 1, height) * width + x]! +
            across[y * width + x]! +
            across[clamp(y + 1, height) * width + x]!) /
          3
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const i = y * width + x
        const dx = (soft[y * width + clamp(x + 1, width)]! - soft[y * width + clamp(x - 1, width)]!) / 2
        const dy = (soft[clamp(y + 1, height) * width + x]! - soft[clamp(y - 1, height) * width + x]!) / 2
        out[i]! += dx * dx + dy * dy
      }
  }
  return out.map(Math.sqrt)
}

/** How steep a pool of light or a soft shadow may be, and how far it may stray from the border's colours. */
const SLOPE = 0.014
const STRAY = 0.22

/**
 * Pixels that are not background: 1, else 0. The background is what can be reached from the border through pixels
 * that fit the border's colours, or change as slowly as light does and do not stray far. So holes inside a thing
 * count as the thing, and light and soft shadows as background.
 */
export function foreground(lab: Lab): Uint8Array {
  const { width, height } = lab
  const distance = backgroundDistance(lab)
  const slope = steepness(lab)
  const noise = median(borderRing(width, height).map((i) => distance[i]!))
  const limit = Math.max(0.055, 5 * noise)
  const mask = Uint8Array.from(distance, (d, i) => (d <= limit || (d < STRAY && slope[i]! < SLOPE) ? 0 : 1))
  return filled(mask, width, height)
}

/** Shrinks a mask by one pixel: what only touches comes apart. */
function shrunk(mask: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array(mask.length)
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x
      if (mask[i] && mask[i - 1] && mask[i + 1] && mask[i - width] && mask[i + width]) out[i] = 1
    }
  return out
}

/** Fills what the background cannot reach from the border. */
function filled(mask: Uint8Array, width: number, height: number): Uint8Array {
  const outside = new Uint8Array(mask.length)
  const stack: number[] = []
  const visit = (i: number): void => {
    if (mask[i] || outside[i]) return
    outside[i] = 1
    stack.push(i)
  }
  for (let x = 0; x < width; x++) {
    visit(x)
    visit((height - 1) * width + x)
  }
  for (let y = 0; y < height; y++) {
    visit(y * width)
    visit(y * width + width - 1)
  }
  while (stack.length > 0) {
    const i = stack.pop()!
    const x = i % width
    if (x > 0) visit(i - 1)
    if (x < width - 1) visit(i + 1)
    if (i >= width) visit(i - width)
    if (i < mask.length - width) visit(i + width)
  }
  return outside.map((o) => 1 - o)
}

/** A connected piece of a mask. */
export interface Piece extends Window {
  readonly area: number
  /** Centroid in pixels. */
  readonly cx: number
  readonly cy: number
}

/** Connected pieces (8 neighbours), largest first. */
export function components(mask: Uint8Array, width: number, height: number): Piece[] {
  const seen = new Uint8Array(mask.length)
  const pieces: Piece[] = []
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || seen[start]) continue
    let [x0, y0, x1, y1, area, sx, sy] = [width, height, -1, -1, 0, 0, 0]
    const stack = [start]
    seen[start] = 1
    while (stack.length > 0) {
      const i = stack.pop()!
      const [x, y] = [i % width, Math.floor(i / width)]
      x0 = Math.min(x0, x)
      x1 = Math.max(x1, x)
      y0 = Math.min(y0, y)
      y1 = Math.max(y1, y)
      area++
      sx += x
      sy += y
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++) {
          const [u, v] = [x + dx, y + dy]
          if (u < 0 || v < 0 || u >= width || v >= height) continue
          const k = v * width + u
          if (mask[k] && !seen[k]) {
            seen[k] = 1
            stack.push(k)
          }
        }
    }
    pieces.push({
      x: x0,
      y: y0,
      w: x1 - x0 + 1,
      h: y1 - y0 + 1,
      area,
      cx: sx / area + 0.5,
      cy: sy / area + 0.5,
    })
  }
  return pieces.sort((a, b) => b.area - a.area)
}

/**
 * The separate things of a picture with a plain or gradient background: pieces of at least 0.6 % of the picture and
 * a fifth of the largest; a piece whose middle lies in a larger one's box is part of that thing.
 */
export function thingsIn(b: Bitmap): Piece[] {
  const pieces = components(shrunk(foreground(labOf(b)), b.width, b.height), b.width, b.height)
  const least = Math.max(0.006 * b.width * b.height, 0.2 * (pieces[0]?.area ?? 0))
  const things: Piece[] = []
  for (const p of pieces) {
    if (p.area < least) break
    const inside = things.some((t) => p.cx > t.x && p.cx < t.x + t.w && p.cy > t.y && p.cy < t.y + t.h)
    if (!inside) things.push(p)
  }
  return things
}
