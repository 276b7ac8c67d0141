// Sample sheets: pictures laid out in a grid and written as one PNG.
import sharp, { type OverlayOptions } from "sharp"

/** A picture as planes of -1..1, [3, height, width]. */
export interface Planes {
  data: Float32Array
  width: number
  height: number
}

/** RGB bytes, rows top-down, of planes in -1..1. */
export function toBytes({ data, width, height }: Planes): Uint8Array {
  const plane = width * height
  const bytes = new Uint8Array(plane * 3)
  for (let i = 0; i < plane; i++)
    for (let c = 0; c < 3; c++)
      bytes[i * 3 + c] = Math.round(Math.min(1, Math.max(0, data[c * plane + i]! * 0.5 + 0.5)) * 255)
  return bytes
}

/** Writes rows of pictures with a margin between them; pictures may differ in size. Of no pictures there is no sheet. */
export async function writeSheet(
  path: string,
  wanted: readonly (readonly Planes[])[],
  scale = 1,
): Promise<void> {
  const rows = wanted.filter((row) => row.length > 0) // a small set holds fewer pictures out than a sheet has room for
  if (rows.length === 0) return
  const margin = 6
  const heights = rows.map((row) => Math.max(...row.map((p) => p.height * scale)))
  const width = Math.max(...rows.map((row) => row.reduce((w, p) => w + p.width * scale + margin, margin)))
  const height = heights.reduce((a, b) => a + b + margin, margin)
  const parts: OverlayOptions[] = []
  let top = margin
  for (const [i, row] of rows.entries()) {
    let left = margin
    for (const p of row) {
      const picture = sharp(toBytes(p), { raw: { width: p.width, height: p.height, channels: 3 } })
      const input = await picture
        .resize(p.width * scale, p.height * scale, { kernel: scale > 1 ? "nearest" : "lanczos3" })
        .png()
        .toBuffer()
      parts.push({ input, left, top })
      left += p.width * scale + margin
    }
    top += heights[i]! + margin
  }
  const canvas = sharp({ create: { width, height, channels: 3, background: "#ffffff" } })
  await canvas.composite(parts).png().toFile(path)
}

/** Peak signal-to-noise ratio in dB of two pictures in -1..1. */
export function psnr(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (Math.min(1, Math.max(-1, a[i]!)) - b[i]!) ** 2
  return 10 * Math.log10(4 / (sum / a.length))
}
