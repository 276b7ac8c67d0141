// The fixed prompts of the judge and how they were drawn up; prompts.jsonl holds them. Rebuild: --write-prompts.
import { readFileSync } from "node:fs"
import {
  BACKGROUND_COLOURS,
  type BackgroundColour,
  type BackgroundKind,
  PLACES,
  PLAIN_KINDS,
  type Place,
} from "../data/backgrounds.ts"
import { NUMBERS, vocabulary } from "../data/captions.ts"
import { COLOURS, type Colour } from "../data/colours.ts"
import { articleOf, CONCEPTS, type Concept, isPerson, THINGS } from "../data/concepts.ts"
import { heldOut } from "../data/holdout.ts"
import { hash } from "../data/random.ts"
import type { Relation } from "../data/scene.ts"
import { STYLE_TRAITS, STYLES, type Style } from "../data/styles/names.ts"

export const GROUPS = [
  "concept",
  "style",
  "background",
  "colour",
  "count",
  "relation",
  "combination",
  "synonym",
  "spread",
  "person",
] as const
export type Group = (typeof GROUPS)[number]

/** A prompt, the seed of its picture, and everything it states. */
export interface Prompt {
  readonly id: string
  readonly group: Group
  readonly prompt: string
  readonly seed: number
  /** One, or two in the order in which they must stand: left to right, top to bottom. */
  readonly concepts: readonly string[]
  readonly style?: Style
  readonly background?: BackgroundKind
  readonly backgroundColour?: BackgroundColour
  /** Of the object. */
  readonly colour?: Colour
  readonly count?: number
  readonly relation?: Relation
  /** In "combination" and "synonym": whether training has shown this combination or word. */
  readonly seen?: boolean
}

/** What of the drawings the choice of prompts depends on. */
export interface Traits {
  /** Concepts most of whose drawings may be recoloured, each with the colours its drawings wear by themselves. */
  readonly recolourable: ReadonlyMap<string, ReadonlySet<Colour>>
  /** Concepts that are drawn in one piece, so that pieces can be counted. */
  readonly compact: ReadonlySet<string>
}

const PLACE_PHRASES: Readonly<Record<Place, string>> = {
  meadow: "in a meadow",
  night: "at night",
  space: "in space",
  sea: "on the sea",
  underwater: "under water",
  desert: "in the desert",
  snow: "in the snow",
  room: "in a room",
  forest: "in the forest",
  city: "in the city",
  beach: "on the beach",
  sunset: "at sunset",
  mountains: "in the mountains",
}
const PATTERN_PHRASES = {
  plain: ["plain", "background"],
  gradient: ["", "gradient background"],
  "polka dots": ["", "polka dot background"],
  stripes: ["", "striped background"],
} as const

const withArticle = (words: string): string => `${articleOf(words)} ${words}`
const onGround = (kind: (typeof PLAIN_KINDS)[number], colour: BackgroundColour): string => {
  const [before, after] = PATTERN_PHRASES[kind]
  return `on ${withArticle([before, colour, after].filter(Boolean).join(" "))}`
}

/** Items in an order that depends on nothing but their names and the purpose. */
const shuffled = <T>(items: readonly T[], name: (item: T) => string, purpose: string): T[] =>
  [...items].sort((a, b) => hash(`${purpose} ${name(a)}`) - hash(`${purpose} ${name(b)}`))

const HUES = COLOURS.slice(0, 8)
/** Background colours on which an object of a colour stands out. */
const CONTRAST: Readonly<Record<string, BackgroundColour>> = {
  red: "white",
  orange: "blue",
  yellow: "purple",
  green: "white",
  blue: "white",
  purple: "yellow",
  pink: "teal",
  teal: "white",
}

