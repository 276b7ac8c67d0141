// Captions: what is said of a scene, in many word orders, and what exactly was said. Imports the tables.

import type { BackgroundColour, BackgroundKind } from "./backgrounds.ts"
import { COLOURS, type Colour } from "./colours.ts"
import { articleOf, CONCEPTS, type Concept, isPerson } from "./concepts.ts"
import { heldOut } from "./holdout.ts"
import type { Random } from "./random.ts"
import type { Relation, Scene, Size } from "./scene.ts"
import { STYLE_TRAITS, STYLES, type Style } from "./styles/names.ts"

/** A caption, the same caption without its style words, and the facts it names. All lower-case words. */
export interface Caption {
  readonly caption: string
  readonly styleless: string
  readonly said: Said
}

/** Only what the caption states; whatever is absent was left open. */
export interface Said {
  readonly style?: Style
  readonly size?: Size
  readonly count?: number
  readonly relation?: Relation
  readonly background?: BackgroundKind
  readonly backgroundColour?: BackgroundColour
  /** Per object, in the scene's order: the word used for it and its colour if named. */
  readonly objects: readonly { readonly concept: string; readonly word: string; readonly colour?: Colour }[]
}

export const NUMBERS = ["one", "two", "three", "four"] as const
export const PLACE_WORDS: Readonly<Record<string, readonly string[]>> = {
  meadow: ["in a meadow", "in a green meadow", "on the grass", "in a field"],
  night: ["at night", "under the stars", "under a starry sky", "in the moonlight"],
  space: ["in space", "in outer space", "among the stars in space"],
  sea: ["on the sea", "on the ocean", "by the sea"],
  underwater: ["under water", "under the sea", "underwater"],
  desert: ["in the desert", "in a sandy desert", "among sand dunes"],
  snow: ["in the snow", "in a snowy landscape", "in winter"],
  room: ["in a room", "inside a room", "indoors"],
  forest: ["in the forest", "in a forest", "in the woods"],
  city: ["in the city", "in a city street", "in front of a city skyline"],
  beach: ["on the beach", "at the beach", "on a sandy beach"],
  sunset: ["at sunset", "in front of a sunset", "at dusk"],
  mountains: ["in the mountains", "in front of mountains", "among high mountains"],
}

/** Places as what a picture shows, all of words that other captions have, too. */
const VIEW_WORDS: Readonly<Record<string, readonly string[]>> = {
  meadow: ["a meadow", "a green meadow", "a green field", "a meadow landscape"],
  night: ["the night sky", "a starry sky", "a starry night sky", "a landscape at night"],
  space: ["outer space", "the stars in space"],
  sea: ["the sea", "the ocean"],
  underwater: ["under the sea", "the sea under water"],
  desert: ["a desert", "a sandy desert", "a desert landscape", "sand dunes in the desert"],
  snow: ["a snowy landscape", "a winter landscape", "a landscape in the snow"],
  room: ["a room"],
  forest: ["a forest", "the woods", "a forest landscape"],
  city: ["a city", "a city street", "a city skyline"],
  beach: ["a beach", "a sandy beach", "the beach"],
  sunset: ["a sunset", "a landscape at sunset", "the sky at dusk"],
  mountains: ["high mountains", "a mountain landscape", "the mountains"],
}

/** How often a picture of one person is called a portrait. */
const PORTRAIT = 0.2

const BY_ID = new Map(CONCEPTS.map((c) => [c.id, c]))
const join = (...parts: readonly (string | undefined)[]): string => parts.filter(Boolean).join(" ")
const withArticle = (words: string): string => `${articleOf(words)} ${words}`

