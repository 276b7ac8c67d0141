// The contact sheet of a grid: pictures in rows with the axes' values at the edges, drawn as vectors so that they are sharp.
import { readFile } from "node:fs/promises"
import sharp from "sharp"
import { AtelierError } from "../request/errors.ts"
import type { Axis, Cell } from "./grid.ts"

export interface SheetOptions {
  /** Longer side of one picture on the sheet, in pixels. */
  tile?: number
  /** Stands above; usually the prompt. */
  title?: string
  /** Pictures in a row, where there is one axis alone; all of them, if they fit, unless given. */
  columns?: number
}

const INK = "#1c1b1a"
const QUIET = "#77726c"
const PAPER = "#fbfaf8"
const MARGIN = 28
const GAP = 10

/** Text for XML: without control characters and torn pairs, which no XML may hold. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\uFFFE\uFFFF]/gu, " ")
    .replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`)

/** Letters that are as wide as high; others are half as wide, nearly. */
const WIDE = /[\p{Extended_Pictographic}\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}]/u
const GRAPHEMES = new Intl.Segmenter()
const wideness = (letter: string): number => (WIDE.test(letter) ? 2 : 1)
const lengthOf = (text: string): number =>
  [...GRAPHEMES.segment(text)].reduce((sum, { segment }) => sum + wideness(segment), 0)

/** How long a text in one line may be. */
const lineOf = (width: number, size: number): number => Math.max(4, Math.floor(width / (0.56 * size)))

/** A label's most lines: a prompt of a dozen words is read whole beneath an ordinary tile. */
const MOST_LINES = 3
/** From line to line, in heights of the letters. */
const LEADING = 1.2

/** A text in at most `most` lines of up to `room` letters, broken between words; the last line has all that is left. */
function broken(text: string, room: number, most: number): string[] {
  const words = text.split(/\s+/).filter(Boolean)
  const lines: string[] = []
  while (words.length > 0 && lines.length < most - 1) {
    let line = words.shift()!
    while (words.length > 0 && lengthOf(`${line} ${words[0]}`) <= room) line += ` ${words.shift()}`
    lines.push(line)
  }
  return words.length > 0 ? [...lines, words.join(" ")] : lines
}

/** A label in as few lines as fit `width` pixels at `size`, as even as they can be; what is beyond is left out. */
function linesOf(text: string, width: number, size: number): string[] {
  const room = lineOf(width, size)
  let lines = broken(text, room, MOST_LINES)
  for (let narrower = room - 1; narrower > 0; narrower--) {
    const tried = broken(text, narrower, MOST_LINES)
    if (tried.length > lines.length || tried.some((line) => lengthOf(line) > narrower)) break
    lines = tried
  }
  return lines.map((line) => fitted(line, width, size))
}

/** At most as much of a text as fits `width` pixels at `size`, no letter torn. */
function fitted(text: string, width: number, size: number): string {
  const most = lineOf(width, size)
  if (lengthOf(text) <= most) return text
  let [kept, used] = ["", 0]
  for (const { segment } of GRAPHEMES.segment(text)) {
    used += wideness(segment)
    if (used > most - 1) break
    kept += segment
  }
  return `${kept.trimEnd()}…`
}

/** `references[0].weight` as people say it. */
export function axisName(field: string): string {
  const names: Record<string, string> = {
    "start.strength": "strength",
    "board.strength": "board",
    "variationOf[0].strength": "variation",
  }
  const reference = /^references\[(\d+)\]\.weight$/.exec(field)
  return reference ? `reference ${Number(reference[1]) + 1}` : (names[field] ?? field)
}

/** Longest side of a sheet in pixels: what every viewer of pictures opens. */
const MOST_PIXELS = 16_383

interface Layout {
  /** Size of one picture. */
  w: number
  h: number
  font: number
  /** Labels above the pictures, each in its lines. */
  across: string[][]
  /** Labels beside the rows. */
  down: string[][]
  /** Where the first picture is. */
  left: number
  top: number
  place: (x: number, y: number) => { left: number; top: number }
  total: { width: number; height: number }
}

/**
 * Where everything goes. Pictures keep their shape; the largest sides decide. One axis too long for a row is put in as many
 * rows as columns. Throws out_of_range for a sheet that no viewer opens.
 */
