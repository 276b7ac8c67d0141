// Opens .gguf files: header by @huggingface/gguf, dimensions turned to row-major, offsets to byte ranges.
import { existsSync } from "node:fs"
import { stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { GGMLQuantizationType, type GGUFParseOutput, gguf, parseGgufShardFilename } from "@huggingface/gguf"
import { AtelierError } from "../request/errors.ts"
import {
  type Checkpoint,
  elementCount,
  formatShape,
  type StoredTensor,
  type StoredType,
  storedLength,
  storedTypes,
} from "./tensor.ts"

/**
 * Opens a GGUF file, or all shards when its name ends in -00001-of-0000N.gguf.
 * Throws file_not_found, unsupported (big-endian files, block types other than those of architecture.md 6),
 * or model_invalid (not GGUF, truncated).
 */
export async function openGguf(path: string): Promise<Checkpoint> {
  const files = shardPaths(path)
  const tensors = new Map<string, StoredTensor>()
  const metadata: Record<string, string> = {}
  for (const file of files) {
    const parsed = await parse(file)
    for (const tensor of await tensorsOf(file, parsed)) {
      if (tensors.has(tensor.name))
        throw new AtelierError("model_invalid", `Tensor ${tensor.name} stands twice in ${path}.`)
      tensors.set(tensor.name, tensor)
    }
    for (const [key, value] of Object.entries(parsed.metadata))
      if (!Array.isArray(value) || value.length <= 32) metadata[key] = String(value) // not the vocabulary
  }
  return { path, files, tensors, metadata }
}

function shardPaths(path: string): string[] {
  const shard = parseGgufShardFilename(basename(path))
  if (!shard) return [path]
  return Array.from({ length: Number(shard.total) }, (_, i) =>
    join(dirname(path), `${shard.prefix}-${String(i + 1).padStart(5, "0")}-of-${shard.total}.gguf`),
  )
}

async function parse(path: string): Promise<GGUFParseOutput<{ strict: false }>> {
  if (!existsSync(path))
    throw new AtelierError("file_not_found", `The file ${path} does not exist; check the path.`)
  try {
    return await gguf(path, { allowLocalFile: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AtelierError("model_invalid", `${path} is not a usable GGUF file: ${reason}.`, { cause })
  }
}

async function tensorsOf(path: string, parsed: GGUFParseOutput<{ strict: false }>): Promise<StoredTensor[]> {
  if (!parsed.littleEndian)
    throw new AtelierError(
      "unsupported",
      `${path} is a big-endian GGUF file; only little-endian ones can be read.`,
    )
  const { size } = await stat(path)
  return parsed.tensorInfos.map(({ name, shape: dimensions, dtype, offset: relative }) => {
    const type = storedTypeOf(path, name, dtype)
    const shape = originalShape(parsed.metadata, name, dimensions.map(Number).toReversed())
    const length = storedLength(type, shape)
    if (length === undefined)
      throw new AtelierError(
        "model_invalid",
        `Tensor ${name} of ${path} has the shape ${formatShape(shape)}, and ${type} needs rows of a multiple of ${storedTypes[type].values} values.`,
      )
    const offset = Number(parsed.tensorDataOffset + relative)
    if (offset + length > size)
      throw new AtelierError(
        "model_invalid",
        `${path} is not a usable GGUF file: it is truncated: tensor ${name} ends at byte ${offset + length}, and the file has ${size} bytes; download it again.`,
      )
    return { name, type, shape, file: path, offset, length }
  })
}

function storedTypeOf(path: string, name: string, type: GGMLQuantizationType): StoredType {
  const word = GGMLQuantizationType[type]
  if (word !== undefined && Object.hasOwn(storedTypes, word)) return word as StoredType
  throw new AtelierError(
    "unsupported",
    `Tensor ${name} of ${path} is stored as ${word ?? `type ${type}`}, which is not supported; use a Q8_0, Q6_K, Q5, Q4, Q3_K, Q2_K, BF16 or F16 file.`,
  )
}

// ComfyUI's GGUF converter reshapes tensors that do not fit blocks and notes the true shape beside them.
function originalShape(metadata: Record<string, unknown>, name: string, stored: number[]): number[] {
  const noted = metadata[`comfy.gguf.orig_shape.${name}`]
  if (!Array.isArray(noted)) return stored
  const shape = noted.map(Number)
  return elementCount(shape) === elementCount(stored) ? shape : stored
}
