// Opens whatever holds tensors: .safetensors, a sharded index, a folder with one of these, or .gguf.
import { readdir, readFile, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { AtelierError } from "../request/errors.ts"
import { attachEncodings } from "./encodings.ts"
import { errorCode } from "./files.ts"
import { isRecord, openSafetensors } from "./safetensors.ts"
import type { Checkpoint, StoredTensor } from "./tensor.ts"

/**
 * Opens a checkpoint: reads headers only, checks that every tensor lies inside its file, and joins
 * weights with their scales. Names stay the file's own; see `findComponents` for canonical ones.
 * Throws file_not_found, model_invalid or unsupported, each naming the file and the tensor.
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  return await attachEncodings(await openPlain(path))
}

async function openPlain(path: string): Promise<Checkpoint> {
  // A folder may be called like a file: downloaders name theirs after it.
  if ((await stat(path).catch(() => undefined))?.isDirectory()) return await openFolder(path)
  if (path.endsWith(".safetensors")) return await openSafetensors(path)
  if (path.endsWith(".safetensors.index.json")) return await openIndex(path)
  // Its library is loaded by those who have such a file: it takes a fiftieth of a first picture's time.
  if (path.endsWith(".gguf")) return await (await import("./gguf.ts")).openGguf(path)
  await isFolder(path) // which says so where nothing is there
  throw new AtelierError(
    "model_invalid",
    `${path} is not a checkpoint: a .safetensors file, a .safetensors.index.json, a .gguf file or a folder is expected.`,
  )
}

/** Whether the path is a folder. Throws file_not_found when nothing is there. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    const reason = errorCode(cause) === "ENOENT" ? "does not exist" : `cannot be read (${errorCode(cause)})`
    throw new AtelierError("file_not_found", `${path} ${reason}; check the path.`, { cause })
  }
}

async function openFolder(path: string): Promise<Checkpoint> {
  const names = (await readdir(path)).toSorted()
  const indexes = names.filter((name) => name.endsWith(".safetensors.index.json"))
  if (indexes.length === 1) return await openIndex(join(path, indexes[0]!))
  const files = names.filter((name) => /\.(safetensors|gguf)$/.test(name))
  if (files.length === 1) return await openPlain(join(path, files[0]!))
  if (files.length === 0)
    throw new AtelierError("file_not_found", `The folder ${path} holds no .safetensors or .gguf file.`)
  throw new AtelierError(
    "model_invalid",
    `The folder ${path} holds ${files.length} model files (${files.slice(0, 3).join(", ")}, ...) and no index; name one of them.`,
  )
}

async function openIndex(path: string): Promise<Checkpoint> {
  const map = await readWeightMap(path)
  const tensors = new Map<string, StoredTensor>()
  const metadata: Record<string, string> = {}
  const files: string[] = []
  for (const shard of new Set(Object.values(map))) {
    const checkpoint = await openSafetensors(join(dirname(path), shard))
    files.push(checkpoint.path)
    Object.assign(metadata, checkpoint.metadata)
    for (const [name, tensor] of checkpoint.tensors) {
      const other = tensors.get(name)
      if (other)
        throw new AtelierError(
          "model_invalid",
          `Tensor ${name} stands twice: in ${basename(other.file)} and in ${shard} of ${path}.`,
        )
      tensors.set(name, tensor)
    }
  }
  for (const [name, shard] of Object.entries(map))
    if (tensors.get(name)?.file !== join(dirname(path), shard))
      throw new AtelierError(
        "model_invalid",
        `${path} places tensor ${name} in ${shard}, and it is not there.`,
      )
  return { path, files, tensors, metadata }
}

async function readWeightMap(path: string): Promise<Record<string, string>> {
  let index: unknown
  try {
    index = JSON.parse(await readFile(path, "utf8"))
  } catch (cause) {
    if (errorCode(cause) === "ENOENT")
      throw new AtelierError("file_not_found", `The file ${path} does not exist; check the path.`, { cause })
    throw new AtelierError("model_invalid", `${path} is not a usable index: ${String(cause)}.`, { cause })
  }
  const map = isRecord(index) ? index.weight_map : undefined
  if (!isRecord(map))
    throw new AtelierError("model_invalid", `${path} is not a usable index: it has no weight_map.`)
  // A shard is a neighbour: an index from the internet must not name files elsewhere.
  for (const [name, shard] of Object.entries(map))
    if (typeof shard !== "string" || shard !== basename(shard) || !shard.endsWith(".safetensors"))
      throw new AtelierError(
        "model_invalid",
        `${path} places tensor ${name} in ${JSON.stringify(shard)}; a .safetensors file of the same folder is expected.`,
      )
  return map as Record<string, string>
}