export function sheetLayout(
  cells: readonly Pick<Cell, "request">[],
  axes: readonly Axis[],
  { tile = 320, title = "", columns: asked }: SheetOptions = {},
): Layout {
  const [across, down] = axes as [Axis, Axis?]
  const width = Math.max(...cells.map(({ request }) => request.width))
  const height = Math.max(...cells.map(({ request }) => request.height))
  const scale = tile / Math.max(width, height)
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)]
  const font = Math.max(13, Math.round(tile / 18))
  const longest = down ? Math.max(...down.labels.map(lengthOf), axisName(down.field).length) : 0
  const left = MARGIN + (down ? Math.min(Math.round(0.6 * font * longest) + 16, w) : 0)
  const above = across.labels.map((label) => linesOf(label, w, font))
  const beside = down?.labels.map((label) => linesOf(label, left - MARGIN, font)) ?? []
  const more = Math.round((Math.max(1, ...above.map((lines) => lines.length)) - 1) * LEADING * font)
  const top = MARGIN + (title ? Math.round(2.2 * font) : 0) + Math.round(3 * font) + more
  const count = across.values.length
  const widthOf = (columns: number): number => left + columns * (w + GAP) - GAP + MARGIN
  const fits = down || widthOf(count) <= MOST_PIXELS
  const columns = down ? count : Math.min(asked ?? (fits ? count : Math.ceil(Math.sqrt(count))), count)
  const rows = down?.values.length ?? Math.ceil(count / columns)
  // The rows of one long axis have labels of their own between them.
  const between = down || rows === 1 ? GAP : GAP + Math.round(1.8 * font) + more
  const total = { width: widthOf(columns), height: top + rows * (h + between) - between + MARGIN }
  if (Math.max(total.width, total.height) > MOST_PIXELS)
    throw new AtelierError(
      "out_of_range",
      `The sheet would have ${total.width} x ${total.height} pixels, and ${MOST_PIXELS} is the limit along a side; give a smaller --tile or fewer values.`,
      { field: "tile" },
    )
  const place: Layout["place"] = (x, y) => ({
    left: left + (x % columns) * (w + GAP),
    top: top + (y + Math.floor(x / columns)) * (h + between),
  })
  return { w, h, font, across: above, down: beside, left, top, place, total }
}

/** The sheet as a PNG file. */
export async function contactSheet(
  cells: readonly Cell[],
  axes: readonly Axis[],
  options: SheetOptions = {},
): Promise<Uint8Array> {
  const [across, down] = axes as [Axis, Axis?]
  const { title = "" } = options
  const { w, h, font, left, top, place, total, ...labels } = sheetLayout(cells, axes, options)
  const pictures = await Promise.all(
    cells.map(async (cell) => ({
      input: await sharp(await readFile(cell.path))
        .resize(w, h, { fit: "contain", background: PAPER, kernel: "lanczos3" })
        .png()
        .toBuffer(),
      ...place(cell.x, cell.y),
    })),
  )
  const text = (
    x: number,
    y: number,
    words: string,
    options: { anchor?: string; colour?: string; size?: number },
  ) =>
    `<text x="${x}" y="${y}" text-anchor="${options.anchor ?? "start"}" fill="${options.colour ?? INK}" font-size="${options.size ?? font}">${escaped(words)}</text>`
  /** Lines above each other, the last one's foot at `y`. */
  const block = (x: number, y: number, lines: readonly string[], anchor: string): string =>
    lines.map((line, i) => text(x, y - (lines.length - 1 - i) * LEADING * font, line, { anchor })).join("")
  const marks = [
    title &&
      text(MARGIN, MARGIN + font, fitted(title, total.width - 2 * MARGIN, 1.2 * font), { size: 1.2 * font }),
    text(left, MARGIN + (title ? 2.2 * font : 0) + 1.1 * font, axisName(across.field), {
      colour: QUIET,
      size: 0.85 * font,
    }),
    ...labels.across.map((lines, i) => {
      const at = place(i, 0)
      return block(at.left + w / 2, at.top - 0.6 * font, lines, "middle")
    }),
    down &&
      text(left - 12, top - 0.6 * font, axisName(down.field), {
        anchor: "end",
        colour: QUIET,
        size: 0.85 * font,
      }),
    ...labels.down.map((lines, i) => {
      const middle = place(0, i).top + h / 2 + font / 3
      return block(left - 12, middle + ((lines.length - 1) * LEADING * font) / 2, lines, "end")
    }),
  ]
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${total.width}" height="${total.height}" font-family="Inter, Helvetica, Arial, 'DejaVu Sans', sans-serif">${marks.filter(Boolean).join("")}</svg>`
  return await sharp({ create: { ...total, channels: 3, background: PAPER } })
    .composite([...pictures, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png({ compressionLevel: 9 })
    .toBuffer()
}
