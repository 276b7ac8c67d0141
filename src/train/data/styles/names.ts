// The style words, what each one keeps of a scene, and how captions speak of it. Imports nothing.

export const STYLES = [
  "flat vector",
  "cartoon",
  "3d render",
  "outlined cartoon",
  "silhouette",
  "pixel art",
  "oil painting",
  "watercolor",
  "pencil sketch",
  "comic halftone",
  "neon",
  "sticker",
  "blueprint",
  "mosaic",
  "chalkboard",
  "duotone",
  "cross stitch",
] as const
export type Style = (typeof STYLES)[number]

export interface StyleTrait {
  /** Relative frequency in the training mix. */
  readonly odds: number
  /** Drawn by a source set itself, not by a filter. */
  readonly native: boolean
  /** Whether object colours are still true after the style. */
  readonly colours: boolean
  /** "full": the background's colours survive; "lines": only its shapes do. */
  readonly background: "full" | "lines"
  /** Draws in black, which a black background would swallow. */
  readonly dark?: boolean
  /** Does something to things alone: nothing is seen of it in a view. */
  readonly ofThings?: boolean
  /** Source sets that suit it, with weights. */
  readonly sets: Readonly<Record<string, number>>
  /** Before a noun: "a watercolor fox". */
  readonly adjectives: readonly string[]
  /** As a noun: "a watercolor painting of a fox". */
  readonly nouns: readonly string[]
}

const FLAT = { "fluent-emoji-flat": 4, twemoji: 4, "noto-v1": 2 }
const SHADED = { noto: 5, "fluent-3d": 3, twemoji: 2, "fluent-emoji-flat": 2, "noto-v1": 1 }
const CLEAR = { noto: 3, twemoji: 4, "fluent-emoji-flat": 3, "noto-v1": 2 }

export const STYLE_TRAITS: Readonly<Record<Style, StyleTrait>> = {
  "flat vector": {
    odds: 13,
    native: true,
    colours: true,
    background: "full",
    sets: FLAT,
    adjectives: ["flat vector", "flat"],
    nouns: ["flat vector illustration", "flat vector drawing", "vector illustration"],
  },
  cartoon: {
    odds: 14,
    native: true,
    colours: true,
    background: "full",
    sets: { noto: 1 },
    adjectives: ["cartoon"],
    nouns: ["cartoon", "cartoon drawing", "cartoon illustration"],
  },
  "3d render": {
    odds: 16,
    native: true,
    colours: true,
    background: "full",
    sets: { "fluent-3d": 1 },
    adjectives: ["3d", "3d rendered"],
    nouns: ["3d render", "3d rendering"],
  },
  "outlined cartoon": {
    odds: 5,
    native: false,
    colours: true,
    background: "full",
    dark: true,
    sets: CLEAR,
    adjectives: ["outlined cartoon", "outlined"],
    nouns: ["outlined cartoon", "cartoon with bold outlines"],
  },
  silhouette: {
    odds: 4,
    native: false,
    colours: false,
    background: "full",
    ofThings: true,
    dark: true,
    sets: { ...FLAT, noto: 4, "fluent-3d": 2 },
    adjectives: ["silhouette"],
    nouns: ["silhouette", "black silhouette"],
  },
  "pixel art": {
    odds: 4.5,
    native: false,
    colours: true,
    background: "full",
    sets: CLEAR,
    adjectives: ["pixel art", "pixelated"],
    nouns: ["pixel art picture", "pixel art"],
  },
  "oil painting": {
    odds: 4.5,
    native: false,
    colours: true,
    background: "full",
    sets: SHADED,
    adjectives: ["oil painted", "oil painting"],
    nouns: ["oil painting", "oil painting on canvas"],
  },
  watercolor: {
    odds: 5,
    native: false,
    colours: true,
    background: "full",
    sets: SHADED,
    adjectives: ["watercolor"],
    nouns: ["watercolor", "watercolor painting"],
  },
  "pencil sketch": {
    odds: 4.5,
    native: false,
    colours: false,
    background: "lines",
    sets: CLEAR,
    adjectives: ["pencil sketched", "pencil"],
    nouns: ["pencil sketch", "pencil drawing"],
  },
  "comic halftone": {
    odds: 4,
    native: false,
    colours: true,
    background: "full",
    dark: true,
    sets: CLEAR,
    adjectives: ["comic halftone", "comic", "halftone"],
    nouns: ["comic halftone", "halftone comic", "comic book drawing"],
  },
  neon: {
    odds: 4,
    native: false,
    colours: true,
    background: "lines",
    sets: CLEAR,
    adjectives: ["neon", "glowing neon"],
    nouns: ["neon sign", "neon light"],
  },
  sticker: {
    odds: 4,
    native: false,
    colours: true,
    background: "full",
    ofThings: true,
    sets: { ...SHADED, twemoji: 4 },
    adjectives: ["sticker"],
    nouns: ["sticker", "die cut sticker"],
  },
  blueprint: {
    odds: 3.5,
    native: false,
    colours: false,
    background: "lines",
    sets: CLEAR,
    adjectives: ["blueprint"],
    nouns: ["blueprint", "blueprint drawing"],
  },
  mosaic: {
    odds: 4,
    native: false,
    colours: true,
    background: "full",
    sets: CLEAR,
    adjectives: ["mosaic"],
    nouns: ["mosaic", "tile mosaic"],
  },
  chalkboard: {
    odds: 3,
    native: false,
    colours: false,
    background: "lines",
    sets: CLEAR,
    adjectives: ["chalk", "chalkboard"],
    nouns: ["chalkboard drawing", "chalk drawing"],
  },
  duotone: {
    odds: 2.5,
    native: false,
    colours: false,
    background: "lines",
    sets: SHADED,
    adjectives: ["duotone"],
    nouns: ["duotone print", "duotone poster"],
  },
  "cross stitch": {
    odds: 2.5,
    native: false,
    colours: true,
    background: "full",
    sets: CLEAR,
    adjectives: ["cross stitched", "cross stitch"],
    nouns: ["cross stitch", "cross stitch embroidery"],
  },
}
