// Reads the built training set: pixels from shards on demand, records in memory.

import { existsSync, openSync, readFileSync, readSync } from "node:fs"
import type { BackgroundKind } from "./data/backgrounds.ts"
import type { Sample } from "./data/dataset.ts"
import type { Style } from "./data/styles/names.ts"

/** One line of a shard's record file; the scene generator writes more fields than training reads. */
export interface PictureRecord {
  /** Place in the whole set, which tells held-out pictures from used ones. */
  index: number
  offset: number
  width: number
  height: number
  caption: string
  styleless: string
  stage: "single" | "scene"
  /** Style word of the scene, and its background in one string: what two pictures of one look share. */
  style: Style
  background: string
  /** Kind of the background alone. */
  place: BackgroundKind
  /** Concepts in the picture. */
  concepts: readonly string[]
  /** Boxes of the things in pixels, in the order of `concepts`, later ones in front: x, y, width, height. */
  boxes: readonly (readonly [number, number, number, number])[]
  /** Whether a thing leans. */
  leans: boolean
  /** Raw measures behind intensity, complexity and movement. */
  measures: readonly [number, number, number]
}

export type Located = PictureRecord & { shard: number }

export interface PictureSet {
  /** Version of the art, e.g. "v1": pictures of different versions have nothing in common. */
  version: string
  /** Shard names in order; a record's `shard` indexes this list. */
  shards: readonly string[]
  records: readonly Located[]
  /** RGB bytes, height x width x 3. */
  read: (record: Located) => Uint8Array
}

const SCENES = "data/scenes"
/** One object each, of the concepts that people ask for most; there or not. */
export const FOCUS_SCENES = "data/focus"
/** What the names of its shards begin with. */
export const FOCUS_PREFIX = "focus-"

/** Opens the shards that the sets' indices list. Those that appear later are for the next start. */
export function openPictures(
  folder = SCENES,
  focus = folder === SCENES ? FOCUS_SCENES : undefined,
): PictureSet {
  const main = openShards(folder)
  if (!main) throw new Error(`There is no training set in ${folder}; build it with: npm run data`)
  const more = focus === undefined ? undefined : openShards(focus, FOCUS_PREFIX)
  const all = [...main.shards, ...(more?.version === main.version ? more.shards : [])]
  const files = all.map(({ path }) => openSync(`${path}.bin`, "r"))
  const records = all.flatMap(({ path }, shard) =>
    readFileSync(`${path}.jsonl`, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => slim(JSON.parse(line) as Sample, shard)),
  )
  return {
    version: main.version,
    shards: all.map(({ name }) => name),
    records,
    read: (r) => {
      const bytes = new Uint8Array(r.width * r.height * 3)
      readSync(files[r.shard]!, bytes, 0, bytes.length, r.offset)
      return bytes
    },
  }
}

/** The shards that a folder's index lists: their place without ending, and a name that no other folder's has. */
function openShards(
  folder: string,
  prefix = "",
): { version: string; shards: { path: string; name: string }[] } | undefined {
  if (!existsSync(`${folder}/index.json`)) return undefined
  const index = JSON.parse(readFileSync(`${folder}/index.json`, "utf8")) as {
    version: number
    shards: string[]
  }
  const version = `v${index.version}`
  const shards = index.shards.map((path) => ({
    path: `${folder}/${path}`,
    name: prefix + path.slice(version.length + 1),
  }))
  return { version, shards }
}

/** Only what training reads: a hundred thousand full descriptions would take a gigabyte. */
function slim(
  { index, offset, width, height, caption, styleless, stage, truth, attributes }: Sample,
  shard: number,
): Located {
  const { kind, colour } = truth.background
  return {
    index,
    offset,
    width,
    height,
    caption,
    styleless,
    stage,
    shard,
    style: truth.style,
    background: `${kind} ${colour ?? ""}`,
    place: kind,
    concepts: truth.objects.map((o) => o.concept),
    boxes: truth.objects.map((o) => [o.x, o.y, o.w, o.h] as const),
    leans: truth.objects.some((o) => o.lean !== undefined),
    // Intensity is saturation and contrast in equal parts of their usual ranges; movement is diagonal energy.
    measures: [attributes.saturation + 2 * attributes.contrast, attributes.edges, attributes.diagonal],
  }
}

/** Cuts a window out of RGB bytes into planes of -1..1: [3, size, size] written at `to`. */
export function cropInto(
  out: Float32Array,
  to: number,
  bytes: Uint8Array,
  width: number,
  x0: number,
  y0: number,
  columns: number,
  rows: number,
): void {
  const plane = rows * columns
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const from = ((y0 + y) * width + x0 + x) * 3
      const at = to + y * columns + x
      out[at] = bytes[from]! / 127.5 - 1
      out[at + plane] = bytes[from + 1]! / 127.5 - 1
      out[at + 2 * plane] = bytes[from + 2]! / 127.5 - 1
    }
}

/** Bytes RGB, rows top-down, as planes of -1..1; square unless told. */
export function toPlanes(rgb: Uint8Array, width: number, height = width): Float32Array {
  const out = new Float32Array(3 * width * height)
  cropInto(out, 0, rgb, width, 0, 0, width, height)
  return out
}

/** One picture in a hundred is never trained on. */
export const heldOut = (record: PictureRecord): boolean => record.index % 100 === 99
