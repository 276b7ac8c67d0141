// Pictures as planes of 32-bit numbers and the few filters every style is made of. Imports random only.

import { avalanche } from "./random.ts"

/** One channel, row by row, [height * width], usually 0..1 in sRGB. */
export type Plane = Float32Array
export type Colour3 = readonly [number, number, number]

/** Size in pixels; unit = pixels per scene unit (one native pixel), so that lengths scale with the picture. */
export interface Frame {
  readonly w: number
  readonly h: number
  readonly unit: number
}

/** Red, green and blue planes of one picture. */
export type Picture = [Plane, Plane, Plane]

/** A scene before its style: what is behind, what stands in front, and the soft shadow between them. */
export interface Layers extends Frame {
  readonly back: Picture
  /** Colours already multiplied by `alpha`. */
  readonly fore: Picture
  readonly alpha: Plane
  /** Darkness on the background, 0 none .. 1 black. */
  readonly shadow: Plane
}

/** Planes that a finished picture gave back, by length. */
const spare = new Map<number, Plane[]>()
let lent: Plane[] | undefined

/** An empty plane of a length. Inside `withPlanes` it is lent: it must not be used afterwards. */
export function empty(length: number): Plane {
  const p = lent && spare.get(length)?.pop()
  if (!lent) return new Float32Array(length)
  lent.push(p ?? new Float32Array(length))
  return p ? p.fill(0) : lent.at(-1)!
}

/**
 * Runs `work`, which may not wait, and takes back every plane it made: a style needs dozens of planes of
 * a quarter of a megabyte, and fresh ones cost a quarter of the time in the collector and the kernel.
 */
export function withPlanes<T>(work: () => T): T {
  const before = lent
  lent = []
  try {
    return work()
  } finally {
    for (const p of lent) {
      const same = spare.get(p.length) ?? []
      if (same.length < 40) same.push(p)
      if (!spare.has(p.length) && spare.size < 24) spare.set(p.length, same)
    }
    lent = before
  }
}

export const plane = (f: Frame): Plane => empty(f.w * f.h)
export const picture = (f: Frame): Picture => [plane(f), plane(f), plane(f)]
export const clamp01 = (x: number): number => Math.max(0, Math.min(x, 1))
export const mix = (a: number, b: number, t: number): number => a + (b - a) * t

/** 0 below `low`, 1 above `high`, smooth between; `low` may be above `high`. */
export function smoothstep(low: number, high: number, x: number): number {
  const t = clamp01((x - low) / (high - low))
  return t * t * (3 - 2 * t)
}

/** Background, shadow and objects in one picture. */
export function compose(l: Layers): Picture {
  const out = picture(l)
  for (let c = 0; c < 3; c++) {
    const [o, b, f] = [out[c]!, l.back[c]!, l.fore[c]!]
    for (let i = 0; i < o.length; i++) o[i] = b[i]! * (1 - l.shadow[i]!) * (1 - l.alpha[i]!) + f[i]!
  }
  return out
}

/** The grey of every pixel, weighted as the eye does. */
export function luminance([r, g, b]: Picture): Plane {
  const out = empty(r.length)
  for (let i = 0; i < out.length; i++) out[i] = 0.299 * r[i]! + 0.587 * g[i]! + 0.114 * b[i]!
  return out
}

/** Three taps or more along one axis: `step` apart in memory, `count` long, for `lines` lines `jump` apart. */
function convolve(
  src: Plane,
  dst: Plane,
  kernel: Float32Array,
  count: number,
  step: number,
  lines: number,
  jump: number,
): void {
  const r = kernel.length - 1 // kernel[0] is the middle, kernel[k] weighs both neighbours k away
  for (let line = 0, from = 0; line < lines; line++, from += jump) {
    const end = from + (count - 1) * step
    for (let x = 0, i = from; x < count; x++, i += step) {
      let v = kernel[0]! * src[i]!
      if (x >= r && x < count - r)
        for (let k = 1, o = step; k <= r; k++, o += step) v += kernel[k]! * (src[i - o]! + src[i + o]!)
      else
        for (let k = 1, o = step; k <= r; k++, o += step)
          v += kernel[k]! * (src[Math.max(i - o, from)]! + src[Math.min(i + o, end)]!)
      dst[i] = v
    }
  }
}

