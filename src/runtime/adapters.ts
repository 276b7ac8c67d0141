// Weights with LoRAs added, computed when a model is loaded: small ones in memory, large ones as a file beside others.
import { createHash, randomUUID } from "node:crypto"
import { readdir, rename, rm, stat, utimes } from "node:fs/promises"
import { join } from "node:path"
import {
  applyLoras,
  type Checkpoint,
  elementCount,
  encodeFloats,
  loraTargets,
  matrixShape,
  openCheckpoint,
  openRows,
  type QuantisationRecord,
  quantisationKey,
  quantiseRows,
  ROW_LAYOUT,
  readTensor,
  rowEntries,
  rowRanges,
  type StoredTensor,
  type TensorEntry,
  type WeightedLora,
  writeSafetensors,
} from "../checkpoint/index.ts"

/** A changed weight: its numbers, or where they were written. */
export type Changed = Float32Array | StoredTensor

export interface AdapterOptions {
  /** Folder for weights too large for memory; kept, so that the same mix loads at once next time. */
  cache: string
  /** Bytes of float32 up to which changed weights stay in memory: a compiled graph cannot hold 2 GB. */
  most?: number
  /** Ends the work early: its reason is thrown, and nothing unfinished stays. */
  signal?: AbortSignal
}

const KEPT_FILES = 2
/** Milliseconds after which a file is nobody's who is about to open it, and one being written is nobody's at all. */
const AGE = { finished: 10 * 60e3, unfinished: 60 * 60e3 } as const

/** The changed weights by name; all others stay in their files. */
export async function adaptedWeights(
  checkpoint: Checkpoint,
  loras: readonly WeightedLora[],
  { cache, most = 512e6, signal }: AdapterOptions,
): Promise<Map<string, Changed>> {
  const names = [...loraTargets(loras)]
  const bytes = names.reduce((sum, name) => sum + 4 * elementCount(checkpoint.tensors.get(name)!.shape), 0)
  const changed = new Map<string, Changed>()
  if (bytes <= most) {
    for (const name of names) {
      signal?.throwIfAborted()
      changed.set(name, applyLoras(name, await readTensor(checkpoint, name), loras))
    }
    return changed
  }
  const path = join(cache, `lora-${await identity(checkpoint, loras)}.safetensors`)
  const isThere = await utimes(path, new Date(), new Date()).then(
    () => true,
    () => false,
  )
  if (!isThere) await writeAdapted(path, checkpoint, names, loras, signal)
  await forgetOld(cache)
  for (const [name, tensor] of (await openCheckpoint(path)).tensors) changed.set(name, tensor)
  return changed
}

/** Same files, same strengths, same name. Settings beside a LoRA's file are told by the alphas that they give. */
async function identity(checkpoint: Checkpoint, loras: readonly WeightedLora[]): Promise<string> {
  const hash = createHash("sha256")
  for (const path of [...checkpoint.files, ...loras.map((l) => l.lora.path)]) {
    const { size, mtimeMs } = await stat(path)
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  for (const { lora, strength } of loras)
    hash.update([strength, ...lora.modules.map(({ alpha }) => alpha)].join(" "))
  return hash.digest("hex").slice(0, 24)
}

/** Changed tensors in the form the base has: float types as they are, blocks requantised. One row chunk at a time. */
async function writeAdapted(
  path: string,
  checkpoint: Checkpoint,
  names: readonly string[],
  loras: readonly WeightedLora[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const tensors: Record<string, { bits: 4 | 8; blockSize: number }> = {}
  let record: QuantisationRecord | undefined
  const entries = names.flatMap((name): TensorEntry[] => {
    const tensor = checkpoint.tensors.get(name)!
    const { quantisation, perOutput, shape } = tensor
    if (perOutput) {
      record ??= { bits: 8, blockSize: 32, rowLayout: ROW_LAYOUT, tensors }
      const [n, k] = shape as [number, number]
      return rowEntries(name, { bits: perOutput.bits, n, k }, () => changedRows(tensor, loras))
    }
    if (!quantisation) {
      const type = tensor.type === "BF16" || tensor.type === "F16" ? tensor.type : "F32"
      const data = async function* () {
        for await (const { values } of changedRows(tensor, loras)) yield encodeFloats(type, values)
      }
      return [{ name, type, shape, data }]
    }
    const { bits, blockSize } = quantisation
    record ??= { bits, blockSize, rowLayout: ROW_LAYOUT, tensors }
    tensors[name] = { bits, blockSize }
    const { rows, columns } = matrixShape(tensor)
    const scales: Uint8Array[] = []
    const data = async function* () {
      for await (const { values, count } of changedRows(tensor, loras)) {
        const made = quantiseRows(values, count, columns, { bits, blockSize })
        scales.push(new Uint8Array(made.scales.buffer, made.scales.byteOffset, made.scales.byteLength))
        yield made.quantised
      }
    }
    const blocks = columns / blockSize
    return [
      { name, type: "U8", shape: [rows, blocks, (blockSize * bits) / 8], data },
      { name: `${name}_scale`, type: "F32", shape: [rows, blocks], data: () => scales },
    ]
  })
  // Under a name of its own: another process may be writing the same mix.
  const own = `${path}.${randomUUID()}`
  const metadata = record && { [quantisationKey]: JSON.stringify(record) }
  try {
    await writeSafetensors(own, entries, metadata, signal)
    await rename(own, path)
  } catch (thrown) {
    await rm(own, { force: true })
    signal?.throwIfAborted()
    throw thrown
  }
}

async function* changedRows(
  tensor: StoredTensor,
  loras: readonly WeightedLora[],
): AsyncGenerator<{ first: number; values: Float32Array; count: number }> {
  await using reader = await openRows(tensor)
  for (const [first, count] of rowRanges(tensor))
    yield { first, values: applyLoras(tensor.name, await reader.values(first, count), loras, first), count }
}

/** Of finished mixes the latest stay; of unfinished ones only those that may still be written. */
async function forgetOld(cache: string): Promise<void> {
  const files = (await readdir(cache)).filter((name) => /^lora-.*\.safetensors/.test(name))
  const aged = await Promise.all(
    files.map(async (name) => {
      const path = join(cache, name)
      const stats = await stat(path).catch(() => undefined) // another process may have forgotten it
      return { path, isFinished: name.endsWith(".safetensors"), age: Date.now() - (stats?.mtimeMs ?? 0) }
    }),
  )
  const latest = aged.filter((f) => f.isFinished).sort((a, b) => a.age - b.age)
  const kept = new Set(latest.slice(0, KEPT_FILES))
  for (const file of aged)
    if (!kept.has(file) && file.age > (file.isFinished ? AGE.finished : AGE.unfinished))
      await rm(file.path, { force: true })
}
