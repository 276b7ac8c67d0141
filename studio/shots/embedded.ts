// A history of the embedded model's own pictures, for screenshots that show what the model makes.
import { createEngine } from "../../src/controls/engine.ts"
import { type Art, make } from "./gallery.ts"

/** An afternoon's takes of what the model knows best, each in a look of its own, the last one with references. */
async function fill(url: string): Promise<void> {
  const raw = { count: 4, creativity: 0 }
  await make(url, { prompt: "a penguin in the snow, 3d render", seed: 11, ...raw })
  await make(url, { prompt: "an oil painting of a sailboat on the sea", seed: 5, ...raw })
  await make(url, { prompt: "an owl at night, flat vector", seed: 2, ...raw })
  const foxes = await make(url, { prompt: "a watercolor fox in the snow", seed: 1, ...raw })
  const neon = await make(url, { prompt: "a neon guitar", seed: 3, ...raw })
  const references = [
    { image: foxes.pictures[0]!.id, weight: 1.2 },
    { image: neon.pictures[0]!.id, weight: -0.4 },
  ]
  await make(url, { prompt: "a sunflower in a green meadow", seed: 41, references, ...raw })
}

export const embedded: Art = { engine: createEngine, fill }
