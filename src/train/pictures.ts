// Reads the built training set: pixels from shards on demand, records in memory.
import { existsSync, openSync, readdirSync, readFileSync, readSync } from "node:fs"

/** One line of a shard's record file; the scene generator writes more fields than training reads. */
export interface PictureRecord {
  offset: number
  width: number
  height: number
  caption: string
  styleless: string
  stage: "single" | "scene"
  truth: Record<string, unknown>
  attributes: { saturation: number; contrast: number; edges: number; diagonal: number }
  [field: string]: unknown
}

export interface PictureSet {
  records: (PictureRecord & { shard: number })[]
  /** RGB bytes, height x width x 3. */
  read: (record: PictureRecord & { shard: number }) => Uint8Array
}

export const SCENES = "data/scenes"

/** Opens every finished shard of the set. */
export function openPictures(folder = SCENES): PictureSet {
  if (!existsSync(folder)) throw new Error(`There is no training set in ${folder}; build it with: npm run data`)
  const names = readdirSync(folder)
    .filter((name) => /^shard-\d+\.bin$/.test(name))
    .sort()
  const files = names.map((name) => openSync(`${folder}/${name}`, "r"))
  const records = names.flatMap((name, shard) =>
    readFileSync(`${folder}/${name.replace(/\.bin$/, ".jsonl")}`, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => ({ ...(JSON.parse(line) as PictureRecord), shard })),
  )
  return {
    records,
    read: (r) => {
      const bytes = new Uint8Array(r.width * r.height * 3)
      readSync(files[r.shard]!, bytes, 0, bytes.length, r.offset)
      return bytes
    },
  }
}

/** Cuts a window out of RGB bytes into planes of -1..1: [3, size, size] written at `to`. */
export function cropInto(out: Float32Array, to: number, bytes: Uint8Array, width: number, x0: number, y0: number, columns: number, rows: number, flip: boolean): void {
  const plane = rows * columns
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const from = ((y0 + y) * width + x0 + (flip ? columns - 1 - x : x)) * 3
      const at = to + y * columns + x
      out[at] = bytes[from]! / 127.5 - 1
      out[at + plane] = bytes[from + 1]! / 127.5 - 1
      out[at + 2 * plane] = bytes[from + 2]! / 127.5 - 1
    }
}
