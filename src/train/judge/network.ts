// The judge's classifier at work: the network of its sizes in a session, with heads for concept, style and background type.
import * as ort from "onnxruntime-node"
import { compile, type Dim, input, softmax } from "../../graph/index.ts"
import { type ClassifierConfig, classify, Weights } from "../../nets/index.ts"
import { BACKGROUND_NAMES, CONCEPT_IDS, STYLE_NAMES } from "./labels.ts"

export const classifierConfig: ClassifierConfig = {
  side: 96,
  widths: [48, 64, 128, 192],
  blocks: [0, 1, 2, 1],
  concepts: CONCEPT_IDS.length,
  styles: STYLE_NAMES.length,
  backgrounds: BACKGROUND_NAMES.length,
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

/** The classifier at work on pictures of any number, 32 at a time. Close it after use. */
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
