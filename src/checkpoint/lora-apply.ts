// Adds LoRAs to weights: W' = W + sum of strength * alpha/rank * up @ down (architecture.md 7).
import { AtelierError } from "../request/errors.ts"
import { type Lora, loraTensor } from "./lora.ts"

/** A LoRA and how much of it: -2 (the opposite) to 2. */
export interface WeightedLora {
  lora: Lora
  strength: number
}

/**
 * Adds all changes that `loras` make to the tensor `name` (canonical) to `weight`, in place,
 * and returns it. `weight` holds whole rows beginning with `firstRow`, so a large tensor can be changed
 * in parts. Throws out_of_range for a strength outside -2..2.
 */
export function applyLoras(
  name: string,
  weight: Float32Array,
  loras: readonly WeightedLora[],
  firstRow = 0,
): Float32Array {
  for (const { lora, strength } of loras) {
    if (!(strength >= -2 && strength <= 2))
      throw new AtelierError(
        "out_of_range",
        `The LoRA ${lora.path} has strength ${strength}; strengths go from -2 to 2.`,
      )
    if (strength === 0) continue
    for (const { module, down, up, alpha, rank } of lora.modules)
      if (name === loraTensor(module)) addProduct(weight, up, down, rank, (strength * alpha) / rank, firstRow)
    for (const { tensor, delta, columns } of lora.deltas)
      if (tensor === name) addDelta(weight, delta, strength, firstRow * columns)
  }
  return weight
}

/** Names of all tensors that any of `loras` changes. */
export function loraTargets(loras: readonly WeightedLora[]): Set<string> {
  const names = new Set<string>()
  for (const { lora, strength } of loras) {
    if (strength === 0) continue
    for (const { module } of lora.modules) names.add(loraTensor(module))
    for (const { tensor } of lora.deltas) names.add(tensor)
  }
  return names
}

function addDelta(weight: Float32Array, delta: Float32Array, strength: number, start: number): void {
  for (let i = 0; i < weight.length; i++) weight[i]! += strength * delta[start + i]!
}

/**
 * weight[n, in] += factor * up[firstRow + n, rank] @ down[rank, in]. Eight ranks per pass over a row: each
 * element of the row is loaded and stored once per eight multiply-adds, and eight rows of `down`
 * (8 * 16384 * 4 bytes) stay in the second-level cache while all rows of a strip of columns go by.
 */
function addProduct(
  weight: Float32Array,
  up: Float32Array,
  down: Float32Array,
  rank: number,
  factor: number,
  firstRow: number,
): void {
  const input = down.length / rank
  const rows = weight.length / input
  const padded = Math.ceil(rank / 8) * 8
  const below = padded === rank ? down : new Float32Array(padded * input)
  if (below !== down) below.set(down)
  const strip = 1024 // columns: 8 * 1024 * 4 bytes of `down` fit the first-level cache
  const u = new Float64Array(padded)
  for (let left = 0; left < input; left += strip) {
    const right = Math.min(input, left + strip)
    for (let row = 0; row < rows; row++) {
      for (let r = 0; r < rank; r++) u[r] = factor * up[(firstRow + row) * rank + r]!
      for (let r = 0; r < padded; r += 8)
        addEight(weight, row * input + left, right - left, below, r * input + left, input, u, r)
    }
  }
}

/** weight[w..w+count) += sum over 8 rows i of u[r+i] * below[b + i*stride ..]. */
function addEight(
  weight: Float32Array,
  w: number,
  count: number,
  below: Float32Array,
  b: number,
  stride: number,
  u: Float64Array,
  r: number,
): void {
  const [u0, u1, u2, u3] = [u[r]!, u[r + 1]!, u[r + 2]!, u[r + 3]!]
  const [u4, u5, u6, u7] = [u[r + 4]!, u[r + 5]!, u[r + 6]!, u[r + 7]!]
  const [b1, b2, b3] = [b + stride, b + 2 * stride, b + 3 * stride]
  const [b4, b5, b6, b7] = [b + 4 * stride, b + 5 * stride, b + 6 * stride, b + 7 * stride]
  for (let i = 0; i < count; i++)
    weight[w + i]! +=
      u0 * below[b + i]! +
      u1 * below[b1 + i]! +
      u2 * below[b2 + i]! +
      u3 * below[b3 + i]! +
      (u4 * below[b4 + i]! + u5 * below[b5 + i]! + u6 * below[b6 + i]! + u7 * below[b7 + i]!)
}
