// A history of the embedded model's own pictures, for screenshots that show what the model makes.
import { createEngine } from "../../src/controls/engine.ts"
import { type Art, make } from "./gallery.ts"

/** An afternoon's takes, each in a look and a shape of its own, the last one with references. */
async function fill(url: string): Promise<void> {
  await make(url, { prompt: "a sailboat on the sea", seed: 11, count: 4 })
  await make(url, { prompt: "a castle in a green meadow, cartoon", seed: 2, count: 4 })
  await make(url, { prompt: "an owl at night, flat vector", seed: 5, count: 4, creativity: 0 })
  const foxes = await make(url, { prompt: "a watercolor fox in the snow", seed: 1, count: 4, creativity: 0 })
  const neon = await make(url, { prompt: "a neon guitar", seed: 3, count: 4, creativity: 0 })
  const references = [
    { image: foxes.pictures[0]!.id, weight: 1.2 },
    { image: neon.pictures[0]!.id, weight: -0.8 },
  ]
  const shape = { width: 1248, height: 832 }
  await make(url, {
    prompt: "a lighthouse on a cliff",
    seed: 41,
    count: 4,
    ...shape,
    references,
    creativity: 0,
  })
}

export const embedded: Art = { engine: createEngine, fill }
