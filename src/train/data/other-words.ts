// Words that no caption says, by hand: styles, of which WordNet knows nothing, and people whom it takes for something else.
// Imports the tables.
import { CONCEPTS } from "./concepts.ts"
import { STYLE_TRAITS, STYLES, type Style } from "./styles/names.ts"

/** Single words, as prompts spell them; the thesaurus leads them to the style's own words. */
const STYLE_WORDS: Readonly<Record<Style, string>> = {
  "flat vector": "logo clipart minimalist minimalistic infographic pictogram",
  cartoon: "toon cartoonish caricature storybook",
  "3d render": "cgi claymation plasticine voxel figurine sculpture isometric",
  "outlined cartoon": "anime manga chibi lineart graffiti",
  silhouette: "silhouetted",
  "pixel art": "pixels sprite bitmap",
  "oil painting": "oils acrylic gouache tempera fresco impasto painterly impressionist impressionism baroque",
  watercolor: "watercolors watercolour watercolours aquarelle",
  "pencil sketch": "charcoal scribble doodle etching engraving graphite",
  "comic halftone": "comics",
  neon: "synthwave vaporwave cyberpunk retrowave",
  sticker: "decal stickers",
  blueprint: "schematic diagram blueprints",
  mosaic: "mosaics tesserae tiled",
  chalkboard: "blackboard chalky",
  duotone: "risograph screenprint silkscreen linocut woodcut lithograph",
  "cross stitch": "needlepoint embroidered knitted knit crochet crocheted tapestry",
}

/** A pirate is also a ship to WordNet, a knight a piece of chess, and a viking nobody's kin. */
const PEOPLE_WORDS: Readonly<Record<string, string>> = {
  "bearded man": "pirate viking lumberjack caveman",
  "royal guard": "knight musketeer",
  girl: "schoolgirl teenager",
  boy: "schoolboy student",
  ninja: "samurai",
}

/** The entries of the thesaurus that are made by hand: where each leads, and from where. */
export const otherWords = (): { to: string; plural: string; from: string[] }[] => [
  ...STYLES.map((style) => {
    const to = STYLE_TRAITS[style].adjectives[0]!
    return { to, plural: to, from: STYLE_WORDS[style].split(" ") }
  }),
  ...Object.entries(PEOPLE_WORDS).map(([to, from]) => ({
    to,
    plural: CONCEPTS.find((c) => c.name === to)!.plural,
    from: from.split(" "),
  })),
]