/** All prompts, decided by names and traits alone: the same drawings give the same lines. */
export function drawUpPrompts(traits: Traits): Prompt[] {
  const prompts: Prompt[] = []
  const add = (
    group: Group,
    prompt: string,
    truth: Omit<Prompt, "id" | "group" | "prompt" | "seed">,
    seed?: number,
  ): void => {
    const id = `${group}-${String(prompts.filter((p) => p.group === group).length).padStart(3, "0")}`
    prompts.push({ id, group, prompt, seed: seed ?? hash(`judge seed ${id}`) % 1_000_000, ...truth })
  }
  const order = (purpose: string, from: readonly Concept[] = THINGS): Concept[] =>
    shuffled(from, (c) => c.id, purpose)
  const byId = new Map(CONCEPTS.map((c) => [c.id, c]))

  for (const [i, c] of order("concept").slice(0, 120).entries())
    add("concept", i % 5 === 4 ? c.name : withArticle(c.name), { concepts: [c.id] })

  const styled = (style: Style, c: Concept, form: number): string => {
    const { adjectives, nouns } = STYLE_TRAITS[style]
    const adjective = adjectives[form % adjectives.length]!
    if (form % 3 === 0) return withArticle(`${adjective} ${c.name}`)
    return form % 3 === 1
      ? `${withArticle(nouns[0]!)} of ${withArticle(c.name)}`
      : `${withArticle(c.name)} in ${adjective} style`
  }
  for (const style of STYLES)
    for (const [i, c] of order(`style ${style}`)
      .filter((c) => !heldOut("style", style, c.id))
      .slice(0, 8)
      .entries())
      add("style", styled(style, c, i), { concepts: [c.id], style })

  const grounds = order("background")
  for (const [k, kind] of PLAIN_KINDS.entries())
    for (const [i, colour] of BACKGROUND_COLOURS.entries()) {
      const rounds = kind === "plain" ? 2 : 1
      for (let round = 0; round < rounds; round++) {
        const c = grounds[k * 23 + i * 2 + round]!
        add("background", `${withArticle(c.name)} ${onGround(kind, colour)}`, {
          concepts: [c.id],
          background: kind,
          backgroundColour: colour,
        })
      }
    }
  for (const [k, place] of PLACES.entries())
    for (const c of grounds.slice(110 + k * 4, 114 + k * 4))
      add("background", `${withArticle(c.name)} ${PLACE_PHRASES[place]}`, {
        concepts: [c.id],
        background: place,
      })

  const tintable = [...traits.recolourable.keys()].map((id) => byId.get(id)!)
  const coloured = (c: Concept, colour: Colour): string =>
    `${withArticle(`${colour} ${c.name}`)} ${onGround("plain", CONTRAST[colour]!)}`
  const tinted = (colour: Colour) => ({
    background: "plain" as const,
    backgroundColour: CONTRAST[colour]!,
    colour,
  })
  for (const colour of HUES)
    for (const c of order(`colour ${colour}`, tintable)
      .filter((c) => !heldOut("colour", colour, c.id))
      .slice(0, 10))
      add("colour", coloured(c, colour), { concepts: [c.id], ...tinted(colour) })

  const compact = THINGS.filter((c) => traits.compact.has(c.id))
  for (const count of [2, 3, 4])
    for (const [i, c] of order(`count ${count}`, compact).slice(0, 26).entries()) {
      const backgroundColour = BACKGROUND_COLOURS[(i * 3 + count) % 10]!
      const background = i % 2 ? ("gradient" as const) : ("plain" as const)
      add("count", `${NUMBERS[count - 1]} ${c.plural} ${onGround(background, backgroundColour)}`, {
        concepts: [c.id],
        count,
        background,
        backgroundColour,
      })
    }

  const WORDS = [
    ["left", "to the left of"],
    ["left", "to the right of"],
    ["above", "above"],
    ["above", "below"],
  ] as const
  const pairPrompt = (first: Concept, second: Concept, word: (typeof WORDS)[number], i: number) => {
    const turned = word[1] === "below" || word[1].includes("right")
    const [said, other] = turned ? [second, first] : [first, second]
    const backgroundColour = (["white", "blue", "yellow", "pink", "green"] as const)[i % 5]!
    const text = `${withArticle(said.name)} ${word[1]} ${withArticle(other.name)} ${onGround("plain", backgroundColour)}`
    return [
      text,
      { concepts: [first.id, second.id], relation: word[0], background: "plain", backgroundColour },
    ] as const
  }
  /** Pairs whose second member stands `step` further on in a shuffled list; held out from training or not. */
  const pairs = (purpose: string, held: boolean, count: number): [Concept, Concept][] => {
    const found: [Concept, Concept][] = []
    const list = order(purpose, compact)
    for (let step = 1; found.length < count && step < list.length; step++)
      for (let i = 0; i < list.length && found.length < count; i += 3) {
        const [a, b] = [list[i]!, list[(i + step * 7) % list.length]!]
        const used = found.some((p) => p.includes(a) || p.includes(b))
        if (a !== b && !used && heldOut("pair", a.id, b.id) === held) found.push([a, b])
      }
    return found
  }
  for (const [i, [a, b]] of pairs("relation", false, 84).entries())
    add("relation", ...pairPrompt(a, b, WORDS[i % 4]!, i))

  for (const held of [true, false]) {
    const seen = !held
    const combinations = STYLES.flatMap((style) =>
      order(`combination ${style}`)
        .filter((c) => heldOut("style", style, c.id) === held)
        .slice(0, 3)
        .map((c) => ({ style, c })),
    )
    for (const [i, { style, c }] of shuffled(combinations, ({ style, c }) => `${style} ${c.id}`, "some")
      .slice(0, 40)
      .entries())
      add("combination", styled(style, c, i), { concepts: [c.id], style, seen })
    const colours = HUES.flatMap((colour) =>
      order(`combination ${colour}`, tintable)
        .filter(
          (c) => heldOut("colour", colour, c.id) === held && !traits.recolourable.get(c.id)!.has(colour),
        )
        .slice(0, 5)
        .map((c) => ({ colour, c })),
    )
    for (const { colour, c } of shuffled(colours, ({ colour, c }) => `${colour} ${c.id}`, "some").slice(
      0,
      30,
    ))
      add("combination", coloured(c, colour), { concepts: [c.id], ...tinted(colour), seen })
    for (const [i, [a, b]] of pairs(`combination ${held}`, held, 30).entries())
      add("combination", ...withSeen(pairPrompt(a, b, WORDS[i % 4]!, i), seen))
  }

  const reserved = new Set(
    vocabulary()
      .filter((w) => w.reserved)
      .map((w) => w.word),
  )
  const unseen = (c: Concept): string | undefined =>
    c.reserved.find((r) => r.split(" ").every((w) => reserved.has(w)))
  for (const c of order("synonym").filter(unseen).slice(0, 60)) {
    const seed = hash(`judge synonym ${c.id}`) % 1_000_000
    add("synonym", withArticle(unseen(c)!), { concepts: [c.id], seen: false }, seed)
    add("synonym", withArticle(c.name), { concepts: [c.id], seen: true }, seed)
  }

  for (const c of order("spread").slice(0, 20))
    for (let k = 0; k < 4; k++)
      add("spread", withArticle(c.name), { concepts: [c.id] }, (hash(`judge spread ${c.id}`) % 1_000_000) + k)

  // Everyone once by name, then in one style after the other: a hundred prompts, after a thousand of things.
  const people = order("person", CONCEPTS.filter(isPerson))
  for (const c of people) add("person", withArticle(c.name), { concepts: [c.id] })
  for (let i = 0; i < 100 - people.length; i++) {
    const [style, c] = [STYLES[i % STYLES.length]!, people[i % people.length]!]
    if (heldOut("style", style, c.id)) add("person", withArticle(c.name), { concepts: [c.id] })
    else add("person", styled(style, c, i), { concepts: [c.id], style })
  }
  return prompts
}

