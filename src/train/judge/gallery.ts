// Thumbnails of the training pictures, against which copying is measured.
import { type LabelledScene, openScenes, type SceneSet } from "./scenes.ts"
import { thumbnail } from "./similarity.ts"

/** At most `most` pictures, spread evenly over the set; empty where no set is built. */
export function trainingThumbnails(folder: string, most = 20_000): Uint8Array[] {
  // All that the model was trained on: "train" is the classifier's, and leaves out what tests it.
  const set = openScenes(folder, "verifier")
  return spread(set, set.used, most)
}

/** Of things in steady poses, those that training shows and those that it leaves out; empty where no set is built. */
export function steadyThumbnails(folder: string): { used: Uint8Array[]; held: Uint8Array[] } {
  const set = openScenes(folder, "verifier")
  return { used: spread(set, set.used, set.used.length), held: spread(set, set.held, set.held.length) }
}

function spread(set: SceneSet, scenes: readonly LabelledScene[], most: number): Uint8Array[] {
  const count = Math.min(most, scenes.length)
  return Array.from({ length: count }, (_, i) =>
    thumbnail(set.read(scenes[Math.floor((i * scenes.length) / count)]!)),
  )
}
