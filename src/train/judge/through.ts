// Real art as the autoencoder gives it back: what a perfect denoiser would look like to the judge.
import { loadRun } from "../checkpoint.ts"
import { toPlanes } from "../pictures.ts"
import { createCoder } from "../recipes/vae.ts"
import { toBytes } from "../sheet.ts"
import type { Shot } from "./observe.ts"

/** Shots with sides that are multiples of 8, encoded and decoded by the averaged weights of the run in `folder`. */
export async function throughAutoencoder(shots: readonly Shot[], folder: string): Promise<Shot[]> {
  const run = await loadRun(folder)
  if (!run)
    throw new Error(
      `There is no run in ${folder}; make one: npm run train -- vae, or npm run train -- restore`,
    )
  const coder = await createCoder(run.average)
  const out: Shot[] = []
  for (const { prompt, picture } of shots) {
    const { width, height } = picture
    const data = await coder.roundTrip(toPlanes(picture.rgb, width, height), width, height)
    out.push({ prompt, picture: { width, height, rgb: toBytes({ data, width, height }) } })
  }
  await coder.close()
  return out
}
