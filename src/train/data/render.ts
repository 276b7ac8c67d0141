// From a scene's description to pixels, at any scale. Imports sharp for the background's vectors.

import sharp from "sharp"
import { backgroundSvg } from "./backgrounds.ts"
import { recolour } from "./colours.ts"
import { empty, type Frame, type Layers, type Picture, picture, plane, withPlanes } from "./planes.ts"
import { random } from "./random.ts"
import { isPlace, type Scene, type SceneObject } from "./scene.ts"
import { type Cutout, SPRITE_PIXELS, type Sprite, type SpriteSource } from "./sprites.ts"
import { leaning } from "./steady.ts"
import { applyStyle } from "./styles/index.ts"
import type { Style } from "./styles/names.ts"

sharp.concurrency(1) // one picture per worker: threads inside librsvg only fight each other

/** RGB pixels, 8 bits, row by row. */
export interface Rendered {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array
}

/** Styles whose edges are soft anyway: half again the pixels are enough to average down from. */
const SOFT: ReadonlySet<Style> = new Set([
  "watercolor",
  "oil painting",
  "pencil sketch",
  "chalkboard",
  "duotone",
])

/**
 * Draws a scene at `scale` output pixels per native pixel. Below 4 it paints larger and averages down;
 * from there on a pixel is finer than any stroke and painting at size is enough.
 */
export async function renderScene(scene: Scene, source: SpriteSource, scale = 1): Promise<Rendered> {
  const ss = scale >= 4 ? 1 : SOFT.has(scene.style) ? 1.5 : 2
  const layers = await layersOf(scene, source, scale * ss)
  return withPlanes(() => toRgb(applyStyle(scene, layers, random(scene.seed).fork(scene.style)), layers, ss))
}

/** Background, objects and shadow of a scene as planes, `unit` pixels per native pixel. */
async function layersOf(scene: Scene, source: SpriteSource, unit: number): Promise<Layers> {
  const f: Frame = { w: Math.round(scene.width * unit), h: Math.round(scene.height * unit), unit }
  const back = await background(scene, f)
  const [fore, alpha, shadow] = [picture(f), plane(f), plane(f)]
  const find = catalogue(source)
  // Further away first, so that nearer things cover them.
  for (const o of [...scene.objects].sort((a, b) => a.y + a.h - b.y - b.h)) {
    const sprite = find.get(`${o.concept} ${o.set}`)
    if (!sprite) throw new Error(`no drawing of ${o.concept} in ${o.set}`)
    const pixels = Math.max(o.w, o.h) * unit
    const cutout =
      pixels > SPRITE_PIXELS * 1.1 ? await source.draw(sprite, Math.round(pixels)) : source.pixels(sprite)
    if (o.tint) recolour(cutout.rgba, sprite.main, o.tint)
    if (o.lean === undefined) place(cutout, o, f, fore, alpha)
    else place(await turned(cutout, o.flip ? -o.lean : o.lean), around(o, o.lean), f, fore, alpha)
    dropShadow(scene, o, sprite, f, shadow)
  }
  return { ...f, back, fore, alpha, shadow }
}

/** Sprites by concept and set, made once per source: a scene names a few of thousands. */
function catalogue(source: SpriteSource): ReadonlyMap<string, Sprite> {
  let map = CATALOGUES.get(source)
  if (!map) {
    map = new Map(source.sprites.map((s) => [`${s.concept} ${s.set}`, s]))
    CATALOGUES.set(source, map)
  }
  return map
}
const CATALOGUES = new WeakMap<SpriteSource, ReadonlyMap<string, Sprite>>()

async function background(scene: Scene, f: Frame): Promise<Picture> {
  const { kind, colour, horizon } = scene.background
  const svg = backgroundSvg(
    kind,
    colour,
    horizon,
    random(scene.seed).fork("background art"),
    scene.width,
    scene.height,
    f.unit,
  ).replace("</svg>", `${islets(scene)}</svg>`)
  const { data, info } = await sharp(Buffer.from(svg))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  if (info.width !== f.w || info.height !== f.h)
    throw new Error(`background came out ${info.width}x${info.height}`)
  const out = picture(f)
  for (let i = 0, p = 0; p < f.w * f.h; p++) for (let c = 0; c < 3; c++, i++) out[c]![p] = data[i]! / 255
  return out
}

