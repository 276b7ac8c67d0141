// Thumbnails of the training pictures, against which copying is measured.
import { openScenes } from "./scenes.ts"
import { thumbnail } from "./similarity.ts"

/** At most `most` pictures, spread evenly over the set; empty where no set is built. */
export function trainingThumbnails(folder: string, most = 20_000): Uint8Array[] {
  const set = openScenes(folder, "train")
  const scenes = set.used
  const count = Math.min(most, scenes.length)
  return Array.from({ length: count }, (_, i) =>
    thumbnail(set.read(scenes[Math.floor((i * scenes.length) / count)]!)),
  )
}
