// Makes runs out of a shipped model, so that training goes on from the repository alone: the inverse of export.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { openSafetensors, readTensor } from "../checkpoint/index.ts"
import { type Counters, nothingDone, saveRun, statePath } from "./checkpoint.ts"
import { WORD_VECTORS } from "./word-vectors.ts"

/**
 * What training has beside the shipped model: the encoder that the denoiser is aligned with, and the projection that
 * was learned towards it. Users never load it. Like models/ and runs/ it is where the command is run, or an export from
 * elsewhere would change the repository's.
 */
export const ALIGNMENT = "src/train/alignment.safetensors"

type Shaped = Map<string, { shape: readonly number[]; data: Float32Array }>

/** Every weight of a file, in 32 bits, under `prefix` + its name. */
async function weightsIn(path: string, prefix = ""): Promise<[Shaped, Record<string, string>]> {
  const file = await openSafetensors(path)
  const weights: Shaped = new Map()
  for (const [name, { shape }] of file.tensors)
    weights.set(prefix + name, { shape, data: await readTensor(file, name) })
  return [weights, file.metadata]
}

/** Saves weights as a run whose average they are; its optimiser starts afresh. */
async function saveAs(folder: string, weights: Shaped, metadata: Record<string, string> = {}): Promise<void> {
  const samples = Number(metadata.samples ?? 0)
  const counters: Counters = {
    ...nothingDone,
    step: Number(metadata.step ?? 0),
    samples,
    seconds: Number(metadata.hours ?? 0) * 3600,
  }
  const state = new Map([...weights].map(([name, { data }]) => [`w:${name}`, data]))
  const average = new Map([...weights].map(([name, { data }]) => [name, data]))
  await saveRun(folder, { counters, state, average }, (key) => weights.get(key.slice(2))!.shape)
}

/**
 * Writes the runs vae, dit, sight, upsampler and verifier into the folder `runs` from the model folder `model`, with the
 * vocabulary, the statistics of the latents and the word vectors. What exists stays. Returns the names of the runs it
 * made.
 */
export async function restoreRuns(model: string, runs = "runs", vectors = WORD_VECTORS): Promise<string[]> {
  const made: string[] = []
  const missing = (run: string): boolean => !existsSync(statePath(`${runs}/${run}`))
  const [vae, kept] = await weightsIn(`${model}/vae.safetensors`)
  if (missing("vae")) {
    await saveAs(`${runs}/vae`, vae, kept)
    made.push("vae")
  }
  if (missing("dit")) {
    const [image, metadata] = await weightsIn(`${model}/dit.safetensors`)
    const [text] = await weightsIn(`${model}/text.safetensors`, "text.")
    const [controls] = await weightsIn(`${model}/controls.safetensors`)
    const beside: Shaped = existsSync(ALIGNMENT) ? (await weightsIn(ALIGNMENT))[0] : new Map()
    const alignment = [...beside].filter(([name]) => !name.startsWith("sight.heads."))
    // The state comes last: it is what says that the run is there.
    mkdirSync(`${runs}/dit`, { recursive: true })
    copyFileSync(`${model}/words.json`, `${runs}/dit/words.json`)
    const statistics = { mean: JSON.parse(kept.latents_mean!), deviation: JSON.parse(kept.latents_std!) }
    writeFileSync(`${runs}/dit/latents.json`, JSON.stringify(statistics))
    await saveAs(`${runs}/dit`, new Map([...image, ...text, ...controls, ...alignment]), metadata)
    made.push("dit")
  }
  if (missing("sight") && existsSync(ALIGNMENT)) {
    const [weights, metadata] = await weightsIn(ALIGNMENT)
    const encoder = new Map([...weights].filter(([name]) => name.startsWith("sight.")))
    await saveAs(`${runs}/sight`, encoder, { samples: metadata.sight ?? "0" })
    made.push("sight")
  }
  if (missing("upsampler") && existsSync(`${model}/upsampler.safetensors`)) {
    await saveAs(`${runs}/upsampler`, ...(await weightsIn(`${model}/upsampler.safetensors`)))
    made.push("upsampler")
  }
  if (missing("verifier") && existsSync(`${model}/verifier.safetensors`)) {
    const [weights, metadata] = await weightsIn(`${model}/verifier.safetensors`)
    await saveAs(`${runs}/verifier`, weights, metadata)
    made.push("verifier")
  }
  if (!existsSync(vectors)) {
    mkdirSync(dirname(vectors), { recursive: true })
    copyFileSync(`${model}/vectors.bin`, vectors)
  }
  return made
}
