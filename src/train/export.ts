// Writes the trained networks as an installed model: models/<name>/ with its manifest, ready to ship.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { openSafetensors, type TensorEntry, writeSafetensors } from "../checkpoint/index.ts"
import { Manifest, type ManifestInput } from "../sampling/manifest.ts"
import { loadRun, type RunState, statePath } from "./checkpoint.ts"
import { noticeText } from "./data/notice.ts"
import { exportThesaurus } from "./export-thesaurus.ts"
import { keptStatistics, latentStatistics } from "./latent-statistics.ts"
import { openLatents } from "./latents.ts"
import { NOISE } from "./painter.ts"
import { openPictures } from "./pictures.ts"
import { fitPreview } from "./preview-fit.ts"
import { ditRecipe } from "./recipes/dit.ts"
import { TEXT_TOKENS, textConfig } from "./recipes/dit-network.ts"
import { vaeShapes } from "./recipes/vae.ts"
import { verifierFile } from "./recipes/verifier.ts"
import { ALIGNMENT } from "./restore.ts"
import { parametersOf } from "./step.ts"
import { WORD_VECTORS } from "./word-vectors.ts"

/** Noises that the shipped model tries for a picture (decision 063). */
const CANDIDATES = 8

type Shaped = Map<string, { shape: readonly number[]; data: Float32Array }>

const entries = (tensors: Shaped): TensorEntry[] =>
  [...tensors].map(([name, { shape, data }]) => ({ name, type: "F16" as const, shape, data }))

export interface ExportOptions {
  run: string
  name: string
  steps: number
  guidance: number
  /** Checked against the run's own. */
  features?: number
  layers?: number
}

/** Exports the averaged weights. Returns the folder. Throws when a run is missing. */
export async function exportModel({
  run,
  name,
  steps,
  guidance,
  features,
  layers,
}: ExportOptions): Promise<string> {
  const folder = `models/${name}`
  const [vae, dit] = [await found("vae"), await found(run)]
  const [upsampler, verifier] = [await loadRun("runs/upsampler"), await loadRun("runs/verifier")]
  const pictures = openPictures()
  const latents = openLatents(pictures)
  const statistics = keptStatistics(`runs/${run}`, () => latentStatistics(pictures.records.length, latents))
  const recipe = ditRecipe({
    samples: 1,
    seed: 1,
    folder: `runs/${run}`,
    weights: dit.average,
    features,
    layers,
  })
  const words = JSON.parse(readFileSync(`runs/${run}/words.json`, "utf8")) as string[]
  const { taps, ropeTheta } = textConfig(words.length)
  const choosing = verifier !== undefined
  const manifest: ManifestInput = {
    name,
    aliases: ["krea:krea@2-medium", "krea-2/medium", "krea-2-medium"],
    title: "Krea 2 Medium, embedded",
    variant: "medium",
    files: {
      dit: "dit.safetensors",
      vae: "vae.safetensors",
      text: "text.safetensors",
      words: "words.json",
      vectors: "vectors.bin",
      thesaurus: "thesaurus.json",
      controls: "controls.safetensors",
      ...(upsampler && { upsampler: "upsampler.safetensors" }),
      ...(verifier && { verifier: "verifier.safetensors", classes: "classes.json" }),
    },
    text: { kind: "words", taps: [...taps], ropeTheta, limit: TEXT_TOKENS },
    noise: NOISE,
    native: { tokens: [54, 66] },
    defaults: { steps, guidance, candidates: choosing ? CANDIDATES : 1, width: 1024, height: 1024 },
    supports: {
      references: true,
      boards: true,
      sliders: true,
      start: true,
      creativity: true,
      guidance: true,
      loras: true,
      candidates: choosing,
    },
    batch: 4,
    preview: fitPreview(pictures, latents, statistics),
    origin: "Trained from scratch by this project on openly licensed art; see NOTICE and docs/training.md.",
  }
  Manifest.parse(manifest) // before the first file of the model that is there is replaced

  mkdirSync(folder, { recursive: true })
  exportThesaurus(`${folder}/thesaurus.json`, words) // first, for it needs files that may be missing
  copyFileSync(`runs/${run}/words.json`, `${folder}/words.json`)
  copyFileSync(WORD_VECTORS, `${folder}/vectors.bin`)
  const vaeTensors: Shaped = new Map()
  for (const { name: tensor, shape } of vaeShapes())
    vaeTensors.set(tensor, { shape, data: vae.average.get(tensor)! })
  await writeSafetensors(`${folder}/vae.safetensors`, entries(vaeTensors), {
    latents_mean: JSON.stringify(statistics.mean),
    latents_std: JSON.stringify(statistics.deviation),
    samples: String(vae.counters.samples),
  })
  const [image, text, controls]: [Shaped, Shaped, Shaped] = [new Map(), new Map(), new Map()]
  for (const { name: tensor, shape } of parametersOf([recipe.root])) {
    const data = dit.average.get(tensor)!
    if (tensor.startsWith("text.")) text.set(tensor.slice(5), { shape, data })
    else if (/^(style|sliders)\./.test(tensor)) controls.set(tensor, { shape, data })
    else image.set(tensor, { shape, data })
  }
  const trained = {
    step: String(dit.counters.step),
    samples: String(dit.counters.samples),
    hours: (dit.counters.seconds / 3600).toFixed(2),
  }
  await writeSafetensors(`${folder}/dit.safetensors`, entries(image), trained)
  await writeSafetensors(`${folder}/text.safetensors`, entries(text))
  await writeSafetensors(`${folder}/controls.safetensors`, entries(controls))
  for (const [part, state] of Object.entries({ upsampler, verifier }))
    if (state)
      await writeSafetensors(
        `${folder}/${part}.safetensors`,
        entries(await shapedAverage(part, state.average)),
        { samples: String(state.counters.samples) },
      )
  if (verifier) writeFileSync(`${folder}/classes.json`, `${JSON.stringify(verifierFile())}\n`)
  await exportAlignment(run, dit.average)
  writeFileSync(`${folder}/model.json`, `${JSON.stringify(manifest, null, 1)}\n`)
  writeFileSync("NOTICE", noticeText())
  return folder
}

/**
 * What training needs beside the model to go on from a clone: the encoder with its heads, and the projection towards it.
 * restore.ts makes runs of them. Nothing for an unaligned run.
 */
async function exportAlignment(run: string, average: ReadonlyMap<string, Float32Array>): Promise<void> {
  const own = await shapedAverage(run, average, /^(sight|align)\./)
  if (own.size === 0) return
  const sight = await loadRun("runs/sight")
  const heads: Shaped = sight ? await shapedAverage("sight", sight.average, /^sight\.heads\./) : new Map()
  await writeSafetensors(ALIGNMENT, entries(new Map([...own, ...heads])), {
    sight: String(sight?.counters.samples ?? 0),
    part: "training",
  })
}

async function found(run: string): Promise<RunState> {
  const state = await loadRun(`runs/${run}`)
  if (!state) throw new Error(`There is no run in runs/${run}; train it first: npm run train -- ${run}`)
  return state
}

/** The run's averaged weights whose names `keep` takes, with their shapes. */
async function shapedAverage(
  run: string,
  average: ReadonlyMap<string, Float32Array>,
  keep = /./,
): Promise<Shaped> {
  const { tensors } = await openSafetensors(statePath(`runs/${run}`))
  const kept = [...average].filter(([tensor]) => keep.test(tensor))
  return new Map(kept.map(([tensor, data]) => [tensor, { shape: tensors.get(`a:${tensor}`)!.shape, data }]))
}
