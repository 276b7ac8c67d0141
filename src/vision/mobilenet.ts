// The MobileNet v2 that nsfwjs ships, turned from Keras layers into one ONNX graph.
import { GraphBuilder } from "../graph/builder.ts"

interface Layer {
  class_name: string
  name: string
  config: {
    padding?: string | number[][]
    strides?: [number, number]
    pool_size?: [number, number]
    epsilon?: number
    use_bias?: boolean
    activation?: string
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

/** The layer of the flattened features [B,1280], and of the probabilities of the five classes [B,5]. */
export const FEATURES = "flatten_1"
export const CLASSES = "dense_3"

/** image [B,3,224,224] of 0..1 -> out [B,n]: the network up to a layer. Batch norms are folded into the convolutions. */
export function buildMobilenet(model: KerasModel, bytes: Uint8Array, last: string): Uint8Array {
  const weights = unpackWeights(model, bytes)
  const { layers } = model.modelTopology.model_config.config
  const b = new GraphBuilder()
  const values = new Map<string, string>()
  let width = 1280
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
    } else if (kind === "Dense") {
      const [w, bias] = [get(`${name}/kernel`), get(`${name}/bias`)]
      const product = b.node("MatMul", [inputs[0]!, b.floats(w.data, w.shape)])
      const sum = b.node("Add", [product, b.floats(bias.data, bias.shape)])
      const bend = { relu: "Relu", softmax: "Softmax" }[config.activation ?? ""]
      if (!bend) throw new Error(`${name} bends its sums in an unknown way: ${config.activation}.`)
      width = w.shape[1]!
      values.set(name, b.node(bend, [sum]))
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
      b.node("Identity", [values.get(name)!], {}, { output: "out" })
      b.output("out", "float32", ["B", width])
      return b.model("mobilenet")
    }
  }
  throw new Error(`The feature network has no layer ${last}.`)
}
