// Ideas for the embedded model: only words that its captions had, in their word order. Imports types and names.
import type { Idea, IdeaList } from "./ideas.ts"
import type { Tier } from "./levels.ts"
import type { Kind } from "./subjects.ts"

/** Words of a prompt that the embedded text tower reads; a closing token is its sixteenth. */
export const EMBEDDED_WORDS = 15

interface Look {
  /** Where it is an idea; nowhere if it hides its subject, by the judge (decision 068): left to those who ask for it. */
  tiers: readonly Tier[]
  nouns: readonly string[]
  adjectives: readonly string[]
  loses?: "colour" | "ground" | "both" | "pattern"
  /** Other words by which a prompt names it. */
  also?: readonly string[]
  /** Does something to things alone: no training picture of a place without one had it. */
  ofThings?: boolean
}

/**
 * The trained style words. "Black silhouette" is left out: it names a colour. Liberties stand in the order in which they take
 * turns: those near one another are the least alike.
 */
const LOOKS: readonly Look[] = [
  { tiers: [0], nouns: ["flat vector illustration", "vector illustration"], adjectives: ["flat vector"] },
  { tiers: [0], nouns: ["cartoon", "cartoon drawing"], adjectives: ["cartoon"] },
  { tiers: [0], nouns: ["3d render"], adjectives: ["3d"] },
  { tiers: [1], nouns: ["comic halftone", "comic book drawing"], adjectives: ["comic halftone"] },
  { tiers: [2], nouns: ["neon sign"], adjectives: ["neon"], loses: "ground" },
  { tiers: [2], nouns: ["sticker"], adjectives: ["sticker"], ofThings: true },
  { tiers: [1, 2], nouns: ["oil painting"], adjectives: ["oil painted"] },
  { tiers: [1, 2], nouns: ["outlined cartoon"], adjectives: ["outlined cartoon"] },
  { tiers: [2], nouns: ["chalkboard drawing", "chalk drawing"], adjectives: ["chalk"], loses: "both" },
  // Of seven patterns behind watercolors none could be told from a plain ground, of 23 behind other looks 21 could.
  {
    tiers: [1, 2],
    nouns: ["watercolor", "watercolor painting"],
    adjectives: ["watercolor"],
    loses: "pattern",
  },
  { tiers: [2], nouns: ["pixel art picture"], adjectives: ["pixel art"] },
  {
    tiers: [],
    nouns: ["pencil sketch", "pencil drawing"],
    adjectives: ["pencil"],
    loses: "both",
    also: ["sketch"],
  },
  { tiers: [], nouns: ["mosaic", "tile mosaic"], adjectives: ["mosaic"] },
  { tiers: [], nouns: ["cross stitch", "cross stitch embroidery"], adjectives: ["cross stitch"] },
  { tiers: [], nouns: ["blueprint drawing"], adjectives: ["blueprint"], loses: "both" },
  { tiers: [], nouns: ["duotone print", "duotone poster"], adjectives: ["duotone"], loses: "both" },
  { tiers: [], nouns: ["silhouette"], adjectives: ["silhouette"], loses: "colour" },
]

/** Words by which a prompt itself names a look that loses one of these. */
const namesOf = (lost: readonly Look["loses"][]): ReadonlySet<string> =>
  new Set(
    LOOKS.filter(({ loses }) => loses && lost.includes(loses)).flatMap(({ nouns, adjectives, also = [] }) => [
      ...nouns.map((noun) => noun.split(" ")[0]!),
      ...adjectives,
      ...also,
    ]),
  )

const article = (words: string): string => (/^[aeio]/.test(words) ? "an" : "a")

const styles: Idea[] = LOOKS.flatMap(({ tiers, nouns, adjectives, loses, ofThings = false }) => {
  const idea = (tier: Tier, place: Idea["place"], text: string): Idea => ({
    aspects: ["style"],
    text,
    look: adjectives[0],
    tier,
    place,
    losesColour: loses === "colour" || loses === "both",
    losesGround: loses === "ground" || loses === "both",
    losesPattern: loses === "pattern",
    ofThings,
  })
  return tiers.flatMap((tier) => [
    ...nouns.map((noun) => idea(tier, "head", `${article(noun)} ${noun} of`)),
    ...nouns.map((noun) => idea(tier, "tail", `as ${article(noun)} ${noun}`)),
    ...adjectives.map((adjective) => idea(tier, "tail", `in ${adjective} style`)),
  ])
})

