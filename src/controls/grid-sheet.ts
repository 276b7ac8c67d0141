// The contact sheet of a grid: pictures in rows with the axes' values at the edges, drawn as vectors so that they are sharp.
import { readFile } from "node:fs/promises"
import sharp from "sharp"
import type { Axis, Cell } from "./grid.ts"

export interface SheetOptions {
  /** Longer side of one picture on the sheet, in pixels. */
  tile?: number
  /** Stands above; usually the prompt. */
  title?: string
  /** Pictures in a row, where there is one axis alone; all of them unless given. */
  columns?: number
}

const INK = "#1c1b1a"
const QUIET = "#77726c"
const PAPER = "#fbfaf8"
const MARGIN = 28
const GAP = 10

const escaped = (text: string): string => text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`)

/** At most as many characters as fit `width` pixels at `size`; sans-serif letters are half as wide as high, nearly. */
function fitted(text: string, width: number, size: number): string {
  const most = Math.max(4, Math.floor(width / (0.56 * size)))
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`
}

/** `references[0].weight` as people say it. */
export function axisName(field: string): string {
  const names: Record<string, string> = { "start.strength": "strength", "board.strength": "board" }
  const reference = /^references\[(\d+)\]\.weight$/.exec(field)
  return reference ? `reference ${Number(reference[1]) + 1}` : (names[field] ?? field)
}

/** The sheet as a PNG file. Pictures keep their shape; the largest side decides. */
export async function contactSheet(
  cells: readonly Cell[],
  axes: readonly Axis[],
  { tile = 320, title = "", columns: most = Number.POSITIVE_INFINITY }: SheetOptions = {},
): Promise<Uint8Array> {
  const [across, down] = axes as [Axis, Axis?]
  const { width, height } = cells[0]!.request
  const scale = tile / Math.max(width, height)
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)]
  const font = Math.max(13, Math.round(tile / 18))
  const longest = down ? Math.max(...down.labels.map((l) => l.length), axisName(down.field).length) : 0
  const left = MARGIN + (down ? Math.min(Math.round(0.6 * font * longest) + 16, w) : 0)
  const top = MARGIN + (title ? Math.round(2.2 * font) : 0) + Math.round(3 * font)
  const columns = down ? across.values.length : Math.min(most, across.values.length)
  const rows = down?.values.length ?? Math.ceil(across.values.length / columns)
  // The rows of one long axis have labels of their own between them.
  const between = down || rows === 1 ? GAP : GAP + Math.round(1.8 * font)
  const place = (x: number, y: number): { left: number; top: number } => ({
    left: left + (x % columns) * (w + GAP),
    top: top + (y + Math.floor(x / columns)) * (h + between),
  })
  const total = {
    width: left + columns * (w + GAP) - GAP + MARGIN,
    height: top + rows * (h + between) - between + MARGIN,
  }
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
  const labels = [
    title &&
      text(MARGIN, MARGIN + font, fitted(title, total.width - 2 * MARGIN, 1.2 * font), { size: 1.2 * font }),
    text(left, top - 1.9 * font, axisName(across.field), { colour: QUIET, size: 0.85 * font }),
    ...across.labels.map((label, i) => {
      const at = place(i, 0)
      return text(at.left + w / 2, at.top - 0.6 * font, fitted(label, w, font), { anchor: "middle" })
    }),
    down &&
      text(left - 12, top - 0.6 * font, axisName(down.field), {
        anchor: "end",
        colour: QUIET,
        size: 0.85 * font,
      }),
    ...(down?.labels ?? []).map((label, i) =>
      text(left - 12, place(0, i).top + h / 2 + font / 3, fitted(label, left - MARGIN, font), {
        anchor: "end",
      }),
    ),
  ]
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${total.width}" height="${total.height}" font-family="Inter, Helvetica, Arial, 'DejaVu Sans', sans-serif">${labels.filter(Boolean).join("")}</svg>`
  return await sharp({ create: { ...total, channels: 3, background: PAPER } })
    .composite([...pictures, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png({ compressionLevel: 9 })
    .toBuffer()
}
