// Backgrounds as small vector drawings, varied by seed and sharp at any size. Imports the places.

import type { Colour } from "./colours.ts"
import { PLACE_PAINTERS } from "./places.ts"
import type { Random } from "./random.ts"
import { type Canvas, disc, fade, full, hsl, mixed, n, oval } from "./vector.ts"

/** Backgrounds that take a colour, then drawn places. */
export const PLAIN_KINDS = ["plain", "gradient", "polka dots", "stripes"] as const
export const PLACES = [
  "meadow",
  "night",
  "space",
  "sea",
  "underwater",
  "desert",
  "snow",
  "room",
  "forest",
  "city",
  "beach",
  "sunset",
  "mountains",
] as const
export type Place = (typeof PLACES)[number]
export type BackgroundKind = (typeof PLAIN_KINDS)[number] | Place

/** Colours a background can be asked for. */
export const BACKGROUND_COLOURS = [
  "red",
  "orange",
  "yellow",
  "green",
  "blue",
  "purple",
  "pink",
  "teal",
  "black",
  "white",
] as const satisfies readonly Colour[]
export type BackgroundColour = (typeof BACKGROUND_COLOURS)[number]

/** Places in which things hang or swim instead of standing. */
export const FLOATING: ReadonlySet<BackgroundKind> = new Set(["space", "underwater"])

/** Hue in degrees, saturation and lightness in percent of each background colour's middle. */
const WALL: Readonly<Record<BackgroundColour, readonly [number, number, number]>> = {
  red: [2, 76, 56],
  orange: [28, 92, 60],
  yellow: [47, 96, 63],
  green: [132, 44, 52],
  blue: [213, 78, 58],
  purple: [268, 52, 60],
  pink: [338, 84, 77],
  teal: [178, 55, 45],
  black: [230, 8, 13],
  white: [40, 20, 97],
}

/** Where the ground begins, as a share of the height from the top. Places without ground have none. */
export function horizonOf(kind: BackgroundKind, r: Random): number {
  const [low, high] =
    kind === "sea"
      ? [0.5, 0.6]
      : kind === "room"
        ? [0.66, 0.74]
        : kind === "city"
          ? [0.74, 0.8]
          : kind === "beach"
            ? [0.56, 0.64]
            : [0.58, 0.7]
  return r.between(low, high)
}

const room = (c: Canvas, colour: BackgroundColour | undefined): string => {
  const [hue, sat, light] = colour ? WALL[colour] : [c.r.between(0, 360), 30, 82]
  const soft = colour && colour !== "white" && colour !== "black" ? Math.min(74, light + 10) : light
  const defs =
    fade("wall", [hsl(hue, sat * 0.75, soft - 3), hsl(hue, sat * 0.75, soft + 3)]) +
    fade("floor", [hsl(28, 44, 58), hsl(26, 42, 48)])
  let out = full(c, "url(#wall)")
  const motif = c.r.below(4)
  if (motif === 0)
    for (let x = c.r.between(0, 8); x < c.w; x += 8)
      out += `<rect x="${n(x)}" width="3.2" height="${n(c.y)}" fill="#fff" opacity=".12"/>`
  if (motif === 1) {
    const [x, wide] = [c.r.chance(0.5) ? c.w * 0.08 : c.w * 0.64, 26 * c.s]
    const top = c.h * 0.12
    out += `<rect x="${n(x)}" y="${n(top)}" width="${n(wide)}" height="${n(wide * 1.15)}" rx="1" fill="#bfe4f5"/><path d="M${n(x)} ${n(top + wide * 0.7)}q${n(wide * 0.3)} ${n(-wide * 0.25)} ${n(wide * 0.55)} 0t${n(wide * 0.45)} ${n(-wide * 0.1)}v${n(wide * 0.55)}h${n(-wide)}Z" fill="#9ccf8d"/>`
    out += `<path d="M${n(x)} ${n(top)}h${n(wide)}v${n(wide * 1.15)}h${n(-wide)}Z M${n(x + wide / 2)} ${n(top)}v${n(wide * 1.15)} M${n(x)} ${n(top + wide * 0.57)}h${n(wide)}" fill="none" stroke="#fffaf2" stroke-width="${n(1.8 * c.s)}"/>`
  }
  if (motif === 2)
    out += `<rect y="${n(c.y - 20 * c.s)}" width="${n(c.w)}" height="${n(20 * c.s)}" fill="#fff" opacity=".28"/><rect y="${n(c.y - 21 * c.s)}" width="${n(c.w)}" height="${n(1.4 * c.s)}" fill="#fff" opacity=".5"/>`
  out += `<rect y="${n(c.y)}" width="${n(c.w)}" height="${n(c.h - c.y)}" fill="url(#floor)"/>`
  for (let i = -7; i <= 7; i++)
    out += `<path d="M${n(c.w / 2 + i * c.w * 0.1)} ${n(c.y)}L${n(c.w / 2 + i * c.w * 0.2)} ${n(c.h)}" stroke="#5b3418" stroke-width=".5" opacity=".28"/>`
  out += `<rect y="${n(c.y - 3 * c.s)}" width="${n(c.w)}" height="${n(3.2 * c.s)}" fill="#fffaf2"/><rect y="${n(c.y)}" width="${n(c.w)}" height="${n(1.6 * c.s)}" fill="#3d2312" opacity=".2"/>`
  if (c.r.chance(0.4))
    out += oval(
      c.w / 2,
      mixed(c.y, c.h, 0.62),
      c.w * 0.4,
      (c.h - c.y) * 0.25,
      hsl(c.r.between(0, 360), 42, 70),
      `opacity=".85"`,
    )
  return `<defs>${defs}</defs>${out}`
}