/** On the sea, whatever cannot swim stands on a small sandbank of its own. */
function islets(scene: Scene): string {
  if (scene.background.kind !== "sea") return ""
  return scene.objects
    .filter((o) => o.grounded && !SWIMS.has(o.concept))
    .map((o) => {
      const [cx, cy, rx] = [o.x + o.w / 2, o.y + o.h, o.w * 0.62 + 3]
      return (
        `<ellipse cx="${cx}" cy="${cy + rx * 0.08}" rx="${rx * 1.12}" ry="${rx * 0.3}" fill="#fff" opacity=".55"/>` +
        `<ellipse cx="${cx}" cy="${cy}" rx="${rx}" ry="${rx * 0.24}" fill="#f0d79c"/><ellipse cx="${cx}" cy="${cy - rx * 0.03}" rx="${rx * 0.9}" ry="${rx * 0.17}" fill="#f8e6b8"/>`
      )
    })
    .join("")
}
const SWIMS = new Set([
  "sailboat",
  "speedboat",
  "canoe",
  "ship",
  "spouting-whale",
  "dolphin",
  "fish",
  "tropical-fish",
  "blowfish",
  "shark",
  "octopus",
  "squid",
  "jellyfish",
  "seal",
  "shrimp",
  "water-wave",
  "duck",
  "swan",
])

