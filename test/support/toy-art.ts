// Tiny drawings for tests of the training art: every concept of a short list as a coloured disc.
import { COLOURS, dominant, naturalColour, PAINT, recolourable } from "../../src/train/data/colours.ts"
import { CONCEPTS, isPerson } from "../../src/train/data/concepts.ts"
import { avalanche } from "../../src/train/data/random.ts"
import { type Cast, castOf, type Scene, sampleScene } from "../../src/train/data/scene.ts"
import { type Cutout, footOf, type Sprite, type SpriteSource } from "../../src/train/data/sprites.ts"

/** A disc with a darker core: `paint` is sRGB 0..1. */
export function drawn(width: number, height: number, paint: readonly number[]): Cutout {
  const rgba = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const d = Math.hypot((x + 0.5) / width - 0.5, (y + 0.5) / height - 0.5)
      const k = d < 0.2 ? 0.7 : 1
      rgba.set([...paint.map((v) => Math.round(v * k * 255)), d < 0.5 ? 255 : 0], (y * width + x) * 4)
    }
  return { width, height, rgba }
}

export const FEW = CONCEPTS.slice(0, 40)
/** Some people, who are not among the few. */
const PEOPLE = CONCEPTS.filter(isPerson).slice(0, 6)
const SETS = ["noto", "fluent-3d", "twemoji", "fluent-emoji-flat"] as const

/** Every concept of a short list as a coloured disc in four sets, and one set for the judge. */
function toyArt(): SpriteSource {
  const art = new Map<Sprite, Cutout>()
  for (const [i, concept] of [...FEW, ...PEOPLE].entries())
    for (const set of [...SETS, "emojione" as const]) {
      const cutout = drawn(60, 40 + (i % 3) * 12, PAINT[COLOURS[i % 8]!])
      const main = dominant(cutout.rgba)
      const ok = recolourable(main)
      const sprite: Sprite = {
        concept: concept.id,
        set,
        use: set === "emojione" ? "judge" : "train",
        file: concept.id,
        width: cutout.width,
        height: cutout.height,
        offset: 0,
        box: [0, 0, 1, 1],
        main,
        recolourable: ok,
        colour: ok ? naturalColour(main) : undefined,
        foot: footOf(cutout),
      }
      art.set(sprite, cutout)
    }
  const copy = (s: Sprite): Cutout => ({ ...art.get(s)!, rgba: art.get(s)!.rgba.slice() })
  return { sprites: [...art.keys()], pixels: copy, draw: async (s) => copy(s) }
}

export const source = toyArt()
export const cast: Cast = castOf(source.sprites, "train", FEW)
/** The same with people. */
export const society: Cast = castOf(source.sprites, "train", [...FEW, ...PEOPLE])
export const scenes = (count: number, wish = {}): Scene[] =>
  Array.from({ length: count }, (_, i) => sampleScene(cast, avalanche(i), wish))
export const recipe = { seed: 7, count: 2, use: "train", scale: 1 } as const
