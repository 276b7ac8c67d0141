// A model that is being installed: what was written for it goes when the work fails, and nothing else does.
import { existsSync } from "node:fs"
import { rm, rmdir } from "node:fs/promises"
import { join } from "node:path"
import { writeWhole } from "../../checkpoint/files.ts"
import { AtelierError } from "../../request/errors.ts"
import { homeFolder, installedModels } from "../../sampling/catalog.ts"
import { Manifest, type ManifestInput } from "../../sampling/manifest.ts"

export interface Added {
  name: string
  folder: string
  manifest: Manifest
}

export class NewModel {
  readonly folder: string
  readonly #name: string
  readonly #written: string[] = []

  private constructor(name: string) {
    this.#name = name
    this.folder = join(homeFolder(), "models", name)
  }

  /** Throws conflict when the name is taken, invalid_request when it cannot be one. */
  static async named(name: string): Promise<NewModel> {
    if (!Manifest.shape.name.safeParse(name).success)
      throw new AtelierError(
        "invalid_request",
        `${JSON.stringify(name)} cannot be a model's name; use small letters, digits, dots and dashes.`,
      )
    const model = new NewModel(name)
    const installed = (await installedModels()).some(
      ({ manifest }) => manifest.name === name || manifest.aliases.includes(name),
    )
    if (installed || existsSync(join(model.folder, "model.json")))
      throw new AtelierError("conflict", `A model ${name} is installed already; choose another name.`)
    return model
  }

  /** Where a new file of weights belongs. Throws conflict when one is there: it may be the one being read. */
  file(name: string): string {
    const path = join(this.folder, name)
    if (existsSync(path))
      throw new AtelierError(
        "conflict",
        `${path} is there already and would be overwritten; move it, or choose another name than ${this.#name}.`,
      )
    this.#written.push(...[path, `${path}.json`].filter((written) => !existsSync(written)))
    return path
  }

  /** Writes model.json, which makes it a model: last, so that a half-installed one is none. */
  async install(manifest: Omit<ManifestInput, "name">): Promise<Added> {
    const parsed = Manifest.parse({ ...manifest, name: this.#name })
    const bytes = new TextEncoder().encode(`${JSON.stringify(parsed, null, 2)}\n`)
    await writeWhole(join(this.folder, "model.json"), (file) => file.write(bytes))
    return { name: parsed.name, folder: this.folder, manifest: parsed }
  }

  /** Removes what was written, and the folder when it holds nothing else. What went wrong before is what counts. */
  async discard(): Promise<void> {
    for (const path of this.#written) await rm(path, { force: true }).catch(() => {})
    await rmdir(this.folder).catch(() => {})
  }
}
