// The parts that the embedded family brings beside the three networks: its word encoder and its upsampler.
import { openSafetensors, textConfig } from "../checkpoint/index.ts"
import { input, type Tensor } from "../graph/index.ts"
import {
  arrange,
  causalBias,
  textRope,
  upsampledPixels,
  Weights,
  WORD_VECTOR,
  wordTaps,
} from "../nets/index.ts"
import { openGraph } from "../runtime/networks.ts"
import { floats, integers } from "../runtime/session.ts"
import { weightFiles } from "../runtime/weights.ts"
import { json, readPart, required, thesaurusOf } from "./part-files.ts"
import type { PartContext, TextContext, Upsampler } from "./parts.ts"
import type { TextEncoder } from "./text.ts"
import { readWordVectors, SPECIAL, type WordTable, wordTokens } from "./words.ts"

/**
 * `text.kind: "words"`: files `text` (the tower), `words` (the vocabulary, JSON) and `vectors`; `thesaurus`, where there is
 * one, says which words stand for others.
 */
export async function openWords(context: TextContext): Promise<TextEncoder> {
  const checkpoint = await openSafetensors(required(context, "text"))
  const words = await readPart(required(context, "words"), json<string[]>)
  const instead = await thesaurusOf(context)
  const table: WordTable = {
    ids: new Map(words.map((word, i) => [word, i + SPECIAL])),
    vector: await readPart(required(context, "vectors"), readWordVectors),
    ...(instead && { instead }),
  }
  const config = textConfig(checkpoint, context.installed.manifest.text)
  const half = config.headDim / 2
  const rope = { cosine: input("cosine", ["L", half]), sine: input("sine", ["L", half]) }
  const ids = input("ids", ["B", "L"], "int64")
  const vectors = input("vectors", ["B", "L", WORD_VECTOR])
  const taps = wordTaps(ids, vectors, rope, input("bias", ["B", 1, "L", "L"]), new Weights(), config)
  const tower = await openGraph(context.runner, { taps }, weightFiles(checkpoint))
  return {
    async encode(prompt) {
      const tokens = wordTokens(
        prompt,
        table,
        context.installed.manifest.text.limit ?? Number.POSITIVE_INFINITY,
      )
      const length = tokens.ids.length
      const { cosine, sine } = textRope(length, config.headDim, config.ropeTheta)
      const { taps: found } = await tower.run({
        ids: integers(tokens.ids, [1, length]),
        vectors: floats(tokens.vectors, [1, length, WORD_VECTOR]),
        cosine: floats(cosine, [length, half]),
        sine: floats(sine, [length, half]),
        bias: floats(causalBias([length], length), [1, 1, length, length]),
      })
      return { data: found!.data as Float32Array, length, truncated: tokens.truncated }
    },
    close: () => tower.close(),
  }
}

/** File `upsampler`: sub-pixel upsampling of the decoded picture. Sizes follow from the file's shapes. */
export async function openUpsampler(context: PartContext): Promise<Upsampler> {
  const checkpoint = await openSafetensors(required(context, "upsampler"))
  const width = checkpoint.tensors.get("first.weight")!.shape[0]!
  const factor = Math.sqrt(checkpoint.tensors.get("last.weight")!.shape[0]! / 3)
  const blocks = [...checkpoint.tensors.keys()].filter((name) => /^blocks\.\d+\.0\.weight$/.test(name)).length
  const native: Tensor = input("native", ["B", 3, "h", "w"])
  const picture = arrange(upsampledPixels(native, new Weights(), { width, blocks, factor }), factor)
  const graph = await openGraph(context.runner, { picture }, weightFiles(checkpoint))
  return {
    async upscale(value) {
      return (await graph.run({ native: value }, { pixels: "picture" })).picture!
    },
    close: () => graph.close(),
  }
}
