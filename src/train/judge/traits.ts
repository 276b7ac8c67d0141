// What the choice of prompts needs to know of the drawings: which can be recoloured, which are in one piece.
import type { Colour } from "../data/colours.ts"
import type { Sprite, SpriteSource } from "../data/sprites.ts"
import { components } from "./foreground.ts"
import type { Traits } from "./prompts.ts"

/** Whether nearly all of a drawing hangs together. */
function inOnePiece(source: SpriteSource, sprite: Sprite): boolean {
  const { width, height, rgba } = source.pixels(sprite)
  const mask = Uint8Array.from({ length: width * height }, (_, i) => (rgba[i * 4 + 3]! > 100 ? 1 : 0))
  const pieces = components(mask, width, height)
  return pieces[0] !== undefined && pieces[0].area > 0.97 * pieces.reduce((sum, p) => sum + p.area, 0)
}

/** Traits of the drawings that the model learns from; half or three quarters of a concept's must agree. */
export function traitsOf(source: SpriteSource): Traits {
  const recolourable = new Map<string, Set<Colour>>()
  const compact = new Set<string>()
  const drawings = Map.groupBy(
    source.sprites.filter((s) => s.use === "train"),
    (s) => s.concept,
  )
  for (const [concept, sprites] of drawings) {
    const tintable = sprites.filter((s) => s.recolourable)
    if (tintable.length >= 2 && tintable.length > sprites.length / 2)
      recolourable.set(concept, new Set(tintable.flatMap((s) => s.colour ?? [])))
    if (sprites.filter((s) => inOnePiece(source, s)).length >= 0.75 * sprites.length) compact.add(concept)
  }
  return { recolourable, compact }
}
