// The contact sheets of npm run data -- --sheet. Imports the painters.

import { join } from "node:path"
import { PLACES } from "./backgrounds.ts"
import { captionAt } from "./dataset.ts"
import { renderScene } from "./render.ts"
import { type Cast, castOf, type Scene, sampleScene, type Wish } from "./scene.ts"
import { type Cell, writeSheet } from "./sheet.ts"
import type { SpriteSource } from "./sprites.ts"
import { STYLES } from "./styles/names.ts"

/** The same eight pictures in every style. */
const SUBJECTS: readonly Wish[] = [
  { concept: "fox", background: "snow" },
  { concept: "castle", background: "meadow" },
  { concept: "sailboat", background: "sea" },
  { concept: "strawberry", background: "plain" },
  { concept: "owl", background: "night" },
  { concept: "automobile", background: "city" },
  { concept: "rocket", background: "space" },
  { concept: "cat", background: "room" },
]

/** Draws styles.png, places.png and captions.png into `folder`: what the art of a seed looks like. */
export async function writeSheets(source: SpriteSource, folder: string, seed: number): Promise<void> {
  const cast = castOf(source.sprites, "train")
  const styles = STYLES.flatMap((style) =>
    SUBJECTS.map((wish, i) => scene(cast, seed + i * 17, { ...wish, style, aspect: "1:1", examine: true })),
  )
  const places = PLACES.flatMap((background) =>
    Array.from({ length: 8 }, (_, i) =>
      scene(cast, seed + i * 31, { background, style: "cartoon", ...(i < 7 && { aspect: "1:1" }) }),
    ),
  )
  const mix = Array.from({ length: 96 }, (_, i) => scene(cast, seed + i, {}))
  await paint(source, styles, (s) => s.style, 8, join(folder, "styles.png"))
  await paint(source, places, (s) => s.background.kind, 8, join(folder, "places.png"))
  await paint(source, mix, (s) => captionAt(s).caption, 8, join(folder, "captions.png"))
}

const scene = (cast: Cast, seed: number, wish: Wish): Scene =>
  sampleScene(cast, seed, { stage: "scene", ...wish })

async function paint(
  source: SpriteSource,
  scenes: readonly Scene[],
  text: (s: Scene) => string,
  columns: number,
  file: string,
): Promise<void> {
  const cells: Cell[] = []
  for (const s of scenes) cells.push({ picture: await renderScene(s, source), text: text(s) })
  await writeSheet(file, cells, columns)
}
