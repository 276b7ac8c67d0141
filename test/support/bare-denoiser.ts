// A denoiser without blocks in a real session: what its image tokens know before any attention.
import * as ort from "onnxruntime-node"
import { compile, input } from "../../src/graph/index.ts"
import { type DitConfig, denoiser, imageRope, Weights } from "../../src/nets/index.ts"
import { tinyDit } from "../checkpoint/tiny.ts"

export const bareDit: DitConfig = { ...tinyDit, layers: 0 }

/**
 * The velocity of each of rows x columns image tokens, all of one value, beside `text`: tokens of the config's
 * features. `bias` is added to the scores of the first keys; the others have 0.
 */
export async function velocities(
  config: DitConfig,
  [rows, columns]: readonly [number, number],
  text: readonly Float32Array[],
  bias: readonly number[] = [],
): Promise<number[][]> {
  const [tokens, size] = [rows * columns, config.channels * config.patch ** 2]
  const joint = text.length + tokens
  const half = config.headDim / 2
  const { velocity } = denoiser(
    {
      image: input("image", [1, tokens, size]),
      time: input("time", [1, 1, config.timeDim]),
      text: input("text", [1, text.length, config.features]),
      rope: { cosine: input("cosine", [joint, half]), sine: input("sine", [joint, half]) },
      bias: input("bias", [1, 1, 1, joint]),
    },
    new Weights(),
    config,
  )
  const { model } = compile(
    { velocity },
    {
      weights: (_name, shape) => ({
        kind: "values",
        data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1) / 4),
      }),
    },
  )
  const session = await ort.InferenceSession.create(model)
  const table = imageRope(text.length, rows, columns, config.headDim)
  const tensor = (data: Float32Array, shape: number[]) => new ort.Tensor("float32", data, shape)
  const filled = (shape: number[]) =>
    tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5), shape)
  const feeds: Record<string, ort.Tensor> = {
    image: filled([1, tokens, size]),
    time: filled([1, 1, config.timeDim]),
    text: tensor(Float32Array.from(text.flatMap((row) => [...row])), [1, text.length, config.features]),
    cosine: tensor(table.cosine, [joint, half]),
    sine: tensor(table.sine, [joint, half]),
    bias: tensor(
      Float32Array.from({ length: joint }, (_, i) => bias[i] ?? 0),
      [1, 1, 1, joint],
    ),
  }
  // A network without blocks and pools reads neither all tables nor the mask.
  const out = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!])))
  const data = [...(out.velocity!.data as Float32Array)]
  await session.release()
  return Array.from({ length: tokens }, (_, i) => data.slice(i * size, (i + 1) * size))
}