function gaussian(sigma: number): Float32Array {
  const r = Math.max(1, Math.ceil(sigma * 2.4))
  const k = Float32Array.from({ length: r + 1 }, (_, i) => Math.exp((-0.5 * i * i) / (sigma * sigma)))
  const sum = k.reduce((a, b) => a + 2 * b, 0) - k[0]!
  return k.map((v) => v / sum)
}

/** Gaussian blur of `sigma` pixels; borders repeat. Wide ones are done on a picture of half the size. */
export function blur(src: Plane, f: { readonly w: number; readonly h: number }, sigma: number): Plane {
  if (sigma < 0.2) return src.slice()
  if (sigma > 2.6 && f.w > 8 && f.h > 8) return blurHalved(src, f.w, f.h, sigma)
  const kernel = gaussian(sigma)
  const across = empty(src.length)
  const out = empty(src.length)
  convolve(src, across, kernel, f.w, 1, f.h, f.w)
  convolve(across, out, kernel, f.h, f.w, f.w, 1)
  return out
}

/** Halving and doubling back blur by about 0.7 pixels themselves; the half picture does the rest. */
function blurHalved(src: Plane, w: number, h: number, sigma: number): Plane {
  const [hw, hh] = [(w + 1) >> 1, (h + 1) >> 1]
  const half = empty(hw * hh)
  for (let y = 0; y < hh; y++)
    for (let x = 0; x < hw; x++) {
      const i = 2 * y * w + 2 * x
      const right = 2 * x + 1 < w ? 1 : 0
      const down = 2 * y + 1 < h ? w : 0
      half[y * hw + x] = 0.25 * (src[i]! + src[i + right]! + src[i + down]! + src[i + down + right]!)
    }
  const soft = blur(half, { w: hw, h: hh }, Math.sqrt(sigma * sigma - 0.6) / 2)
  const out = empty(w * h)
  for (let y = 0; y < h; y++) {
    const v = Math.min(hh - 1, Math.max(0, y / 2 - 0.25))
    const row = (v | 0) * hw
    const below = Math.min(hh - 1, (v | 0) + 1) * hw
    const ty = v - (v | 0)
    for (let x = 0; x < w; x++) {
      const u = x === 0 ? 0 : x / 2 - 0.25
      const j = u | 0
      const k = j + 1 < hw ? j + 1 : j
      const tx = u - j
      const top = soft[row + j]! + (soft[row + k]! - soft[row + j]!) * tx
      const low = soft[below + j]! + (soft[below + k]! - soft[below + j]!) * tx
      out[y * w + x] = top + (low - top) * ty
    }
  }
  return out
}

export const blurPicture = (p: Picture, f: Frame, sigma: number): Picture => [
  blur(p[0], f, sigma),
  blur(p[1], f, sigma),
  blur(p[2], f, sigma),
]

/** Value noise 0..1 with features of `wavelength` scene units; the same picture at every scale. */
export function noise(f: Frame, wavelength: number, seed: number, stretch = 1): Plane {
  const out = plane(f)
  const step = 1 / (wavelength * f.unit)
  const stepY = step * stretch
  const cols = Math.ceil(f.w * step) + 2
  const rows = Math.ceil(f.h * stepY) + 2
  const lattice = new Float32Array(cols * rows)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++)
      lattice[i * cols + j] = avalanche(seed ^ Math.imul(i * 4096 + j, 0x9e3779b1)) / 2 ** 32
  for (let y = 0; y < f.h; y++) {
    const v = (y + 0.5) * stepY
    const i = Math.floor(v)
    const fy = v - i
    const ty = fy * fy * (3 - 2 * fy)
    for (let x = 0; x < f.w; x++) {
      const u = (x + 0.5) * step
      const j = u | 0
      const fx = u - j
      const tx = fx * fx * (3 - 2 * fx)
      const k = i * cols + j
      const top = lattice[k]! + (lattice[k + 1]! - lattice[k]!) * tx
      const low = lattice[k + cols]! + (lattice[k + cols + 1]! - lattice[k + cols]!) * tx
      out[y * f.w + x] = top + (low - top) * ty
    }
  }
  return out
}

