// Splits what was opened into the DiT, the text tower and the VAE, each in canonical names; finds them in a
// diffusers folder or in single files.
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { AtelierError } from "../request/errors.ts"
import { ditName, isUnusedDitTensor } from "./names-dit.ts"
import { textName } from "./names-text.ts"
import { isWanLayout, vaeName, wanNames } from "./names-vae.ts"
import { isFolder, openCheckpoint } from "./open.ts"
import { isRecord } from "./safetensors.ts"
import { type Checkpoint, elementCount, type StoredTensor } from "./tensor.ts"

/** The parts of a model that a checkpoint holds. */
export interface SplitCheckpoint {
  dit?: Checkpoint
  text?: Checkpoint
  vae?: Checkpoint
  /** Tensors that belong to the model and are never used here: vision tower, output head. */
  ignored: readonly string[]
  /** Tensors of no known component. */
  unknown: readonly string[]
}

/** A model on disk: its parts, and what the small files beside them say. */
export interface ModelComponents extends SplitCheckpoint {
  path: string
  /** Folder of the tokenizer's files, when there is one. */
  tokenizer?: string
  /** model_index.json's is_distilled: Turbo. */
  distilled?: boolean
  /** model_index.json's text_encoder_select_layers. */
  taps?: readonly number[]
  ropeTheta?: number
}

/**
 * Sorts the tensors of an opened checkpoint into components and gives them canonical names.
 * Throws model_invalid when two tensors mean the same one.
 */
export function splitComponents(checkpoint: Checkpoint): SplitCheckpoint {
  const parts = {
    dit: new Map<string, string>(),
    text: new Map<string, string>(),
    vae: new Map<string, string>(),
  }
  const ignored: string[] = []
  const unknown: string[] = []
  for (const name of checkpoint.tensors.keys()) {
    const dit = ditName(name)
    const text = dit === undefined ? textName(name) : undefined
    const vae = dit === undefined && text === undefined ? vaeName(name) : undefined
    if (dit !== undefined) {
      if (isUnusedDitTensor(dit)) ignored.push(name)
      else parts.dit.set(name, dit)
    } else if (text?.kind === "ignored") ignored.push(name)
    else if (text) parts.text.set(name, text.name)
    else if (vae !== undefined) parts.vae.set(name, vae)
    else unknown.push(name)
  }
  if (isWanLayout(parts.vae.values())) {
    const wan = wanNames([...parts.vae.values()])
    for (const [name, bare] of parts.vae) parts.vae.set(name, wan.get(bare)!)
  }
  return {
    ...(parts.dit.size > 0 ? { dit: renamed(checkpoint, parts.dit) } : {}),
    ...(parts.text.size > 0 ? { text: renamed(checkpoint, parts.text) } : {}),
    ...(parts.vae.size > 0 ? { vae: renamed(checkpoint, parts.vae) } : {}),
    ignored,
    unknown,
  }
}

function renamed(checkpoint: Checkpoint, names: ReadonlyMap<string, string>): Checkpoint {
  const tensors = new Map<string, StoredTensor>()
  const origins = new Map<string, string>()
  for (const [name, canonical] of names) {
    if (origins.has(canonical))
      throw new AtelierError(
        "model_invalid",
        `${checkpoint.path} holds ${origins.get(canonical)} and ${name}, which are the same tensor ${canonical}; one is expected.`,
      )
    origins.set(canonical, name)
    const tensor = checkpoint.tensors.get(name)!
    tensors.set(canonical, { ...tensor, name: canonical, shape: canonicalShape(canonical, tensor.shape) })
  }
  return { ...checkpoint, tensors }
}

// Two tensors have another shape elsewhere, with the same bytes: diffusers' table is [6, F], and GGUF drops
// leading dimensions of 1.
function canonicalShape(name: string, shape: readonly number[]): readonly number[] {
  if (/^blocks\.\d+\.mod\.lin$/.test(name)) return [elementCount(shape)]
  if (name === "txtfusion.projector.weight" && shape.length === 1) return [1, shape[0]!]
  return shape
}

/**
 * Opens a model: a diffusers folder (with model_index.json), or a file, index or folder of any one or more
 * components. Throws file_not_found, unsupported, or model_invalid: broken files, tensors of no component.
 */
export async function findComponents(path: string): Promise<ModelComponents> {
  if ((await isFolder(path)) && existsSync(join(path, "model_index.json"))) return await diffusersFolder(path)
  const split = splitComponents(await openCheckpoint(path))
  refuseForeign(path, split)
  return { path, ...split, ...(split.vae && { vae: await withConstants(split.vae) }) }
}

// diffusers keeps a VAE's constants beside its weights; here they are the file's own words, whoever opens it.
async function withConstants(vae: Checkpoint): Promise<Checkpoint> {
  const beside = await readJson(join(dirname(vae.files[0]!), "config.json"))
  const said = ["latents_mean", "latents_std"].flatMap((name) => {
    const values = numbers(beside[name])
    return values ? [[name, JSON.stringify(values)]] : []
  })
  return { ...vae, metadata: { ...vae.metadata, ...Object.fromEntries(said) } }
}

async function diffusersFolder(path: string): Promise<ModelComponents> {
  const index = await readJson(join(path, "model_index.json"))
  const text = await readJson(join(path, "text_encoder", "config.json"))
  const model: ModelComponents = { path, ignored: [], unknown: [] }
  for (const [folder, kind] of [
    ["transformer", "dit"],
    ["text_encoder", "text"],
    ["vae", "vae"],
  ] as const) {
    if (!existsSync(join(path, folder))) continue
    const split = splitComponents(await openCheckpoint(join(path, folder)))
    refuseForeign(join(path, folder), split)
    model[kind] = kind === "vae" && split.vae ? await withConstants(split.vae) : split[kind]
    model.ignored = [...model.ignored, ...split.ignored]
  }
  const tower = isRecord(text.text_config) ? text.text_config : text
  const rope = [tower.rope_parameters, tower.rope_scaling, tower].find(
    (part) => isRecord(part) && "rope_theta" in part,
  )
  if (existsSync(join(path, "tokenizer"))) model.tokenizer = join(path, "tokenizer")
  if (typeof index.is_distilled === "boolean") model.distilled = index.is_distilled
  model.taps = numbers(index.text_encoder_select_layers)
  if (isRecord(rope) && typeof rope.rope_theta === "number") model.ropeTheta = rope.rope_theta
  return model
}

function refuseForeign(path: string, { dit, text, vae, unknown, ignored }: SplitCheckpoint): void {
  if (unknown.length > 0)
    throw new AtelierError(
      "model_invalid",
      `${path} holds the tensor ${unknown[0]}${unknown.length > 1 ? ` and ${unknown.length - 1} more` : ""}, which no part of Krea 2 has; a Krea 2 image model, text tower or VAE is expected.`,
    )
  if (!dit && !text && !vae)
    throw new AtelierError(
      "model_invalid",
      `${path} holds ${ignored.length === 0 ? "no tensor" : `only tensors that making pictures never uses, such as ${ignored[0]}`}; a Krea 2 image model, text tower or VAE is expected.`,
    )
}

function numbers(value: unknown): number[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === "number") ? value : undefined
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  if (!existsSync(path)) return {}
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"))
    if (isRecord(value)) return value
  } catch {
    // the sentence below says what was expected
  }
  throw new AtelierError("model_invalid", `${path} is not a JSON object; download it again.`)
}
