// What each position of the dial allows. The one place to turn when the judge says too much or too little.
import type { Aspect } from "./aspects.ts"

/** Positions of the dial for which the tables below hold numbers; between them they are interpolated. */
const POSITIONS = [0, 10, 50, 100] as const
type Row = readonly [raw: number, low: number, medium: number, high: number]

/** Probability that an open aspect is filled. */
const CHANCE: Readonly<Record<Aspect, Row>> = {
  style: [0, 1, 1, 1],
  setting: [0, 1, 1, 1],
  light: [0, 0, 0.4, 0.75],
  palette: [0, 0, 0.5, 0.8],
  composition: [0, 0, 0.6, 0.85],
  mood: [0, 0, 0, 0.85],
  companion: [0, 0, 0, 0.35],
}

/** How far from the ordinary an idea lies: 0 what anyone would expect, 1 a choice, 2 a liberty. */
export type Tier = 0 | 1 | 2

/** Probability of an idea of at least tier 1. */
const CHOICE: Row = [0, 0, 0.8, 0.97]
/** Probability of one of tier 2. Rarer in a setting: away from where it lives a subject is drawn less well. */
const LIBERTY: Readonly<Partial<Record<Aspect, Row>>> = { style: [0, 0, 0, 1], setting: [0, 0, 0, 0.4] }
const ANY_LIBERTY: Row = [0, 0, 0, 0.6]

function at(creativity: number, row: Row): number {
  const c = Math.min(100, Math.max(0, creativity))
  const i = Math.max(
    0,
    POSITIONS.findLastIndex((p) => p <= c && p < 100),
  )
  const [from, to] = [POSITIONS[i]!, POSITIONS[i + 1]!]
  return row[i]! + ((row[i + 1]! - row[i]!) * (c - from)) / (to - from)
}

/** `drawn` in [0, 1) does not depend on the dial: turning it up keeps every aspect that was there. */
export const isWanted = (aspect: Aspect, creativity: number, drawn: number): boolean =>
  drawn < at(creativity, CHANCE[aspect])

export function tierOf(creativity: number, drawn: number, aspect: Aspect): Tier {
  if (drawn < at(creativity, LIBERTY[aspect] ?? ANY_LIBERTY)) return 2
  return drawn < at(creativity, CHOICE) ? 1 : 0
}
