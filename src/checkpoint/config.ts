// The networks' sizes, read from tensor names and shapes of canonical checkpoints.
import type { DitConfig, TextConfig, VaeConfig } from "../nets/config.ts"
import { AtelierError } from "../request/errors.ts"
import { type Checkpoint, formatShape } from "./tensor.ts"

export type { DitConfig, TextConfig, VaeConfig }

const patch = 2 // not visible in any shape: 64 columns could be 16 channels of 2x2 or 64 of 1x1

/** The DiT's sizes. Throws model_invalid when the checkpoint is not Krea 2's. */
export function ditConfig(checkpoint: Checkpoint): DitConfig {
  if (!checkpoint.tensors.has("txtfusion.projector.weight"))
    throw new AtelierError(
      "model_invalid",
      `${checkpoint.path} is not a Krea 2 image model: the tensor txtfusion.projector.weight is expected, and ${found(checkpoint)}.`,
    )
  const shape = shapesOf(checkpoint, "image model")
  const [features, token] = shape("first.weight", 2)
  const [headDim] = shape("blocks.0.attn.qknorm.qnorm.scale", 1)
  const text = "txtfusion.refiner_blocks.0"
  const [textHeadDim] = shape(`${text}.attn.qknorm.qnorm.scale`, 1)
  return {
    features,
    layers: countIndexed(checkpoint, /^blocks\.(\d+)\./),
    heads: heads(checkpoint, "blocks.0.attn.wq.weight", headDim),
    kvHeads: heads(checkpoint, "blocks.0.attn.wk.weight", headDim),
    headDim,
    patch,
    channels: token / (patch * patch),
    timeDim: shape("tmlp.0.weight", 2)[1],
    mlpDim: shape("blocks.0.mlp.gate.weight", 2)[0],
    textDim: shape("txtmlp.0.scale", 1)[0],
    textLayers: shape("txtfusion.projector.weight", 2)[1],
    textHeads: heads(checkpoint, `${text}.attn.wq.weight`, textHeadDim),
    textKvHeads: heads(checkpoint, `${text}.attn.wk.weight`, textHeadDim),
    textHeadDim,
    textMlpDim: shape(`${text}.mlp.gate.weight`, 2)[0],
    layerwiseBlocks: countIndexed(checkpoint, /^txtfusion\.layerwise_blocks\.(\d+)\./),
    refinerBlocks: countIndexed(checkpoint, /^txtfusion\.refiner_blocks\.(\d+)\./),
    ...(checkpoint.tensors.has("places.weight") && { places: true }),
    ...(checkpoint.tensors.has("pool.queries.weight") && { pools: shape("pool.queries.weight", 2)[0] }),
  }
}

/** What the shapes do not tell about a text tower; defaults are Krea 2's. */
export interface TextSettings {
  taps?: readonly number[]
  ropeTheta?: number
}

/**
 * The text tower's sizes. Taps default to 2, 5, 8, ... as far as there are layers (Krea 2: 12 taps up to 35).
 * Throws model_invalid when the checkpoint is not a Qwen3 decoder or a tap lies beyond its layers.
 */
export function textConfig(checkpoint: Checkpoint, settings: TextSettings = {}): TextConfig {
  const shape = shapesOf(checkpoint, "text tower")
  const [vocabulary, hidden] = shape("embed_tokens.weight", 2)
  const layers = countIndexed(checkpoint, /^layers\.(\d+)\./)
  const [headDim] = shape("layers.0.self_attn.q_norm.weight", 1)
  const taps = settings.taps ?? Array.from({ length: Math.floor((layers + 1) / 3) }, (_, i) => 3 * i + 2)
  const beyond = taps.find((tap) => !Number.isInteger(tap) || tap < 0 || tap > layers)
  if (beyond !== undefined)
    throw new AtelierError(
      "model_invalid",
      `${checkpoint.path} has ${layers} layers, and hidden state ${beyond} is asked for; 0 to ${layers} exist.`,
    )
  return {
    vocabulary,
    hidden,
    layers,
    heads: heads(checkpoint, "layers.0.self_attn.q_proj.weight", headDim),
    kvHeads: heads(checkpoint, "layers.0.self_attn.k_proj.weight", headDim),
    headDim,
    mlpDim: shape("layers.0.mlp.gate_proj.weight", 2)[0],
    taps,
    ropeTheta: settings.ropeTheta ?? ggufRopeTheta(checkpoint) ?? 5_000_000,
  }
}

function ggufRopeTheta({ metadata }: Checkpoint): number | undefined {
  const value = Number(metadata[`${metadata["general.architecture"]}.rope.freq_base`])
  return Number.isFinite(value) && value > 0 ? value : undefined
}

/** What the shapes do not tell about a VAE: per latent channel, mean and deviation. */
export interface VaeSettings {
  latentMean?: readonly number[]
  latentDeviation?: readonly number[]
}

