// How much memory a model will take, said before it is loaded.
import { type Checkpoint, elementCount, type StoredTensor } from "../checkpoint/tensor.ts"
import { COMPRESSION, type DitConfig, encoderReach, type VaeConfig } from "../nets/index.ts"
import { AtelierError } from "../request/errors.ts"
import { freeMemory } from "./machine.ts"
import { stripsOf } from "./strips.ts"
import { unpackOf } from "./weights.ts"

export interface MemoryPlan {
  weights: number
  /** What the weights would take in the smallest form that `models quantize` writes. */
  quantised: number
  activations: number
  /** Process, ONNX Runtime and the slack of its arenas. */
  overhead: number
  needed: number
  free: number
}

const OVERHEAD = 200e6

/**
 * Bytes a weight takes once loaded. Files are mapped, so the stored form costs nothing lasting: what counts is
 * the packed copy that ONNX Runtime makes, float32 for every float type, the same size for blocks.
 */
function loadedBytes(tensor: StoredTensor, unpack: "run" | "load"): number {
  const { perOutput } = tensor
  if (perOutput) {
    const times = perOutput.bits === 4 && unpack === "load" ? 2 : 1
    return tensor.length * times + perOutput.scale.length
  }
  if (tensor.quantisation) return tensor.length + tensor.quantisation.scale.length
  return elementCount(tensor.shape) * 4
}

/** As rows of four bits, where it is a matrix of a block or a layer: their scales are a thousandth of that. */
const quantisedBytes = (tensor: StoredTensor): number =>
  tensor.shape.length === 2 && /^(blocks|layers)\./.test(tensor.name)
    ? elementCount(tensor.shape) / 2
    : loadedBytes(tensor, "run")

export function weightBytes(checkpoint: Checkpoint): number {
  const unpack = unpackOf(checkpoint)
  return [...checkpoint.tensors.values()].reduce((sum, t) => sum + loadedBytes(t, unpack), 0)
}

/** One block: stream, queries to values as the kernel wants them, gate, and the MLP's halves. No scores are held. */
export function denoiserBytes(c: DitConfig, rows: number, length: number): number {
  return 4 * rows * length * (10 * c.features + 4 * c.mlpDim)
}

/**
 * The autoencoder's maps, either way: eight at full size, six as measured (docs/performance.md) and a third more. In strips
 * it holds those of one strip, or the fourteen of what sees the latent as a whole, and the one between both up to three times.
 */
export function decoderBytes(c: VaeConfig, width: number, height: number): number {
  const full = (rows: number): number => 4 * width * rows * c.baseDim * 8
  const [rows, columns] = [height / COMPRESSION, width / COMPRESSION]
  const strip = stripsOf(rows, columns)?.[0]
  if (!strip) return full(height)
  const { above, below } = encoderReach(c)[0]!
  const map = 4 * rows * columns * c.baseDim * c.multipliers.at(-1)!
  return Math.max(full((strip.to - strip.from) * COMPRESSION + above + below), 14 * map) + 3 * map
}

/** Adds it up. `parts` are components whose weights are held; `activations` what the largest picture takes beside them. */
export function planMemory(
  parts: readonly Checkpoint[],
  activations: number,
  free = freeMemory(),
): MemoryPlan {
  const weights = parts.reduce((sum, p) => sum + weightBytes(p), 0)
  const quantised = parts.reduce(
    (sum, { tensors }) => [...tensors.values()].reduce((bytes, t) => bytes + quantisedBytes(t), sum),
    0,
  )
  return {
    weights,
    quantised,
    activations,
    overhead: OVERHEAD,
    needed: weights + activations + OVERHEAD,
    free,
  }
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`

/** "needs 8.9 GB, 21.3 GB free" */
export const describePlan = ({ needed, free }: MemoryPlan): string =>
  `needs ${gigabytes(needed)}, ${gigabytes(free)} free`

/** Throws out_of_memory when the plan does not fit, with what would. */
export function refuseIfTooLarge(name: string, plan: MemoryPlan): void {
  if (plan.needed <= plan.free) return
  const { weights, quantised, activations, overhead, free } = plan
  const isSmall = weights === 0 || weights + overhead + activations / 4 <= free
  const quantise = `quantise it (\`atelier models quantize ${name} --bits 4 --block row\`)`
  const isGain = quantised < weights / 1.5
  const remedy = isSmall
    ? "ask for a smaller picture"
    : isGain && plan.needed - weights + quantised <= free
      ? `${quantise} or free memory`
      : isGain
        ? `${quantise}, and free memory or ask for a smaller picture`
        : "free memory, or ask for a smaller picture on a machine that has more"
  throw new AtelierError("out_of_memory", `The model ${name} ${describePlan(plan)}: ${remedy}.`, {
    details: { ...plan },
  })
}
