// The built-in expander: fills what a prompt leaves open, from a list of ideas, by lots that depend on prompt and seed.
import type { Note } from "../../request/notes.ts"
import { LIMITS } from "../../request/request.ts"
import { wordsOf } from "../../sampling/words.ts"
import { type Analysis, analyse, denying, isDenied } from "./analyse.ts"
import { type Addition, ASPECTS, type Expansion, type ExpansionRequest } from "./aspects.ts"
import { draw, pick, turn } from "./draw.ts"
import { EMBEDDED } from "./embedded.ts"
import type { Idea, IdeaList } from "./ideas.ts"
import { isWanted, type Tier, tierOf } from "./levels.ts"
import { ARTICLES, DETERMINERS } from "./lexicon.ts"

const UNREAD: Note = {
  code: "prompt_unread",
  message: "The prompt could not be read as English; nothing was added to it.",
}

/**
 * Expands a prompt by `creativity` 0..100. At 0, for an empty prompt and for one that cannot be read it is returned
 * byte for byte; otherwise the user's words stay in their order, with additions before, between and after them.
 */
export function expandPrompt(request: ExpansionRequest, list: IdeaList = EMBEDDED): Expansion {
  const { prompt, creativity, seed } = request
  if (!(creativity > 0) || wordsOf(prompt).length === 0) return { prompt, additions: [] }
  const analysis = denying(analysed(prompt), request.avoid ?? "")
  if (!analysis.isReadable) return { prompt, additions: [], notes: [UNREAD] }
  const key = `${seed}\n${prompt}\n`
  const places = {
    head: takesHead(prompt, analysis),
    tail: true,
    size: true,
    companion: takesCompanion(prompt, analysis),
  }
  const chosen: Idea[] = []
  for (const group of list.groups) {
    const open = group.filter(
      (aspect) =>
        !(request.hasLook && aspect === "style") &&
        isWanted(aspect, creativity, draw(`${key}wants ${aspect}`)) &&
        !list.closedBy[aspect].some((topic) => analysis.said.has(topic)),
    )
    if (open.length === 0) continue
    const fitting = list.ideas.filter(
      (idea) =>
        idea.aspects.every((a) => open.includes(a)) &&
        places[idea.place] &&
        fits(idea, prompt, analysis, chosen, list),
    )
    const idea = choose(fitting, tierOf(creativity, draw(`${key}tier ${group[0]}`), group[0]!), analysis, {
      key: key + group[0],
      prompt,
      seed,
    })
    if (idea) chosen.push(idea)
  }
  return render(prompt, chosen, analysis, list)
}

/** Kept, for a batch expands one prompt many times. */
const analyses = new Map<string, Analysis>()
function analysed(prompt: string): Analysis {
  const known = analyses.get(prompt)
  if (known) return known
  if (analyses.size >= 32) analyses.clear()
  const analysis = analyse(prompt)
  analyses.set(prompt, analysis)
  return analysis
}

/** Words of an idea, articles left out. */
const ideaWords = new WeakMap<Idea, string[]>()
const wordsOfIdea = (idea: Idea): string[] =>
  ideaWords.get(idea) ?? ideaWords.set(idea, wordsOf(idea.text)).get(idea)!

function fits(idea: Idea, prompt: string, a: Analysis, chosen: readonly Idea[], list: IdeaList): boolean {
  if (a.said.has("palette") && (idea.bringsColour || idea.losesColour)) return false
  if (a.said.has("light") && idea.bringsLight) return false
  if (idea.ofThings && showsPlace(a)) return false
  // A plain ground says no colour, so it stays.
  if (idea.bringsColour && names(a, list.losing)) return false
  const isGround = idea.isGround || (a.said.has("setting") && a.said.has("palette"))
  if (idea.losesGround && isGround) return false
  if (idea.isGround && chosen.some((c) => c.losesGround)) return false
  if (idea.bringsColour && chosen.some((c) => c.losesColour)) return false
  if (idea.losesPattern && a.tokens.some(({ word }) => list.patterns?.has(word))) return false
  if (idea.isPattern && (names(a, list.washing) || chosen.some((c) => c.losesPattern))) return false
  const words = wordsOfIdea(idea)
  if ([...words, ...(idea.shows ?? [])].some((word) => isDenied(a, word))) return false
  if (idea.place === "companion" && a.subjects.some((s) => idea.text.endsWith(s.name))) return false
  if (idea.place === "size" && sizePosition(idea.text, a) === undefined) return false
  const [w, c] = chosen.reduce(([w, c], i) => [w + wordsOfIdea(i).length, c + i.text.length + 2], [0, 0])
  return (
    a.length + w + words.length <= list.mostWords &&
    prompt.length + c + idea.text.length + 2 <= LIMITS.promptCharacters
  )
}

/** Whether the prompt itself asks for one of these looks. */
const names = ({ words }: Analysis, looks: ReadonlySet<string> | undefined): boolean =>
  looks !== undefined && [...(words.get("style") ?? [])].some((word) => looks.has(word))