/** One caption of a scene; other draws of `r` give other captions of the same picture. */
export function captionOf(scene: Scene, r: Random): Caption {
  if (scene.layout === "view") return viewCaption(scene, r)
  const trait = STYLE_TRAITS[scene.style]
  const style = r.chance(trait.native ? 0.45 : 0.95) ? scene.style : undefined
  const colours = trait.colours
  const first = BY_ID.get(scene.objects[0]!.concept)!
  const size = scene.layout === "single" && scene.size !== "normal" && r.chance(0.75) ? scene.size : undefined
  const said: { -readonly [K in keyof Said]: Said[K] } = {
    objects: [],
    ...(style && { style }),
    ...(size && { size }),
  }

  const nameOf = (i: number): { word: string; colour?: Colour } => {
    const o = scene.objects[i]!
    const c = BY_ID.get(o.concept)!
    const word = c.synonyms.length && r.chance(0.15) ? r.pick(c.synonyms) : c.name
    const may = colours && o.colour && !heldOut("colour", o.colour, c.id) ? o.colour : undefined
    return may && r.chance(o.tint ? 0.9 : 0.35) ? { word, colour: may } : { word }
  }
  const background = backgroundWords(scene, r, said)

  if (scene.layout === "single" || scene.layout === "count") {
    const count = scene.objects.length
    const one = nameOf(0)
    const word = count > 1 ? first.plural : one.word
    said.objects = scene.objects.map(() => ({
      concept: first.id,
      word,
      ...(one.colour && { colour: one.colour }),
    }))
    if (count > 1) said.count = count
    const portrayed = count === 1 && isPerson(first) && r.fork("portrait").chance(PORTRAIT)
    const named = join(count > 1 ? NUMBERS[count - 1] : size, one.colour, word)
    const bare = portrayed ? `portrait of ${withArticle(named)}` : named
    return {
      ...phrase({
        bare,
        whole: count > 1 ? bare : withArticle(bare),
        plural: count > 1,
        background,
        style,
        r,
      }),
      said,
    }
  }
  const names = scene.objects.map((_, i) => nameOf(i))
  said.objects = names.map((nm, i) => ({ concept: scene.objects[i]!.concept, ...nm }))
  const wholes = names.map((nm) => withArticle(join(nm.colour, nm.word)))
  let whole: string
  if (scene.layout === "pair") {
    said.relation = scene.relation!
    whole = relationWords(wholes, scene.relation!, r)
  } else whole = `${wholes[0]} ${wholes[1]} and ${wholes[2]}`
  return { ...phrase({ bare: whole, whole, plural: true, background, style, r }), said }
}

/** What is said of a place with nothing in it. */
function viewCaption({ background: { kind, colour }, style }: Scene, r: Random): Caption {
  const named = r.chance(STYLE_TRAITS[style].native ? 0.45 : 0.95) ? style : undefined
  const wall = kind === "room" && STYLE_TRAITS[style].background !== "lines" ? colour : undefined
  const whole = wall
    ? r.pick([withArticle(`${wall} room`), `a room with ${wall} walls`])
    : r.pick(VIEW_WORDS[kind]!)
  const bare = whole.replace(/^(a|an|the) /, "")
  return {
    ...phrase({ bare, whole, plural: whole === bare, background: undefined, style: named, r }),
    said: {
      objects: [],
      background: kind,
      ...(wall && { backgroundColour: wall }),
      ...(named && { style: named }),
    },
  }
}

function relationWords([a, b]: readonly string[], relation: Relation, r: Random): string {
  if (relation === "left")
    return r.chance(0.5)
      ? `${a} ${r.pick(["to the left of", "left of"])} ${b}`
      : `${b} ${r.pick(["to the right of", "right of"])} ${a}`
  return r.chance(0.5) ? `${a} ${r.pick(["above", "over"])} ${b}` : `${b} ${r.pick(["below", "under"])} ${a}`
}

function backgroundWords(
  scene: Scene,
  r: Random,
  said: { background?: BackgroundKind; backgroundColour?: BackgroundColour },
): string | undefined {
  const { kind, colour } = scene.background
  const lines = STYLE_TRAITS[scene.style].background === "lines"
  const places = PLACE_WORDS[kind]
  if (!places && lines) return undefined
  if (r.chance(0.13)) return undefined
  said.background = kind
  if (places) {
    if (kind !== "room" || !colour || lines) return r.pick(places)
    said.backgroundColour = colour
    return r.pick(
      [`in a ${colour} room`, `in a room with a ${colour} wall`, `in a room with ${colour} walls`].map((w) =>
        w.replace("a orange", "an orange"),
      ),
    )
  }
  said.backgroundColour = colour!
  const words =
    kind === "plain"
      ? r.pick([`${colour} background`, `plain ${colour} background`, `solid ${colour} background`])
      : kind === "gradient"
        ? r.pick([`${colour} gradient background`, `${colour} gradient`])
        : kind === "polka dots"
          ? r.pick([`${colour} polka dot background`, `${colour} background with polka dots`])
          : r.pick([`${colour} striped background`, `${colour} background with stripes`])
  return r.pick([`on ${withArticle(words)}`, `on ${withArticle(words)}`, words])
}

