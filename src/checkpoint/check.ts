// Compares a canonical checkpoint with the complete list of tensors that its configuration asks for.
import { AtelierError } from "../request/errors.ts"
import { type DitConfig, type TextConfig, temporalTaps, type VaeConfig } from "./config.ts"
import { ditTensors, type TensorTable, textTensors, vaeTensors, vaeTimeTensors } from "./expected.ts"
import { type Checkpoint, formatShape, type StoredTensor } from "./tensor.ts"

/** Throws model_invalid with one sentence for the first missing, misshapen, mistyped or extra tensor of a DiT. */
export function checkDit(checkpoint: Checkpoint, config: DitConfig): void {
  checkTensors(checkpoint, "a Krea 2 image model", ditTensors(config))
}

/** As `checkDit`, for a text tower. */
export function checkText(checkpoint: Checkpoint, config: TextConfig): void {
  checkTensors(checkpoint, "a Qwen3-VL text tower", textTensors(config))
}

/**
 * As `checkDit`, for a VAE. One frame uses neither the temporal convolutions, which may be missing, nor more than the
 * last of three taps along time, which may be the only one (`temporalTaps`).
 */
export function checkVae(checkpoint: Checkpoint, config: VaeConfig): void {
  checkTensors(
    checkpoint,
    "a Qwen-Image VAE",
    vaeTensors(config, temporalTaps(checkpoint)),
    vaeTimeTensors(config),
  )
}

function checkTensors(
  checkpoint: Checkpoint,
  what: string,
  expected: TensorTable,
  optional: TensorTable = new Map(),
) {
  const { path, tensors } = checkpoint
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name)
    if (!tensor)
      throw new AtelierError(
        "model_invalid",
        `${path} lacks the tensor ${name}: ${formatShape(shape)} is expected, and nothing was found.`,
      )
    checkTensor(path, tensor, shape)
  }
  for (const [name, tensor] of tensors) {
    if (expected.has(name)) continue
    const shape = optional.get(name)
    if (!shape)
      throw new AtelierError(
        "model_invalid",
        `${path} holds the tensor ${name} ${formatShape(tensor.shape)}, which ${what} of this size does not have.`,
      )
    checkTensor(path, tensor, shape)
  }
}

function checkTensor(path: string, tensor: StoredTensor, shape: readonly number[]): void {
  if (formatShape(tensor.shape) !== formatShape(shape))
    throw new AtelierError(
      "model_invalid",
      `Tensor ${tensor.name} of ${path} has the shape ${formatShape(tensor.shape)}; ${formatShape(shape)} is expected.`,
    )
  const integer = /^[IU]\d+$|^BOOL$|^F8_E8M0$/.test(tensor.type)
  if (integer && !tensor.scale && !tensor.quantisation && !tensor.perOutput)
    throw new AtelierError(
      "model_invalid",
      `Tensor ${tensor.name} of ${path} is stored as ${tensor.type}; a float or a quantised type with its scale is expected.`,
    )
}
