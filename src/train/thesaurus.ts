// Leads words that the model was never taught to the nearest ones that it knows, by WordNet and by word vectors.
import { singularsOf, type ThesaurusEntry } from "../sampling/words.ts"
import { featureDistance } from "./judge/similarity.ts"
import { COLOUR, FOOD, LOCATION, type Nouns, PERSON, PLANT } from "./wordnet.ts"

/** Something that the model can draw or paint with, as captions call it. */
export interface KnownName {
  readonly name: string
  readonly plural: string
  /** Topics of WordNet (Sense.topic) that it may be of, likeliest first: a ram is an animal before it is a machine. */
  readonly topics: readonly string[]
}

/** A step to what a thing is a kind of, and one to a kind of it: siblings are less alike than a thing and its kind. */
const UP = 1
const DOWN = 1.5
/** Steps beyond which two words are not kin, and what each sense of a word after its commonest costs. */
const FAR = 4
const RARER = 0.7
const SENSES = 3
/** What it costs to know only the last word of a phrase. */
const PART = 0.6
/** What it costs that a definition alone says what a word is: a wyvern is "a fire-breathing dragon used in heraldry". */
const DEFINED = 1.5
/** Least nearness (cosine + 1 / (1 + steps)) of kin that is not simply a kind of the other. */
const NEAR = 0.6

/** How much it counts that a word's definition is like that of a name, and, for what is no kin, that it speaks of the name. */
const LIKE = 0.4
const SPEAKS = 0.2
/** From which sum of these and the cosine on a thing that is no kin of anything known is read as the likeliest name. */
const LIKELY = 0.8

/** What a person may be to be read as whoever does the likeliest thing: others look like nobody in particular. */
const ROLES =
  "worker professional entertainer creator scientist serviceman preserver athlete rustic juvenile".split(" ")

/** Definitions of persons that no picture of somebody else is to stand for. */
const NOT_FOR_ANOTHER = new RegExp(
  "\\b(?:offensive|insult|disparag|derogat|contempt|prostitut|homosexual|heterosexual|bisexual|sexual|lewd|lust|promiscuous|immoral|dissolute" +
    "|slave|disabled|crippl|deform|stupid|foolish|retarded|mental|insane|fat\\b|obese|ugly|dirty|black|white person|negro|ethnic|race\\b|indigenous|native" +
    "|inhabitant|nomad|tribe|caste|religio|church|muslim|jew|christian|hindu|buddhis|immigra|emigra|refugee|exile|captive|prisoner|victim|crime|criminal" +
    "|murder|terror|kill|rob\\b|robb|steal|rape|abus|despicable|unpleasant|unattractive|disagreeable|dishonest|cruel|evil|wicked" +
    "|sex\\b|sexy|effeminate|concubine|courtesan|castrat|whore|adulter|illicit|unfaithful|death|american indian|frivolous)",
  "i",
)

/** WordNet's numbers of what can be seen by itself: animals, artefacts, food, objects, phenomena, plants. */
const VISIBLE = new Set(["05", "06", "13", "17", "19", "20"])

