// `npm run train -- <recipe> [options]`: trains one of the networks of the embedded family. See --help.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs"
import { checkStart, loadRun, type RunState } from "./checkpoint.ts"
import { exportModel } from "./export.ts"
import { examineThesaurus } from "./export-thesaurus.ts"
import { exportTurbo } from "./export-turbo.ts"
import { growRun, growVocabulary } from "./grow.ts"
import { keptStatistics } from "./latent-statistics.ts"
import { encodeLatents, openLatents } from "./latents.ts"
import { HELP, readOptions, readOrExit } from "./options.ts"
import { modelOf, Painter } from "./painter.ts"
import { drawPairs } from "./pairs.ts"
import { openPictures } from "./pictures.ts"
import { classifierRecipe } from "./recipes/classifier.ts"
import { ditRecipe } from "./recipes/dit.ts"
import { ditConfig } from "./recipes/dit-network.ts"
import { preferenceRecipe } from "./recipes/preference.ts"
import { sightRecipe } from "./recipes/sight.ts"
import { turboRecipe } from "./recipes/turbo.ts"
import { upsamplerRecipe } from "./recipes/upsampler.ts"
import { vaeRecipe } from "./recipes/vae.ts"
import { verifierRecipe } from "./recipes/verifier.ts"
import { restoreRuns } from "./restore.ts"
import { drawRollouts, rolloutsOf } from "./rollouts.ts"
import { type Recipe, train } from "./trainer.ts"
import { drawTrajectories, trajectoriesOf } from "./trajectories.ts"
import { commonWords } from "./vocabulary.ts"
import { exportWordVectors } from "./word-vectors.ts"

const asked = readOrExit(() => readOptions(process.argv.slice(2)))
const { name, run, from, seed, samples } = asked
const folder = `runs/${run ?? name}`

const untrained = (needed: string) => (): never => {
  throw new Error(`This goes on from runs/${needed}: first npm run train -- ${needed}`)
}
const trained = async (needed: string): Promise<RunState> =>
  (await loadRun(`runs/${needed}`)) ?? untrained(needed)()

const recipes: Record<string, () => Recipe | Promise<Recipe>> = {
  vae: () => vaeRecipe({ samples: samples ?? 300_000, seed }),
  decoder: async () =>
    vaeRecipe({ samples: samples ?? 200_000, seed: seed + 1, from: (await trained("vae")).average }),
  tune: async () =>
    vaeRecipe({
      samples: samples ?? 200_000,
      seed: seed + 2,
      from: (await trained("vae")).average,
      near: keptStatistics("runs/dit", untrained("dit")).deviation,
    }),
  classifier: () => classifierRecipe({ samples: samples ?? 1_000_000, seed }),
  verifier: () => verifierRecipe({ samples: samples ?? 620_000, seed }),
  upsampler: () => upsamplerRecipe({ samples: samples ?? 400_000, seed }),
  sight: () => sightRecipe({ samples: samples ?? 400_000, seed, folder: "runs/dit" }),
  preference: async () => {
    const before = await trained(from)
    const [verifier, autoencoder] = [await trained("verifier"), await trained("vae")]
    mkdirSync(folder, { recursive: true })
    for (const file of ["words.json", "latents.json"])
      copyFileSync(`runs/${from}/${file}`, `${folder}/${file}`)
    return preferenceRecipe({
      samples: samples ?? 45_000,
      seed,
      rate: asked.rate,
      perceptual: asked.perceptual ?? 0.25,
      from: before,
      folder,
      rollouts: rolloutsOf(from, before),
      verifier,
      autoencoder,
    })
  },
  turbo: async () => {
    const teacher = await trained(from)
    return turboRecipe({
      samples: samples ?? 80_000,
      seed,
      rate: asked.rate,
      teacher: teacher.average,
      model: modelOf(`runs/${from}`, openPictures(), teacher.average),
      trajectories: trajectoriesOf(from, teacher),
    })
  },
  dit: async () =>
    ditRecipe({
      samples: samples ?? 4_000_000,
      seed,
      folder,
      features: asked.features,
      layers: asked.layers,
      weights: asked.resume ? (await loadRun(folder))?.average : undefined,
      rate: asked.rate,
      perceptual: asked.perceptual,
      sight: asked.unaligned ? undefined : (await trained("sight")).average,
    }),
}

