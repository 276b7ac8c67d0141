// Joins weights with the tensors that say how they are encoded: ComfyUI's fp8_scaled and int8_convrot,
// and our own blockwise files (architecture.md 6). After this, no helper tensor is left in the list.
import { AtelierError } from "../request/errors.ts"
import { readBytes } from "./read.ts"
import { joinRows, ROW_LAYOUT } from "./rows.ts"
import { isRecord } from "./safetensors.ts"
import { type Checkpoint, elementCount, formatShape, type StoredTensor } from "./tensor.ts"

/** Metadata key of our own blockwise files; its value is the JSON of a QuantisationRecord. */
export const quantisationKey = "atelier.quantisation"

/** What a quantised file says of itself. `tensors` lists those that differ from the file's format. */
export interface QuantisationRecord {
  bits: 4 | 8
  blockSize: number
  /** How 4-bit weights with scales per output are laid out: ROW_LAYOUT, or nothing in files from before there was one. */
  rowLayout?: number
  tensors?: Record<string, { bits: 4 | 8; blockSize: number }>
}

/** How ComfyUI marks one module. */
interface Marker {
  format: string
  rotation?: number
}

/**
 * Attaches scales, rotations and block formats to their weights and drops the helper tensors.
 * Throws unsupported for mxfp8, nvfp4 and other formats, model_invalid for encodings that do not fit.
 */
export async function attachEncodings(checkpoint: Checkpoint): Promise<Checkpoint> {
  const record = checkpoint.metadata[quantisationKey]
  if (record !== undefined) return attachBlocks(checkpoint, record)
  const markers = await readMarkers(checkpoint)
  const tensors = new Map<string, StoredTensor>()
  for (const [name, tensor] of checkpoint.tensors)
    if (!isHelper(checkpoint, name)) tensors.set(name, encoded(checkpoint, tensor, markers))
  return { ...checkpoint, tensors }
}

const helper = /(^|\.)(weight_scale|weight_scale_2|scale_weight|input_scale|scale_input|comfy_quant)$/

// `scale_weight` is the older spelling; `scaled_fp8` is an empty tensor that only says "this is such a file".
function isHelper({ tensors }: Checkpoint, name: string): boolean {
  if (/(^|\.)scaled_fp8$/.test(name)) return true
  const match = helper.exec(name)
  return match !== null && tensors.has(`${name.slice(0, match.index)}.weight`)
}

function encoded(checkpoint: Checkpoint, tensor: StoredTensor, markers: Map<string, Marker>): StoredTensor {
  if (!tensor.name.endsWith(".weight")) return tensor
  const module = tensor.name.slice(0, -".weight".length)
  const marker = markers.get(module)
  const scale =
    checkpoint.tensors.get(`${module}.weight_scale`) ?? checkpoint.tensors.get(`${module}.scale_weight`)
  const format = marker?.format ?? (scale && guessFormat(checkpoint, module, tensor, scale))
  if (format !== undefined && !["float8_e4m3fn", "float8_e5m2", "int8_tensorwise"].includes(format))
    throw new AtelierError(
      "unsupported",
      `Tensor ${tensor.name} of ${checkpoint.path} is stored as ${format}, which is not supported; use the bf16, fp8_scaled or int8_convrot file.`,
    )
  if (tensor.type === "I8" && !scale)
    throw invalid(checkpoint, `tensor ${tensor.name} (I8) has no ${module}.weight_scale`)
  if (!scale) return tensor
  const rows = tensor.shape[0] ?? 1
  const count = elementCount(scale.shape)
  if (count !== 1 && count !== rows)
    throw invalid(
      checkpoint,
      `${scale.name} should have 1 or ${rows} values, and has the shape ${formatShape(scale.shape)}`,
    )
  const rotation = marker?.rotation
  if (
    rotation !== undefined &&
    (!Number.isInteger(Math.log2(rotation) / 2) || tensor.shape.at(-1)! % rotation !== 0)
  )
    throw invalid(
      checkpoint,
      `tensor ${tensor.name} ${formatShape(tensor.shape)} is rotated in groups of ${rotation}; a power of 4 that divides its rows is expected`,
    )
  return { ...tensor, scale, ...(rotation === undefined ? {} : { rotation }) }
}

