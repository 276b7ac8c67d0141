// A mask as numbers: where a start picture is painted anew, and where it stays.
import sharp, { type Sharp } from "sharp"
import { AtelierError } from "../request/errors.ts"
import { type Box, type Fit, inspectImage } from "./decode.ts"
import { IMAGE_LIMITS } from "./limits.ts"
import { nextTurn } from "./turn.ts"

/** [height, width] row by row, 0 (stays) to 1 (painted anew). */
export interface Mask extends Fit {
  data: Float32Array
}

/** Of 255: what is as good as black or white, for a JPEG is never quite. */
const NOISE = 8

/**
 * Decodes a mask to the size `fit`, cut around its middle as the picture under it is. What is transparent is painted anew;
 * of a mask without transparency, what is white. `soft` reaches `softness` pixels further, and then fades with that standard
 * deviation: at an edge the picture may hold some of what is cut away. Throws image_invalid.
 */
export async function decodeMask(
  bytes: Uint8Array,
  { width, height }: Fit,
  softness: number,
): Promise<{ hard: Mask; soft: Mask }> {
  await inspectImage(bytes, "for the mask", "start.mask")
  const open = (): Sharp =>
    sharp(bytes, { limitInputPixels: IMAGE_LIMITS.pixels, failOn: "truncated" }).autoOrient()
  try {
    const { isOpaque: isWhole, channels } = await open().stats()
    // A single pixel that is not quite opaque makes no mask of transparency.
    const { depth } = await open().metadata()
    const isOpaque = isWhole || channels.at(-1)!.min / (depth === "ushort" ? 257 : 1) > 255 - NOISE
    const upright = open().toColourspace("srgb")
    const seen = isOpaque ? upright.greyscale() : upright.extractChannel("alpha")
    const { data, info } = await seen
      .resize(width, height, { fit: "cover", kernel: "linear" })
      .raw()
      .toBuffer({ resolveWithObject: true })
    const raw = sharp(data, { raw: info })
    // What sharp erodes is what is dark.
    const wider = isOpaque ? raw.erode(Math.ceil(softness)) : raw.dilate(Math.ceil(softness))
    const shares = async (grey: Uint8Array): Promise<Mask> => ({
      width,
      height,
      data: await sharesOf(grey, width * height, isOpaque),
    })
    return { hard: await shares(data), soft: await shares(await wider.blur(softness).raw().toBuffer()) }
  } catch (cause) {
    const message = "The picture for the mask is damaged or truncated; send the whole file."
    throw new AtelierError("image_invalid", message, { field: "start.mask", cause })
  }
}

/** Grey values that are read in one turn of the event loop: some two milliseconds. */
const AT_ONCE = 1 << 17

/** Grey values, of one or more equal channels, as shares of white or of black. */
async function sharesOf(grey: Uint8Array, area: number, ofWhite: boolean): Promise<Float32Array> {
  const channels = grey.length / area
  const shares = new Float32Array(area)
  for (let i = 0; i < area; i++) {
    if (i % AT_ONCE === 0) await nextTurn()
    const value = grey[i * channels]!
    const share = value < NOISE ? 0 : value > 255 - NOISE ? 1 : value / 255
    shares[i] = ofWhite ? share : 1 - share
  }
  return shares
}

/**
 * Refuses a mask of another shape than the picture under it, both as they are seen: one of another size is scaled, one of
 * another shape would lie elsewhere. Throws image_invalid.
 */
export function checkMaskShape(mask: Fit, picture: Fit): void {
  // Half a pixel of rounding on each side: a smaller copy of 1023 x 511 is 512 x 256.
  const allowed = (picture.width + picture.height + mask.width + mask.height) / 2
  if (Math.abs(mask.width * picture.height - mask.height * picture.width) <= allowed) return
  const sizes = [mask, picture].map(({ width, height }) => `${width} x ${height}`)
  throw new AtelierError(
    "image_invalid",
    `The mask has ${sizes[0]} pixels, and the picture to start from ${sizes[1]}; send a mask of the same shape.`,
    { field: "start.mask" },
  )
}

/**
 * On a coarser grid, the largest value in each of its cells: what must be painted anew so that no edge is missed. Of what
 * lies in a box.
 */
export function coarser(
  { width, data }: Mask,
  { width: columns, height: rows }: Fit,
  from: Box,
): Float32Array {
  const out = new Float32Array(columns * rows)
  for (let y = 0; y < from.height; y++)
    for (let x = 0; x < from.width; x++) {
      const cell = Math.floor((y * rows) / from.height) * columns + Math.floor((x * columns) / from.width)
      out[cell] = Math.max(out[cell]!, data[(from.top + y) * width + from.left + x]!)
    }
  return out
}

/** The nearest values on a grid of another size, of the whole or of what lies in a box. */
export function resizeMask(
  { width, height, data }: Mask,
  fit: Fit,
  from: Box = { left: 0, top: 0, width, height },
): Mask {
  const nearest = (place: number, size: number, fitted: number): number =>
    Math.floor(((place + 0.5) * size) / fitted)
  const out = new Float32Array(fit.width * fit.height)
  for (let y = 0; y < fit.height; y++)
    for (let x = 0; x < fit.width; x++) {
      const row = from.top + nearest(y, from.height, fit.height)
      out[y * fit.width + x] = data[row * width + from.left + nearest(x, from.width, fit.width)]!
    }
  return { width: fit.width, height: fit.height, data: out }
}
