// Glyphs: one-coloured icons of the same concepts by other hands, which teach the judge shapes.

import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { type Concept, THINGS } from "./concepts.ts"
import { type IconSet, readIconSet, svgOf } from "./sources.ts"
import { canvas, cut, trimBox } from "./sprites.ts"

/** Icon sets, and the endings of the names of their fullest drawings. The model learns from none of them. */
const GLYPH_SETS: Readonly<Record<string, readonly string[]>> = {
  "game-icons": [""],
  mdi: [""],
  ph: ["-fill"],
  "fa6-solid": [""],
  "icon-park": [""],
  mingcute: ["-fill"],
  boxicons: ["-filled", ""],
  tabler: ["-filled", ""],
  lucide: [""],
  hugeicons: [""],
}

/** Sets whose icon of that name shows another thing (a computer's mouse, a pie chart, a brand); "all" for every set. */
const OTHER_THINGS: Readonly<Record<string, readonly string[] | "all">> = {
  seal: "all",
  ram: "all",
  ox: "all",
  "circus-tent": "all",
  "water-wave": "all",
  ribbon: "all",
  purse: "all",
  "gem-stone": "all",
  "rescue-workers-helmet": "all",
  "artist-palette": "all",
  mouse: ["mdi", "ph", "icon-park", "mingcute", "boxicons", "tabler", "lucide"],
  bug: ["mdi", "ph", "fa6-solid", "icon-park", "mingcute", "boxicons", "tabler", "lucide"],
  "red-apple": ["mdi", "icon-park", "mingcute", "hugeicons"],
  tornado: ["mdi", "ph", "boxicons", "tabler", "lucide"],
  chicken: ["icon-park", "mingcute"],
  turkey: ["icon-park"],
  butterfly: ["game-icons"],
  blossom: ["mingcute"],
  "four-leaf-clover": ["game-icons"],
  pie: ["icon-park"],
  cooking: ["icon-park"],
  school: ["mdi", "tabler"],
  hospital: ["mdi"],
  "sport-utility-vehicle": ["ph"],
  anchor: ["icon-park"],
  satellite: ["mdi", "hugeicons"],
  "heart-suit": ["icon-park"],
  "game-die": ["icon-park"],
  sunglasses: ["hugeicons"],
  coat: ["tabler"],
  ring: ["icon-park"],
  compass: ["icon-park"],
  keyboard: ["icon-park", "hugeicons"],
  radio: ["lucide"],
  locked: ["hugeicons"],
  books: ["mdi"],
  telescope: ["icon-park"],
  trumpet: ["icon-park"],
  envelope: ["icon-park"],
}

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

/** The name of a concept's icon in a set, or undefined. */
function iconOf(concept: Concept, set: string, icons: IconSet["icons"]): string | undefined {
  const others = OTHER_THINGS[concept.id]
  if (others === "all" || others?.includes(set)) return undefined
  return [concept.id, concept.name, ...concept.reserved]
    .flatMap((name) => GLYPH_SETS[set]!.map((ending) => slug(name) + ending))
    .find((name) => icons[name])
}

async function draw(set: IconSet, name: string): Promise<Pick<Glyph, "width" | "height" | "ink">> {
  const full = await canvas(svgOf(set, set.icons[name]!, 2 * GLYPH_PIXELS), name, 2 * GLYPH_PIXELS)
  const { width, height, rgba } = await cut(full, trimBox(full), GLYPH_PIXELS)
  return { width, height, ink: rgba.filter((_, i) => i % 4 === 3) }
}

/** Draws every icon of the packages that shows a concept into `file` (a few seconds); returns their number. */
export async function packGlyphs(packages: string, file: string): Promise<number> {
  const lines: string[] = []
  for (const set of Object.keys(GLYPH_SETS)) {
    const all = readIconSet(packages, set)
    for (const concept of THINGS) {
      const name = iconOf(concept, set, all.icons)
      if (!name) continue
      const { ink, ...size } = await draw(all, name)
      lines.push(
        JSON.stringify({
          concept: concept.id,
          set,
          file: name,
          ...size,
          ink: Buffer.from(ink).toString("base64"),
        }),
      )
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
