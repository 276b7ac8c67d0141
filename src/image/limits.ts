// How large a picture from outside may be. Imports nothing.
export const IMAGE_LIMITS = {
  /** Bytes of the file. */
  bytes: 75_000_000,
  /** Width x height after decoding. */
  pixels: 40_000_000,
  /** Smallest and largest side. */
  side: [8, 20_000],
} as const

/** Formats that are read; vector drawings are not, for they can name other files. */
export const READABLE = ["jpeg", "png", "webp", "gif", "tiff", "heif", "avif"] as const

/** Rounded up: what is above a limit is never told as the limit. */
export const megabytes = (bytes: number): string => `${(Math.ceil(bytes / 1e5) / 10).toFixed(1)} MB`
