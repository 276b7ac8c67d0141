// What can be drawn: about 450 things and 40 people with their names, plurals and synonyms. Imports their tables.

import { TABLE } from "./concept-table.ts"
import { PEOPLE_TABLE } from "./people-table.ts"

/** How a thing meets the scene: stands on the ground, hangs in the air, or swims. */
export type Posture = "ground" | "air" | "water"

export interface Concept {
  /** Name of the drawing in the emoji sets, also the concept's stable id: "fire-engine". */
  readonly id: string
  /** What captions call it: "fire truck". */
  readonly name: string
  readonly plural: string
  readonly article: "a" | "an"
  readonly group: string
  readonly posture: Posture
  /** Other names that training captions use now and then. */
  readonly synonyms: readonly string[]
  /** Other names that no training caption ever uses: the examination of unseen words. */
  readonly reserved: readonly string[]
}

const IRREGULAR = /(s|sh|ch|x|z)$/

/** The regular plural. */
export function pluralOf(name: string): string {
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`
  return IRREGULAR.test(name) ? `${name}es` : `${name}s`
}

/** "a" or "an" before a word, by its first sound. */
export function articleOf(word: string): "a" | "an" {
  return /^([aeio]|u(?!ni|fo|k))/.test(word) ? "an" : "a"
}

const list = (text: string | undefined): string[] =>
  (text ?? "")
    .split(",")
    .map((s) => s.trim())
    .filter(Boolean)

/** Reads one line of the table; group and posture are those of the heading above it. */
function parse(line: string, group: string, usual: Posture): Concept {
  const [head = "", synonyms, reserved] = line.split(";")
  const m = /^(\S+)(?: \[(\w+)\])?(?: = ([^(]+?))?(?: \((.+)\))?\s*$/.exec(head.trim())
  if (!m) throw new Error(`the concept line ${JSON.stringify(line)} has no readable id`)
  const [, id = "", posture = usual, name = id.replaceAll("-", " "), plural = pluralOf(name)] = m
  return {
    id,
    name,
    plural,
    article: articleOf(name),
    group,
    posture: posture as Posture,
    synonyms: list(synonyms),
    reserved: list(reserved),
  }
}

function parseTable(table: string): Concept[] {
  let group = ""
  let posture: Posture = "ground"
  const concepts: Concept[] = []
  for (const line of table.trim().split("\n")) {
    const heading = /^# (\w+) (\w+)$/.exec(line)
    if (heading) [, group, posture] = heading as unknown as [string, string, Posture]
    else concepts.push(parse(line, group, posture))
  }
  return concepts
}

export const CONCEPTS: readonly Concept[] = [...parseTable(TABLE), ...parseTable(PEOPLE_TABLE)]

export const isPerson = ({ group }: Pick<Concept, "group">): boolean => group === "person"

/** All concepts but people, of whom the first lots of the training art know nothing. */
export const THINGS: readonly Concept[] = CONCEPTS.filter((c) => !isPerson(c))

/** The concepts that people ask for most: a short training learns these first. */
export const FOCUS: readonly string[] = `
  dog cat fox lion tiger horse unicorn cow pig rabbit bear panda elephant giraffe koala penguin owl duck parrot frog
  turtle dragon snail honeybee butterfly fish octopus spouting-whale shark crab
  rose sunflower tulip evergreen-tree deciduous-tree palm-tree cactus mushroom
  red-apple banana strawberry pineapple watermelon lemon carrot hamburger pizza ice-cream doughnut cupcake bread
  hot-beverage teapot house castle church tent snow-capped-mountain
  train bus automobile bicycle sailboat airplane helicopter rocket balloon
  crescent-moon sun star cloud rainbow snowflake fire umbrella christmas-tree jack-o-lantern wrapped-gift
  soccer-ball basketball kite teddy-bear guitar violin drum trumpet camera alarm-clock light-bulb candle
  open-book pencil key hammer crown gem-stone bell robot ghost skull heart-suit anchor
`
  .trim()
  .split(/\s+/)
