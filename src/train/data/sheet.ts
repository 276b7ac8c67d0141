// Contact sheets to look at the art with one's own eyes. Imports sharp.

import { mkdirSync } from "node:fs"
import { dirname } from "node:path"
import sharp, { type OverlayOptions } from "sharp"
import type { Rendered } from "./render.ts"

export interface Cell {
  readonly picture: Rendered
  readonly text: string
}

const escaped = (s: string): string => s.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

/** Breaks a caption into lines of about `most` characters. */
function lines(text: string, most: number): string[] {
  const out = [""]
  for (const word of text.split(" ")) {
    if ((out.at(-1)! + word).length > most) out.push("")
    out[out.length - 1] = `${out.at(-1)} ${word}`.trim()
  }
  return out.filter(Boolean)
}

/** Writes cells in rows of `columns`, captions below, to one PNG. */
export async function writeSheet(file: string, cells: readonly Cell[], columns: number): Promise<void> {
  const w = Math.max(...cells.map((c) => c.picture.width))
  const h = Math.max(...cells.map((c) => c.picture.height))
  const most = Math.floor(w / 5.4)
  const deepest = Math.max(...cells.map((c) => lines(c.text, most).length))
  const [cw, ch] = [w + 8, h + 6 + deepest * 11]
  const rows = Math.ceil(cells.length / columns)
  const layers = cells.flatMap(({ picture, text }, i) => {
    const [left, top] = [(i % columns) * cw + 4, Math.floor(i / columns) * ch + 3]
    const label = lines(text, most)
      .map(
        (t, k) =>
          `<text x="0" y="${10 + k * 11}" font-family="DejaVu Sans" font-size="9" fill="#222">${escaped(t)}</text>`,
      )
      .join("")
    return [
      {
        input: picture.rgb,
        raw: { width: picture.width, height: picture.height, channels: 3 as const },
        left,
        top,
      },
      ...(text
        ? [
            {
              input: Buffer.from(
                `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${deepest * 11 + 4}">${label}</svg>`,
              ),
              left,
              top: top + picture.height,
            },
          ]
        : []),
    ]
  })
  mkdirSync(dirname(file), { recursive: true })
  const base = sharp({ create: { width: columns * cw, height: rows * ch, channels: 3, background: "#fff" } })
  await base
    .composite(layers as OverlayOptions[])
    .png()
    .toFile(file)
}
