// Finished pixels as files, with their provenance inside.
import sharp from "sharp"
import type { Pixels } from "./decode.ts"
import { withExtension } from "./jpeg.ts"
import { describePng, jpegXmp, type Provenance, xmp } from "./metadata.ts"

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
  // Full colour resolution at high quality: halved colours blur the edges of flat drawings.
  if (format === "webp")
    return await image.withXmp(xmp(provenance)).webp({ quality, smartSubsample: true }).toBuffer()
  const { packet, extension } = jpegXmp(provenance)
  const chromaSubsampling = quality >= 90 ? "4:4:4" : "4:2:0"
  const file = await image.withXmp(packet).jpeg({ quality, chromaSubsampling }).toBuffer()
  return extension === undefined ? file : withExtension(file, extension)
}

/** A small PNG without provenance: a preview. */
export async function encodePreview({ width, height, data }: Pixels, side = 256): Promise<Uint8Array> {
  const scale = Math.max(1, Math.floor(side / Math.max(width, height)))
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(width * scale, height * scale, { kernel: "cubic" })
    .png({ compressionLevel: 3 })
    .toBuffer()
}
