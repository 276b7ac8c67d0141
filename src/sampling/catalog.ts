// Which models are there: shipped with the package, installed at home, or named by path.
import { existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { homedir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { findComponents, type ModelComponents } from "../checkpoint/components.ts"
import type { Checkpoint } from "../checkpoint/tensor.ts"
import { AtelierError, asAtelierError } from "../request/errors.ts"
import { modelCalled, modelMeant } from "../request/names.ts"
import { type Installed, Manifest, readManifest } from "./manifest.ts"

/** The user's own folder: models, adapters, boards. */
export const homeFolder = (): string => process.env.ATELIER_HOME ?? join(homedir(), ".atelier")

/** Models that came with the package: `models` beside src or dist. */
const shippedFolder = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder)
  return join(folder, "models")
}

/** Folders that hold model folders; earlier ones win. */
export const modelFolders = (home = homeFolder()): string[] => [join(home, "models"), shippedFolder()]

/** A model's folder whose model.json cannot be used. */
export interface BrokenModel {
  /** The folder's name, which is most often the model's. */
  name: string
  error: AtelierError
}

/** What stands in the folders; one broken model does not hide the others. */
export async function searchModels(
  folders = modelFolders(),
): Promise<{ models: Installed[]; broken: BrokenModel[] }> {
  const found = new Map<string, Installed>()
  const broken: BrokenModel[] = []
  for (const folder of folders) {
    if (!existsSync(folder)) continue
    for (const name of (await readdir(folder)).toSorted()) {
      if (!existsSync(join(folder, name, "model.json"))) continue
      try {
        const installed = await readManifest(join(folder, name))
        if (!found.has(installed.manifest.name)) found.set(installed.manifest.name, installed)
      } catch (thrown) {
        broken.push({ name, error: asAtelierError(thrown) })
      }
    }
  }
  // The first of a variant has its public names: a quantised copy stands behind the others while its source is there.
  const isCopy = ({ manifest: { quantisedFrom } }: Installed) =>
    quantisedFrom !== undefined && found.has(quantisedFrom)
  return {
    models: [...found.values()].toSorted((a, b) => Number(isCopy(a)) - Number(isCopy(b))),
    broken,
  }
}

export const installedModels = async (folders = modelFolders()): Promise<Installed[]> =>
  (await searchModels(folders)).models

/** The model of a name, an alias, a path or a public name. Throws model_not_found with what there is. */
export async function findModel(name: string, folders = modelFolders()): Promise<Installed> {
  const { models, broken } = await searchModels(folders)
  const manifests = models.map(({ manifest }) => manifest)
  const called = modelCalled(name, manifests)
  const unreadable = broken.find((m) => m.name === name)
  if (!called && unreadable) throw unreadable.error
  const isThere = existsSync(name)
  const meant = isThere ? called : modelMeant(name, manifests)
  if (meant) return models.find(({ manifest }) => manifest === meant)!
  if (isThere || /[\\/]|\.(safetensors|gguf|json)$/.test(name)) return await modelAtPath(name)
  const names = manifests.map((m) => m.name)
  const offer =
    names.length > 0
      ? `installed are ${names.join(", ")}; give one of these or a path`
      : "this version ships no trained weights and none is installed: give --model a file or a folder, or install one with `atelier models add NAME PATH`"
  throw new AtelierError("model_not_found", `There is no model ${name}; ${offer}.`, {
    field: "model",
    details: { installed: names },
  })
}

/**
 * Whether an image model is distilled, by what its folder says of itself, or else by the names of what was given and of
 * its file; how the folders above are called says nothing.
 */
export const saysTurbo = ({ distilled, path }: ModelComponents, dit: Checkpoint): boolean =>
  distilled ?? [path, dit.path].some((given) => /turbo/i.test(basename(given)))

/** A folder with a manifest, a diffusers folder, or a single file with all parts of a model. */
async function modelAtPath(given: string): Promise<Installed> {
  const path = resolve(given)
  if (!existsSync(path))
    throw new AtelierError("model_not_found", `There is no model at ${path}; check the path.`, {
      field: "model",
    })
  if (existsSync(join(path, "model.json"))) return await readManifest(path)
  const parts = await findComponents(path)
  const missing = (["dit", "text", "vae"] as const).filter((part) => !parts[part])
  const names = { dit: "image model", text: "text tower", vae: "VAE" }
  if (missing.length > 0)
    throw new AtelierError(
      "model_invalid",
      `${path} has no ${missing.map((m) => names[m]).join(" and no ")}; combine files with \`atelier models add NAME --dit FILE --text FILE --vae FILE --tokenizer FOLDER\`.`,
      { field: "model" },
    )
  const turbo = saysTurbo(parts, parts.dit!)
  const manifest = Manifest.parse({
    name: "path",
    title: basename(path),
    variant: turbo ? "medium-turbo" : "large",
    files: {
      dit: parts.dit!.path,
      text: parts.text!.path,
      vae: parts.vae!.path,
      tokenizer: parts.tokenizer ?? dirname(parts.text!.path),
    },
    text: { taps: parts.taps, ropeTheta: parts.ropeTheta },
    shift: turbo ? 1.15 : null,
    defaults: turbo
      ? { steps: 8, guidance: 0, width: 1024, height: 1024 }
      : { steps: 28, guidance: 4.5, width: 1024, height: 1024 },
    batch: 1,
  })
  return { manifest: { ...manifest, name: given }, folder: path }
}

/** The file of an adapter: a path, or a name among those installed. Throws file_not_found. */
export function findLora(name: string, field: string, home = homeFolder()): string {
  const candidates = [name, join(home, "loras", name), join(home, "loras", `${name}.safetensors`)]
  const found = candidates.find((path) => path.endsWith(".safetensors") && existsSync(path))
  if (found) return found
  throw new AtelierError(
    "file_not_found",
    `There is no LoRA ${name}; give a .safetensors file or the name of one in ${join(home, "loras")}.`,
    { field },
  )
}
