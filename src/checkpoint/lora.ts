// Reads LoRA files in every public layout (architecture.md 7) into one form: down, up, alpha, rank per module.
import { AtelierError } from "../request/errors.ts"
import type { DitConfig } from "./config.ts"
import { ditModules, ditTensors, type TensorTable } from "./expected.ts"
import { stripDitPrefix, toDiffusersName } from "./names-dit.ts"
import { openCheckpoint } from "./open.ts"
import { readTensor } from "./read.ts"
import { isRecord } from "./safetensors.ts"
import { type Checkpoint, elementCount, formatShape } from "./tensor.ts"

/** A low-rank change of one Linear module: alpha/rank * up @ down is added to its weight. */
export interface LoraModule {
  /** Canonical module name, without `.weight`: blocks.0.attn.wq */
  module: string
  /** [rank, in]. */
  down: Float32Array
  /** [out, rank]. */
  up: Float32Array
  /** Equal to rank when the file says nothing. */
  alpha: number
  rank: number
}

/** A full change of one tensor (`.diff`, `.diff_b`). */
export interface LoraDelta {
  /** Canonical tensor name. */
  tensor: string
  /** As many values as the tensor. */
  delta: Float32Array
  /** Values per row of the tensor. */
  columns: number
}

/** One LoRA file. */
export interface Lora {
  path: string
  modules: readonly LoraModule[]
  deltas: readonly LoraDelta[]
}

type Role = "down" | "up" | "alpha" | "diff" | "diff_b"

const roles: [RegExp, Role][] = [
  [/\.(lora_A(\.[^.]+)?|lora_down|lora\.down)\.weight$/, "down"],
  [/\.(lora_B(\.[^.]+)?|lora_up|lora\.up)\.weight$/, "up"],
  [/\.alpha$/, "alpha"],
  [/\.diff$/, "diff"],
  [/\.diff_b$/, "diff_b"],
]

const otherKinds: [RegExp, string][] = [
  [/\.lokr_|\.lokr\./, "LoKr"],
  [/\.hada_/, "LoHa"],
  [/\.dora_scale$|magnitude/, "DoRA"],
  [/\.oft_|\.boft_/, "OFT"],
  [/\.lora_mid\./, "LoRA with a middle factor"],
  [/\.lora_[AB](\.[^.]+)?\.bias$/, "LoRA with biases"],
  [/\.(a1|a2|b1|b2)\.weight$/, "GLoRA"],
  [/\.set_weight$/, "whole replaced tensors"],
]

/**
 * Reads a LoRA for a DiT of this configuration.
 * Throws unsupported (LoKr, LoHa, DoRA, ...), or model_invalid: a key of no module, a missing half, a wrong
 * shape; each names the key.
 */
export async function loadLora(path: string, config: DitConfig): Promise<Lora> {
  const checkpoint = await openCheckpoint(path)
  const table = ditTensors(config)
  const find = moduleFinder(config)
  const parts = new Map<string, Partial<Record<Role, string>>>()
  for (const key of checkpoint.tensors.keys()) {
    const { module, role } = parseKey(path, key, find, table)
    const part = parts.get(module) ?? {}
    const other = part[role]
    if (other !== undefined)
      throw invalid(path, `the keys ${other} and ${key} mean the same; one is expected`)
    parts.set(module, { ...part, [role]: key })
  }
  if (parts.size === 0) throw invalid(path, "it holds no tensor; LoRA weights are expected")
  const modules: LoraModule[] = []
  const deltas: LoraDelta[] = []
  for (const [module, part] of parts) {
    if (part.down !== undefined || part.up !== undefined || part.alpha !== undefined)
      modules.push(await readModule(checkpoint, module, part, table))
    if (part.diff) deltas.push(await readDelta(checkpoint, part.diff, weightOf(module, table)!, table))
    if (part.diff_b) deltas.push(await readDelta(checkpoint, part.diff_b, `${module}.bias`, table))
  }
  return { path, modules, deltas }
}

function parseKey(
  path: string,
  key: string,
  find: (name: string) => string | undefined,
  table: TensorTable,
): { module: string; role: Role } {
  const other = otherKinds.find(([pattern]) => pattern.test(key))
  if (other)
    throw new AtelierError(
      "unsupported",
      `${path} holds the key ${key}: ${other[1]} is not supported; use a plain LoRA.`,
    )
  const role = roles.find(([pattern]) => pattern.test(key))
  if (!role)
    throw invalid(
      path,
      `the key ${key} is no part of a LoRA; names such as ...lora_A.weight or ...lora_down.weight are expected`,
    )
  const name = key.replace(role[0], "")
  const module = find(name) ?? (role[1] === "diff" ? normName(name, table) : undefined)
  if (module === undefined)
    throw invalid(path, `the key ${key} names ${name}, which is no module of this image model`)
  return { module, role: role[1] }
}

