// Reads LoRA files in every public layout (architecture.md 7) into one form: down, up, alpha, rank per module.
import type { DitConfig } from "./config.ts"
import { ditTensors, type TensorTable } from "./expected.ts"
import { alphaBeside } from "./lora-alpha.ts"
import { invalidLora, isOfAdapter, moduleOf, parseKey, type Role, roleOf, tensorFinder } from "./lora-keys.ts"
import { openCheckpoint } from "./open.ts"
import { readTensor } from "./read.ts"
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
      throw invalidLora(path, `the keys ${other} and ${key} mean the same; one is expected`)
    parts.set(tensor, { ...part, [role]: key })
  }
  if (parts.size === 0) throw invalidLora(path, "it holds no tensor; LoRA weights are expected")
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
  const keys = [...tensors.keys()]
  if (!keys.some(isOfAdapter)) return undefined
  const found = keys.map((key) => ({ key, role: roleOf(path, key).role }))
  const downs = found.filter(({ role }) => role === "down")
  const ranks = new Set(downs.map(({ key }) => tensors.get(key)!.shape[0] ?? 0))
  return {
    modules: downs.length,
    ranks: [...ranks].sort((a, b) => a - b),
    differences: found.filter(({ role }) => role.startsWith("diff")).length,
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
    throw invalidLora(
      path,
      `the module ${module} has ${part.down ?? part.up ?? part.alpha} and no ${part.down === undefined ? "down (lora_A)" : "up (lora_B)"} weight`,
    )
  const [out, input] = rowsOf(tensor, table) as [number, number]
  const rank = checkpoint.tensors.get(part.down)!.shape[0] ?? 0
  expectShape(checkpoint, part.down, [Math.max(1, rank), input])
  expectShape(checkpoint, part.up, [out, rank])
  const alpha = part.alpha ? (await readTensor(checkpoint, part.alpha))[0] : unsaid(part.down, rank)
  if (alpha === undefined || !Number.isFinite(alpha))
    throw invalidLora(path, `the key ${part.alpha} is no finite number`)
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
    throw invalidLora(
      checkpoint.path,
      `the key ${key} changes ${tensor}, which this image model does not have`,
    )
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
    throw invalidLora(
      path,
      `${key} has the shape ${formatShape(shape)}; ${formatShape(expected)} is expected`,
    )
}
