// Whether an expansion that someone else wrote keeps what the user said: words, quotes, denials, and one of each.
import type { ExpanderFault } from "../../request/notes.ts"
import { wordsOf } from "../../sampling/words.ts"
import { type Analysis, analyse, denying, isDenied, isSameWord } from "./analyse.ts"
import { type Addition, ASPECTS } from "./aspects.ts"
import { FUNCTION_WORDS, type Topic } from "./lexicon.ts"

/** Words of a prompt that mean something by themselves. */
export const contentWords = (prompt: string): string[] =>
  wordsOf(prompt).filter((w) => !FUNCTION_WORDS.has(w))

/** Topics of which a prompt has one: a word that the prompt did not have would be a second. */
const ONCE = ["style", "setting", "light", "palette"] as const satisfies readonly Topic[]

/** The first content word of the prompt that the expansion lacks, all taken in their order. */
export const lostWord = (prompt: string, expansion: string): string | undefined =>
  firstLost(contentWords(prompt), wordsOf(expansion))

/** The first of `parts` that does not stand in `whole` behind those before it. */
function firstLost(parts: readonly string[], whole: readonly string[]): string | undefined {
  let from = 0
  return parts.find((part) => {
    const at = whole.indexOf(part, from)
    from = at + 1
    return at < 0
  })
}

/** Emoji and other signs, which are no words: a fox may be given as one. */
const signsOf = (text: string): string[] => text.match(/\p{S}/gu) ?? []

/**
 * What is wrong with a language model's expansion, or undefined. `avoid` is the negative prompt; anything but the prompt
 * with more around its words is refused.
 */
export function faultOf(prompt: string, expansion: string, avoid = ""): ExpanderFault | undefined {
  if (expansion.trim() === "") return { reason: "empty" }
  if (expansion.length > prompt.length + 1200) return { reason: "too_long", characters: expansion.length }
  if (/[\p{Cc}\uFFFD]/u.test(expansion.replace(/[\n\t\r]/g, ""))) return { reason: "not_text" }
  if (isOnlyIn(REFUSAL, expansion, prompt)) return { reason: "refused" }
  if (isOnlyIn(TALK, expansion, prompt) || isOnlyIn(MARKUP, expansion, prompt)) return { reason: "not_alone" }
  const before = denying(analyse(prompt), avoid)
  const quote = before.quotes.find((q) => !expansion.includes(q))
  if (quote) return { reason: "lost_quote", quote }
  // Small words too: "without" makes all the difference, and so do "on" and "under".
  const lost =
    firstLost(wordsOf(prompt), wordsOf(expansion)) ?? firstLost(signsOf(prompt), signsOf(expansion))
  if (lost) return { reason: "lost_word", word: lost }
  return contradiction(before, expansion)
}

const isOnlyIn = (pattern: RegExp, expansion: string, prompt: string): boolean =>
  pattern.test(expansion.replaceAll("’", "'")) && !pattern.test(prompt.replaceAll("’", "'"))

const REFUSAL =
  /\b(i'?m sorry|i am sorry|i apologi[sz]e|as an ai|i (can(no|'?)t|can not|won'?t|will not|do not|don'?t) |i('m| am) (not able|unable)|unable to (help|assist|comply)|against (my|our) (policy|policies|guidelines))/i
/** What language models say before what they were asked for. */
const TALK =
  /^\W*(sure|certainly|of course|absolutely|okay|here('s| is| are)|(the )?(extended|expanded|enhanced|final) prompt\b|prompt:)/i
const MARKUP = /[{}]|\*\*|^#|```|<\/?[a-z]/i

/** A second style, setting, light or colour, or something that the prompt denies. */
function contradiction(before: Analysis, expansion: string): ExpanderFault | undefined {
  const after = analyse(expansion)
  for (const topic of ONCE) {
    const said = before.words.get(topic)
    const second =
      said && [...(after.words.get(topic) ?? [])].find((word) => !VAGUE.has(word) && !known(before, word))
    if (second) return { reason: "second", topic, word: second }
  }
  // The user's own denial is repeated in the expansion; only a mention beyond it contradicts.
  const denied = after.tokens.find(
    ({ word }) => isDenied(before, word) && times(after, word) > times(before, word),
  )
  return denied && { reason: "denied", word: denied.word }
}

/** Words that speak of a topic without naming anything of it. */
const VAGUE = new Set(
  "style styled art artwork texture background backdrop scene setting light lighting lights lit color colors colour colours colored palette tone tones hue hues shadow shadows".split(
    " ",
  ),
)
const known = (a: Analysis, word: string): boolean => times(a, word) > 0
const times = (a: Analysis, word: string): number => a.tokens.filter((t) => isSameWord(t.word, word)).length

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