const dottedPrefix = /^(base_model\.model\.|lycoris\.)/
const flatPrefix = /^(lora_unet_|lycoris_|lora_transformer_|lora_)/

// Kohya's flattening replaces every dot by an underscore, and module names hold underscores themselves, so
// nothing is split: the flat forms of all modules are looked up.
function moduleFinder(config: DitConfig): (name: string) => string | undefined {
  const known = new Map<string, string>()
  for (const module of ditModules(config)) {
    // Layers that only the embedded family has are called by our name alone.
    const diffusers = toDiffusersName(`${module}.weight`)?.slice(0, -".weight".length)
    for (const name of [module, diffusers ?? module]) {
      known.set(name, module)
      known.set(name.replaceAll(".", "_"), module)
    }
  }
  return (name) => {
    const bare = stripDitPrefix(name.replace(dottedPrefix, ""))
    return known.get(bare) ?? known.get(bare.replace(flatPrefix, ""))
  }
}

// `.diff` also exists for norms, whose tensor is called `scale`.
function normName(name: string, table: TensorTable): string | undefined {
  const bare = stripDitPrefix(name.replace(dottedPrefix, ""))
  return weightOf(bare, table) === undefined ? undefined : bare
}

function weightOf(module: string, table: TensorTable): string | undefined {
  return [`${module}.weight`, `${module}.scale`, module].find((name) => table.has(name))
}

async function readModule(
  checkpoint: Checkpoint,
  module: string,
  part: Partial<Record<Role, string>>,
  table: TensorTable,
): Promise<LoraModule> {
  const { path } = checkpoint
  if (part.down === undefined || part.up === undefined)
    throw invalid(
      path,
      `the module ${module} has ${part.down ?? part.up ?? part.alpha} and no ${part.down === undefined ? "down (lora_A)" : "up (lora_B)"} weight`,
    )
  const [out, input] = table.get(`${module}.weight`) as [number, number]
  const rank = checkpoint.tensors.get(part.down)!.shape[0] ?? 0
  expectShape(checkpoint, part.down, [Math.max(1, rank), input])
  expectShape(checkpoint, part.up, [out, rank])
  const alpha = part.alpha
    ? (await readTensor(checkpoint, part.alpha))[0]
    : metadataAlpha(checkpoint, part.down, rank)
  if (alpha === undefined || !Number.isFinite(alpha))
    throw invalid(path, `the key ${part.alpha} is no finite number`)
  return {
    module,
    down: await readTensor(checkpoint, part.down),
    up: await readTensor(checkpoint, part.up),
    alpha,
    rank,
  }
}

async function readDelta(
  checkpoint: Checkpoint,
  key: string,
  tensor: string,
  table: TensorTable,
): Promise<LoraDelta> {
  const shape = table.get(tensor)
  if (!shape)
    throw invalid(checkpoint.path, `the key ${key} changes ${tensor}, which this image model does not have`)
  expectShape(checkpoint, key, shape)
  return { tensor, delta: await readTensor(checkpoint, key), columns: shape.length < 2 ? 1 : shape.at(-1)! }
}

// Convolution-minded trainers write [rank, in, 1, 1].
function expectShape({ path, tensors }: Checkpoint, key: string, expected: readonly number[]): void {
  const { shape } = tensors.get(key)!
  const plain = shape.slice(0, expected.length)
  if (elementCount(shape) !== elementCount(plain) || formatShape(plain) !== formatShape(expected))
    throw invalid(path, `${key} has the shape ${formatShape(shape)}; ${formatShape(expected)} is expected`)
}

// peft keeps alpha beside the weights; diffusers copies that into the header, under the component's name.
function metadataAlpha(checkpoint: Checkpoint, key: string, rank: number): number {
  const text = checkpoint.metadata.lora_adapter_metadata
  if (text === undefined) return rank
  let settings: unknown
  try {
    settings = JSON.parse(text)
  } catch (cause) {
    throw new AtelierError(
      "model_invalid",
      `${checkpoint.path} has lora_adapter_metadata that is not JSON.`,
      { cause },
    )
  }
  if (!isRecord(settings)) return rank
  const value = (name: string) =>
    (settings as Record<string, unknown>)[`transformer.${name}`] ??
    (settings as Record<string, unknown>)[name]
  const pattern = value("alpha_pattern")
  const module = key.replace(/\.lora.*$/, "").replace(/^transformer\./, "")
  const own = isRecord(pattern) ? pattern[module] : undefined
  const alpha = typeof own === "number" ? own : value("lora_alpha")
  if (typeof alpha !== "number") return rank
  return value("use_rslora") === true ? alpha * Math.sqrt(rank) : alpha // rank-stabilised: alpha / sqrt(rank)
}

function invalid(path: string, reason: string): AtelierError {
  return new AtelierError("model_invalid", `${path} is not a usable LoRA: ${reason}.`)
}
