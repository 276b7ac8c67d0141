// The judge's classifier: a small convolutional network with heads for concept, style and background type.
import * as ort from "onnxruntime-node"
import {
  add,
  compile,
  concat,
  conv,
  type Dim,
  input,
  linear,
  mean,
  mul,
  silu,
  softmax,
  type Tensor,
} from "../../graph/index.ts"
import { Weights } from "../../nets/index.ts"
import { channelNorm } from "../../nets/vae.ts"
import { BACKGROUND_NAMES, CONCEPT_IDS, STYLE_NAMES } from "./labels.ts"

export interface ClassifierConfig {
  /** Side of the square input in pixels. */
  side: number
  /** Channels at side / 4, side / 8, side / 16, side / 32. */
  widths: readonly [number, number, number, number]
  /** Residual blocks at each of these scales. */
  blocks: readonly [number, number, number, number]
  concepts: number
  styles: number
  backgrounds: number
}

export const classifierConfig: ClassifierConfig = {
  side: 96,
  widths: [48, 64, 128, 192],
  blocks: [0, 1, 2, 1],
  concepts: CONCEPT_IDS.length,
  styles: STYLE_NAMES.length,
  backgrounds: BACKGROUND_NAMES.length,
}

export interface Heads {
  /** Logits [B, concepts]. */
  concept: Tensor
  /** Logits [B, styles]. */
  style: Tensor
  /** Logits [B, backgrounds]. */
  background: Tensor
  /** Mean of every channel at the last three scales: [B, features]. */
  features: Tensor
}

export const featureSize = (c: ClassifierConfig): number => c.widths[1] + c.widths[2] + c.widths[3]

const around = [1, 1, 1, 1] as const

/** x + W2 silu(W1 norm(x)), W1 3x3 and W2 1x1: the norm is over the channels of each pixel. */
function block(x: Tensor, w: Weights): Tensor {
  const c = x.shape[1] as number
  const h = conv(
    channelNorm(x, w.get("norm.gamma", [c])),
    w.get("conv1.weight", [c, c, 3, 3]),
    w.get("conv1.bias", [c]),
    { padding: around },
  )
  return add(x, conv(silu(h), w.get("conv2.weight", [c, c, 1, 1]), w.get("conv2.bias", [c])))
}

/**
 * image [B,3,side,side] in -1..1 -> logits. `keep`, given in training only, [B,features] of 0 or 1/(1-p), drops
 * features before the heads.
 */
export function classify(image: Tensor, w: Weights, c: ClassifierConfig, keep?: Tensor): Heads {
  let x = conv(image, w.get("stem.weight", [c.widths[0], 3, 6, 6]), w.get("stem.bias", [c.widths[0]]), {
    stride: 4,
    padding: around,
  })
  const pooled: Tensor[] = []
  c.widths.forEach((width, level) => {
    x = w.in(`levels.${level}`, (l) => {
      if (level > 0) {
        const before = x.shape[1] as number
        x = conv(silu(x), l.get("down.weight", [width, before, 3, 3]), l.get("down.bias", [width]), {
          stride: 2,
          padding: around,
        })
      }
      for (let i = 0; i < c.blocks[level]!; i++) x = l.in(`blocks.${i}`, (b) => block(x, b))
      return x
    })
    if (level > 0) pooled.push(mean(silu(channelNorm(x, w.get(`pools.${level}.gamma`, [width]))), [2, 3]))
  })
  const features = concat(pooled, 1)
  const kept = keep ? mul(features, keep) : features
  const size = featureSize(c)
  const head = (name: string, classes: number): Tensor =>
    linear(kept, w.get(`${name}.weight`, [classes, size]), w.get(`${name}.bias`, [classes]))
  return {
    concept: head("concept", c.concepts),
    style: head("style", c.styles),
    background: head("background", c.backgrounds),
    features,
  }
}

/** What the classifier says of one picture: probabilities per class and its features. */
export interface Verdict {
  concept: Float32Array
  style: Float32Array
  background: Float32Array
  features: Float32Array
}

export interface Classifier {
  side: number
  /** Pictures as planes of -1..1, [3,side,side] each. */
  look: (pictures: readonly Float32Array[]) => Promise<Verdict[]>
  close: () => Promise<void>
}

const BATCH = 32

export async function createClassifier(
  weights: ReadonlyMap<string, Float32Array>,
  config: ClassifierConfig = classifierConfig,
  threads = 2,
): Promise<Classifier> {
  const batch: Dim = "B"
  const heads = classify(input("image", [batch, 3, config.side, config.side]), new Weights(), config)
  const outputs = {
    concept: softmax(heads.concept),
    style: softmax(heads.style),
    background: softmax(heads.background),
    features: heads.features,
  }
  const { model } = compile(outputs, {
    weights: (name) => {
      const data = weights.get(name)
      if (!data)
        throw new Error(`The classifier's weights lack ${name}; train it again: npm run train -- classifier`)
      return { kind: "values", data }
    },
  })
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  })
  const size = 3 * config.side * config.side
  return {
    side: config.side,
    look: async (pictures) => {
      const verdicts: Verdict[] = []
      for (let from = 0; from < pictures.length; from += BATCH) {
        const part = pictures.slice(from, from + BATCH)
        const data = new Float32Array(part.length * size)
        part.forEach((p, i) => {
          data.set(p, i * size)
        })
        const shape = [part.length, 3, config.side, config.side]
        const out = await session.run({ image: new ort.Tensor("float32", data, shape) })
        const row = (name: keyof Verdict, i: number): Float32Array => {
          const all = out[name]!.data as Float32Array
          const width = all.length / part.length
          return all.slice(i * width, (i + 1) * width)
        }
        part.forEach((_, i) => {
          verdicts.push({
            concept: row("concept", i),
            style: row("style", i),
            background: row("background", i),
            features: row("features", i),
          })
        })
      }
      return verdicts
    },
    close: async () => {
      await session.release()
    },
  }
}

/** Place of `index` among `probabilities`, 1 for the highest. */
export const rankOf = (probabilities: Float32Array, index: number): number =>
  probabilities.reduce((rank, p) => rank + (p > probabilities[index]! ? 1 : 0), 1)
