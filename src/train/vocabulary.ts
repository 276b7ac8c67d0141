// The words the embedded model learns, kept beside the run, and the word vectors for all others.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { SPECIAL, type WordTable, type WordTokens, wordsOf, wordTokens } from "../sampling/words.ts"
import type { PictureSet } from "./pictures.ts"
import { openWordVectors } from "./word-vectors.ts"

export interface Vocabulary {
  /** Learned vectors, the reserved ones included. */
  size: number
  words: readonly string[]
  tokens: (prompt: string, limit: number) => WordTokens
  word: (id: number) => string
  hasVector: (id: number) => boolean
}

/** The vocabulary of a run: made from the captions at the first start, read back ever after. */
export function loadVocabulary(folder: string, pictures: PictureSet, vectors?: string): Vocabulary {
  const path = `${folder}/words.json`
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path, JSON.stringify(commonWords(pictures)))
  }
  return vocabularyOf(JSON.parse(readFileSync(path, "utf8")) as string[], vectors)
}

/** The words that the captions say at least eight times, commonest first. */
export function commonWords(pictures: Pick<PictureSet, "records">): string[] {
  const counts = new Map<string, number>()
  for (const { caption } of pictures.records)
    for (const word of wordsOf(caption)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts]
    .filter(([, n]) => n >= 8)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([word]) => word)
}

function vocabularyOf(words: readonly string[], vectors?: string): Vocabulary {
  const table: WordTable = {
    ids: new Map(words.map((word, i) => [word, i + SPECIAL])),
    vector: openWordVectors(vectors),
  }
  return {
    size: words.length + SPECIAL,
    words,
    tokens: (prompt, limit) => wordTokens(prompt, table, limit),
    word: (id) => words[id - SPECIAL] ?? "",
    hasVector: (id) => table.vector(words[id - SPECIAL] ?? "") !== undefined,
  }
}