const unit = (v: Float32Array): Float32Array => {
  const length = Math.hypot(...v) || 1
  return v.map((x) => x / length)
}
const meanOf = (vectors: readonly Float32Array[]): Float32Array => {
  const mean = new Float32Array(vectors[0]!.length)
  for (const v of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += v[i]! / vectors.length
  return mean
}

/** Word vectors without what they have in common, of length 1: differences of meaning are what is left. */
export function centred(
  words: readonly string[],
  vector: (word: string) => Float32Array | undefined,
): ReadonlyMap<string, Float32Array> {
  const known = words.flatMap((word): [string, Float32Array][] => {
    const v = vector(word)
    return v ? [[word, unit(v)]] : []
  })
  const mean = meanOf(known.map(([, v]) => v))
  return new Map(known.map(([word, v]) => [word, unit(v.map((x, i) => x - mean[i]!))]))
}

/** A word's vector, or its plural's: mittens have one where no text speaks of one mitten. */
const vectorOf = (word: string, vectors: ReadonlyMap<string, Float32Array>): Float32Array | undefined =>
  vectors.get(word) ?? vectors.get(`${word}s`)

/** Words of this many letters carry the sense of a definition. */
const TELLING = 3

/** What each sense's definition is about: the mean of its words' vectors, rare words first (inverse document frequency). */
function meaningsOf(
  { senses }: Nouns,
  vectors: ReadonlyMap<string, Float32Array>,
): (sense: string) => Float32Array | undefined {
  const wordsOf = (sense: string): string[] =>
    (
      senses
        .get(sense)!
        .definition.toLowerCase()
        .match(/[a-z]+/g) ?? []
    ).filter((w) => w.length >= TELLING)
  const counts = new Map<string, number>()
  for (const sense of senses.keys())
    for (const word of new Set(wordsOf(sense))) counts.set(word, (counts.get(word) ?? 0) + 1)
  const known = new Map<string, Float32Array | undefined>()
  const meaning = (sense: string): Float32Array | undefined => {
    const parts = wordsOf(sense).flatMap((word): Float32Array[] => {
      const rarity = Math.log(senses.size / counts.get(word)!)
      const vector = vectorOf(word, vectors)
      return vector ? [vector.map((x) => rarity * x)] : []
    })
    return parts.length > 0 ? unit(meanOf(parts)) : undefined
  }
  return (sense) => {
    if (!known.has(sense)) known.set(sense, meaning(sense))
    return known.get(sense)
  }
}

/** Offsets of a phrase's senses, commonest first; a plural has those of its singular. */
function sensesOf(phrase: string, { index }: Nouns): readonly string[] {
  const word = phrase.replaceAll(" ", "_")
  const found = [word, ...singularsOf(word)].find((form) => index.has(form))
  return found === undefined ? [] : index.get(found)!
}

/** The word of a phrase that says what it is: a red mailbox, a pair of socks, a couch with a lamp. */
const headOf = (phrase: string): string =>
  phrase
    .replace(/ with .*/, "")
    .split(" ")
    .at(-1)!

/** Where the first noun of a definition ends. */
const GENUS_ENDS =
  /[,;:(]| (?:that|which|who|whose|used|with|in|of|for|having|by|to|from|on|worn|made|and|or) /

/** What a definition says that a thing is: its first noun ("a fire-breathing dragon used in heraldry": dragon). */
const genusOf = (definition: string): string =>
  definition.toLowerCase().split(GENUS_ENDS)[0]!.trim().split(" ").at(-1)!

interface Way {
  steps: number
  /** Only up: the thing is a kind of where the way leads. */
  isKind: boolean
}

/**
 * The ways from every sense that is at most FAR away, `before` included: up to a common kind, then down to one of a
 * word's `own` senses, commonest first.
 */
function waysTo(own: readonly string[], { senses }: Nouns, before: number): Map<string, Way> {
  // Walked backwards: from the senses to all their kinds, then down to whatever else is of those kinds.
  const ways = new Map<string, Way>()
  const descend = (from: string, start: number, isKind: boolean): void => {
    const open: [string, number][] = [[from, start]]
    for (let at = open.pop(); at; at = open.pop()) {
      const [here, steps] = at
      if (steps > FAR || steps >= (ways.get(here)?.steps ?? Number.POSITIVE_INFINITY)) continue
      ways.set(here, { steps, isKind })
      for (const next of senses.get(here)!.down) open.push([next, steps + UP])
    }
  }
  for (const [rank, sense] of own.entries()) {
    const first = before + rank * RARER
    // Of a person's rarer senses most are somebody's name: the hero of Alexandria is spelled Heron as well.
    const isWhole = before === 0 && (rank === 0 || senses.get(sense)!.topic !== PERSON)
    let kinds: readonly string[] = [sense]
    for (let start = first; start <= FAR && kinds.length > 0; start += DOWN) {
      for (const kind of kinds) descend(kind, start, start === first && isWhole)
      kinds = kinds.flatMap((kind) => senses.get(kind)!.up)
    }
  }
  return ways
}

/** Finds the nearest known name of a word, or undefined. `without` is a name to do without. */
export type Finder = (word: string, without?: string) => KnownName | undefined

/** A finder over all that the model knows, each in its commonest sense of the likeliest topic. `vectors` are centred (above). */
export function finder(
  names: readonly KnownName[],
  nouns: Nouns,
  vectors: ReadonlyMap<string, Float32Array>,
): Finder {
  const likeliest = (phrase: string, topics: readonly string[]): readonly string[] => {
    const all = sensesOf(phrase, nouns)
    const senses = Map.groupBy(all, (s) => nouns.senses.get(s)!.topic)
    const topic = topics.find((t) => senses.has(t))
    return (topic === undefined ? all : senses.get(topic)!).slice(0, SENSES)
  }
  const defined = meaningsOf(nouns, vectors)
  // A phrase that WordNet lacks (a clay vase) is what its last word says, of a kind that others need not be of.
  const known = names.map(({ name, topics }) => {
    const own = likeliest(name, topics)
    const senses = own.length > 0 ? own : likeliest(headOf(name), topics)
    const ways = senses.length > 0 ? waysTo(senses, nouns, own.length > 0 ? 0 : PART) : undefined
    // Corn is what is eaten, and the plant: words of the plant's own sense lead to the food as well.
    const plant =
      topics[0] === FOOD && sensesOf(name, nouns).find((s) => nouns.senses.get(s)!.topic === PLANT)
    if (plant && !ways?.get(plant)?.isKind) ways?.set(plant, { steps: RARER, isKind: true })
    return { ways, definition: senses[0] === undefined ? undefined : defined(senses[0]) }
  })
  const meanings = names.map(({ name }) => {
    const parts = name.split(" ").map((word) => vectors.get(word))
    return parts.every((v) => v !== undefined) ? meanOf(parts) : undefined
  })
  /** The person whose name's vector is nearest. Whoever is nobody's kin is somebody all the same: a waiter is no blot. */
  const nearestPerson = (vector: Float32Array, without?: string): KnownName | undefined => {
    const people = names.flatMap((name, i) =>
      name.topics[0] === PERSON && name.name !== without && meanings[i]
        ? [{ name, distance: featureDistance(vector, meanings[i]) }]
        : [],
    )
    return people.sort((a, b) => a.distance - b.distance)[0]?.name
  }
  // A definition that ends in a colour tells of it, not what the thing is: a parakeet, usually light green. And where a
  // place is meant, other things are named after it: a chihuahua is a dog before it is "a city in northern Mexico".
  const definedAs = (sense: string, { name, topics }: KnownName): Way | undefined => {
    const { definition, topic } = nouns.senses.get(sense)!
    if (topic === LOCATION || topics[0] === COLOUR || genusOf(definition) !== name) return undefined
    return { steps: DEFINED, isKind: true }
  }
  const byName = new Map(names.map((name) => [name.name, name]))
  const placeOf = (own: readonly string[], without?: string): KnownName | undefined =>
    own
      .map((sense) => nouns.senses.get(sense)!)
      .filter(({ topic }) => topic === LOCATION)
      .map(({ definition }) => byName.get(genusOf(definition)))
      .find((found) => found && found.name !== without)
  const roles = new Set<string>()
  const enrol = (sense: string): void => {
    if (roles.has(sense)) return
    roles.add(sense)
    for (const below of nouns.senses.get(sense)!.down) enrol(below)
  }
  for (const role of ROLES)
    for (const sense of sensesOf(role, nouns)) if (nouns.senses.get(sense)!.topic === PERSON) enrol(sense)
  /** Whether a person may be read as another one. */
  const isForAnother = (own: readonly string[]): boolean =>
    own.every((sense) => {
      const { topic, definition } = nouns.senses.get(sense)!
      return topic !== PERSON || !NOT_FOR_ANOTHER.test(definition)
    })
  const alike = (a: Float32Array | undefined, b: Float32Array | undefined): number =>
    a && b ? 1 - featureDistance(a, b) : 0
  return (word, without) => {
    const own = sensesOf(word, nouns).slice(0, SENSES)
    const vector = vectorOf(word, vectors)
    const [isRather, isOpen] = [nouns.rather.has(word), isForAnother(own)]
    let kin = { nearness: 0, name: undefined as KnownName | undefined }
    let likeliest = { likeness: 0, name: undefined as KnownName | undefined }
    for (const [i, name] of names.entries()) {
      if (name.name === without || (isRather && name.topics[0] !== COLOUR)) continue
      if (name.topics[0] === PERSON && !isOpen) continue
      const [meaning, { ways, definition }] = [meanings[i], known[i]!]
      for (const [rank, sense] of own.entries()) {
        const [near, like] = [alike(vector, meaning), LIKE * alike(defined(sense), definition)]
        const likeness = near + like + SPEAKS * alike(defined(sense), meaning)
        if (likeness > likeliest.likeness && name.topics[0] !== PERSON) likeliest = { likeness, name }
        const found = ways?.get(sense)
        const way = found?.isKind ? found : (definedAs(sense, name) ?? found)
        const steps = (way?.steps ?? Number.POSITIVE_INFINITY) + rank * RARER
        if (!way || steps > FAR) continue
        const nearness = 1 / (1 + steps) + near
        // Definitions choose among kin; they make none.
        if (nearness + like > kin.nearness && (way.isKind || nearness >= NEAR))
          kin = { nearness: nearness + like, name }
      }
    }
    if (kin.name || !vector || own[0] === undefined || isRather) return kin.name
    const { topic } = nouns.senses.get(own[0])!
    if (likeliest.likeness >= LIKELY && VISIBLE.has(topic)) return likeliest.name
    return placeOf(own, without) ?? (isOpen && roles.has(own[0]) ? nearestPerson(vector, without) : undefined)
  }
}

/** The thesaurus of `words`, by what they lead to; those that lead nowhere are left out. */
export function thesaurusOf(words: Iterable<string>, find: Finder): ThesaurusEntry[] {
  const entries = new Map<string, { plural: string; from: string[] }>()
  for (const word of words) {
    const found = find(word)
    if (!found) continue
    const entry = entries.get(found.name) ?? { plural: found.plural, from: [] }
    entries.set(found.name, entry)
    entry.from.push(word)
  }
  return [...entries]
    .map(([to, { plural, from }]) => ({ to, plural, from: from.sort() }))
    .sort((a, b) => (a.to < b.to ? -1 : 1))
}
