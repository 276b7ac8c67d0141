// The network at work: its weights fetched once, its graph up to a layer in a session.
import * as ort from "onnxruntime-node"
import { buildMobilenet } from "./mobilenet.ts"
import { installWeights, readWeights } from "./weights.ts"

/** Side of the pictures that the network reads. */
export const SIDE = 224

export interface Mobilenet {
  /** image [3,224,224] of 0..1 -> the layer's values. */
  run(image: Float32Array): Promise<Float32Array>
  close(): Promise<void>
}

/** Opens the network up to a layer (`FEATURES`, `CLASSES`). Rejects when its weights can neither be found nor fetched. */
export async function openMobilenet(folder: string, last: string, threads: number): Promise<Mobilenet> {
  await installWeights(folder)
  const { model, bytes } = readWeights(folder)
  const session = await ort.InferenceSession.create(buildMobilenet(model, bytes, last), {
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  })
  return {
    run: async (image) => {
      const { out } = await session.run({ image: new ort.Tensor("float32", image, [1, 3, SIDE, SIDE]) })
      return (out!.data as Float32Array).slice()
    },
    close: () => session.release(),
  }
}
