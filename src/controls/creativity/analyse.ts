// What a prompt says and what it leaves open. When in doubt a thing counts as said: a gap left is no contradiction.
import { singularsOf, wordsOf } from "../../sampling/words.ts"
import {
  AROUND,
  ARTICLES,
  COMMON_WORDS,
  DENIED_WITH,
  FOREIGN_WORDS,
  FRUIT_COLOURS,
  FUNCTION_WORDS,
  NEGATION_ENDS,
  NEGATIONS,
  NO_PLACE,
  PHRASES,
  PLACE_PREPOSITIONS,
  type Topic,
} from "./lexicon.ts"
import { LONGEST_NAME, SUBJECTS, type Subject } from "./subjects.ts"

export interface Token {
  word: string
  start: number
  end: number
  /** Punctuation stands between this word and the one before. */
  broken: boolean
}

export interface FoundSubject extends Subject {
  /** Tokens from..to, `to` not included. */
  from: number
  to: number
}

export interface Analysis {
  /** Words that a word-level text tower would read: articles are none. */
  length: number
  tokens: readonly Token[]
  /** English, as far as one can tell; of other prompts nothing is known. */
  isReadable: boolean
  /** Topics that the prompt speaks of. */
  said: ReadonlySet<Topic>
  /** Words that follow a "no" or "without", in every form (`formsOf`): nothing added may hold one. */
  banned: ReadonlySet<string>
  /** Words of the prompt that name a style, setting, light or colour, by topic. */
  words: ReadonlyMap<Topic, ReadonlySet<string>>
  subjects: readonly FoundSubject[]
  /** Quoted passages, quotes included. */
  quotes: readonly string[]
}

const QUOTES =
  /"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|『[^』]*』|`[^`]*`|(?<![\p{L}\p{N}])['‘][^'’\n]+['’](?![\p{L}\p{N}])/gu

/** A word and what it could be the plural of: of "beaches" also "beach", of "leaves" also "leaf". */
export const formsOf = (word: string): string[] =>
  word.length > 3 && word.endsWith("s") && !word.endsWith("ss")
    ? [word, ...singularsOf(word), word.replace(/ves$/, "f")]
    : [word]

/** Whether two words are one, but for a plural. */
export const isSameWord = (a: string, b: string): boolean => {
  const forms = formsOf(b)
  return formsOf(a).some((form) => forms.includes(form))
}

/** Whether a prompt denies a word that might be added to it. */
export const isDenied = ({ banned }: Pick<Analysis, "banned">, word: string): boolean =>
  banned.size > 0 && formsOf(word).some((form) => banned.has(form))

