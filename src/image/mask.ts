// A mask as numbers: where a start picture is painted anew, and where it stays.
import sharp, { type Sharp } from "sharp"
import { AtelierError } from "../request/errors.ts"
import { type Fit, inspectImage } from "./decode.ts"
import { IMAGE_LIMITS } from "./limits.ts"

/** [height, width] row by row, 0 (stays) to 1 (painted anew). */
export interface Mask extends Fit {
  data: Float32Array
}

/** Of 255: what is as good as black or white, for a JPEG is never quite. */
const NOISE = 8

/**
 * Decodes a mask to the size `fit`, cut around its middle as the picture under it is. What is transparent is painted anew;
 * of a mask without transparency, what is white. `softness` in pixels of `fit` lets it reach so much further, and then fade
 * with that standard deviation: at an edge the picture may hold some of what is cut away. 0 leaves it as it is.
 * Throws image_invalid.
 */
export async function decodeMask(bytes: Uint8Array, { width, height }: Fit, softness = 0): Promise<Mask> {
  await inspectImage(bytes, "for the mask", "start.mask")
  const open = (): Sharp =>
    sharp(bytes, { limitInputPixels: IMAGE_LIMITS.pixels, failOn: "truncated" }).autoOrient()
  try {
    const { isOpaque } = await open().stats()
    const upright = open().toColourspace("srgb")
    let image = isOpaque ? upright.greyscale() : upright.extractChannel("alpha")
    image = image.resize(width, height, { fit: "cover", kernel: "linear" })
    if (softness > 0)
      // What sharp dilates is what is dark.
      image = (isOpaque ? image.erode(Math.ceil(softness)) : image.dilate(Math.ceil(softness))).blur(softness)
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
    const values = Float32Array.from({ length: width * height }, (_, i) => {
      const value = data[i * info.channels]!
      const share = value < NOISE ? 0 : value > 255 - NOISE ? 1 : value / 255
      return isOpaque ? share : 1 - share
    })
    return { width, height, data: values }
  } catch (cause) {
    const message = "The picture for the mask is damaged or truncated; send the whole file."
    throw new AtelierError("image_invalid", message, { field: "start.mask", cause })
  }
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

/** On a coarser grid, the largest value in each of its cells: what must be painted anew so that no edge is missed. */
export function coarser({ width, height, data }: Mask, { width: columns, height: rows }: Fit): Float32Array {
  const out = new Float32Array(columns * rows)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const cell = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width)
      out[cell] = Math.max(out[cell]!, data[y * width + x]!)
    }
  return out
}

/** The nearest values on a grid of another size. */
export function resizeMask({ width, height, data }: Mask, fit: Fit): Mask {
  const nearest = (place: number, from: number, to: number): number => Math.floor(((place + 0.5) * from) / to)
  const out = new Float32Array(fit.width * fit.height)
  for (let y = 0; y < fit.height; y++)
    for (let x = 0; x < fit.width; x++)
      out[y * fit.width + x] = data[nearest(y, height, fit.height) * width + nearest(x, width, fit.width)]!
  return { width: fit.width, height: fit.height, data: out }
}
