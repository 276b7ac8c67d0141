// `npm run train -- <recipe> [--resume] [--minutes N]`: trains one of the networks of the embedded family.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { loadRun } from "./checkpoint.ts"
import { exportModel } from "./export.ts"
import { examineThesaurus } from "./export-thesaurus.ts"
import { growRun, growVocabulary } from "./grow.ts"
import { keptStatistics } from "./latent-statistics.ts"
import { encodeLatents } from "./latents.ts"
import { modelOf, Painter } from "./painter.ts"
import { drawPairs } from "./pairs.ts"
import { openPictures } from "./pictures.ts"
import { classifierRecipe } from "./recipes/classifier.ts"
import { ditRecipe } from "./recipes/dit.ts"
import { ditConfig } from "./recipes/dit-network.ts"
import { preferenceRecipe } from "./recipes/preference.ts"
import { sightRecipe } from "./recipes/sight.ts"
import { upsamplerRecipe } from "./recipes/upsampler.ts"
import { vaeRecipe } from "./recipes/vae.ts"
import { verifierRecipe } from "./recipes/verifier.ts"
import { restoreRuns } from "./restore.ts"
import { drawRollouts, rolloutsOf } from "./rollouts.ts"
import { type Recipe, train } from "./trainer.ts"
import { commonWords } from "./vocabulary.ts"
import { exportWordVectors } from "./word-vectors.ts"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    resume: { type: "boolean", default: false },
    minutes: { type: "string" },
    samples: { type: "string" },
    seed: { type: "string", default: "1" },
    run: { type: "string" },
    features: { type: "string" },
    layers: { type: "string" },
    rate: { type: "string" },
    perceptual: { type: "string" },
    from: { type: "string" },
    words: { type: "boolean", default: false },
    unaligned: { type: "boolean", default: false },
    threads: { type: "string", default: "2" },
    steps: { type: "string", default: "8" },
    guidance: { type: "string", default: "3" },
    "sheet-minutes": { type: "string", default: "10" },
  },
})

const name = positionals[0] ?? ""
const folder = `runs/${values.run ?? name}`
const seed = Number(values.seed)
const optional = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text)
const samples = optional(values.samples)

if (name === "export") {
  const [steps, guidance] = [Number(values.steps), Number(values.guidance)]
  console.log(
    await exportModel({
      run: values.run ?? "dit",
      name: "medium",
      steps,
      guidance,
      features: optional(values.features),
      layers: optional(values.layers),
    }),
  )
  process.exit(0)
}

if (name === "grow" && values.words) {
  const words = await growVocabulary(`runs/${values.run ?? "dit"}`, commonWords(openPictures()))
  console.log(`${words.length} new words: ${words.join(", ")}; go on with: npm run train -- dit --resume`)
  process.exit(0)
}

if (name === "grow") {
  const layers = optional(values.layers) ?? ditConfig().layers
  await growRun(`runs/${values.run ?? "dit"}`, layers)
  console.log(`the run has ${layers} blocks now; go on with: npm run train -- dit --resume`)
  process.exit(0)
}

if (name === "restore") {
  const made = await restoreRuns("models/medium")
  console.log(made.length > 0 ? `runs made from models/medium: ${made.join(", ")}` : "all runs are there")
  process.exit(0)
}

const untrained = (needed: string) => (): never => {
  throw new Error(`This goes on from runs/${needed}: first npm run train -- ${needed}`)
}
const [autoencoder, sight] = [await loadRun("runs/vae"), await loadRun("runs/sight")]
const before = values.from ?? "dit"
const runForPreference = async (run: string) =>
  name === "preference" ? await loadRun(`runs/${run}`) : undefined
const [policy, verifier] = [await runForPreference(before), await runForPreference("verifier")]
const recipes: Record<string, () => Recipe | Promise<Recipe>> = {
  vae: () => vaeRecipe({ samples: samples ?? 300_000, seed }),
  decoder: () =>
    vaeRecipe({
      samples: samples ?? 200_000,
      seed: seed + 1,
      from: (autoencoder ?? untrained("vae")()).average,
    }),
  tune: () =>
    vaeRecipe({
      samples: samples ?? 200_000,
      seed: seed + 2,
      from: (autoencoder ?? untrained("vae")()).average,
      near: keptStatistics("runs/dit", untrained("dit")).deviation,
    }),
  classifier: () => classifierRecipe({ samples: samples ?? 1_000_000, seed }),
  verifier: () => verifierRecipe({ samples: samples ?? 620_000, seed }),
  upsampler: () => upsamplerRecipe({ samples: samples ?? 400_000, seed }),
  sight: () => sightRecipe({ samples: samples ?? 400_000, seed, folder: "runs/dit" }),
  preference: () => {
    const from = policy ?? untrained(before)()
    mkdirSync(folder, { recursive: true })
    for (const file of ["words.json", "latents.json"])
      copyFileSync(`runs/${before}/${file}`, `${folder}/${file}`)
    return preferenceRecipe({
      samples: samples ?? 45_000,
      seed,
      rate: optional(values.rate),
      perceptual: optional(values.perceptual) ?? 0.25,
      from,
      folder,
      rollouts: rolloutsOf(before, from),
      verifier: verifier ?? untrained("verifier")(),
      autoencoder: autoencoder ?? untrained("vae")(),
    })
  },
  dit: () =>
    ditRecipe({
      samples: samples ?? 4_000_000,
      seed,
      folder,
      features: optional(values.features),
      layers: optional(values.layers),
      rate: optional(values.rate),
      perceptual: optional(values.perceptual),
      sight: values.unaligned ? undefined : sight?.average,
    }),
}

if (name === "words") {
  const vocabulary = JSON.parse(readFileSync("data/vocabulary.json", "utf8")) as { word: string }[]
  console.log(`${exportWordVectors(vocabulary.map(({ word }) => word))} word vectors`)
} else if (name === "thesaurus") {
  const words = JSON.parse(readFileSync("models/medium/words.json", "utf8")) as string[]
  for (const [what, { right, silent, all }] of Object.entries(examineThesaurus(words)))
    console.log(`${what}: ${right} of ${all} right, ${silent} lead nowhere`)
} else if (name === "rollouts") {
  const denoiser = (await loadRun(`runs/${before}`)) ?? untrained(before)()
  const pictures = openPictures()
  const painter = await Painter.open(denoiser.average, modelOf(`runs/${before}`, pictures))
  await drawRollouts(samples ?? 2_000, painter, { pictures, folder: rolloutsOf(before, denoiser), seed })
} else if (name === "latents" || name === "pairs") {
  const { average } = autoencoder ?? untrained("vae")()
  const pictures = openPictures()
  if (name === "latents") await encodeLatents(pictures, average)
  else {
    const denoiser = (await loadRun("runs/dit")) ?? untrained("dit")()
    const model = modelOf("runs/dit", pictures)
    await drawPairs(samples ?? 600, { autoencoder: average, denoiser: denoiser.average, model })
  }
} else {
  const recipe = recipes[name]
  if (!recipe) {
    console.error(
      `There is no recipe "${name}"; known: ${Object.keys(recipes).join(", ")}, words, thesaurus, latents, pairs, export, restore, grow.`,
    )
    process.exit(2)
  }
  const stop = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort())
  await train(await recipe(), {
    folder,
    resume: values.resume,
    minutes: optional(values.minutes),
    threads: Number(values.threads),
    sheetMinutes: Number(values["sheet-minutes"]),
    signal: stop.signal,
  })
}