/** Words of patterned grounds, in prompts and in ideas. */
const PATTERNS = ["gradient", "polka", "dot", "dots", "dotted", "stripe", "stripes", "striped"]
const GROUND_COLOURS = "white blue yellow green pink teal orange purple red".split(" ")

const ground = (text: string, tier: Tier, colour?: string): Idea => ({
  aspects: colour ? ["setting", "palette"] : ["setting"],
  text,
  tier,
  place: "tail",
  isGround: true,
  isPattern: PATTERNS.some((pattern) => text.includes(pattern)),
  bringsColour: /white|blue|yellow|green|pink|teal|orange|purple|red|black/.test(text),
  ...(text.includes("striped") && { shows: ["stripe"] }),
  ...(colour && { colour }),
})

const grounds: Idea[] = [
  ground("on a plain background", 0),
  ...GROUND_COLOURS.map((c) => ground(`on ${article(c)} ${c} background`, 0)),
  ...GROUND_COLOURS.flatMap((c) => [
    ground(`on ${article(c)} ${c} gradient background`, 1, c),
    ground(`on ${article(c)} ${c} polka dot background`, 1, c),
    ground(`on ${article(c)} ${c} striped background`, 1, c),
    ground(`in a room with ${c} walls`, 1, c),
  ]),
  ground("on a black background", 2, "black"),
  ground("on a black gradient background", 2, "black"),
]

/** Places with the kinds of subject that live there, and what "no ..." takes with it. A city is none: things get lost in it. */
const PLACES: readonly (readonly [texts: string, suits: string, shows: string])[] = [
  ["in a meadow, in a field", "animal plant sport party place person sky toy", "grass flower field plant"],
  ["in the forest, in the woods", "animal plant fantasy person", "tree forest wood plant leaf"],
  ["in the snow, in a snowy landscape", "animal place sport person vehicle", "snow ice winter cold"],
  ["in the mountains", "animal place vehicle sky person fantasy", "mountain hill rock"],
  [
    "on the beach, on a sandy beach",
    "animal sea sport vehicle person toy food",
    "sand beach sea water ocean wave",
  ],
  ["by the sea, on the sea", "sea sky place", "water sea ocean wave"],
  ["under water", "sea", "water sea ocean"],
  ["in the desert", "place vehicle", "sand desert dune"],
  [
    "in a room, indoors",
    "food clothes music device thing toy party plant fantasy",
    "room wall furniture floor",
  ],
  ["in space, in outer space", "", "space star planet"],
]
const LIT: readonly (readonly [texts: string, shows: string])[] = [
  ["under a starry sky, in the moonlight", "night star moon dark darkness sky"],
  ["at sunset", "sunset sun sky dusk cloud"],
]

const list = (text: string): string[] => text.split(",").map((t) => t.trim())

/** A place is a choice where the subject lives, and a liberty elsewhere. */
const places: Idea[] = PLACES.flatMap(([texts, suits, shows]) =>
  list(texts).flatMap((text): Idea[] => {
    const bringsLight = text.includes("space") || text.includes("water")
    const place = { aspects: ["setting"], text, place: "tail", shows: shows.split(" "), bringsLight } as const
    const natural: Idea[] = suits ? [{ ...place, tier: 1, suits: suits.split(" ") as Kind[] }] : []
    return [...natural, { ...place, tier: 2 }]
  }),
)
const lit: Idea[] = LIT.flatMap(([texts, shows]) =>
  list(texts).flatMap((text) =>
    ([1, 2] as const).map((tier): Idea => {
      return {
        aspects: ["setting", "light"],
        text,
        tier,
        place: "tail",
        bringsLight: true,
        shows: shows.split(" "),
      }
    }),
  ),
)

/** Captions had "small" too, but a thing of three tokens is what the model draws worst: whoever wants it asks for it. */
const sizes: Idea[] = [{ aspects: ["composition"], text: "large", tier: 0, place: "size" }]

/** One picture has one background, so setting, light and palette are one choice here. */
export const EMBEDDED: IdeaList = {
  name: "embedded",
  mostWords: EMBEDDED_WORDS,
  groups: [["style"], ["setting", "light", "palette"], ["composition"]],
  closedBy: {
    style: ["style"],
    setting: ["setting", "light", "plain"],
    light: ["light", "setting", "plain"],
    palette: ["palette", "setting", "light", "plain"],
    composition: ["composition", "count"],
    mood: [],
    companion: [],
  },
  joined: "phrase",
  losing: namesOf(["colour", "ground", "both"]),
  washing: namesOf(["pattern"]),
  patterns: new Set(PATTERNS),
  ideas: [...styles, ...grounds, ...places, ...lit, ...sizes],
}
