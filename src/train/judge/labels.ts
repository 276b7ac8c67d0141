// The classes the judge tells apart, in the fixed order of its outputs, and what is kept from its training.
import { type BackgroundKind, PLACES, PLAIN_KINDS } from "../data/backgrounds.ts"
import { CONCEPTS } from "../data/concepts.ts"
import { hash } from "../data/random.ts"
import { STYLES, type Style } from "../data/styles/names.ts"

export const CONCEPT_IDS: readonly string[] = CONCEPTS.map((c) => c.id)
export const STYLE_NAMES: readonly Style[] = STYLES
export const BACKGROUND_NAMES: readonly BackgroundKind[] = [...PLAIN_KINDS, ...PLACES]

const places = (names: readonly string[]): ReadonlyMap<string, number> => new Map(names.map((n, i) => [n, i]))
const CONCEPT_PLACES = places(CONCEPT_IDS)
const STYLE_PLACES = places(STYLE_NAMES)
const BACKGROUND_PLACES = places(BACKGROUND_NAMES)

const placeIn =
  (map: ReadonlyMap<string, number>, what: string) =>
  (name: string): number => {
    const place = map.get(name)
    if (place === undefined) throw new Error(`The judge knows no ${what} "${name}".`)
    return place
  }
export const conceptIndex = placeIn(CONCEPT_PLACES, "concept")
export const styleIndex = placeIn(STYLE_PLACES, "style")
export const backgroundIndex = placeIn(BACKGROUND_PLACES, "background")

/**
 * Concepts whose pictures by the model's own drawing sets the classifier never sees in training, not even for
 * their style: one in eight, by hash. The style figures of the self-examination come from these.
 */
export const styleReserve = (concept: string): boolean => hash(`atelier judge style ${concept}`) % 8 === 0
