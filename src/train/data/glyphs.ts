// Glyphs: one-coloured icons of the same concepts by other hands, which teach the judge shapes.

import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { chanceColour } from "./colours.ts"
import { type Concept, THINGS } from "./concepts.ts"
import { GLYPH_SETS, OTHER_NAMES, OTHER_THINGS } from "./glyph-sets.ts"
import { type IconSet, readIconSet, svgOf } from "./sources.ts"
import { type Cutout, canvas, cut, trimBox } from "./sprites.ts"

/** Where the glyphs are kept in the data's folder; another name whenever other icons are drawn. */
export const GLYPH_FILE = "glyphs-2.jsonl"

/** Longer side of a kept glyph in pixels. */
const GLYPH_PIXELS = 96

/** One icon: how much ink covers each pixel, 0..255, trimmed. */
export interface Glyph {
  readonly concept: string
  readonly set: string
  readonly file: string
  readonly width: number
  readonly height: number
  readonly ink: Uint8Array
}

const slug = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, "-")

/** The names of a concept's icons in a set: one of its own name, and those that are known by another. */
function iconsOf(concept: Concept, set: string, icons: IconSet["icons"]): string[] {
  const others = OTHER_THINGS[concept.id]
  const names = [concept.id, concept.name, ...concept.reserved, ...concept.synonyms]
  const own =
    others === "all" || others?.includes(set)
      ? undefined
      : names
          .flatMap((name) => GLYPH_SETS[set]!.map((ending) => slug(name) + ending))
          .find((name) => icons[name])
  const known = (OTHER_NAMES[concept.id] ?? "")
    .split(" ")
    .flatMap((entry) => (entry.startsWith(`${set}:`) ? [entry.slice(set.length + 1)] : []))
  return [...new Set([...(own ? [own] : []), ...known])]
}

/**
 * How much ink covers each pixel: of one-coloured icons their opacity, of coloured ones only the darker half of their
 * own range counts, which is what their lines are drawn in.
 */
function inkOf(rgba: Uint8Array): Uint8Array {
  const light = (i: number): number => 0.3 * rgba[i]! + 0.6 * rgba[i + 1]! + 0.1 * rgba[i + 2]!
  let [least, most] = [255, 0]
  for (let i = 0; i < rgba.length; i += 4) {
    if (rgba[i + 3]! < 200) continue
    least = Math.min(least, light(i))
    most = Math.max(most, light(i))
  }
  const coloured = most - least > 40
  return Uint8Array.from({ length: rgba.length / 4 }, (_, p) => {
    const dark = coloured ? (most - light(4 * p)) / (most - least) : 1
    return rgba[4 * p + 3]! * Math.min(1, Math.max(0, (dark - 0.4) / 0.4))
  })
}

async function draw(set: IconSet, name: string): Promise<Pick<Glyph, "width" | "height" | "ink">> {
  const full = await canvas(svgOf(set, set.icons[name]!, 2 * GLYPH_PIXELS), name, 2 * GLYPH_PIXELS)
  const { width, height, rgba } = await cut(full, trimBox(full), GLYPH_PIXELS)
  return { width, height, ink: inkOf(rgba) }
}

/** Draws every icon of the packages that shows a concept into `file` (half a minute); returns their number. */
export async function packGlyphs(packages: string, file: string): Promise<number> {
  const lines: string[] = []
  for (const set of Object.keys(GLYPH_SETS)) {
    const all = readIconSet(packages, set)
    for (const concept of THINGS) {
      for (const name of iconsOf(concept, set, all.icons)) {
        if (!all.icons[name]) throw new Error(`${set} has no icon ${name}; see src/train/data/glyph-sets.ts`)
        const { ink, ...size } = await draw(all, name)
        const drawn = { concept: concept.id, set, file: name, ...size }
        lines.push(JSON.stringify({ ...drawn, ink: Buffer.from(ink).toString("base64") }))
      }
    }
  }
  writeFileSync(`${file}.part`, `${lines.join("\n")}\n`)
  renameSync(`${file}.part`, file)
  return lines.length
}

/** The packed glyphs. */
export const openGlyphs = (file: string): Glyph[] =>
  readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { ink, ...glyph } = JSON.parse(line) as Omit<Glyph, "ink"> & { ink: string }
      return { ...glyph, ink: new Uint8Array(Buffer.from(ink, "base64")) }
    })

/** Which pixels are ink or closed in by it, 0..255: what cannot be reached from the border over bare ground. */
export function closedIn({ width, height, ink }: Pick<Glyph, "width" | "height" | "ink">): Uint8Array {
  const BARE = 96
  const solid = new Uint8Array(width * height).fill(255)
  const open: number[] = []
  const reach = (i: number): void => {
    if (solid[i] !== 255 || ink[i]! >= BARE) return
    solid[i] = ink[i]!
    open.push(i)
  }
  for (let x = 0; x < width; x++) for (const y of [0, height - 1]) reach(y * width + x)
  for (let y = 0; y < height; y++) for (const x of [0, width - 1]) reach(y * width + x)
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    const x = i % width
    if (x > 0) reach(i - 1)
    if (x < width - 1) reach(i + 1)
    if (i >= width) reach(i - width)
    if (i + width < width * height) reach(i + width)
  }
  return solid
}

/** A glyph in chance colours: as a filled drawing with dark lines, as a body with another colour inside, or as ink alone. */
export function dressed({ width, height, ink }: Glyph, solid: Uint8Array, lot: () => number): Cutout {
  const how = lot()
  const body = chanceColour(1, 0.6, lot)
  const other = lot() < 0.5 ? ([0.98, 0.98, 0.98] as const) : chanceColour(0, 0.6, lot)
  const dark = body.map((v) => v * 0.25)
  const [line, inside] = how < 0.4 ? [dark, body] : [body, other]
  const alpha = how < 0.75 ? solid : ink
  const rgba = new Uint8Array(width * height * 4)
  for (let i = 0; i < ink.length; i++) {
    const covered = ink[i]! / 255
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = 255 * (line[c]! * covered + inside[c]! * (1 - covered))
    rgba[4 * i + 3] = alpha[i]!
  }
  return { width, height, rgba }
}
