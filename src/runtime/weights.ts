// From a checkpoint's byte ranges to the weights of a compiled graph: nothing is read or copied here.
import { realpathSync } from "node:fs"
import { dirname, relative, sep } from "node:path"
import { type Checkpoint, elementCount, type StoredTensor } from "../checkpoint/tensor.ts"
import type { CompileOptions, WeightSource } from "../graph/index.ts"
import { AtelierError } from "../request/errors.ts"
import type { Changed } from "./adapters.ts"

/** Where a graph's weights lie: the folder of their files, and one source per name. */
export interface WeightFiles {
  folder: string
  weights: NonNullable<CompileOptions["weights"]>
  /** When 4-bit integers become 8 bits: at load, or at every run where memory would not allow that. */
  unpack?: CompileOptions["unpack"]
}

/** Bytes of 4-bit weights that may be held a second time as 8 bits, for the sake of speed. */
const MOST_UNPACKED = 1e9

/** When the 4-bit weights of a checkpoint are unpacked. */
export function unpackOf({ tensors }: Checkpoint): "run" | "load" {
  const packed = [...tensors.values()].filter((t) => t.perOutput?.bits === 4)
  return packed.reduce((sum, t) => sum + t.length, 0) > MOST_UNPACKED ? "run" : "load"
}

/** The deepest folder that holds all files. ONNX Runtime refuses weights outside the folder it is given. */
function commonFolder(files: readonly string[]): string {
  const paths = files.map((f) => dirname(f).split(sep))
  const first = paths[0] ?? [""]
  const shared = first.findIndex((part, i) => paths.some((p) => p[i] !== part))
  const parts = shared < 0 ? first : first.slice(0, shared)
  return parts.length === 1 ? `${parts[0]}${sep}` : parts.join(sep)
}

/**
 * The weights of a component whose tensors have canonical names. `replaced` holds weights changed by
 * adapters, in memory or in a file of their own; the rest is mapped from the files. A scale table may be stored in any shape of the same
 * size, for layouts differ in that.
 */
export function weightFiles(
  checkpoint: Checkpoint,
  replaced: ReadonlyMap<string, Changed> = new Map(),
): WeightFiles {
  const elsewhere = [...replaced.values()].flatMap((c) => (c instanceof Float32Array ? [] : [c.file]))
  const real = new Map([...checkpoint.files, ...elsewhere].map((f) => [f, realpathSync(f)]))
  const folder = commonFolder([...real.values()])
  const range = ({ file, offset, length }: StoredTensor) => ({
    file: relative(folder, real.get(file) ?? realpathSync(file)).replaceAll(sep, "/"),
    offset,
    length,
  })
  const source = (name: string, shape: readonly number[]): WeightSource => {
    const changed = replaced.get(name)
    if (changed instanceof Float32Array) return { kind: "values", data: changed }
    const tensor = changed ?? checkpoint.tensors.get(name)
    if (!tensor)
      throw new AtelierError(
        "model_invalid",
        `${checkpoint.path} has no tensor ${name} [${shape.join(", ")}].`,
      )
    if (elementCount(tensor.shape) !== elementCount(shape))
      throw new AtelierError(
        "model_invalid",
        `Tensor ${name} of ${checkpoint.path} should be [${shape.join(", ")}], and is [${tensor.shape.join(", ")}].`,
      )
    if (tensor.quantisation) {
      const { bits, blockSize, scale } = tensor.quantisation
      return { kind: "blocks", bits, blockSize, data: range(tensor), scales: range(scale) }
    }
    if (tensor.perOutput) {
      const { bits, scale } = tensor.perOutput
      return { kind: "integers", bits, data: range(tensor), scales: range(scale) }
    }
    const plain = tensor.type === "F32" || tensor.type === "F16" || tensor.type === "BF16"
    if (plain && !tensor.scale && !tensor.rotation)
      return { kind: "file", type: tensor.type as "F32" | "F16" | "BF16", range: range(tensor) }
    throw new AtelierError(
      "unsupported",
      `Tensor ${name} of ${checkpoint.path} is stored as ${tensor.type}, which does not run as it stands; convert the file once with \`atelier models add\`.`,
    )
  }
  return { folder, weights: source, unpack: unpackOf(checkpoint) }
}