/** Words that make a place of what else is named: "a mountain landscape", "the night sky full of stars". */
const VIEWS: ReadonlySet<string> = new Set(
  "landscape landscapes scenery sky skies skyline panorama view".split(" "),
)

/** Whether a prompt shows a place, as far as is known, and no thing in it. */
const showsPlace = ({ subjects, tokens }: Analysis): boolean =>
  subjects.length === 0 || tokens.some(({ word }) => VIEWS.has(word))

/** What lots are drawn by. */
interface Lots {
  /** Of prompt, seed and question. */
  key: string
  prompt: string
  seed: number
}

/**
 * One of the tier, or of the nearest tamer one, natural to the subject if any is. Which aspects it fills is drawn
 * first, so that many coloured grounds do not crowd out a few places, and then the look, so that one of many names does not
 * crowd out others. Looks that are liberties take turns by seed, so that a batch shows as many as it can.
 */
function choose(
  ideas: readonly Idea[],
  tier: Tier,
  a: Analysis,
  { key, prompt, seed }: Lots,
): Idea | undefined {
  const kind = a.subjects[0]?.kind
  for (const t of [tier, tier - 1, tier - 2, tier + 1, tier + 2]) {
    const here = ideas.filter((i) => i.tier === t)
    const natural = here.filter((i) => !i.suits || !kind || i.suits.includes(kind))
    const groups = [...Map.groupBy(natural.length > 0 ? natural : here, (i) => i.aspects.join()).values()]
    const group = pick(groups, `${key} aspects`)
    const looks = [...Map.groupBy(group ?? [], ({ look }) => look).values()]
    const look = looks.length < 2 ? group : t === 2 ? turn(looks, seed, prompt) : pick(looks, `${key} look`)
    if (look) return pick(look, `${key} tier ${t}`)
  }
  return undefined
}

/** "a watercolor of ..." needs a noun phrase behind it: one clause that begins with an article or the thing itself. */
function takesHead(prompt: string, { tokens, subjects }: Analysis): boolean {
  const first = tokens[0]!
  const begins = ARTICLES.has(first.word) || subjects.some((s) => s.from === 0)
  return begins && first.start === 0 && /^\p{Ll}/u.test(prompt) && !/[.,;:!?\n"“«]/.test(prompt)
}

/** The character before which a size can stand so that the article before it stays right, or undefined. */
function sizePosition(size: string, { tokens, subjects, said }: Analysis): number | undefined {
  const subject = subjects[0]
  if (!subject || subject.isPlural || said.has("count")) return undefined
  let i = subject.from
  while (i > 0 && !tokens[i]!.broken && !DETERMINERS.has(tokens[i - 1]!.word)) i--
  const before = tokens[i - 1]?.word
  if (before === "an" && !/^[aeiou]/.test(size)) return undefined
  // Nothing but adjectives may stand between: "a fox in love with a bear" has its subject first.
  return subject.from - i <= 2 ? tokens[i]!.start : undefined
}

/** A second thing goes right behind the first, where nothing else is said. */
function takesCompanion(prompt: string, { tokens, subjects }: Analysis): boolean {
  const [subject] = subjects
  return (
    subjects.length === 1 && subject!.to === tokens.length && tokens.at(-1)!.end === prompt.trimEnd().length
  )
}

function render(prompt: string, chosen: readonly Idea[], a: Analysis, list: IdeaList): Expansion {
  if (chosen.length === 0) return { prompt, additions: [] }
  const at = (place: Idea["place"]): Idea[] => chosen.filter((idea) => idea.place === place)
  let text = prompt.trimEnd()
  const [size] = at("size")
  if (size) {
    const position = sizePosition(size.text, a)!
    text = `${text.slice(0, position)}${size.text} ${text.slice(position)}`
  }
  const [head] = at("head")
  if (head) text = `${head.text} ${text}`
  const isSentence = /[.!?…。]["”»']?$/.test(text)
  const comma = list.joined === "list" || /[,;:\n]/.test(text) ? ", " : " "
  // Companion first, for it belongs to the subject; style last, as captions have it.
  const tail = [...at("companion"), ...at("tail").toSorted((x, y) => order(y) - order(x))]
  const written = new Map(chosen.map((idea) => [idea, idea.text]))
  tail.forEach((idea, i) => {
    const capital = isSentence && i === 0
    const words = capital ? idea.text[0]!.toUpperCase() + idea.text.slice(1) : idea.text
    written.set(idea, words)
    text += (capital || /[,;:\n]$/.test(text) ? " " : i > 0 && isSentence ? ", " : comma) + words
  })
  const additions = chosen.flatMap((idea) =>
    idea.aspects.map((aspect): Addition => {
      return { text: aspect === "palette" && idea.colour ? idea.colour : written.get(idea)!, aspect }
    }),
  )
  return { prompt: text, additions }

  function order(idea: Idea): number {
    return list.joined === "phrase" ? rank(idea) : -rank(idea)
  }
}

const rank = (idea: Idea): number => ASPECTS.indexOf(idea.aspects[0])
