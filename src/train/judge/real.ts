// Real art for the judge's prompts: the same wishes painted by the scene generator, for the judge's own examination.
import type { Aspect } from "../../request/sizes.ts"
import { CONCEPTS } from "../data/concepts.ts"
import { avalanche, hash } from "../data/random.ts"
import { renderScene } from "../data/render.ts"
import { type Cast, castOf, type Scene, type SceneObject, sampleScene } from "../data/scene.ts"
import type { Use } from "../data/sources.ts"
import type { Sprite, SpriteSource } from "../data/sprites.ts"
import type { Style } from "../data/styles/names.ts"
import type { Bitmap } from "./pixels.ts"
import type { Prompt } from "./prompts.ts"

/** Styles that a prompt without a style word may be answered in. */
const NATIVE: readonly Style[] = ["flat vector", "cartoon", "3d render"]

export interface Painter {
  /** The scene of a prompt; no training picture has its seed. */
  readonly scene: (prompt: Prompt) => Scene
  /** The picture, in its shape's native pixels. */
  readonly paint: (prompt: Prompt) => Promise<Bitmap>
}

/** Paints prompts with the model's drawings or the judge's, in one shape. */
export function openPainter(source: SpriteSource, use: Use, aspect: Aspect = "1:1"): Painter {
  const whole = castOf(source.sprites, use)
  const drawing = new Map(source.sprites.map((s) => [`${s.concept} ${s.set}`, s]))
  const scene = (prompt: Prompt): Scene =>
    sceneOf(prompt, whole, aspect, (o) => drawing.get(`${o.concept} ${o.set}`)!)
  return { scene, paint: (prompt) => renderScene(scene(prompt), source) }
}

function sceneOf(prompt: Prompt, whole: Cast, aspect: Aspect, drawing: (o: SceneObject) => Sprite): Scene {
  const cast: Cast = {
    concepts: prompt.concepts.map((id) => CONCEPTS.find((c) => c.id === id)!),
    people: [],
    of: whole.of,
  }
  const start = hash(`judge art ${prompt.id}`)
  const style = prompt.style ?? NATIVE[start % 3]!
  const layout = prompt.relation ? "pair" : prompt.count ? "count" : "single"
  for (let attempt = 0; attempt < 4000; attempt++) {
    const seed = avalanche(start + attempt)
    const scene = sampleScene(cast, seed, {
      stage: "scene",
      examine: true,
      aspect,
      style,
      layout,
      ...(prompt.background && { background: prompt.background }),
    })
    if (scene.relation !== prompt.relation) continue
    if (prompt.count && scene.objects.length !== prompt.count) continue
    if (prompt.relation && scene.objects.some((o, i) => o.concept !== prompt.concepts[i])) continue
    if (prompt.colour && attempt < 2000 && !drawing(scene.objects[0]!).recolourable) continue
    return dressed(scene, prompt, drawing)
  }
  throw new Error(`The scene generator cannot answer "${prompt.prompt}".`)
}

/** The colours that the prompt states. */
function dressed(scene: Scene, prompt: Prompt, drawing: (o: SceneObject) => Sprite): Scene {
  const { kind, horizon, colour } = scene.background
  const wall = prompt.backgroundColour ?? colour
  const objects = scene.objects.map((o): SceneObject => {
    if (!prompt.colour) return o
    const { tint: _, ...bare } = o
    const own = drawing(o).colour === prompt.colour
    return { ...bare, colour: prompt.colour, ...(!own && { tint: prompt.colour }) }
  })
  return { ...scene, background: { kind, horizon, ...(wall && { colour: wall }) }, objects }
}
