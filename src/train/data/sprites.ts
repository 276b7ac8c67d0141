// The drawings as cut-out pixels: rendered once, trimmed, measured, packed in one file. Imports sharp.

import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import sharp from "sharp"
import { type Colour, type Dominant, dominant, naturalColour, recolourable } from "./colours.ts"
import { CONCEPTS, isPerson } from "./concepts.ts"
import { type Drawing, openPackages, type SetName, type Use } from "./sources.ts"

/** Longer side of a packed sprite in pixels: a large object (104 units) at the painters' double size. */
export const SPRITE_PIXELS = 208
/** Raised whenever other drawings are cut out. */
const VERSION = 2
const DRAFT = 416

/** One cut-out drawing; pixels are RGBA, straight alpha, 8 bits, trimmed to what is opaque. */
export interface Sprite {
  readonly concept: string
  readonly set: SetName
  readonly use: Use
  readonly file: string
  readonly width: number
  readonly height: number
  readonly offset: number
  /** Trim box as a share of the drawing's canvas: left, top, width, height. */
  readonly box: readonly [number, number, number, number]
  readonly main: Dominant
  readonly recolourable: boolean
  /** The colour a recolourable drawing wears by itself. */
  readonly colour?: Colour | undefined
  /** Left and right end of what touches the ground, as a share of the width. */
  readonly foot: readonly [number, number]
}

/** RGBA pixels, straight alpha. */
export interface Cutout {
  readonly width: number
  readonly height: number
  readonly rgba: Uint8Array
}

/** Where the painters get their pixels from. */
export interface SpriteSource {
  readonly sprites: readonly Sprite[]
  /** The packed pixels, a copy that may be painted on. */
  pixels(sprite: Sprite): Cutout
  /** The same drawing from its vectors, longer trimmed side = `pixels`. */
  draw(sprite: Sprite, pixels: number): Promise<Cutout>
}

/** Smallest box of pixels whose alpha is more than a trace: [left, top, width, height]. */
export function trimBox({ width, height, rgba }: Cutout): [number, number, number, number] {
  let [x0, y0, x1, y1] = [width, height, -1, -1]
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (rgba[(y * width + x) * 4 + 3]! < 20) continue
      x0 = Math.min(x0, x)
      x1 = Math.max(x1, x)
      y0 = Math.min(y0, y)
      y1 = y
    }
  return x1 < 0 ? [0, 0, width, height] : [x0, y0, x1 - x0 + 1, y1 - y0 + 1]
}

/** Extent of the lowest eighth of a drawing: what its ground shadow hugs. */
export function footOf({ width, height, rgba }: Cutout): [number, number] {
  let [left, right] = [width, 0]
  for (let y = Math.floor(height * 0.88); y < height; y++)
    for (let x = 0; x < width; x++)
      if (rgba[(y * width + x) * 4 + 3]! > 60) {
        left = Math.min(left, x)
        right = Math.max(right, x + 1)
      }
  return right > left ? [left / width, right / width] : [0.2, 0.8]
}

/** A drawing on its whole canvas: an SVG document as it is, or a file brought to `pixels`. */
export async function canvas(source: string | undefined, file: string, pixels: number): Promise<Cutout> {
  const image = source
    ? sharp(Buffer.from(source))
    : sharp(file).resize(pixels, pixels, { fit: "inside", kernel: "lanczos3" })
  const { data, info } = await image.ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, rgba: new Uint8Array(data) }
}

/** The box of a canvas with its longer side at `pixels`. */
export async function cut(
  full: Cutout,
  box: readonly [number, number, number, number],
  pixels: number,
): Promise<Cutout> {
  const [left, top, width, height] = box
  const k = pixels / Math.max(width, height)
  const [w, h] = [Math.max(1, Math.round(width * k)), Math.max(1, Math.round(height * k))]
  const { data } = await sharp(full.rgba, { raw: { width: full.width, height: full.height, channels: 4 } })
    .extract({ left, top, width, height })
    .resize(w, h, { fit: "fill", kernel: "lanczos3" })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { width: w, height: h, rgba: new Uint8Array(data) }
}

/** Renders every drawing of the packages into `file`.bin and `file`.json (about 20 ms a drawing). */
export async function packSprites(packages: string, file: string): Promise<number> {
  const art = openPackages(packages)
  const sprites: Sprite[] = []
  // Nobody is painted over: what a person's main colour is of (skin, hair, a coat) no caption could say.
  const people = new Set(CONCEPTS.filter(isPerson).map((c) => c.id))
  const bin = openSync(`${file}.bin.part`, "w")
  let offset = 0
  for (const drawing of art.drawings) {
    const full = await canvas(art.svg(drawing, DRAFT), drawing.file, DRAFT)
    const box = trimBox(full)
    const small = await cut(full, box, SPRITE_PIXELS)
    const main = dominant(small.rgba)
    const ok = recolourable(main) && !people.has(drawing.concept)
    sprites.push({
      ...drawing,
      width: small.width,
      height: small.height,
      offset,
      main,
      recolourable: ok,
      box: [box[0] / full.width, box[1] / full.height, box[2] / full.width, box[3] / full.height],
      colour: ok ? naturalColour(main) : undefined,
      foot: footOf(small),
    })
    writeSync(bin, small.rgba)
    offset += small.rgba.length
  }
  closeSync(bin)
  renameSync(`${file}.bin.part`, `${file}.bin`)
  writeFileSync(`${file}.json.part`, JSON.stringify({ version: VERSION, pixels: SPRITE_PIXELS, sprites }))
  renameSync(`${file}.json.part`, `${file}.json`)
  return sprites.length
}

/** Whether `file` holds the drawings of this version. */
export const arePacked = (file: string): boolean =>
  existsSync(`${file}.json`) && JSON.parse(readFileSync(`${file}.json`, "utf8")).version === VERSION

/** Opens packed sprites; `packages` is only read when something is drawn from its vectors. */
export function openSprites(file: string, packages: string): SpriteSource {
  const { sprites } = JSON.parse(readFileSync(`${file}.json`, "utf8")) as { sprites: Sprite[] }
  const bin = openSync(`${file}.bin`, "r")
  let art: ReturnType<typeof openPackages> | undefined
  return {
    sprites,
    pixels(sprite) {
      const rgba = new Uint8Array(sprite.width * sprite.height * 4)
      readSync(bin, rgba, 0, rgba.length, sprite.offset)
      return { width: sprite.width, height: sprite.height, rgba }
    },
    async draw(sprite, pixels) {
      art ??= openPackages(packages)
      const drawing: Drawing = sprite
      const size = Math.ceil(pixels / Math.max(sprite.box[2], sprite.box[3]))
      const full = await canvas(art.svg(drawing, size), drawing.file, size)
      const [l, t, w, h] = sprite.box
      const left = Math.round(l * full.width)
      const top = Math.round(t * full.height)
      const box = [
        left,
        top,
        Math.max(1, Math.min(full.width - left, Math.round(w * full.width))),
        Math.max(1, Math.min(full.height - top, Math.round(h * full.height))),
      ] as const
      return cut(full, box, pixels)
    },
  }
}
