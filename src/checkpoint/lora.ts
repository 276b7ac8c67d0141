// Reads LoRA files in every public layout (architecture.md 7) into one form: down, up, alpha, rank per module.
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { AtelierError } from "../request/errors.ts"
import type { DitConfig } from "./config.ts"
import { ditTensors, type TensorTable } from "./expected.ts"
import { stripDitPrefix, toDiffusersName } from "./names-dit.ts"
import { openCheckpoint } from "./open.ts"
import { readTensor } from "./read.ts"
import { isRecord } from "./safetensors.ts"
import { type Checkpoint, elementCount, formatShape } from "./tensor.ts"

/** A low-rank change of one Linear module or modulation table: alpha/rank * up @ down is added to its weight. */
export interface LoraModule {
  /** Canonical module name, without `.weight`: blocks.0.attn.wq, last.modulation.lin */
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

/** The tensor that a module's low-rank change is added to. */
export const loraTensor = (module: string): string => (isTable(module) ? module : `${module}.weight`)

const isTable = (name: string): boolean => name.endsWith(".lin")

type Role = "down" | "up" | "alpha" | "diff" | "diff_b"

const roles: [RegExp, Role][] = [
  [/\.(lora_A(\.[^.]+)?|lora_down|lora\.down)(\.weight)?$/, "down"],
  [/\.(lora_B(\.[^.]+)?|lora_up|lora\.up)(\.weight)?$/, "up"],
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
  const find = tensorFinder(table)
  const parts = new Map<string, Partial<Record<Role, string>>>()
  for (const key of checkpoint.tensors.keys()) {
    const { tensor, role } = parseKey(path, key, find)
    const part = parts.get(tensor) ?? {}
    const other = part[role]
    if (other !== undefined)
      throw invalid(path, `the keys ${other} and ${key} mean the same; one is expected`)
    parts.set(tensor, { ...part, [role]: key })
  }
  if (parts.size === 0) throw invalid(path, "it holds no tensor; LoRA weights are expected")
  const unsaid = await alphaBeside(checkpoint)
  const modules: LoraModule[] = []
  const deltas: LoraDelta[] = []
  for (const [tensor, part] of parts) {
    if (part.down !== undefined || part.up !== undefined || part.alpha !== undefined)
      modules.push(await readModule(checkpoint, tensor, part, table, unsaid))
    if (part.diff) deltas.push(await readDelta(checkpoint, part.diff, tensor, table))
    if (part.diff_b) deltas.push(await readDelta(checkpoint, part.diff_b, `${moduleOf(tensor)}.bias`, table))
  }
  return { path, modules, deltas }
}

/** What a LoRA file changes, whatever image model it is for. */
export interface LoraSummary {
  /** Low-rank changes. */
  modules: number
  /** Their ranks, ascending. */
  ranks: number[]
  /** Full changes of a tensor. */
  differences: number
}

/** Undefined for a checkpoint that is no LoRA. Throws as `loadLora` for keys of other adapters. */
export function loraSummary({ path, tensors }: Checkpoint): LoraSummary | undefined {
  const marks = [...roles.filter(([, role]) => role !== "alpha"), ...otherKinds]
  const keys = [...tensors.keys()]
  if (!keys.some((key) => marks.some(([pattern]) => pattern.test(key)))) return undefined
  const found = keys.map((key) => ({ key, role: roleOf(path, key).role }))
  const downs = found.filter(({ role }) => role === "down")
  const ranks = new Set(downs.map(({ key }) => tensors.get(key)!.shape[0] ?? 0))
  return {
    modules: downs.length,
    ranks: [...ranks].sort((a, b) => a - b),
    differences: found.filter(({ role }) => role.startsWith("diff")).length,
  }
}

function parseKey(
  path: string,
  key: string,
  find: (name: string) => string | undefined,
): { tensor: string; role: Role } {
  const { name, role } = roleOf(path, key)
  const tensor = find(name)
  const isNorm = tensor?.endsWith(".scale") // which only has differences
  if (tensor === undefined || (isNorm && !role.startsWith("diff")))
    throw invalid(path, `the key ${key} names ${name}, which is no module of this image model`)
  return { tensor, role }
}

function roleOf(path: string, key: string): { name: string; role: Role } {
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
  return { name: key.replace(role[0], ""), role: role[1] }
}

const dottedPrefix = /^(base_model\.model\.|lycoris\.)/
const flatPrefix = /^(lora_unet_|lycoris_|lora_transformer_|lora_)/

/** A tensor's name as adapters say it. */
const moduleOf = (tensor: string): string => tensor.replace(/\.(weight|scale)$/, "")

// Kohya's flattening replaces every dot by an underscore, and module names hold underscores themselves, so
// nothing is split: the flat forms of all modules are looked up.
function tensorFinder(table: TensorTable): (name: string) => string | undefined {
  const known = new Map<string, string>()
  for (const tensor of table.keys()) {
    if (tensor.endsWith(".bias")) continue
    // Layers that only the embedded family has are called by our name alone.
    for (const name of [tensor, moduleOf(tensor), moduleOf(toDiffusersName(tensor) ?? tensor)]) {
      known.set(name, tensor)
      known.set(name.replaceAll(".", "_"), tensor)
    }
  }
  return (name) => {
    const bare = stripDitPrefix(name.replace(dottedPrefix, ""))
    return known.get(bare) ?? known.get(bare.replace(flatPrefix, ""))
  }
}

async function readModule(
  checkpoint: Checkpoint,
  tensor: string,
  part: Partial<Record<Role, string>>,
  table: TensorTable,
  unsaid: (key: string, rank: number) => number,
): Promise<LoraModule> {
  const { path } = checkpoint
  const module = moduleOf(tensor)
  if (part.down === undefined || part.up === undefined)
    throw invalid(
      path,
      `the module ${module} has ${part.down ?? part.up ?? part.alpha} and no ${part.down === undefined ? "down (lora_A)" : "up (lora_B)"} weight`,
    )
  const [out, input] = rowsOf(tensor, table) as [number, number]
  const rank = checkpoint.tensors.get(part.down)!.shape[0] ?? 0
  expectShape(checkpoint, part.down, [Math.max(1, rank), input])
  expectShape(checkpoint, part.up, [out, rank])
  const alpha = part.alpha ? (await readTensor(checkpoint, part.alpha))[0] : unsaid(part.down, rank)
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
  const rows = rowsOf(tensor, table)
  expectShape(checkpoint, key, checkpoint.tensors.get(key)!.shape.length === rows.length ? rows : shape)
  return { tensor, delta: await readTensor(checkpoint, key), columns: shape.length < 2 ? 1 : shape.at(-1)! }
}

// Of a block's table, flat here, the six rows that diffusers and low-rank pairs see.
function rowsOf(tensor: string, table: TensorTable): readonly number[] {
  const shape = table.get(tensor)!
  return isTable(tensor) && shape.length === 1 ? [6, shape[0]! / 6] : shape
}

// Convolution-minded trainers write [rank, in, 1, 1].
function expectShape({ path, tensors }: Checkpoint, key: string, expected: readonly number[]): void {
  const { shape } = tensors.get(key)!
  const plain = shape.slice(0, expected.length)
  if (elementCount(shape) !== elementCount(plain) || formatShape(plain) !== formatShape(expected))
    throw invalid(path, `${key} has the shape ${formatShape(shape)}; ${formatShape(expected)} is expected`)
}

// peft keeps alpha in a file beside the weights; diffusers copies that into the header, under the component's name.
async function alphaBeside({ path, metadata }: Checkpoint): Promise<(key: string, rank: number) => number> {
  const beside = join(dirname(path), "adapter_config.json")
  const header = metadata.lora_adapter_metadata
  const isPeft = basename(path) === "adapter_model.safetensors" && existsSync(beside)
  if (header === undefined && !isPeft) return (_, rank) => rank
  const settings = parsed(
    header ?? (await readFile(beside, "utf8")),
    header === undefined ? beside : `${path} has lora_adapter_metadata that`,
  )
  const value = (name: string) => settings[`transformer.${name}`] ?? settings[name]
  const [pattern, general] = [value("alpha_pattern"), value("lora_alpha")]
  const own = isRecord(pattern) ? Object.entries(pattern) : []
  return (key, rank) => {
    const module = key.replace(/\.lora.*$/, "")
    const alpha = own.find(([name]) => module === name || module.endsWith(`.${name}`))?.[1] ?? general
    if (typeof alpha !== "number") return rank
    return value("use_rslora") === true ? alpha * Math.sqrt(rank) : alpha // rank-stabilised: alpha / sqrt(rank)
  }
}

function parsed(text: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch (cause) {
    throw new AtelierError("model_invalid", `${what} is not JSON.`, { cause })
  }
}

function invalid(path: string, reason: string): AtelierError {
  return new AtelierError("model_invalid", `${path} is not a usable LoRA: ${reason}.`)
}
