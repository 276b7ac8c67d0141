// The built page: made when it is missing or older than its sources, left alone otherwise. A checkout can build it
// (Vite is among its development packages); an installed package brings it along.
import { createHash } from "node:crypto"
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const here = fileURLToPath(new URL(".", import.meta.url))
export const STUDIO_DIST = join(here, "dist")
const STAMP = join(STUDIO_DIST, "sources.txt")

/** A hash over everything that the page is built from. */
export function sourcesHash(): string {
  const hash = createHash("sha256")
  for (const file of globSync(["src/**/*", "index.html", "vite.config.ts"], { cwd: here }).sort()) {
    const path = join(here, file)
    if (/\.\w+$/.test(file)) hash.update(file).update(readFileSync(path))
  }
  return hash.digest("hex")
}

export const isFresh = (): boolean => existsSync(STAMP) && readFileSync(STAMP, "utf8") === sourcesHash()

/** Builds unless the page is there and of these sources. Gives its folder. */
export async function buildStudio(): Promise<string> {
  if (isFresh()) return STUDIO_DIST
  const hash = sourcesHash()
  // Beside, then swapped: who serves the old page meanwhile never finds half of a new one.
  const beside = join(here, "..", "node_modules", ".cache", `atelier-studio-${process.pid}`)
  const { build } = await import("vite")
  await build({
    root: here,
    configFile: join(here, "vite.config.ts"),
    logLevel: "warn",
    build: { outDir: beside, emptyOutDir: true },
  })
  writeFileSync(join(beside, "sources.txt"), hash)
  // Another process may have been first, with the same sources, and serve its page already: it is not swapped under it.
  if (!isFresh()) {
    rmSync(STUDIO_DIST, { recursive: true, force: true })
    try {
      renameSync(beside, STUDIO_DIST)
    } catch (thrown) {
      if (!isFresh()) throw thrown
    }
  }
  rmSync(beside, { recursive: true, force: true })
  return STUDIO_DIST
}

if (import.meta.main) await buildStudio()
