// The drawings: which package holds which concept, and who may look at it. Imports the concepts.

import { existsSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { CONCEPTS, type Concept } from "./concepts.ts"

/** Drawing sets the model may learn from. */
const TRAIN_SETS = ["fluent-3d", "fluent-emoji-flat", "noto", "twemoji", "noto-v1"] as const
/** Drawing sets kept for the judge: its classifier learns from drawings that the model never saw. */
export const JUDGE_SETS = ["emojione", "fxemoji", "streamline-emojis"] as const
export const SETS = [...TRAIN_SETS, ...JUDGE_SETS] as const
/** A set of drawings, or a glyph: a set of its own, for scenes name drawings by concept and set. */
export type SetName = (typeof SETS)[number] | `glyph ${string}`
export type Use = "train" | "judge" | "glyphs"

/** One drawing of one concept. `svg` draws at any size; fluent-3d is a 256-pixel webp. */
export interface Drawing {
  readonly concept: string
  readonly set: SetName
  readonly use: Use
  readonly file: string
}

interface Icon {
  body: string
  left?: number
  top?: number
  width?: number
  height?: number
}

export interface IconSet {
  icons: Record<string, Icon>
  aliases?: Record<string, { parent: string }>
  width?: number
  height?: number
}

/** An iconify set of the art packages in `folder`, by its name. */
export const readIconSet = (folder: string, set: string): IconSet =>
  JSON.parse(
    readFileSync(createRequire(`${folder}/package.json`).resolve(`@iconify-json/${set}/icons.json`), "utf8"),
  ) as IconSet

/** The SVG document of one icon of a set, drawn to `pixels` on its longer side. */
export function svgOf(set: IconSet, icon: Icon, pixels: number): string {
  const w = icon.width ?? set.width ?? 16
  const h = icon.height ?? set.height ?? 16
  const k = pixels / Math.max(w, h)
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${w * k}" height="${h * k}" viewBox="${icon.left ?? 0} ${icon.top ?? 0} ${w} ${h}">${icon.body}</svg>`
}

/** Mozilla and Streamline name their drawings their own way; the rest is found by spelling. */
const FXEMOJI: Readonly<Record<string, string>> = {
  dog: "dogside",
  cat: "catside",
  mouse: "mouseside",
  pig: "pigside",
  tiger: "tigerside",
  leopard: "leopardside",
  dragon: "dragonside",
  wolf: "wolfface",
  panda: "pandaface",
  fox: "foxsmiling",
  hamster: "hampster",
  rabbit: "bunny",
  "lady-beetle": "ladybeetle",
  "spouting-whale": "spurtingwhale",
  eggplant: "aubergine",
  "ear-of-corn": "earofmaize",
  "hot-pepper": "chilipepper",
  "sheaf-of-rice": "earofrice",
  "evergreen-tree": "evergreen",
  pizza: "sliceofpizza",
  "pot-of-food": "potoffood",
  "snow-capped-mountain": "snowmountains",
  house: "housebuilding",
  castle: "europeancastle",
  "office-building": "officebuilding",
  "classical-building": "classicalbuilding",
  "derelict-house": "house",
  "tokyo-tower": "toykotower",
  locomotive: "steamlocomotive",
  "bullet-train": "highspeedtrainbulletnose",
  "sport-utility-vehicle": "recreationalvehicle",
  "racing-car": "racecar",
  canoe: "rowboat",
  camel: "dromedarycamel",
  sun: "whitesun",
  "sun-behind-cloud": "whitesunbehindcloud",
  star: "whitemediumstar",
  "cloud-with-rain": "raincloud",
  "cloud-with-lightning": "stormcloud",
  "globe-showing-americas": "americasglobe",
  ewe: "sheep",
  ribbon: "bow",
  "wrapped-gift": "present",
  "confetti-ball": "confetti",
  "red-paper-lantern": "izakayalantern",
  basketball: "basketballandhoop",
  tennis: "tennisball",
  "fishing-pole": "fishingpoleandfish",
  skis: "skiandskiboot",
  bullseye: "directhit",
  "pool-8-ball": "billiards",
  "game-die": "gamedie",
  "heart-suit": "redheart",
  "framed-picture": "framewithpicture",
  necktie: "tie",
  "t-shirt": "mansshirt",
  purse: "pinkwallet",
  backpack: "schoolsatchel",
  "mans-shoe": "mensshoe",
  "running-shoe": "mensrunner",
  "high-heeled-shoe": "heels",
  "womans-boot": "boot",
  "gem-stone": "gem",
  megaphone: "bullhorn",
  "mobile-phone": "cellphone",
  telephone: "telephoneonmodem",
  "electric-plug": "electricplug",
  laptop: "personalcomputer",
  keyboard: "wiredkeyboard",
  "computer-mouse": "onebuttonmouse",
  "floppy-disk": "floppydisk2",
  "optical-disk": "opticaldisc",
  "clapper-board": "clapperboard",
  "video-camera": "handheldvideocamera",
  videocassette: "videocasette",
  "magnifying-glass-tilted-left": "leftmagnifyingglass",
  flashlight: "electrictorch",
  "hourglass-done": "hourglass",
  "closed-mailbox-with-raised-flag": "closedmailboxraised",
  "crossed-swords": "",
  pencil: "lowerleftpencil",
  "fountain-pen": "lowerleftfountainpen",
  paintbrush: "lowerleftpaintbrush",
  crayon: "lowerleftcrayon",
  calendar: "calendar",
  scissors: "blackscissors",
  locked: "lock",
  dagger: "daggerknife",
  bouquet: "bouquetofflowers",
  moai: "moyai",
  bathtub: "bath",
  "wine-glass": "wineglass",
  "alien-monster": "alienmonster",
  pill: "pill",
  "credit-card": "creditcard",
  dove: "doveofpeace",
  "passenger-ship": "",
  ring: "ring",
  glasses: "glasses",
  deer: "",
}
const STREAMLINE: Readonly<Record<string, string>> = {
  bullseye: "direct-hit",
  backpack: "school-backpack",
  tennis: "tennis-1",
}

const squash = (id: string): string => id.replaceAll("-", "")

/** The packages on disk: icon sets read once, webp files by code point. */
export interface Packages {
  readonly drawings: readonly Drawing[]
  /** The SVG document of a drawing, drawn to `pixels` on its longer side; undefined for fluent-3d. */
  svg(drawing: Drawing, pixels: number): string | undefined
}

/** The drawings of all concepts in the art packages installed in `folder`. Throws when a package is missing. */
export function openPackages(folder: string): Packages {
  const require = createRequire(`${folder}/package.json`)
  const sets = new Map<string, IconSet>()
  for (const set of SETS) if (set !== "fluent-3d") sets.set(set, readIconSet(folder, set))
  const chars = JSON.parse(readFileSync(require.resolve("@iconify-json/noto/chars.json"), "utf8")) as Record<
    string,
    string
  >
  const codePoint = new Map(Object.entries(chars).map(([hex, id]) => [id, hex]))
  const webps = `${folder}/node_modules/@lobehub/fluent-emoji-3d/assets`

  const icon = (set: SetName, name: string) => {
    const all = sets.get(set)!
    return all.icons[name] ?? all.icons[all.aliases?.[name]?.parent ?? ""]
  }

  function fileOf(concept: Concept, set: SetName): string | undefined {
    const id = concept.id
    if (set === "fluent-3d") {
      const hex = codePoint.get(id)
      return [`${hex}.webp`, `${hex}-fe0f.webp`].map((f) => `${webps}/${f}`).find(existsSync)
    }
    const names =
      set === "fxemoji"
        ? [FXEMOJI[id] ?? squash(id)]
        : set === "streamline-emojis"
          ? [STREAMLINE[id] ?? id, id, `${id}-1`, `${id}-face`, `${id}-face-1`]
          : [id]
    return names.find((n) => icon(set, n))
  }

  const drawings = CONCEPTS.flatMap((concept) => {
    const found = SETS.flatMap((set) => {
      const file = fileOf(concept, set)
      return file ? [{ concept: concept.id, set, file }] : []
    })
    return assignUse(found)
  })
  return {
    drawings,
    svg(drawing, pixels) {
      if (drawing.set === "fluent-3d") return undefined
      return svgOf(sets.get(drawing.set)!, icon(drawing.set, drawing.file)!, pixels)
    },
  }
}

/**
 * Splits one concept's drawings between model and judge. The judge's own sets come first; where they
 * have fewer than two drawings noto-v1 joins them, and where they have none twemoji does, so that
 * every concept can be judged on a drawing the model has not seen.
 */
export function assignUse(found: readonly Omit<Drawing, "use">[]): Drawing[] {
  const judges: string[] = found
    .filter((d) => (JUDGE_SETS as readonly string[]).includes(d.set))
    .map((d) => d.set)
  if (judges.length < 2 && found.some((d) => d.set === "noto-v1")) judges.push("noto-v1")
  if (judges.length === 0) judges.push("twemoji")
  return found.map((d) => ({ ...d, use: judges.includes(d.set) ? "judge" : "train" }))
}
