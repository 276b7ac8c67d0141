// Real art as the autoencoder gives it back: what a perfect denoiser would look like to the judge.
import { AtelierError } from "../../request/errors.ts"
import { loadRun } from "../checkpoint.ts"
import { toPlanes } from "../pictures.ts"
import { createCoder } from "../recipes/vae.ts"
import { toBytes } from "../sheet.ts"
import type { Shot } from "./observe.ts"

/** The averaged weights of the autoencoder's run in a folder. Throws where there is none. */
export async function loadAutoencoder(folder: string): Promise<ReadonlyMap<string, Float32Array>> {
  const run = await loadRun(folder)
  if (!run)
    throw new AtelierError(
      "file_not_found",
      `There is no run in ${folder}; make one: npm run train -- vae, or npm run train -- restore`,
    )
  return run.average
}

/** Shots with sides that are multiples of 8, encoded and decoded by an autoencoder's weights. */
export async function throughAutoencoder(
  shots: readonly Shot[],
  weights: ReadonlyMap<string, Float32Array>,
): Promise<Shot[]> {
  const coder = await createCoder(weights)
  const out: Shot[] = []
  for (const { prompt, picture } of shots) {
    const { width, height } = picture
    const data = await coder.roundTrip(toPlanes(picture.rgb, width, height), width, height)
    out.push({ prompt, picture: { width, height, rgb: toBytes({ data, width, height }) } })
  }
  await coder.close()
  return out
}