const plain = (c: Canvas, kind: BackgroundKind, colour: BackgroundColour): string => {
  const [h0, s, l0] = WALL[colour]
  const grey = colour === "white" || colour === "black"
  const h = h0 + (grey ? c.r.between(-30, 30) : c.r.between(-5, 5))
  const l = colour === "white" ? c.r.between(96, 100) : l0 + c.r.between(-4, 4)
  const base = full(c, hsl(h, s, l))
  const light =
    colour === "black"
      ? hsl(h, s + 4, l + 11)
      : colour === "white"
        ? hsl(h + c.r.between(0, 360), 40, 90)
        : hsl(h, s, Math.min(93, l + 13))
  if (kind === "gradient") {
    const [low, high] =
      colour === "black" ? [l - 6, l + 16] : colour === "white" ? [89, 100] : [l - 12, Math.min(92, l + 20)]
    const turned = c.r.chance(0.5)
    const stops = [hsl(h + 7, s, high), hsl(h - 6, s, low)]
    if (c.r.chance(0.35)) {
      return `<defs><radialGradient id="g" cx=".5" cy=".45" r=".75"><stop offset="0" stop-color="${stops[0]}"/><stop offset="1" stop-color="${stops[1]}"/></radialGradient></defs>${full(c, "url(#g)")}`
    }
    return `<defs>${fade("g", turned ? stops.reverse() : stops, `x1="0" y1="0" x2="${n(c.r.pick([0, 0.4, 1]))}" y2="1"`)}</defs>${full(c, "url(#g)")}`
  }
  if (kind === "polka dots") {
    const [gap, k] = [c.r.between(13, 21), c.r.between(0.17, 0.27)]
    let out = base
    for (let j = 0, y = c.r.between(-gap, 0); y < c.h + gap; y += gap * 0.75, j++)
      for (let x = c.r.between(0, 0.01) - gap * (j % 2 ? 0.5 : 0); x < c.w + gap; x += gap)
        out += disc(x, y, gap * k, light)
    return out
  }
  if (kind === "stripes") {
    const gap = c.r.between(12, 22)
    const angle = c.r.pick([0, 90, 45, -45])
    const reach = c.w + c.h
    let out = ""
    for (let x = -reach; x < reach; x += gap)
      out += `<rect x="${n(x)}" y="${n(-reach)}" width="${n(gap / 2)}" height="${n(2 * reach)}" fill="${light}"/>`
    return `${base}<g transform="rotate(${angle} ${n(c.w / 2)} ${n(c.h / 2)})">${out}</g>`
  }
  return base
}

/** SVG document of a background: `w` x `h` units drawn at `scale` pixels a unit; horizon 0..1 from the top. */
export function backgroundSvg(
  kind: BackgroundKind,
  colour: BackgroundColour | undefined,
  horizon: number,
  r: Random,
  w: number,
  h: number,
  scale: number,
): string {
  const c: Canvas = { r, w, h, y: horizon * h, s: Math.min(w, h) / 128 }
  const art =
    kind === "room"
      ? room(c, colour)
      : kind === "plain" || kind === "gradient" || kind === "polka dots" || kind === "stripes"
        ? plain(c, kind, colour ?? "white")
        : PLACE_PAINTERS[kind](c)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w * scale}" height="${h * scale}" viewBox="0 0 ${w} ${h}">${art}</svg>`
}
