// Finished pixels as files, with their provenance inside.
import sharp, { type Sharp } from "sharp"
import type { Pixels } from "./decode.ts"
import { withExtension } from "./jpeg.ts"
import { describePng, jpegXmp, type Provenance, readProvenance, xmp } from "./metadata.ts"

export interface Output {
  format: "png" | "jpg" | "webp"
  /** 1 to 100; a PNG loses nothing and ignores it. */
  quality: number
}

export async function encodeImage(
  { width, height, data }: Pixels,
  output: Output,
  provenance: Provenance,
): Promise<Uint8Array> {
  return await encode(sharp(data, { raw: { width, height, channels: 3 } }), output, provenance, true)
}

/**
 * A file in another format. `image` is what sharp has opened of it, scaled or not. The provenance is written anew, for
 * sharp drops what a JPEG holds beside one segment and our own texts of a PNG; whatever else it knows to keep is kept.
 */
export async function encodeAgain(file: Uint8Array, image: Sharp, output: Output): Promise<Uint8Array> {
  return await encode(image.keepMetadata(), output, await readProvenance(file), false)
}

/** The same with nothing but the picture. */
export async function encodeBare(image: Sharp, output: Output): Promise<Uint8Array> {
  return await encode(image, output, undefined, false)
}

async function encode(
  image: Sharp,
  { format, quality }: Output,
  provenance: Provenance | undefined,
  /** Takes twice the time in a WebP: too much for a page of small ones. */
  smartSubsample: boolean,
): Promise<Uint8Array> {
  if (format === "png") {
    const file = await image.png({ compressionLevel: 6 }).toBuffer()
    return provenance ? describePng(file, provenance) : file
  }
  // Full colour resolution at high quality: halved colours blur the edges of flat drawings.
  if (format === "webp") {
    const described = provenance ? image.withXmp(xmp(provenance)) : image
    return await described.webp({ quality, smartSubsample }).toBuffer()
  }
  const { packet, extension } = provenance ? jpegXmp(provenance) : {}
  const chromaSubsampling = quality >= 90 ? "4:4:4" : "4:2:0"
  const described = packet === undefined ? image : image.withXmp(packet)
  const file = await described.jpeg({ quality, chromaSubsampling }).toBuffer()
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
