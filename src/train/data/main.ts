// npm run data: installs the art packages, cuts out the drawings, paints the training set. See --help.

import { spawn, spawnSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { vocabulary } from "./captions.ts"
import { type Recipe, writeDataset } from "./dataset.ts"
import { glyphSprites } from "./glyph-sprites.ts"
import { GLYPH_FILE, openGlyphs, packGlyphs } from "./glyphs.ts"
import { writeSheets } from "./sheets.ts"
import { arePacked, openSprites, packSprites } from "./sprites.ts"

const HELP = `npm run data -- [options]
  --count N      pictures (default 20000)
  --seed S       seed of the set (default 1)
  --workers W    processes (default 1)
  --stage NAME   only "single" (easy pictures) or only "scene"; default both, one quarter single
  --focus       things in one pose and place, half of them what people ask for most (data/focus)
  --use NAME     "train" (default), "judge": drawings that the model never sees (data/judge), or
                 "glyphs": scenes of icons in chance colours, for the judge, too (data/glyphs)
  --size PIXELS  longer truth for the upsampler: 1024 paints the same scenes at 8 times the native size
  --out FOLDER   default data/scenes, or data/truth with --size
  --sheet        no data set: contact sheets of styles, places and captions in data/sheets
`

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const DATA = process.env.ATELIER_DATA ?? here("../../../data")
const PACKAGES = join(DATA, "packages")
const SPRITES = join(DATA, "sprites")
const GLYPHS = join(DATA, GLYPH_FILE)

/** Installs exactly what the lock file names, once, outside the product's own dependencies. */
function installPackages(): void {
  mkdirSync(PACKAGES, { recursive: true })
  const lock = readFileSync(here("packages/package-lock.json"), "utf8")
  const done = join(PACKAGES, "installed.lock")
  if (existsSync(done) && readFileSync(done, "utf8") === lock) return
  for (const file of ["package.json", "package-lock.json"])
    copyFileSync(here(`packages/${file}`), join(PACKAGES, file))
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: PACKAGES,
    stdio: "inherit",
  })
  if (status !== 0) throw new Error(`npm ci in ${PACKAGES} ended with ${status}`)
  writeFileSync(done, lock)
}

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: "1" },
    stage: { type: "string" },
    focus: { type: "boolean" },
    use: { type: "string", default: "train" },
    out: { type: "string" },
    size: { type: "string", default: "128" },
    sheet: { type: "boolean" },
    worker: { type: "string" },
    help: { type: "boolean" },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const { use } = values
if (use !== "train" && use !== "judge" && use !== "glyphs")
  throw new Error(`--use ${use}: there are train, judge and glyphs; see --help`)
const recipe: Recipe = {
  seed: Number(values.seed),
  count: Number(values.count),
  use,
  scale: Number(values.size) / 128,
  ...(values.focus && { focus: true }),
  ...((values.stage === "single" || values.stage === "scene") && { stage: values.stage }),
}
const workers = Number(values.workers)

if (values.worker === undefined) {
  installPackages()
  if (!arePacked(SPRITES)) console.log(`${await packSprites(PACKAGES, SPRITES)} drawings cut out`)
  if (recipe.use !== "train" && !existsSync(GLYPHS))
    console.log(`${await packGlyphs(PACKAGES, GLYPHS)} glyphs`)
  writeFileSync(join(DATA, "vocabulary.json"), JSON.stringify(vocabulary()))
  for (let w = 1; w < workers; w++)
    spawn(process.execPath, [...process.argv.slice(1), "--worker", String(w)], { stdio: "inherit" })
}
const drawings = openSprites(SPRITES, PACKAGES)
const source = use === "glyphs" ? glyphSprites(openGlyphs(GLYPHS)) : drawings
const folder =
  recipe.use !== "train" ? recipe.use : recipe.scale > 1 ? "truth" : recipe.focus ? "focus" : "scenes"
const out = values.out ?? join(DATA, folder)
if (values.sheet) await writeSheets(drawings, join(DATA, "sheets"), recipe.seed)
else await writeDataset(out, recipe, source, Number(values.worker ?? 0), workers, console.log)