const withSeen = <T>(
  [text, truth]: readonly [string, T],
  seen: boolean,
): readonly [string, T & { seen: boolean }] => [text, { ...truth, seen }]

export const PROMPTS_FILE = new URL("prompts.jsonl", import.meta.url)

const GOLDEN = (Math.sqrt(5) - 1) / 2
/** A sample's size whose figures are quoted in the docs; it stays what it was, every n-th prompt. */
const QUOTED = 660

/**
 * A part of the prompts in which every group keeps its share, and those that are compared with each other stay together: a
 * synonym with the word that training knows, the seeds of one prompt. Each group's are those whose place times the golden
 * ratio has the least fraction: spread evenly, whatever repeats within the group (every second relation is upright).
 */
function sampleOf(all: readonly Prompt[], limit: number): Prompt[] {
  const part = limit / all.length
  const chosen = new Set<Prompt>()
  const single: Prompt[][][] = []
  const take = (units: readonly Prompt[][], count: number): void => {
    const golden = (i: number): number => (i * GOLDEN) % 1
    const order = units.map((unit, i) => ({ unit, at: golden(i) })).sort((a, b) => a.at - b.at)
    for (const { unit } of order.slice(0, count)) for (const p of unit) chosen.add(p)
  }
  for (const [group, prompts] of Map.groupBy(all, (p) => p.group)) {
    const together = group === "synonym" || group === "spread"
    const units = [...Map.groupBy(prompts, (p) => (together ? p.concepts[0] : p.id)).values()]
    if (together) take(units, Math.round(part * units.length))
    else single.push(units)
  }
  // What is left is shared out among the others, so that the sum is the limit.
  const rest = (limit - chosen.size) / single.reduce((n, units) => n + units.length, 0)
  let before = 0
  for (const units of single) {
    const first = Math.round(rest * before)
    before += units.length
    take(units, Math.round(rest * before) - first)
  }
  return all.filter((p) => chosen.has(p))
}

/** The fixed prompts; with a limit, that many of them, so that every group keeps its share. */
export function readPrompts(limit?: number): Prompt[] {
  const lines = readFileSync(PROMPTS_FILE, "utf8").trim().split("\n")
  const all = lines.map((line) => JSON.parse(line) as Prompt)
  if (limit === undefined || limit >= all.length) return all
  if (limit !== QUOTED) return sampleOf(all, limit)
  return Array.from({ length: limit }, (_, i) => all[Math.floor((i * all.length) / limit)]!)
}