/** A cut-out turned clockwise, with room for its corners. */
async function turned({ width, height, rgba }: Cutout, degrees: number): Promise<Cutout> {
  const { data, info } = await sharp(rgba, { raw: { width, height, channels: 4 } })
    .rotate(degrees, { background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, rgba: data }
}

/** The object with the upright box around it as it leans. */
function around(o: SceneObject, degrees: number): SceneObject {
  const [w, h] = leaning(o.w, o.h, degrees)
  return { ...o, x: o.x + (o.w - w) / 2, y: o.y + (o.h - h) / 2, w, h }
}

/** Writes one cut-out into the layers, each output pixel the mean of the sprite area under it. */
function place(c: Cutout, o: SceneObject, f: Frame, fore: Picture, alpha: Float32Array): void {
  const [x0, y0, w, h] = [o.x * f.unit, o.y * f.unit, o.w * f.unit, o.h * f.unit]
  const columns = taps(x0, w, c.width, f.w, o.flip)
  const rows = taps(y0, h, c.height, f.h, false)
  const line = new Float32Array(columns.count * 4)
  const wide = new Float32Array(columns.count * 4 * c.height)
  for (let y = 0; y < c.height; y++) {
    // squeeze each sprite row to the columns it covers, alpha first
    line.fill(0)
    for (let j = 0; j < columns.count; j++)
      for (let k = columns.start[j]!; k < columns.start[j + 1]!; k++) {
        const p = (y * c.width + columns.index[k]!) * 4
        const a = (c.rgba[p + 3]! / 255) * columns.weight[k]!
        line[j * 4] = line[j * 4]! + (c.rgba[p]! / 255) * a
        line[j * 4 + 1] = line[j * 4 + 1]! + (c.rgba[p + 1]! / 255) * a
        line[j * 4 + 2] = line[j * 4 + 2]! + (c.rgba[p + 2]! / 255) * a
        line[j * 4 + 3] = line[j * 4 + 3]! + a
      }
    wide.set(line, y * columns.count * 4)
  }
  for (let i = 0; i < rows.count; i++) {
    line.fill(0)
    for (let k = rows.start[i]!; k < rows.start[i + 1]!; k++) {
      const [from, weight] = [rows.index[k]! * columns.count * 4, rows.weight[k]!]
      for (let j = 0; j < line.length; j++) line[j] = line[j]! + wide[from + j]! * weight
    }
    for (let j = 0; j < columns.count; j++) {
      const p = (rows.first + i) * f.w + columns.first + j
      const a = line[j * 4 + 3]!
      for (let ch = 0; ch < 3; ch++) fore[ch]![p] = fore[ch]![p]! * (1 - a) + line[j * 4 + ch]!
      alpha[p] = alpha[p]! * (1 - a) + a
    }
  }
}

/** For each output pixel along one axis: which source pixels it averages, and with which weights. */
function taps(from: number, length: number, size: number, limit: number, flip: boolean) {
  const first = Math.max(0, Math.floor(from - 0.5))
  const end = Math.min(limit, Math.ceil(from + length + 0.5))
  const perPixel = size / length
  const reach = Math.max(1, perPixel) // a triangle as wide as the pixel it fills: smooth, no ringing
  const [start, index, weight] = [[0], [] as number[], [] as number[]]
  for (let p = first; p < end; p++) {
    const centre = (p + 0.5 - from) * perPixel - 0.5
    const own: [number, number][] = []
    let total = 0
    for (let s = Math.ceil(centre - reach); s <= centre + reach; s++) {
      const share = 1 - Math.abs(s - centre) / reach
      total += share
      if (share > 0 && s >= 0 && s < size) own.push([flip ? size - 1 - s : s, share])
    }
    for (const [s, share] of own) {
      index.push(s)
      weight.push(share / total)
    }
    start.push(index.length)
  }
  return { first, count: Math.max(0, end - first), start, index, weight }
}

/** A soft ellipse under what stands; the sharper and darker, the nearer to the foot. */
function dropShadow(scene: Scene, o: SceneObject, sprite: Sprite, f: Frame, shadow: Float32Array): void {
  const onPlace = isPlace(scene.background.kind)
  const render = scene.style === "3d render"
  if (o.lean !== undefined || (onPlace ? !o.grounded : !render)) return
  const [l, r] = o.flip ? [1 - sprite.foot[1], 1 - sprite.foot[0]] : sprite.foot
  const cx = (o.x + (o.w * (l + r)) / 2) * f.unit
  const rx = (o.w * (r - l) * 0.56 + o.w * 0.06) * f.unit * (render ? 1.1 : 1)
  const ry = Math.max(1.6 * f.unit, Math.min(rx * 0.24, o.h * f.unit * 0.1))
  const cy = (o.y + o.h) * f.unit - ry * 0.25
  const strength = scene.style === "flat vector" ? 0.2 : onPlace ? 0.34 : 0.26
  const soft = scene.style === "flat vector" ? 0.12 : 0.62
  for (let y = Math.max(0, Math.floor(cy - ry * 2)); y < Math.min(f.h, cy + ry * 2); y++)
    for (let x = Math.max(0, Math.floor(cx - rx * 2)); x < Math.min(f.w, cx + rx * 2); x++) {
      const d = Math.hypot((x + 0.5 - cx) / rx, (y + 0.5 - cy) / ry)
      const t = Math.min(1, Math.max(0, (1 + soft - d) / (2 * soft)))
      const v = strength * t * t * (3 - 2 * t)
      const p = y * f.w + x
      if (v > shadow[p]!) shadow[p] = v
    }
}

/** Averages `ss` x `ss` painted pixels into one; ss may be 1, 1.5 or 2. */
function toRgb(p: Picture, f: Frame, ss: number): Rendered {
  const [w, h] = [Math.round(f.w / ss), Math.round(f.h / ss)]
  const rgb = new Uint8Array(w * h * 3)
  const mean = empty(w * f.h)
  for (let c = 0; c < 3; c++) {
    shrink(p[c]!, mean, f.w, w, 1, 1, f.h, f.w, w, ss)
    const out = empty(w * h)
    shrink(mean, out, f.h, h, w, w, w, 1, 1, ss)
    for (let i = 0; i < out.length; i++)
      rgb[i * 3 + c] = Math.max(0, Math.min(255, Math.round(out[i]! * 255)))
  }
  return { width: w, height: h, rgb }
}

/** Box average along one axis, with shares of the pixels that an output pixel covers only in part. */
function shrink(
  src: Float32Array,
  dst: Float32Array,
  n: number,
  m: number,
  step: number,
  outStep: number,
  lines: number,
  jump: number,
  outJump: number,
  ss: number,
): void {
  for (let o = 0; o < m; o++) {
    const [from, to] = [o * ss, (o + 1) * ss]
    for (let i = Math.floor(from); i < Math.min(n, to); i++) {
      const share = (Math.min(i + 1, to) - Math.max(i, from)) / ss
      for (let line = 0, a = i * step, b = o * outStep; line < lines; line++, a += jump, b += outJump)
        dst[b] = (i === Math.floor(from) ? 0 : dst[b]!) + src[a]! * share
    }
  }
}
