// Writes Turbo as an installed model: models/turbo/, a low-rank change beside the files of models/medium.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { writeSafetensors } from "../checkpoint/index.ts"
import { Manifest, type ManifestInput } from "../sampling/manifest.ts"
import { loadRun } from "./checkpoint.ts"
import { lowRankEntries } from "./low-rank.ts"
import { TURBO_STEPS } from "./recipes/turbo.ts"

const MEDIUM = "models/medium"
const TURBO = "models/turbo"
const ADAPTER = "adapter.safetensors"

/** Exports the averaged change of runs/turbo. Returns the folder. Throws when there is no such run. */
export async function exportTurbo(): Promise<string> {
  const run = await loadRun("runs/turbo")
  if (!run) throw new Error("There is no run in runs/turbo; train it first: npm run train -- turbo")
  mkdirSync(TURBO, { recursive: true })
  await writeSafetensors(`${TURBO}/${ADAPTER}`, lowRankEntries(run.average), {
    samples: String(run.counters.samples),
    hours: (run.counters.seconds / 3600).toFixed(2),
  })
  const medium = Manifest.parse(JSON.parse(readFileSync(`${MEDIUM}/model.json`, "utf8")))
  const files = Object.entries(medium.files).map(([part, file]) => [part, `../medium/${file}`])
  const manifest: ManifestInput = {
    ...medium,
    name: "turbo",
    aliases: [], // the public names are the variant's, so that an installed model of the same variant may take them
    title: "Krea 2 Medium Turbo, embedded",
    variant: "medium-turbo",
    files: { ...Object.fromEntries(files), adapter: ADAPTER } as ManifestInput["files"],
    defaults: { ...medium.defaults, steps: TURBO_STEPS, guidance: 0 },
  }
  writeFileSync(`${TURBO}/model.json`, `${JSON.stringify(manifest, null, 1)}\n`)
  return TURBO
}
