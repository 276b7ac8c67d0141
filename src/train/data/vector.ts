// A few strokes of vector drawing: gradients, hills, ridges, clouds, trees. Imports random.

import type { Random } from "./random.ts"

export interface Canvas {
  readonly r: Random
  readonly w: number
  readonly h: number
  /** Height of the horizon in units. */
  readonly y: number
  /** Shorter side in units / 128: keeps details the same size in wide and tall pictures. */
  readonly s: number
}

export const n = (x: number): string => (Math.round(x * 100) / 100).toString()
export const hsl = (h: number, s: number, l: number, a = 1): string =>
  a === 1
    ? `hsl(${n((h + 360) % 360)},${n(s)}%,${n(l)}%)`
    : `hsla(${n((h + 360) % 360)},${n(s)}%,${n(l)}%,${n(a)})`

/** A vertical gradient of any colours, top to bottom, as a definition to fill with `url(#id)`. */
export const fade = (
  id: string,
  colours: readonly string[],
  vector = `x1="0" y1="0" x2="0" y2="1"`,
): string =>
  `<linearGradient id="${id}" ${vector}>${colours
    .map((c, i) => `<stop offset="${n(i / (colours.length - 1))}" stop-color="${c}"/>`)
    .join("")}</linearGradient>`

export const halo = (
  id: string,
  colour: string,
  x: number,
  y: number,
  radius: number,
  strength = 1,
): string =>
  `<radialGradient id="${id}" gradientUnits="userSpaceOnUse" cx="${n(x)}" cy="${n(y)}" r="${n(radius)}">` +
  `<stop offset="0" stop-color="${colour}" stop-opacity="${strength}"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/></radialGradient>`

export const full = (c: Canvas, fill: string): string =>
  `<rect width="${n(c.w)}" height="${n(c.h)}" fill="${fill}"/>`
export const disc = (x: number, y: number, r: number, fill: string, more = ""): string =>
  `<circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}" fill="${fill}" ${more}/>`
export const oval = (x: number, y: number, rx: number, ry: number, fill: string, more = ""): string =>
  `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(rx)}" ry="${n(ry)}" fill="${fill}" ${more}/>`

/** A rolling edge from left to right, filled down to the bottom. */
export function hill(c: Canvas, y: number, swing: number, bumps: number, fill: string): string {
  const step = c.w / bumps
  const start = c.r.between(-0.5, 0) * step
  let path = `M${n(start - step)} ${n(c.h + 2)}V${n(y + c.r.between(-swing, swing))}`
  let side = c.r.chance(0.5) ? 1 : -1
  for (let x = start - step; x < c.w + step; x += step) {
    const end = y + side * swing * c.r.between(0.35, 1)
    path += `S${n(x + step * 0.55)} ${n(end)} ${n(x + step)} ${n(end)}`
    side = -side
  }
  return `<path d="${path}V${n(c.h + 2)}Z" fill="${fill}"/>`
}

/** A jagged ridge: peaks with straight flanks, optionally with snow on the high ones. */
export function ridge(
  c: Canvas,
  y: number,
  tall: number,
  peaks: number,
  fill: string,
  snow?: string,
): string {
  let out = ""
  for (let i = 0; i < peaks; i++) {
    const x = ((i + c.r.between(0.1, 0.9)) / peaks) * c.w
    const high = tall * c.r.between(0.55, 1)
    const wide = high * c.r.between(0.85, 1.25)
    const lean = c.r.between(-0.15, 0.15) * wide
    out += `<path d="M${n(x - wide)} ${n(y + 1)}L${n(x + lean)} ${n(y - high)}L${n(x + wide)} ${n(y + 1)}Z" fill="${fill}"/>`
    out += `<path d="M${n(x + lean)} ${n(y - high)}L${n(x + wide)} ${n(y + 1)}H${n(x + wide * 0.1)}Z" fill="#000" opacity=".09"/>`
    if (!snow) continue
    const t = c.r.between(0.26, 0.4)
    const [lx, rx, sy] = [x + lean - (lean + wide) * t, x + lean + (wide - lean) * t, y - high * (1 - t)]
    const q = (rx - lx) / 4
    out += `<path d="M${n(x + lean)} ${n(y - high)}L${n(rx)} ${n(sy)}L${n(rx - q)} ${n(sy - high * 0.06)}L${n(rx - 2 * q)} ${n(sy + high * 0.05)}L${n(lx + q)} ${n(sy - high * 0.05)}L${n(lx)} ${n(sy)}Z" fill="${snow}"/>`
  }
  return out
}

function puff(c: Canvas, x: number, y: number, size: number, fill: string, opacity = 1): string {
  const parts = [oval(x, y, size, size * 0.34, fill)]
  for (let i = 0; i < 4; i++)
    parts.push(
      disc(
        x + c.r.between(-0.6, 0.6) * size,
        y - c.r.between(0.05, 0.28) * size,
        size * c.r.between(0.24, 0.42),
        fill,
      ),
    )
  return `<g opacity="${n(opacity)}">${parts.join("")}</g>`
}

export const puffs = (c: Canvas, count: number, fill: string, opacity: number): string =>
  Array.from({ length: count }, () =>
    puff(
      c,
      c.r.between(0, c.w),
      c.r.between(0.06, 0.72) * c.y,
      c.r.between(8, 18) * c.s,
      fill,
      opacity * c.r.between(0.6, 1),
    ),
  ).join("")

export const stars = (c: Canvas, count: number, to: number, tint = "#fff"): string =>
  Array.from({ length: Math.round((count * (c.w * to)) / 16384) }, () =>
    disc(
      c.r.between(0, c.w),
      c.r.between(0, to),
      c.r.between(0.3, 0.95) * c.s,
      tint,
      `opacity="${n(c.r.between(0.35, 1))}"`,
    ),
  ).join("")

export const pine = (x: number, y: number, high: number, fill: string): string =>
  [0, 1, 2]
    .map((k) => {
      const [top, wide] = [y - high + k * high * 0.24, high * (0.17 + 0.07 * k)]
      return `<path d="M${n(x)} ${n(top)}L${n(x + wide)} ${n(top + high * 0.42)}H${n(x - wide)}Z" fill="${fill}"/>`
    })
    .join("") +
  `<rect x="${n(x - high * 0.03)}" y="${n(y - high * 0.14)}" width="${n(high * 0.06)}" height="${n(high * 0.15)}" fill="${fill}"/>`

export const leafy = (c: Canvas, x: number, y: number, high: number, fill: string, trunk: string): string =>
  `<rect x="${n(x - high * 0.04)}" y="${n(y - high * 0.45)}" width="${n(high * 0.08)}" height="${n(high * 0.46)}" fill="${trunk}"/>` +
  oval(x, y - high * 0.66, high * c.r.between(0.26, 0.34), high * 0.36, fill) +
  oval(x - high * 0.09, y - high * 0.74, high * 0.17, high * 0.2, "#fff", `opacity=".09"`)

export const mixed = (a: number, b: number, t: number): number => a + (b - a) * t
