// An independent feature network: the MobileNet v2 that nsfwjs ships, turned from Keras layers into one ONNX graph.
import { spawnSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as ort from "onnxruntime-node"
import { GraphBuilder } from "../../graph/builder.ts"
import { type Bitmap, view } from "./pixels.ts"

interface Layer {
  class_name: string
  name: string
  config: {
    padding?: string | number[][]
    strides?: [number, number]
    pool_size?: [number, number]
    epsilon?: number
    use_bias?: boolean
  }
  inbound_nodes: [string, number, number, unknown][][]
}
interface Stored {
  name: string
  shape: number[]
  quantization: { min: number; scale: number; dtype: "uint8" }
}
export interface KerasModel {
  modelTopology: { model_config: { config: { layers: Layer[] } } }
  weightsManifest: { weights: Stored[] }[]
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Installs exactly what the judge's own lock file names, once, outside the product's dependencies. */
export function installJudgePackages(folder: string): boolean {
  mkdirSync(folder, { recursive: true })
  const lock = readFileSync(here("packages/package-lock.json"), "utf8")
  const done = join(folder, "installed.lock")
  if (existsSync(done) && readFileSync(done, "utf8") === lock) return true
  for (const file of ["package.json", "package-lock.json"])
    copyFileSync(here(`packages/${file}`), join(folder, file))
  // Its peers are not wanted: the weights are read, the code is not run.
  const { status } = spawnSync(
    "npm",
    ["ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"],
    { cwd: folder, stdio: "ignore" },
  )
  if (status === 0) writeFileSync(done, lock)
  return status === 0
}

/** Numbers of every weight; 8-bit values are min + scale * value. */
export function unpackWeights(
  model: KerasModel,
  bytes: Uint8Array,
): Map<string, { shape: number[]; data: Float32Array }> {
  const out = new Map<string, { shape: number[]; data: Float32Array }>()
  let at = 0
  for (const { name, shape, quantization } of model.weightsManifest.flatMap((m) => m.weights)) {
    const count = shape.reduce((a, b) => a * b, 1)
    const { min, scale } = quantization
    out.set(name, { shape, data: Float32Array.from(bytes.subarray(at, at + count), (v) => v * scale + min) })
    at += count
  }
  if (at !== bytes.length)
    throw new Error(`The feature network has ${bytes.length} bytes; its description wants ${at}.`)
  return out
}

/** [h,w,in,out] as Keras stores kernels -> [out,in,h,w], each output channel times `scale`. */
function kernel(
  { shape, data }: { shape: number[]; data: Float32Array },
  depthwise: boolean,
  scale: Float32Array,
): { shape: number[]; data: Float32Array } {
  const [h, w, a, b] = shape as [number, number, number, number]
  const [out, inner] = depthwise ? [a * b, 1] : [b, a]
  const turned = new Float32Array(data.length)
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      for (let i = 0; i < inner; i++)
        for (let o = 0; o < out; o++) {
          const from = depthwise ? (y * w + x) * out + o : ((y * w + x) * inner + i) * out + o
          turned[((o * inner + i) * h + y) * w + x] = data[from]! * scale[o]!
        }
  return { shape: [out, inner, h, w], data: turned }
}

/**
 * The network up to its flattened features: image [B,3,224,224] -> features [B,1280]. Batch norms are folded into the
 * convolutions before them.
 */
export function buildFeatureNet(model: KerasModel, bytes: Uint8Array, last = "flatten_1"): Uint8Array {
  const weights = unpackWeights(model, bytes)
  const { layers } = model.modelTopology.model_config.config
  const b = new GraphBuilder()
  const values = new Map<string, string>()
  b.input("image", "float32", ["B", 3, 224, 224])
  const get = (name: string) => {
    const found = weights.get(name)
    if (!found) throw new Error(`The feature network lacks ${name}.`)
    return found
  }
  for (const layer of layers) {
    const { class_name: kind, name, config } = layer
    const inputs = (layer.inbound_nodes[0] ?? []).map(([from]) => values.get(from)!)
    const pads = (top: number, left: number, bottom: number, right: number) => ({
      ints: [top, left, bottom, right],
    })
    if (kind === "InputLayer") values.set(name, "image")
    else if (kind === "Conv2D" || kind === "DepthwiseConv2D") {
      const depthwise = kind === "DepthwiseConv2D"
      const norm = layers.find(
        (l) => l.class_name === "BatchNormalization" && l.inbound_nodes[0]?.[0]?.[0] === name,
      )
      if (!norm || config.use_bias) throw new Error(`${name} is not followed by a batch norm.`)
      const of = (part: string): Float32Array => get(`${norm.name}/${part}`).data
      const [gamma, beta, mean, variance] = [
        of("gamma"),
        of("beta"),
        of("moving_mean"),
        of("moving_variance"),
      ]
      const scale = gamma.map((g, i) => g / Math.sqrt(variance[i]! + (norm.config.epsilon ?? 1e-3)))
      const k = kernel(get(`${name}/${depthwise ? "depthwise_kernel" : "kernel"}`), depthwise, scale)
      const bias = beta.map((v, i) => v - mean[i]! * scale[i]!)
      const [stride] = config.strides!
      const around = config.padding === "same" ? (k.shape[2]! - 1) / 2 : 0
      if (stride !== 1 && around > 0) throw new Error(`${name}: a strided convolution pads by itself.`)
      values.set(
        name,
        b.node("Conv", [inputs[0]!, b.floats(k.data, k.shape), b.floats(bias, [bias.length])], {
          strides: { ints: [stride, stride] },
          pads: pads(around, around, around, around),
          group: { int: depthwise ? k.shape[0]! : 1 },
        }),
      )
    } else if (kind === "BatchNormalization" || kind === "Dropout") values.set(name, inputs[0]!)
    else if (kind === "ReLU")
      values.set(
        name,
        b.node("Clip", [inputs[0]!, b.floats(Float32Array.of(0), []), b.floats(Float32Array.of(6), [])]),
      )
    else if (kind === "ZeroPadding2D") {
      const [[top, bottom], [left, right]] = config.padding as [[number, number], [number, number]]
      values.set(name, b.node("Pad", [inputs[0]!, b.integers([0, 0, top, left, 0, 0, bottom, right])]))
    } else if (kind === "Add") values.set(name, b.node("Add", inputs))
    else if (kind === "AveragePooling2D") {
      const [size] = config.pool_size!
      values.set(
        name,
        b.node("AveragePool", inputs, {
          kernel_shape: { ints: [size, size] },
          strides: { ints: [size, size] },
        }),
      )
    } else if (kind === "Flatten") values.set(name, b.node("Flatten", inputs, { axis: { int: 1 } }))
    else throw new Error(`The feature network has a layer of an unknown kind: ${kind}.`)
    if (name === last) {
      b.node("Identity", [values.get(name)!], {}, { output: "features" })
      b.output("features", "float32", ["B", 1280])
      return b.model("features")
    }
  }
  throw new Error(`The feature network has no layer ${last}.`)
}

export interface FeatureNet {
  features: (pictures: readonly Bitmap[]) => Promise<Float32Array[]>
  close: () => Promise<void>
}

/** Opens the network, or gives undefined where its package can neither be found nor installed. */
export async function openFeatureNet(folder: string, threads = 2): Promise<FeatureNet | undefined> {
  if (!installJudgePackages(folder)) return undefined
  const require = createRequire(join(folder, "node_modules", "nsfwjs", "dist", "models", "package.json"))
  const model = require("./mobilenet_v2/model.min.js") as KerasModel
  const shard = require("./mobilenet_v2/group1-shard1of1.min.js") as string | { default: string }
  const bytes = Buffer.from(typeof shard === "string" ? shard : shard.default, "base64")
  const session = await ort.InferenceSession.create(buildFeatureNet(model, bytes), {
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  })
  return {
    features: async (pictures) => {
      const out: Float32Array[] = []
      for (const p of pictures) {
        const planes = view(p, 224).map((v) => v * 0.5 + 0.5) // nsfwjs feeds 0..1
        const { features } = await session.run({ image: new ort.Tensor("float32", planes, [1, 3, 224, 224]) })
        out.push((features!.data as Float32Array).slice())
      }
      return out
    },
    close: async () => {
      await session.release()
    },
  }
}
