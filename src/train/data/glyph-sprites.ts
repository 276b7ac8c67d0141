// Glyphs as drawings that scenes can be painted with: the judge's scenes of many hands. Imports the glyphs.

import { dominant, naturalColour } from "./colours.ts"
import { closedIn, dressed, type Glyph } from "./glyphs.ts"
import { hash, random } from "./random.ts"
import { type Cutout, footOf, type Sprite, type SpriteSource } from "./sprites.ts"

/** In how many colours a glyph is among the drawings. */
const DRESSES = 3

/** Every glyph in a few colours, always the same ones. They are rasters: enlarged, they would only be softer. */
export function glyphSprites(glyphs: readonly Glyph[]): SpriteSource {
  const made = glyphs.flatMap((glyph) => {
    const solid = closedIn(glyph)
    return Array.from({ length: DRESSES }, (_, dress): [Sprite, () => Cutout] => {
      const file = `${glyph.set}:${glyph.file}#${dress}`
      const cutout = (): Cutout => dressed(glyph, solid, random(hash(file)))
      const { width, height, rgba } = cutout()
      const main = dominant(rgba)
      const sprite: Sprite = {
        concept: glyph.concept,
        set: `glyph ${file}`,
        use: "glyphs",
        file,
        width,
        height,
        offset: 0,
        box: [0, 0, 1, 1],
        main,
        recolourable: false,
        colour: naturalColour(main),
        foot: footOf({ width, height, rgba }),
      }
      return [sprite, cutout]
    })
  })
  const cutouts = new Map(made.map(([sprite, cutout]) => [sprite.file, cutout]))
  return {
    sprites: made.map(([sprite]) => sprite),
    pixels: (sprite) => cutouts.get(sprite.file)!(),
    draw: async (sprite) => cutouts.get(sprite.file)!(),
  }
}
