// Whether an expansion that someone else wrote keeps what the user said: words, quotes, denials, and one of each.
import { wordsOf } from "../../sampling/words.ts"
import { type Analysis, analyse, singular } from "./analyse.ts"
import { type Addition, ASPECTS } from "./aspects.ts"
import { FUNCTION_WORDS, type Topic } from "./lexicon.ts"

/** Words of a prompt that mean something by themselves. */
export const contentWords = (prompt: string): string[] =>
  wordsOf(prompt).filter((w) => !FUNCTION_WORDS.has(w))

/** Topics of which a prompt has one: a word that the prompt did not have would be a second. */
const ONCE = ["style", "setting", "light", "palette"] as const satisfies readonly Topic[]

/** The first content word of the prompt that the expansion lacks, all taken in their order. */
export function lostWord(prompt: string, expansion: string): string | undefined {
  const words = wordsOf(expansion)
  let from = 0
  for (const word of contentWords(prompt)) {
    const at = words.indexOf(word, from)
    if (at < 0) return word
    from = at + 1
  }
  return undefined
}

/**
 * What is wrong with an expansion, as the rest of a sentence that begins with "it", or undefined. `added` is a
 * language model's answer; anything but the prompt with more around its words is refused.
 */
export function faultOf(prompt: string, expansion: string): string | undefined {
  if (expansion.trim() === "") return "was empty"
  if (expansion.length > prompt.length + 1200) return `was too long (${expansion.length} characters)`
  if (/[\p{Cc}\uFFFD]/u.test(expansion.replace(/[\n\t\r]/g, ""))) return "was not text"
  if (REFUSAL.test(expansion) && !REFUSAL.test(prompt)) return "was a refusal"
  const before = analyse(prompt)
  const quote = before.quotes.find((q) => !expansion.includes(q))
  if (quote) return `lost the quoted ${quote}`
  const lost = lostWord(prompt, expansion)
  if (lost) return `lost the word "${lost}"`
  return contradiction(before, expansion)
}

const REFUSAL =
  /\b(i'?m sorry|i am sorry|i apologi[sz]e|as an ai|i can('|no)?t (help|assist|create|provide|comply)|unable to (help|assist|comply)|against (my|our) (policy|policies|guidelines))/i

/** A second style, setting, light or colour, or something that the prompt denies. */
function contradiction(before: Analysis, expansion: string): string | undefined {
  const after = analyse(expansion)
  for (const topic of ONCE) {
    const said = before.words.get(topic)
    const second =
      said && [...(after.words.get(topic) ?? [])].find((word) => !VAGUE.has(word) && !known(before, word))
    if (second) return `added "${second}" where the prompt has a ${topic} of its own`
  }
  // The user's own denial is repeated in the expansion; only a mention beyond it contradicts.
  for (const { word } of after.tokens) {
    const stem = singular(word)
    if (before.banned.has(stem) && times(after, stem) > times(before, stem))
      return `added "${word}", which the prompt denies`
  }
  return undefined
}

/** Words that speak of a topic without naming anything of it. */
const VAGUE = new Set(
  "style styled art artwork texture background backdrop scene setting light lighting lights lit color colors colour colours colored palette tone tones hue hues shadow shadows".split(
    " ",
  ),
)
const known = (a: Analysis, word: string): boolean =>
  a.tokens.some((t) => singular(t.word) === singular(word))
const times = (a: Analysis, stem: string): number => a.tokens.filter((t) => singular(t.word) === stem).length

/** What a foreign expansion added: its clauses without the prompt's own words, by the first topic they speak of. */
export function additionsOf(prompt: string, expansion: string): Addition[] {
  const at = expansion.toLowerCase().indexOf(prompt.trim().toLowerCase())
  const rest = at < 0 ? [expansion] : [expansion.slice(0, at), expansion.slice(at + prompt.trim().length)]
  const own = new Set(wordsOf(prompt))
  return rest
    .flatMap((part) => part.split(/[,.;:\n]+/))
    .map((part) => part.trim())
    .filter((part) => wordsOf(part).some((w) => !own.has(w) && !FUNCTION_WORDS.has(w)))
    .map((text): Addition => {
      const { said } = analyse(text)
      const aspect = ASPECTS.find((a) => a !== "companion" && said.has(a))
      return { text, aspect: aspect ?? "companion" }
    })
}
