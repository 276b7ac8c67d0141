// The only place where the server decodes pictures: few at once and none too large, which bounds the memory that
// hostile pictures can hold together.
import sharp, { type Sharp } from "sharp"
import { IMAGE_LIMITS } from "../image/limits.ts"

/** Width x height after decoding: 320 MB at most, for a picture of 64 bits per pixel that must be held whole. */
export const MAX_PIXELS = IMAGE_LIMITS.pixels
/** Decoders at work at once in a process. */
export const DECODERS = 2

let decoding = 0
const queue: (() => void)[] = []

/**
 * Works on a picture as soon as a decoder is free; `open` may be called more than once. Do not nest: the inner work
 * would wait for the outer. What sharp throws for a damaged or too large picture is passed on.
 */
export async function withDecoder<T>(bytes: Uint8Array, work: (open: () => Sharp) => Promise<T>): Promise<T> {
  if (decoding >= DECODERS) await new Promise<void>((resolve) => queue.push(resolve))
  else decoding++
  try {
    return await work(() =>
      sharp(bytes, { limitInputPixels: MAX_PIXELS, sequentialRead: true, failOn: "truncated" }),
    )
  } finally {
    const next = queue.shift()
    if (next) next()
    else decoding--
  }
}
