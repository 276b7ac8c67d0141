// Masks as they come: black and white, or with transparency, read as the server reads them.
import { makeCanvas } from "./canvas.ts"

/** Longer side of a mask in pixels, at most: finer than the model paints. */
const LONGEST = 1024
/** Of 255: what is as good as black or white, for a thumbnail is never quite. */
const NOISE = 8

/** Fetches and decodes a picture. Throws what the browser throws when it cannot. */
export async function loadPicture(url: string): Promise<HTMLImageElement> {
  const image = new Image()
  image.src = url
  await image.decode()
  return image
}

/** Where the picture behind a thumbnail's address is. */
export const wholeOf = (thumb: string): string => thumb.split("?")[0]!

/** The size of a mask for a picture, as it is seen. */
export function maskSize({ naturalWidth, naturalHeight }: HTMLImageElement): [width: number, height: number] {
  const scale = Math.min(1, LONGEST / Math.max(naturalWidth, naturalHeight))
  return [Math.max(1, Math.round(naturalWidth * scale)), Math.max(1, Math.round(naturalHeight * scale))]
}

/** Opaque where the picture is painted anew: what is transparent, or white where nothing is. */
export function readMask(image: HTMLImageElement, width: number, height: number): CanvasRenderingContext2D {
  const context = makeCanvas(width, height)
  context.drawImage(image, 0, 0, width, height)
  const pixels = context.getImageData(0, 0, width, height)
  const { data } = pixels
  let isOpaque = true
  for (let i = 3; i < data.length; i += 4) if (data[i]! < 255) isOpaque = false
  for (let i = 0; i < data.length; i += 4) {
    const light = 0.2126 * data[i]! + 0.7152 * data[i + 1]! + 0.0722 * data[i + 2]!
    const share = isOpaque ? light : 255 - data[i + 3]!
    data[i] = data[i + 1] = data[i + 2] = 0
    data[i + 3] = share < NOISE ? 0 : share > 255 - NOISE ? 255 : share
  }
  context.putImageData(pixels, 0, 0)
  return context
}