/** Noise summed over octaves, each half as long and half as strong, rescaled to 0..1. */
export function clouds(f: Frame, wavelength: number, octaves: number, seed: number): Plane {
  const out = plane(f)
  let total = 0
  for (let o = 0; o < octaves; o++) {
    const weight = 0.5 ** o
    const n = noise(f, wavelength * weight, avalanche(seed + o * 7919))
    for (let i = 0; i < out.length; i++) out[i] = out[i]! + n[i]! * weight
    total += weight
  }
  for (let i = 0; i < out.length; i++) out[i] = out[i]! / total
  return out
}

/** Paper tooth, dust, fibre: three octaves, because one shows its lattice when the picture is large. 0..1. */
export const grain = (f: Frame, wavelength: number, seed: number): Plane => {
  const g = clouds(f, wavelength * 1.5, 3, seed)
  for (let i = 0; i < g.length; i++) g[i] = clamp01(0.5 + (g[i]! - 0.5) * 1.5)
  return g
}

/** Reads a plane between pixels, bilinear, borders repeat. */
export function sample(p: Plane, f: Frame, x: number, y: number): number {
  const cx = Math.max(0, Math.min(x, f.w - 1))
  const cy = Math.max(0, Math.min(y, f.h - 1))
  const j = cx | 0
  const i = cy | 0
  const tx = cx - j
  const ty = cy - i
  const k = i * f.w + j
  const right = j + 1 < f.w ? 1 : 0
  const down = i + 1 < f.h ? f.w : 0
  const top = p[k]! + (p[k + right]! - p[k]!) * tx
  const low = p[k + down]! + (p[k + down + right]! - p[k + down]!) * tx
  return top + (low - top) * ty
}

/** Moves every pixel by up to `amplitude` units along slow noise: the unsteady hand. */
export function wobble(
  planes: readonly Plane[],
  f: Frame,
  amplitude: number,
  wavelength: number,
  seed: number,
): Plane[] {
  const dx = clouds(f, wavelength, 2, seed)
  const dy = clouds(f, wavelength, 2, avalanche(seed + 1))
  const amount = 2 * amplitude * f.unit
  return planes.map((p) => {
    const out = plane(f)
    for (let y = 0, i = 0; y < f.h; y++)
      for (let x = 0; x < f.w; x++, i++)
        out[i] = sample(p, f, x + (dx[i]! - 0.5) * amount, y + (dy[i]! - 0.5) * amount)
    return out
  })
}

/**
 * Strength of edges after a blur of `sigma` units: for a step of height h the peak is about 0.4 h
 * whatever the scale. The largest of the three channels counts, so equally bright colours still part.
 */
export function edges(planes: readonly Plane[], f: Frame, sigma: number): Plane {
  const out = plane(f)
  const d = Math.max(1, Math.round(f.unit / 2)) // half a unit each way, so that a finer picture has no more edges
  const k = ((sigma * f.unit) / (2 * d)) ** 2
  for (const p of planes) {
    const b = blur(p, f, sigma * f.unit)
    for (let y = 0; y < f.h; y++) {
      const up = (y >= d ? y - d : 0) * f.w
      const down = (y < f.h - d ? y + d : f.h - 1) * f.w
      for (let x = 0; x < f.w; x++) {
        const gx = b[y * f.w + (x < f.w - d ? x + d : f.w - 1)]! - b[y * f.w + (x >= d ? x - d : 0)]!
        const gy = b[down + x]! - b[up + x]!
        const g = (gx * gx + gy * gy) * k
        if (g > out[y * f.w + x]!) out[y * f.w + x] = g
      }
    }
  }
  for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(out[i]!)
  return out
}

/** Object colours spread beyond their outline, so that filters may cross it: fore / alpha, blurred. */
export function spread(l: Layers, sigma: number): Picture {
  const a = blur(l.alpha, l, sigma * l.unit)
  return l.fore.map((c) => {
    const b = blur(c, l, sigma * l.unit)
    for (let i = 0; i < b.length; i++) b[i] = a[i]! > 1e-3 ? Math.min(1, b[i]! / a[i]!) : 0
    return b
  }) as Picture
}
