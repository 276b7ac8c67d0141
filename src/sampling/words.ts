// Word-level tokens of the embedded family: a vocabulary with learned vectors, and word vectors for all others.
import { WORD_VECTOR } from "../nets/words.ts"

/** The words a model knows by heart, and the word vectors that give every other word a meaning. */
export interface WordTable {
  /** Token id per known word; ids below `SPECIAL` are reserved. */
  ids: ReadonlyMap<string, number>
  /** Pretrained vector of a word, `WORD_VECTOR` numbers, or undefined. */
  vector: (word: string) => Float32Array | undefined
  /** What stands for a word that is not known by heart: known words that mean nearly the same (a toad: a frog). */
  instead?: (word: string) => readonly string[] | undefined
}

/** One line of a thesaurus: the words that stand for each of `from`, in the singular and in the plural. */
export interface ThesaurusEntry {
  to: string
  plural: string
  from: string[]
}

/** What a word could be the plural of: foxes of foxe or fox, ladies of lady. */
export const singularsOf = (word: string): string[] =>
  [word.replace(/s$/, ""), word.replace(/es$/, ""), word.replace(/ies$/, "y")].filter((form) => form !== word)

/** Looks words up in a thesaurus; plurals (foxes, toads, ladies) are found by their singular. */
export function readThesaurus(
  entries: readonly ThesaurusEntry[],
): (word: string) => readonly string[] | undefined {
  const places = new Map(entries.flatMap((entry) => entry.from.map((word) => [word, entry] as const)))
  return (word) => {
    const exact = places.get(word)
    if (exact) return exact.to.split(" ")
    const singular = singularsOf(word).find((form) => places.has(form))
    return singular === undefined ? undefined : places.get(singular)!.plural.split(" ")
  }
}

/** Reserved ids: the token that ends every prompt, and the one that stands for words without a learned vector. */
export const END = 0
export const UNKNOWN = 1
export const SPECIAL = 2

const ARTICLES = new Set(["a", "an", "the"])
const DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

/** Lower-case words of a prompt; articles carry nothing and are left out, single numbers become words. */
export function wordsOf(prompt: string): string[] {
  const words =
    prompt
      .normalize("NFC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+(?:['-][\p{L}\p{N}]+)*/gu) ?? []
  return words
    .flatMap((word) => word.split("-"))
    .filter((word) => !ARTICLES.has(word))
    .map((word) => DIGITS[Number(word)] ?? word)
}

export interface WordTokens {
  ids: number[]
  /** Word vectors, one row of `WORD_VECTOR` numbers per id; zeros where there is none. */
  vectors: Float32Array
  /** Whether words at the end had no room. */
  truncated: boolean
}

/**
 * Tokens of a prompt, at most `limit` with the closing token. A word without a token of its own is read as what the
 * thesaurus has instead, else by its vector alone; words nobody knows are skipped.
 */
export function wordTokens(prompt: string, table: WordTable, limit: number): WordTokens {
  const heard = wordsOf(prompt).flatMap((word) =>
    table.ids.has(word) ? [word] : (table.instead?.(word) ?? [word]),
  )
  const known = heard.flatMap((word) => {
    const id = table.ids.get(word)
    const vector = table.vector(word)
    return id === undefined && vector === undefined ? [] : [{ id: id ?? UNKNOWN, vector }]
  })
  const kept = known.slice(0, limit - 1)
  const vectors = new Float32Array((kept.length + 1) * WORD_VECTOR)
  kept.forEach(({ vector }, i) => {
    if (vector) vectors.set(vector, i * WORD_VECTOR)
  })
  return { ids: [...kept.map(({ id }) => id), END], vectors, truncated: kept.length < known.length }
}

/** The words in a file of word vectors. */
export function wordsWithVectors(bytes: Uint8Array): string[] {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true)
  return JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as string[]
}

/**
 * Reads the file of word vectors: the length of a JSON list of words (uint32), the list, one float32 scale per
 * word, then 100 int8 numbers per word; vector = scale * numbers.
 */
export function readWordVectors(bytes: Uint8Array): (word: string) => Float32Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const listLength = view.getUint32(0, true)
  const words = wordsWithVectors(bytes)
  const places = new Map(words.map((word, i) => [word, i]))
  const scalesAt = 4 + listLength
  const numbersAt = scalesAt + 4 * words.length
  return (word) => {
    const place = places.get(word)
    if (place === undefined) return undefined
    const scale = view.getFloat32(scalesAt + 4 * place, true)
    const from = numbersAt + place * WORD_VECTOR
    return Float32Array.from({ length: WORD_VECTOR }, (_, k) => scale * view.getInt8(from + k))
  }
}
