// The only place where the server decodes pictures: few at once and none too large, which bounds the memory that
// hostile pictures can hold together.
import sharp, { type Sharp } from "sharp"
import { IMAGE_LIMITS } from "../image/limits.ts"
import { AtelierError } from "../request/index.ts"

/** Width x height after decoding: 320 MB at most, for a picture of 64 bits per pixel that must be held whole. */
export const MAX_PIXELS = IMAGE_LIMITS.pixels
/** Decoders at work at once in a process. */
export const DECODERS = 2

let decoding = 0
const queue: (() => void)[] = []

/**
 * Works on a picture as soon as a decoder is free; `open` may be called more than once. A picture that is still to be read is
 * read then, so that those that wait hold no memory. Do not nest: the inner work would wait for the outer. What sharp throws
 * for a damaged or too large picture is passed on; `unavailable` where more than `most` wait already.
 */
export async function withDecoder<T>(
  picture: Uint8Array | (() => Promise<Uint8Array>),
  work: (open: () => Sharp, bytes: Uint8Array) => Promise<T>,
  most = Number.POSITIVE_INFINITY,
): Promise<T> {
  if (decoding >= DECODERS) {
    if (queue.length >= most)
      throw new AtelierError("unavailable", "Too many pictures are being converted. Try again in a moment.", {
        details: { retryAfterSeconds: 5 },
      })
    await new Promise<void>((resolve) => queue.push(resolve))
  } else decoding++
  try {
    const bytes = typeof picture === "function" ? await picture() : picture
    const open = (): Sharp =>
      sharp(bytes, { limitInputPixels: MAX_PIXELS, sequentialRead: true, failOn: "truncated" })
    return await work(open, bytes)
  } finally {
    const next = queue.shift()
    if (next) next()
    else decoding--
  }
}
