// npm run data: installs the art packages, cuts out the drawings, paints the training set. See --help.

import { spawn, spawnSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { readOrExit } from "../options.ts"
import { vocabulary } from "./captions.ts"
import { writeDataset } from "./dataset.ts"
import { glyphSprites } from "./glyph-sprites.ts"
import { GLYPH_FILE, openGlyphs, packGlyphs } from "./glyphs.ts"
import { DATA_HELP, readDataOptions } from "./options.ts"
import { writeSheets } from "./sheets.ts"
import { arePacked, openSprites, packSprites } from "./sprites.ts"

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

const asked = readOrExit(() => readDataOptions(process.argv.slice(2)))
if (asked.help) {
  console.log(DATA_HELP)
  process.exit(0)
}
const { recipe, workers, worker } = asked
const { use } = recipe

if (worker === undefined) {
  installPackages()
  if (!arePacked(SPRITES)) console.log(`${await packSprites(PACKAGES, SPRITES)} drawings cut out`)
  if (use !== "train" && !existsSync(GLYPHS)) console.log(`${await packGlyphs(PACKAGES, GLYPHS)} glyphs`)
  writeFileSync(join(DATA, "vocabulary.json"), JSON.stringify(vocabulary()))
  const children = Array.from({ length: workers - 1 }, (_, w) =>
    spawn(process.execPath, [...process.argv.slice(1), "--worker", String(w + 1)], { stdio: "inherit" }),
  )
  for (const child of children)
    child.once("exit", (code) => {
      if (code !== 0) process.exitCode = 1
    })
  // They would go on painting without this process; a signal's own end tells nobody.
  process.once("exit", () => {
    for (const child of children) child.kill()
  })
  process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143))
}
const drawings = openSprites(SPRITES, PACKAGES)
const source = use === "glyphs" ? glyphSprites(openGlyphs(GLYPHS)) : drawings
const folder = use !== "train" ? use : recipe.scale > 1 ? "truth" : recipe.focus ? "focus" : "scenes"
const out = asked.out ?? join(DATA, folder)
if (asked.sheet) await writeSheets(drawings, join(DATA, "sheets"), recipe.seed)
else await writeDataset(out, recipe, source, worker ?? 0, workers, console.log)
