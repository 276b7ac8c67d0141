// Weights with LoRAs added, computed when a model is loaded: small ones in memory, large ones as a file beside others.
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { readdir, rm, stat, utimes } from "node:fs/promises"
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
}

const KEPT_FILES = 2

/** The changed weights by name; all others stay in their files. */
export async function adaptedWeights(
  checkpoint: Checkpoint,
  loras: readonly WeightedLora[],
  { cache, most = 512e6 }: AdapterOptions,
): Promise<Map<string, Changed>> {
  const names = [...loraTargets(loras)]
  const bytes = names.reduce((sum, name) => sum + 4 * elementCount(checkpoint.tensors.get(name)!.shape), 0)
  const changed = new Map<string, Changed>()
  if (bytes <= most) {
    for (const name of names) changed.set(name, applyLoras(name, await readTensor(checkpoint, name), loras))
    return changed
  }
  const path = join(cache, `lora-${await identity(checkpoint, loras)}.safetensors`)
  if (existsSync(path)) await utimes(path, new Date(), new Date())
  else await writeAdapted(path, checkpoint, names, loras)
  await forgetOld(cache)
  for (const [name, tensor] of (await openCheckpoint(path)).tensors) changed.set(name, tensor)
  return changed
}

/** Same files, same strengths, same name. */
async function identity(checkpoint: Checkpoint, loras: readonly WeightedLora[]): Promise<string> {
  const hash = createHash("sha256")
  for (const path of [...checkpoint.files, ...loras.map((l) => l.lora.path)]) {
    const { size, mtimeMs } = await stat(path)
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  hash.update(loras.map((l) => l.strength).join(" "))
  return hash.digest("hex").slice(0, 24)
}

/** Changed tensors in the form the base has: float types as they are, blocks requantised. One row chunk at a time. */
async function writeAdapted(
  path: string,
  checkpoint: Checkpoint,
  names: readonly string[],
  loras: readonly WeightedLora[],
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
  await writeSafetensors(path, entries, record && { [quantisationKey]: JSON.stringify(record) })
}

async function* changedRows(
  tensor: StoredTensor,
  loras: readonly WeightedLora[],
): AsyncGenerator<{ first: number; values: Float32Array; count: number }> {
  await using reader = await openRows(tensor)
  for (const [first, count] of rowRanges(tensor))
    yield { first, values: applyLoras(tensor.name, await reader.values(first, count), loras, first), count }
}

async function forgetOld(cache: string): Promise<void> {
  const files = (await readdir(cache)).filter((name) => /^lora-.*\.safetensors$/.test(name))
  const aged = await Promise.all(
    files.map(async (name) => ({ path: join(cache, name), time: (await stat(join(cache, name))).mtimeMs })),
  )
  for (const { path } of aged.sort((a, b) => b.time - a.time).slice(KEPT_FILES))
    await rm(path, { force: true })
}