/** Puts style, subject and background in one of several orders; drops the style for the twin caption. */
function phrase(p: {
  bare: string
  whole: string
  plural: boolean
  background: string | undefined
  style: Style | undefined
  r: Random
}): { caption: string; styleless: string } {
  const { bare, whole, plural, background, style, r } = p
  const subject = r.chance(0.22) && !plural ? bare : whole
  const frontal =
    background !== undefined && /^(on|in|at|under|among|by|inside)/.test(background) && r.chance(0.06)
  const order = (s: string): string => (frontal ? join(background, s) : join(s, background))
  const styleless = order(subject)
  if (!style) return { caption: styleless, styleless }
  const trait = STYLE_TRAITS[style]
  const adjective = r.pick(trait.adjectives)
  const noun = r.chance(0.65) ? trait.nouns[0]! : r.pick(trait.nouns)
  const forms: (() => string)[] = [
    () => order(`${withArticle(noun)} of ${subject}`),
    () => order(`${noun} of ${subject}`),
    () => join(order(subject), noun),
    () => join(order(subject), `as ${withArticle(noun)}`),
    () => join(order(subject), `in ${adjective} style`),
    () => join(`${adjective} style`, order(subject)),
    () => join(noun, order(subject)),
  ]
  if (!plural)
    for (let k = 0; k < 4; k++)
      forms.push(() => order(subject === bare ? `${adjective} ${bare}` : withArticle(`${adjective} ${bare}`)))
  else if (/^(two|three|four) /.test(bare))
    forms.push(() => order(bare.replace(/^(\w+) /, `$1 ${adjective} `)))
  return { caption: r.pick(forms)(), styleless }
}

export type WordKind =
  | "colour"
  | "number"
  | "relation"
  | "style"
  | "size"
  | "background"
  | "concept"
  | "function"
export interface VocabularyWord {
  readonly word: string
  readonly kinds: readonly WordKind[]
  /** Occurs in no training caption; kept for the examination of unseen synonyms. */
  readonly reserved: boolean
}

/** Every word a caption can hold, with what it speaks of, and the reserved ones. Sorted. */
export function vocabulary(concepts: readonly Concept[] = CONCEPTS): VocabularyWord[] {
  const kinds = new Map<string, Set<WordKind>>()
  const add = (kind: WordKind, ...texts: readonly string[]): void => {
    for (const text of texts)
      for (const word of text.split(" ")) kinds.set(word, (kinds.get(word) ?? new Set<WordKind>()).add(kind))
  }
  add("colour", ...COLOURS)
  add("number", ...NUMBERS)
  add("relation", "left", "right", "above", "over", "below", "under")
  add("size", "small", "large")
  for (const s of STYLES) add("style", ...STYLE_TRAITS[s].adjectives, ...STYLE_TRAITS[s].nouns)
  for (const words of [...Object.values(PLACE_WORDS), ...Object.values(VIEW_WORDS)])
    add("background", ...words)
  add("background", "plain solid gradient polka dot dots striped stripes background room wall walls")
  add("function", "a an and of in on at to the with as style portrait")
  for (const c of concepts) add("concept", c.name, c.plural, ...c.synonyms)
  const known = new Set(kinds.keys())
  for (const c of concepts) add("concept", ...c.reserved)
  return [...kinds]
    .map(([word, k]) => ({ word, kinds: [...k], reserved: !known.has(word) }))
    .sort((a, b) => (a.word < b.word ? -1 : 1))
}
