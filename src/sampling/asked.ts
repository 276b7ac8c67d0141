// What of a prompt a verifier can look for: the things, the look and the place that its words name. Pure.
import { wordsOf } from "./words.ts"

/** Names of the classes that a verifier tells apart, in the order of its outputs; a class may have several. */
export interface VerifierClasses {
  concepts: readonly (readonly string[])[]
  styles: readonly (readonly string[])[]
  backgrounds: readonly (readonly string[])[]
}

/** Places of classes. */
export interface Asked {
  concept?: number
  style?: number
  background?: number
}

type Part = keyof VerifierClasses
const PARTS = ["concepts", "styles", "backgrounds"] as const satisfies readonly Part[]
/** Numbers of things, which a verifier cannot tell. */
const SEVERAL = new Set("two three four five six seven eight nine ten many several".split(" "))
/** What follows one of these is not asked for. */
const DENIAL = /\b(?:no|not|without)\b[^,.;]*/giu

/**
 * Reads prompts for what `classes` name, longer names first ("palm tree" before "tree"); each word counts once. `instead`
 * says which words stand for one that is no name. Undefined where nothing is named, and where several things are: how many
 * there are and which stands where is not among what a verifier sees.
 */
export function askedReader(
  classes: VerifierClasses,
  instead: (word: string) => readonly string[] | undefined = () => undefined,
): (prompt: string) => Asked | undefined {
  const names = new Map<string, { part: Part; place: number }>()
  for (const part of PARTS)
    for (const [place, list] of classes[part].entries())
      for (const name of list) {
        const key = wordsOf(name).join(" ")
        if (!names.has(key)) names.set(key, { part, place })
      }
  const longest = Math.max(0, ...[...names.keys()].map((key) => key.split(" ").length))
  const single = new Set([...names.keys()].flatMap((key) => key.split(" ")))
  return (prompt) => {
    const words = wordsOf(prompt.replace(DENIAL, " , ")).flatMap((word) =>
      single.has(word) ? [word] : (instead(word) ?? [word]),
    )
    const found: Record<Part, number[]> = { concepts: [], styles: [], backgrounds: [] }
    for (let at = 0; at < words.length; ) {
      let length = Math.min(longest, words.length - at)
      while (length > 0 && !names.has(words.slice(at, at + length).join(" "))) length--
      const named = names.get(words.slice(at, at + length).join(" "))
      if (named && !found[named.part].includes(named.place)) found[named.part].push(named.place)
      at += Math.max(1, length)
    }
    const { concepts, styles, backgrounds } = found
    if (concepts.length + styles.length + backgrounds.length === 0) return undefined
    if (concepts.length > 1 || words.some((word) => SEVERAL.has(word))) return undefined
    return {
      ...(concepts.length === 1 && { concept: concepts[0]! }),
      ...(styles.length === 1 && { style: styles[0]! }),
      ...(backgrounds.length === 1 && { background: backgrounds[0]! }),
    }
  }
}

/** Probabilities of classes, as a verifier gives them. */
export interface Seen {
  concept: Float32Array
  style: Float32Array
  background: Float32Array
}

/** A probability below this counts as this: what cannot be told apart is no better or worse. */
const FLOOR = 0.003
/** The log of a probability, or of what is taken for one. */
export const logProbability = (p: number): number => Math.log(Math.max(Math.min(p, 1), FLOOR))

/** How much look and place count beside the thing. */
const BESIDE = 0.5

/** How well a picture shows what was asked: at most 0, higher is better. */
export function agreementOf({ concept, style, background }: Asked, seen: Seen): number {
  return (
    (concept === undefined ? 0 : logProbability(seen.concept[concept]!)) +
    (style === undefined ? 0 : BESIDE * logProbability(seen.style[style]!)) +
    (background === undefined ? 0 : BESIDE * logProbability(seen.background[background]!))
  )
}