/** The Qwen-Image VAE's constants (architecture.md 5). */
export const latentMean: readonly number[] = [
  -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632,
  -0.1922, -0.9497, 0.2503, -0.2921,
]
export const latentDeviation: readonly number[] = [
  2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579, 1.6382,
  1.1253, 2.8251, 1.916,
]

/**
 * The VAE's sizes. Mean and deviation come from `settings`, from the file's metadata (`latents_mean`,
 * `latents_std`: JSON lists), or are the official ones for 16 channels.
 * Throws model_invalid when the checkpoint is not such a VAE, or its constants are unknown.
 */
export function vaeConfig(checkpoint: Checkpoint, settings: VaeSettings = {}): VaeConfig {
  const shape = shapesOf(checkpoint, "VAE")
  const [baseDim] = shape("encoder.conv_in.weight", 5)
  const [latentChannels] = shape("post_quant_conv.weight", 5)
  const { multipliers, resBlocks } = encoderLevels(checkpoint, baseDim)
  const constant = (
    name: "latents_mean" | "latents_std",
    given: readonly number[] | undefined,
    official: readonly number[],
  ) => {
    const values =
      given ?? listIn(checkpoint.metadata[name]) ?? (latentChannels === 16 ? official : undefined)
    if (values?.length === latentChannels) return values
    throw new AtelierError(
      "model_invalid",
      `The VAE ${checkpoint.path} has ${latentChannels} latent channels, and ${values ? values.length : "no"} values of ${name} are known; put ${latentChannels} into its config.json.`,
    )
  }
  return {
    baseDim,
    latentChannels,
    multipliers,
    resBlocks,
    latentMean: constant("latents_mean", settings.latentMean, latentMean),
    latentDeviation: constant("latents_std", settings.latentDeviation, latentDeviation),
  }
}

/** How many taps along time a VAE's file stores: the family's three, or the one that acts on a still picture. */
export function temporalTaps({ tensors }: Checkpoint): 1 | 3 {
  return tensors.get("encoder.conv_in.weight")?.shape[2] === 1 ? 1 : 3
}

// encoder.down_blocks is one flat list: residual blocks, and a resampler where a level ends.
function encoderLevels(
  checkpoint: Checkpoint,
  baseDim: number,
): { multipliers: number[]; resBlocks: number } {
  const count = countIndexed(checkpoint, /^encoder\.down_blocks\.(\d+)\./)
  const multipliers: number[] = []
  let resBlocks = 0
  let width = baseDim
  for (let k = 0; k < count; k++) {
    const conv = checkpoint.tensors.get(`encoder.down_blocks.${k}.conv1.weight`)
    if (conv) {
      width = conv.shape[0] ?? width
      if (multipliers.length === 0) resBlocks++
    } else multipliers.push(width / baseDim)
  }
  return {
    multipliers: [...multipliers, width / baseDim],
    resBlocks: multipliers.length === 0 ? count : resBlocks,
  }
}

function listIn(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every((item) => typeof item === "number") ? value : undefined
  } catch {
    return undefined
  }
}

function heads(checkpoint: Checkpoint, name: string, headDim: number): number {
  const [rows] = shapesOf(checkpoint, "model")(name, 2)
  if (rows % headDim === 0) return rows / headDim
  throw new AtelierError(
    "model_invalid",
    `Tensor ${name} of ${checkpoint.path} has ${rows} rows; a multiple of the head size ${headDim} is expected.`,
  )
}

// Distinct numbers, not the largest plus one: a file that names block 10^12 must not make a list that long.
function countIndexed({ tensors }: Checkpoint, pattern: RegExp): number {
  const indexes = new Set<string>()
  for (const name of tensors.keys()) {
    const match = pattern.exec(name)
    if (match) indexes.add(match[1]!)
  }
  return indexes.size
}

function shapesOf(checkpoint: Checkpoint, what: string) {
  return (name: string, rank: number): [number, number] => {
    const tensor = checkpoint.tensors.get(name)
    if (!tensor)
      throw new AtelierError(
        "model_invalid",
        `${checkpoint.path} is not a usable ${what}: the tensor ${name} is expected, and ${found(checkpoint)}.`,
      )
    if (tensor.shape.length !== rank || tensor.shape.includes(0))
      throw new AtelierError(
        "model_invalid",
        `Tensor ${name} of ${checkpoint.path} has the shape ${formatShape(tensor.shape)}; ${rank} dimensions are expected.`,
      )
    return tensor.shape as unknown as [number, number]
  }
}

function found({ tensors }: Checkpoint): string {
  const names = [...tensors.keys()]
  return names.length === 0 ? "no tensor was found" : `found were ${names.length} tensors such as ${names[0]}`
}