const commands: Record<string, () => Promise<void>> = {
  words: async () => {
    const vocabulary = JSON.parse(readFileSync("data/vocabulary.json", "utf8")) as { word: string }[]
    console.log(`${exportWordVectors(vocabulary.map(({ word }) => word))} word vectors`)
  },
  thesaurus: async () => {
    const words = JSON.parse(readFileSync("models/medium/words.json", "utf8")) as string[]
    for (const [what, { right, silent, all }] of Object.entries(examineThesaurus(words)))
      console.log(`${what}: ${right} of ${all} right, ${silent} lead nowhere`)
  },
  latents: async () => {
    const { average } = await trained("vae")
    await encodeLatents(openPictures(), average)
  },
  rollouts: async () => {
    const denoiser = await trained(from)
    const pictures = openPictures()
    const painter = await Painter.open(denoiser.average, modelOf(`runs/${from}`, pictures, denoiser.average))
    await drawRollouts(samples ?? 2_000, painter, { pictures, folder: rolloutsOf(from, denoiser), seed })
  },
  trajectories: async () => {
    const teacher = await trained(from)
    const pictures = openPictures()
    const [latents, model] = [openLatents(pictures), modelOf(`runs/${from}`, pictures, teacher.average)]
    const painter = await Painter.open(teacher.average, model, asked.threads)
    const { statistics } = model
    const material = { pictures, latents, statistics, folder: trajectoriesOf(from, teacher), seed }
    await drawTrajectories(samples ?? 8_192, painter, material)
  },
  pairs: async () => {
    const [autoencoder, denoiser] = [await trained("vae"), await trained("dit")]
    await drawPairs(samples ?? 600, {
      autoencoder: autoencoder.average,
      denoiser: denoiser.average,
      model: modelOf("runs/dit", openPictures(), denoiser.average),
    })
  },
  export: async () => {
    const { steps, guidance, features, layers } = asked
    console.log(await exportModel({ run: run ?? "dit", name: "medium", steps, guidance, features, layers }))
  },
  "export-turbo": async () => {
    console.log(await exportTurbo())
  },
  restore: async () => {
    const made = await restoreRuns("models/medium")
    console.log(made.length > 0 ? `runs made from models/medium: ${made.join(", ")}` : "all runs are there")
  },
  grow: async () => {
    const grown = `runs/${run ?? "dit"}`
    const next = `go on with: npm run train -- dit ${run === undefined ? "" : `--run ${run} `}--resume`
    if (asked.words) {
      const words = await growVocabulary(grown, commonWords(openPictures()))
      console.log(`${words.length} new words: ${words.join(", ")}; ${next}`)
      return
    }
    const layers = asked.layers ?? ditConfig().layers
    await growRun(grown, layers)
    console.log(`the run has ${layers} blocks now; ${next}`)
  },
}

async function trainRecipe(recipe: Recipe): Promise<void> {
  const stop = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort())
  const { resume, minutes, threads, sheetMinutes } = asked
  await train(recipe, { folder, resume, minutes, threads, sheetMinutes, signal: stop.signal })
}

if (asked.help) console.log(HELP)
else if (Object.hasOwn(commands, name)) await commands[name]!()
else if (Object.hasOwn(recipes, name)) {
  await checkStart(folder, asked.resume) // before a recipe, which reads and writes for minutes
  await trainRecipe(await recipes[name]!())
} else {
  const known = [...Object.keys(recipes), ...Object.keys(commands)].join(", ")
  console.error(`There is no recipe "${name}"; known: ${known}. See npm run train -- --help.`)
  process.exitCode = 2
}
