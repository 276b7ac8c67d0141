// Low-rank changes of a denoiser's linear layers (LoRA; Hu et al. 2021): as they are trained, as one file, and added up.
import { applyLoras, type Lora, loraTargets, type TensorEntry } from "../checkpoint/index.ts"
import { add, matmul, type Shape, type Tensor } from "../graph/index.ts"
import { parameterOnce, type WeightLookup } from "../nets/index.ts"

/** Layers that are changed: those of the blocks, of the time and of the picture's way in and out. Text is read as before. */
const CHANGED = /^(blocks\.\d+\.(attn|mlp)\.\w+|first|last\.linear|tmlp\.[02]|tproj\.1)\.weight$/
const DOWN = ".lora_A.weight"
const UP = ".lora_B.weight"

/** Whether a weight is half of a low-rank change. */
export const isLowRank = (name: string): boolean => name.endsWith(DOWN) || name.endsWith(UP)

/** Hands out every changed layer's weight with up @ down added, so that both halves are parameters beside it. */
export function lowRank(rank: number): WeightLookup {
  const own = parameterOnce()
  const made = new Map<string, Tensor>()
  return (name, shape: Shape) => {
    const weight = own(name, shape)
    if (!CHANGED.test(name)) return weight
    const [rows, columns] = shape as [number, number]
    const module = name.slice(0, -".weight".length)
    const changed =
      made.get(name) ??
      add(weight, matmul(own(module + UP, [rows, rank]), own(module + DOWN, [rank, columns])))
    made.set(name, changed)
    return changed
  }
}

/** First values: the change is nothing, and its inner half looks in every direction. */
export const lowRankRule = (
  name: string,
  shape: readonly number[],
): { deviation: number } | { value: number } =>
  name.endsWith(DOWN) ? { deviation: Math.sqrt(1 / shape[1]!) } : { value: 0 }

/** The low-rank halves among weights as one LoRA whose strength 1 is what was trained. */
export function loraOf(weights: ReadonlyMap<string, Float32Array>, path: string): Lora {
  const modules = [...weights].flatMap(([name, down]) => {
    if (!name.endsWith(DOWN)) return []
    const module = name.slice(0, -DOWN.length)
    const up = weights.get(module + UP)!
    // down has rank x in values and up out x rank; the layer itself says how many are in.
    const layer = weights.get(`${module}.weight`)!
    const rank = Math.round(Math.sqrt((down.length * up.length) / layer.length))
    return [{ module, down, up, alpha: rank, rank }]
  })
  return { path, modules, deltas: [] }
}

/** All weights with their low-rank changes added and gone. */
export function merged(weights: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  const loras = [{ lora: loraOf(weights, "the run"), strength: 1 }]
  const targets = loraTargets(loras)
  return new Map(
    [...weights].flatMap(([name, data]): [string, Float32Array][] =>
      isLowRank(name) ? [] : [[name, targets.has(name) ? applyLoras(name, data.slice(), loras) : data]],
    ),
  )
}

/** The halves as tensors of a LoRA file in 16 bits, by the names that LoRAs are exchanged under. */
export const lowRankEntries = (weights: ReadonlyMap<string, Float32Array>): TensorEntry[] =>
  loraOf(weights, "").modules.flatMap(({ module, down, up, rank }): TensorEntry[] => [
    { name: module + DOWN, type: "F16", shape: [rank, down.length / rank], data: down },
    { name: module + UP, type: "F16", shape: [up.length / rank, rank], data: up },
  ])
