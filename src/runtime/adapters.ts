// Weights with LoRAs added, computed when a model is loaded.
import { applyLoras, loraTargets, type WeightedLora } from "../checkpoint/lora-apply.ts"
import { readTensor } from "../checkpoint/read.ts"
import type { Checkpoint } from "../checkpoint/tensor.ts"

/** The changed weights by name; all others stay in their files. */
export async function adaptedWeights(
  checkpoint: Checkpoint,
  loras: readonly WeightedLora[],
): Promise<Map<string, Float32Array>> {
  const changed = new Map<string, Float32Array>()
  for (const name of loraTargets(loras))
    changed.set(name, applyLoras(name, await readTensor(checkpoint, name), loras))
  return changed
}
