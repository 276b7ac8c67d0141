// Finished pixels as files, with their provenance inside.
import sharp from "sharp"
import type { Pixels } from "./decode.ts"
import { describePng, type Provenance, xmp } from "./metadata.ts"

export interface Output {
  format: "png" | "jpg" | "webp"
  /** 1 to 100; a PNG loses nothing and ignores it. */
  quality: number
}

export async function encodeImage(
  { width, height, data }: Pixels,
  { format, quality }: Output,
  provenance: Provenance,
): Promise<Uint8Array> {
  const image = sharp(data, { raw: { width, height, channels: 3 } })
  if (format === "png") return describePng(await image.png({ compressionLevel: 6 }).toBuffer(), provenance)
  const described = image.withXmp(xmp(provenance))
  // Full colour resolution at high quality: halved colours blur the edges of flat drawings.
  return format === "webp"
    ? await described.webp({ quality, smartSubsample: true }).toBuffer()
    : await described.jpeg({ quality, chromaSubsampling: quality >= 90 ? "4:4:4" : "4:2:0" }).toBuffer()
}

/** A small PNG without provenance: a preview. */
export async function encodePreview({ width, height, data }: Pixels, side = 256): Promise<Uint8Array> {
  const scale = Math.max(1, Math.floor(side / Math.max(width, height)))
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(width * scale, height * scale, { kernel: "cubic" })
    .png({ compressionLevel: 3 })
    .toBuffer()
}
