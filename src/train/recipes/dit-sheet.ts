// Draws the denoiser's sample sheet: fixed prompts and seeds, from the averaged weights of a run.
import type { Counters } from "../checkpoint.ts"
import { loadRun } from "../checkpoint.ts"
import { asEncoded } from "../latent-statistics.ts"
import { Painter, type PainterModel, type PaintOptions } from "../painter.ts"
import { type Planes, writeSheet } from "../sheet.ts"
import { createCoder } from "./vae.ts"

const SHEET_PROMPTS = [
  "a watercolor fox in the snow",
  "a red apple on a plain blue background",
  "a castle in a green meadow, cartoon",
  "three yellow butterflies on a pink background",
  "a cat to the left of a dog",
  "a rocket in outer space, pixel art",
  "a neon guitar",
  "a sailboat on the sea, oil painting",
  "a blueprint of a bicycle",
  "an owl at night, flat vector",
  "a pencil sketch of a rabbit",
  "a sticker of a strawberry on an orange background",
  "a purple car in the city",
  "a comic halftone lion",
  "a mosaic of a fish",
  "a small green umbrella in a room",
  "a penguin in the snow, 3d render",
  "a silhouette of a horse in the desert",
  "two teal balloons above a house",
  "a tree in the forest",
  "an outlined cartoon bear",
  "a cup of coffee on polka dots",
  "a dolphin",
  "a sunflower, watercolor",
]

const STEPS = 16
const FIRST_SEED = 1000

/** Paints the fixed prompts with fixed seeds into a sheet named by the samples seen; needs the run of the autoencoder. */
export async function drawSheet(
  weights: ReadonlyMap<string, Float32Array>,
  folder: string,
  { samples }: Counters,
  model: PainterModel,
  options: PaintOptions = { steps: STEPS },
): Promise<Record<string, number>> {
  const vae = await loadRun("runs/vae")
  const coder = await createCoder(vae!.average)
  const painter = await Painter.open(weights, model)
  const seeds = SHEET_PROMPTS.map((_, i) => FIRST_SEED + i)
  const latents = await painter.draw(SHEET_PROMPTS, seeds, options)
  await painter.close()
  const pictures: Planes[] = []
  for (const z of latents) {
    const raw = asEncoded(z, model.statistics)
    pictures.push({ data: await coder.decode(raw, 128, 128), width: 128, height: 128 })
  }
  await coder.close()
  await writeSheet(
    `${folder}/sheet-${String(samples).padStart(8, "0")}.png`,
    [0, 1, 2, 3].map((i) => pictures.slice(i * 6, i * 6 + 6)),
  )
  return {}
}