// Files without markers tell their format by the types: mxfp8 scales are bare exponents, nvfp4's are fp8.
function guessFormat({ tensors }: Checkpoint, module: string, weight: StoredTensor, scale: StoredTensor) {
  if (tensors.has(`${module}.weight_scale_2`) || scale.type === "F8_E4M3") return "nvfp4"
  if (scale.type === "U8" || scale.type === "F8_E8M0") return weight.type === "U8" ? "mxfp4" : "mxfp8"
  return undefined
}

async function readMarkers(checkpoint: Checkpoint): Promise<Map<string, Marker>> {
  const markers = new Map<string, Marker>()
  const header = checkpoint.metadata._quantization_metadata
  if (header !== undefined) {
    const layers = parseObject(checkpoint, "_quantization_metadata", header).layers
    if (isRecord(layers))
      for (const [module, value] of Object.entries(layers))
        markers.set(module, markerOf(checkpoint, module, value))
  }
  for (const [name, tensor] of checkpoint.tensors) {
    if (!name.endsWith(".comfy_quant")) continue
    const module = name.slice(0, -".comfy_quant".length)
    const text = new TextDecoder().decode(await readBytes(tensor))
    markers.set(module, markerOf(checkpoint, name, parseObject(checkpoint, name, text)))
  }
  return markers
}

function markerOf(checkpoint: Checkpoint, name: string, value: unknown): Marker {
  if (!isRecord(value) || typeof value.format !== "string")
    throw invalid(checkpoint, `the quantisation marker ${name} names no format`)
  if (value.convrot !== true) return { format: value.format }
  const size = value.convrot_groupsize ?? 256
  if (typeof size !== "number" || size < 4)
    throw invalid(checkpoint, `the quantisation marker ${name} has the group size ${JSON.stringify(size)}`)
  return { format: value.format, rotation: size }
}

function attachBlocks(checkpoint: Checkpoint, text: string): Checkpoint {
  const record = parseObject(checkpoint, quantisationKey, text) as unknown as QuantisationRecord
  const tensors = new Map<string, StoredTensor>()
  for (const [name, tensor] of checkpoint.tensors) {
    const scale = checkpoint.tensors.get(`${name}_scale`)
    if (name.endsWith("_scale") && checkpoint.tensors.has(name.slice(0, -"_scale".length))) continue
    if (!scale || (tensor.type !== "U8" && tensor.type !== "I8")) {
      tensors.set(name, tensor)
      continue
    }
    if (tensor.type === "I8") {
      const joined = joinRows(tensor, scale)
      if (!joined)
        throw invalid(
          checkpoint,
          `tensor ${name} ${formatShape(tensor.shape)} and its ${scale.name} ${formatShape(scale.shape)} are not integers with a scale per output`,
        )
      if (joined.perOutput?.bits === 4 && record.rowLayout !== ROW_LAYOUT)
        throw invalid(
          checkpoint,
          `its 4-bit rows have the layout ${record.rowLayout ?? 1} of another version, and this one reads ${ROW_LAYOUT}; quantise the model again with \`atelier models quantize\``,
        )
      tensors.set(name, joined)
      continue
    }
    const { bits, blockSize } = record.tensors?.[name] ?? record
    const [n = 0, blocks = 0, bytes = 0] = tensor.shape
    if (tensor.shape.length !== 3 || (bits !== 4 && bits !== 8) || bytes * 8 !== blockSize * bits)
      throw invalid(
        checkpoint,
        `tensor ${name} ${formatShape(tensor.shape)} does not hold ${bits}-bit blocks of ${blockSize} values`,
      )
    if (scale.type !== "F32" || formatShape(scale.shape) !== formatShape([n, blocks]))
      throw invalid(
        checkpoint,
        `${scale.name} should be F32 ${formatShape([n, blocks])}, and is ${scale.type} ${formatShape(scale.shape)}`,
      )
    tensors.set(name, { ...tensor, shape: [n, blocks * blockSize], quantisation: { bits, blockSize, scale } })
  }
  return { ...checkpoint, tensors }
}

function parseObject(checkpoint: Checkpoint, name: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch {
    // the sentence below says what was expected
  }
  throw invalid(checkpoint, `${name} is not a JSON object`)
}

function invalid(checkpoint: Checkpoint, reason: string): AtelierError {
  return new AtelierError("model_invalid", `${checkpoint.path} cannot be used: ${reason}.`)
}
