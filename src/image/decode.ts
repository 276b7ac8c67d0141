// Pictures from outside: any common format, upright, without transparency, and never larger than the limits.
import sharp, { type Metadata } from "sharp"
import { AtelierError } from "../request/errors.ts"
import { IMAGE_LIMITS, megabytes, READABLE } from "./limits.ts"

/** Upright RGB, eight bits. */
export interface Pixels {
  width: number
  height: number
  /** [height, width, 3] */
  data: Uint8Array
}

const megapixels = (pixels: number): string => `${(pixels / 1e6).toFixed(1)} megapixels`

function refuse(name: string, field: string | undefined, reason: string, cause?: unknown): never {
  throw new AtelierError("image_invalid", `The picture ${name} ${reason}.`, { field, cause })
}

/** Reads the header only and refuses what is too large, before a single pixel is decoded. */
export async function inspectImage(bytes: Uint8Array, name = "sent", field?: string): Promise<Metadata> {
  if (bytes.length === 0) refuse(name, field, "is empty; send a PNG, JPEG or WebP file")
  if (bytes.length > IMAGE_LIMITS.bytes)
    refuse(
      name,
      field,
      `has ${megabytes(bytes.length)}, and ${megabytes(IMAGE_LIMITS.bytes)} is the limit; make it smaller`,
    )
  let metadata: Metadata
  try {
    // The limit stands below, with a sentence of ours; here it would only hide the size.
    metadata = await sharp(bytes, { limitInputPixels: false }).metadata()
  } catch (cause) {
    return refuse(name, field, "cannot be read as a picture; send a PNG, JPEG or WebP file", cause)
  }
  const { width, height, format } = metadata
  if (!READABLE.some((f) => f === format))
    refuse(name, field, `is of the format ${format}, which is not read; send a PNG, JPEG or WebP file`)
  if (width * height > IMAGE_LIMITS.pixels)
    refuse(
      name,
      field,
      `has ${width} x ${height} = ${megapixels(width * height)}, and ${megapixels(IMAGE_LIMITS.pixels)} is the limit; make it smaller`,
    )
  const [least, most] = IMAGE_LIMITS.side
  if (Math.min(width, height) < least || Math.max(width, height) > most)
    refuse(name, field, `has ${width} x ${height} pixels; sides go from ${least} to ${most}`)
  return metadata
}

export interface Fit {
  width: number
  height: number
}

/** Pixels from the upper left corner. */
export interface Box extends Fit {
  left: number
  top: number
}

/**
 * Decodes a picture; with `fit`, cut to that shape around its middle and scaled to it. Transparent parts become
 * white, as on paper. Throws image_invalid with the value and the limit.
 */
export async function decodeImage(
  bytes: Uint8Array,
  options: { name?: string; field?: string; fit?: Fit } = {},
): Promise<Pixels> {
  const { name = "sent", field, fit } = options
  await inspectImage(bytes, name, field)
  try {
    let image = sharp(bytes, { limitInputPixels: IMAGE_LIMITS.pixels, failOn: "truncated" })
      .autoOrient()
      .toColourspace("srgb")
      .flatten({ background: "#ffffff" })
      .removeAlpha()
    if (fit) image = image.resize(fit.width, fit.height, { fit: "cover", kernel: "lanczos3" })
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
    if (info.channels === 3) return { width: info.width, height: info.height, data }
    // A grey picture keeps one channel through all of the above.
    const rgb = new Uint8Array(info.width * info.height * 3)
    for (let i = 0; i < rgb.length; i++) rgb[i] = data[Math.floor(i / 3) * info.channels]!
    return { width: info.width, height: info.height, data: rgb }
  } catch (cause) {
    return refuse(name, field, "is damaged or truncated; send the whole file", cause)
  }
}

/** Bytes [H,W,3] -> [3,H,W] in -1..1, as the autoencoder reads pictures. */
export function toPlanes({ width, height, data }: Pixels): Float32Array {
  const area = width * height
  const out = new Float32Array(3 * area)
  for (let i = 0; i < area; i++) for (let c = 0; c < 3; c++) out[c * area + i] = data[i * 3 + c]! / 127.5 - 1
  return out
}

/**
 * Pixels, of the whole or of what lies in the box `from`, at another size; covers, so that nothing is stretched, unless all of
 * it is wanted in another shape.
 */
export async function resizePixels(
  { width, height, data }: Pixels,
  { stretched = false, from, ...fit }: Fit & { stretched?: boolean; from?: Box },
): Promise<Pixels> {
  if (!from && width === fit.width && height === fit.height) return { width, height, data }
  const whole = sharp(data, { raw: { width, height, channels: 3 } })
  const resized = await (from ? whole.extract(from) : whole)
    .resize(fit.width, fit.height, { fit: stretched ? "fill" : "cover", kernel: "lanczos3" })
    .raw()
    .toBuffer()
  return { width: fit.width, height: fit.height, data: resized }
}
