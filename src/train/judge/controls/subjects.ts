// Which things the controls are measured on: plain subjects in a fixed order, and pairs of a subject with a style.
import { articleOf, CONCEPTS, type Concept, THINGS } from "../../data/concepts.ts"
import { heldOut } from "../../data/holdout.ts"
import { hash } from "../../data/random.ts"
import { STYLE_TRAITS, STYLES, type Style } from "../../data/styles/names.ts"
import type { Prompt } from "../prompts.ts"

const withArticle = (words: string): string => `${articleOf(words)} ${words}`

/** Concepts in an order that depends on nothing but their names and the purpose. */
export const subjectsFor = (purpose: string): Concept[] =>
  [...THINGS].sort((a, b) => hash(`${purpose} ${a.id}`) - hash(`${purpose} ${b.id}`))

/** A concept as a prompt that states nothing else. */
export function plainPrompt(purpose: string, c: Concept): Prompt {
  const id = `${purpose}-${c.id}`
  const seed = hash(`judge seed ${id}`) % 1_000_000
  return { id, group: "concept", prompt: withArticle(c.name), seed, concepts: [c.id] }
}

export const plainPrompts = (purpose: string, count: number): Prompt[] =>
  subjectsFor(purpose)
    .slice(0, count)
    .map((c) => plainPrompt(purpose, c))

/**
 * Styles that a filter makes: only these are truly worn by the judge's drawings, which the model has never seen. The
 * native styles are those of the drawing sets that it learned from.
 */
export const FILTER_STYLES: readonly Style[] = STYLES.filter((s) => !STYLE_TRAITS[s].native)

export interface Pair {
  readonly style: Style
  /** What the picture shall show. */
  readonly prompt: Prompt
  /** What the reference shows: another subject in the style. */
  readonly reference: Prompt
  /** Whether the prompt itself names the style. */
  readonly named: boolean
}

/** `count` pairs that go through the styles in turn; no subject twice, no combination that training held out. */
export function pairsOf(count: number, named: boolean): Pair[] {
  const purpose = named ? "named reference" : "reference"
  const waiting = subjectsFor(purpose)
  const take = (style: Style): Concept => {
    const at = waiting.findIndex((c) => !heldOut("style", style, c.id))
    return waiting.splice(at, 1)[0]!
  }
  return Array.from({ length: count }, (_, i) => {
    const style = FILTER_STYLES[i % FILTER_STYLES.length]!
    const bare = plainPrompt(purpose, take(style))
    const { name } = CONCEPTS.find((c) => c.id === bare.concepts[0])!
    const prompt = named
      ? { ...bare, prompt: withArticle(`${STYLE_TRAITS[style].adjectives[0]} ${name}`), style }
      : bare
    return { style, prompt, reference: { ...plainPrompt("shown", take(style)), style }, named }
  })
}

const NAMES = CONCEPTS.flatMap((c) =>
  [c.name, ...c.synonyms].map((name) => ({ id: c.id, name: ` ${name} ` })),
)

/** The concept that a free prompt names, if it names exactly one; what stands in quotes is not named. */
export function conceptNamed(prompt: string): string | undefined {
  const text = ` ${prompt
    .toLowerCase()
    .replace(/"[^"]*"/g, " ")
    .replace(/[^a-z0-9]+/g, " ")
    .trim()} `
  const found = new Set(NAMES.filter(({ name }) => text.includes(name)).map(({ id }) => id))
  return found.size === 1 ? [...found][0] : undefined
}