/** Words with their places; what stands in quotes is text to be shown, not a description, and gives none. */
export function tokensOf(prompt: string): { tokens: Token[]; quotes: string[] } {
  const quotes: string[] = []
  const open = prompt.replace(QUOTES, (quote) => {
    quotes.push(quote)
    return ";".repeat(quote.length)
  })
  const tokens: Token[] = []
  let last = 0
  for (const match of open.matchAll(/[\p{L}\p{N}\p{M}]+(?:['’][\p{L}]+)*/gu)) {
    const start = match.index
    const gap = open.slice(last, start)
    tokens.push({
      word: match[0].toLowerCase().normalize("NFC"),
      start,
      end: start + match[0].length,
      broken: tokens.length > 0 && /[^\s-]/.test(gap),
    })
    last = start + match[0].length
  }
  return { tokens, quotes }
}

export function analyse(prompt: string): Analysis {
  const { tokens, quotes } = tokensOf(prompt)
  const { isNegated, banned } = negations(tokens)
  const subjects = findSubjects(tokens).filter((s) => !isNegated.has(s.from))
  const inSubject = new Set(subjects.flatMap((s) => range(s.from, s.to)))
  const said = new Set<Topic>()
  const words = new Map<Topic, Set<string>>()
  const say = (topic: Topic, from: number, to: number): void => {
    said.add(topic)
    const set = words.get(topic) ?? words.set(topic, new Set()).get(topic)!
    for (const i of range(from, to)) set.add(tokens[i]!.word)
  }

  for (let i = 0; i < tokens.length; i++) {
    const phrase = phraseAt(tokens, i)
    if (!phrase) continue
    for (const topic of phrase.topics) {
      // A pencil may be the thing itself, though not right before another thing; "no background" says of the
      // setting that there is none.
      if (topic === "style" && inSubject.has(i) && !isBefore(tokens, i + phrase.length, subjects)) continue
      if (isNegated.has(i) && topic !== "setting" && topic !== "palette") continue
      if (isNegated.has(i) && !CLOSING.has(tokens[i]!.word)) continue
      say(topic, i, i + phrase.length)
    }
    i += phrase.length - 1
  }
  tokens.forEach(({ word }, i) => {
    if (isNegated.has(i)) return
    const next = tokens[i + 1]
    if (/^\d+$/.test(word) && Number(word) > 1) say("count", i, i + 1)
    if (FRUIT_COLOURS.has(word) && next && !next.broken && !FUNCTION_WORDS.has(next.word))
      say("palette", i, i + 1)
    // A plural, known or not: how many there are is settled.
    if (/[^sui]s$/.test(word) && word.length > 3 && !inSubject.has(i)) said.add("count")
    // "And a ..." is a second thing, whether or not its name is known.
    if (word === "and" && next && ARTICLES.has(next.word)) said.add("count")
    if (PLACE_PREPOSITIONS.has(word) && namesPlace(tokens, i, subjects)) said.add("setting")
  })
  if (subjects.length > 1 || subjects.some((s) => s.isPlural)) said.add("count")
  if (subjects.some((s) => s.kind === "sky" && /sun|moon|star|comet|lightning/.test(s.name)))
    said.add("light")
  const length = wordsOf(prompt).length
  return { length, tokens, isReadable: isReadable(tokens, subjects), said, banned, words, subjects, quotes }
}

/** Whether a subject begins at a token, with nothing between it and the word before. */
const isBefore = (tokens: readonly Token[], i: number, subjects: readonly FoundSubject[]): boolean =>
  subjects.some((s) => s.from === i && !tokens[i]!.broken)

/** Negated words that settle a whole aspect. */
const CLOSING: ReadonlySet<string> = new Set([
  ..."background backgrounds backdrop scenery setting scene color colour colors colours palette hue hues".split(
    " ",
  ),
])

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** The longest phrase of the lexicon that begins at a token. */
function phraseAt(
  tokens: readonly Token[],
  i: number,
): { length: number; topics: readonly Topic[] } | undefined {
  for (const { words, topics } of PHRASES.get(tokens[i]!.word) ?? [])
    if (words.every((w, k) => tokens[i + k]?.word === w && (k === 0 || !tokens[i + k]!.broken)))
      return { length: words.length, topics }
  return undefined
}

/** All that is denied with a word: its forms, "watercolour" with "watercolor", "outlined" with "outline", and what shows it. */
const deniedWith = (word: string): string[] => {
  if (FUNCTION_WORDS.has(word)) return []
  const forms = formsOf(word).flatMap((form) => [form, form.replace(/our$/, "or")])
  return forms.flatMap((form) => [form, `${form}d`, `${form}ed`, ...(DENIED_WITH.get(form) ?? [])])
}

/** The same prompt where all words of `text` are denied, too. */
export const denying = (analysis: Analysis, text: string): Analysis => {
  const words = tokensOf(text).tokens.flatMap(({ word }) => deniedWith(word))
  return words.length > 0 ? { ...analysis, banned: new Set([...analysis.banned, ...words]) } : analysis
}

function negations(tokens: readonly Token[]): { isNegated: Set<number>; banned: Set<string> } {
  const isNegated = new Set<number>()
  const banned = new Set<string>()
  const ban = (word: string): void => {
    for (const denied of deniedWith(word)) banned.add(denied)
  }
  for (let i = 0; i < tokens.length; i++) {
    const stem = /^(\p{L}{3,})less$/u.exec(tokens[i]!.word)
    if (stem) ban(stem[1]!)
    if (!NEGATIONS.has(tokens[i]!.word)) continue
    isNegated.add(i)
    let isSure = true
    // "Not with flowers" and "not under trees" deny what comes after the small word, too.
    const goesOn = (k: number): boolean =>
      !NEGATION_ENDS.has(tokens[k]!.word) || (k === i + 1 && !tokens[k]!.broken)
    for (let k = i + 1; k < tokens.length && goesOn(k); k++) {
      // After a comma the list may go on ("no cars, trees or people") or a new thought begin: banned and said both.
      if (tokens[k]!.broken) isSure = false
      if (NEGATIONS.has(tokens[k]!.word)) break
      ban(tokens[k]!.word)
      if (isSure) isNegated.add(k)
    }
  }
  return { isNegated, banned }
}

function findSubjects(tokens: readonly Token[]): FoundSubject[] {
  const found: FoundSubject[] = []
  for (let i = 0; i < tokens.length; i++)
    for (let length = Math.min(LONGEST_NAME, tokens.length - i); length > 0; length--) {
      const words = tokens.slice(i, i + length)
      if (words.some((t, k) => k > 0 && t.broken)) continue
      const subject = SUBJECTS.get(words.map((t) => t.word).join(" "))
      if (!subject) continue
      found.push({ ...subject, from: i, to: i + length })
      i += length - 1
      break
    }
  return found
}

/** Whether the words after a preposition may be a place: any that are not clothes, ways of drawing or other things. */
function namesPlace(tokens: readonly Token[], at: number, subjects: readonly FoundSubject[]): boolean {
  const { word } = tokens[at]!
  const isAround = AROUND.has(word) || (word === "by" && tokens[at - 1]?.word === "surrounded")
  let i = at + 1
  while (tokens[i] && ARTICLES.has(tokens[i]!.word)) i++
  for (; tokens[i] && !tokens[i]!.broken; i++) {
    const topics = phraseAt(tokens, i)?.topics ?? []
    if (topics.includes("setting")) return true
    if (NO_PLACE.has(tokens[i]!.word) || topics.includes("style")) return false
    // "At night" is no place, "on the moon" is one.
    if (topics.includes("light")) return tokens[at]!.word === "on"
    const subject = subjects.find((s) => s.from === i)
    // In a library, among sunflowers, on Saturn: what is around a thing is where it is, whatever it is else.
    if (subject) return subject.kind === "place" || (isAround && subject.kind !== "clothes")
    // Of "a red velvet cushion" the last word decides.
    const next = tokens[i + 1]
    if (!next || next.broken || FUNCTION_WORDS.has(next.word)) return true
  }
  return false
}

/**
 * Whether the prompt is English: mostly Latin letters, no more foreign than English function words, and at least one
 * word that is known. Single unknown words are left alone, for they may be a colour or a style in another language.
 */
function isReadable(tokens: readonly Token[], subjects: readonly FoundSubject[]): boolean {
  const letters = tokens.map((t) => t.word).join("")
  if (letters.replace(/[\p{Script=Latin}\p{N}\p{M}'’]/gu, "").length > 0.1 * letters.length) return false
  const count = (words: ReadonlySet<string>): number => tokens.filter((t) => words.has(t.word)).length
  const foreign = count(FOREIGN_WORDS)
  const english = count(FUNCTION_WORDS)
  if (foreign > 0 && foreign >= english) return false
  const accented = tokens.filter((t) => /[^a-z0-9'’]/.test(t.word)).length
  if (accented > 0.34 * tokens.length) return false
  const known =
    subjects.length + tokens.filter((t, i) => COMMON_WORDS.has(t.word) || phraseAt(tokens, i)).length
  return known + english > 0 && (known > 0 || english >= 0.2 * tokens.length)
}
