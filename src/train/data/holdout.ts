// Combinations that no training picture may show, so that composing is examined and not memory. Imports the hash.

import { hash } from "./random.ts"

export type Combination = "style" | "colour" | "pair"
/** Share of each kind of combination that is kept for the examination. */
const HELD_OUT_SHARE = 0.05

/**
 * Whether a combination is kept out of training. "style" and "colour" take (word, concept id); "pair" takes the two
 * concept ids in the order in which they stand, left to right or top to bottom, so that "a left of b" and "b right of a"
 * are one combination. Decided by hash: trainer and judge agree without a list.
 *
 * Two things are not kept out. A colour that some drawing wears by itself can still be seen, only never named: the judge
 * passes over those. And of three things the first and the last may be such a pair, whose places no caption tells.
 */
export const heldOut = (kind: Combination, first: string, second: string): boolean =>
  hash(`atelier ${kind} ${first} ${second}`) / 2 ** 32 < HELD_OUT_SHARE
