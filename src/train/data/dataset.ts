// The training set on disk: shards of pictures with their captions, made in any order, never half. Imports the painters.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { type Caption, captionOf, type Said } from "./captions.ts"
import { FOCUS } from "./concepts.ts"
import { heldOut } from "./holdout.ts"
import { type Attributes, measure } from "./measure.ts"
import { avalanche, random } from "./random.ts"
import { type Rendered, renderScene } from "./render.ts"
import { type Cast, castOf, PEOPLE, type Scene, type Stage, sampleScene } from "./scene.ts"
import type { Use } from "./sources.ts"
import type { SpriteSource } from "./sprites.ts"

/** Raised whenever the same seed would give other pictures. */
export const ART_VERSION = 5
const SHARD_PICTURES = 1000
/** Shards after which a new version of the art replaces an older one. */
const ENOUGH_SHARDS = 20

/** One line of shard-NNNN.jsonl; its pixels are width * height * 3 bytes (RGB, rows top-down) at `offset`. */
export interface Sample {
  readonly index: number
  readonly offset: number
  readonly width: number
  readonly height: number
  readonly stage: Stage
  readonly caption: string
  readonly styleless: string
  readonly said: Said
  readonly attributes: Attributes
  /** The whole description: `renderScene(truth, source, scale)` draws it again at any size. */
  readonly truth: Scene
}

export interface Recipe {
  readonly seed: number
  readonly count: number
  readonly use: Use
  readonly stage?: Stage
  /** Things always in the same pose and places, mostly one, mostly of the concepts that people ask for most. */
  readonly focus?: boolean
  /** Output pixels per native pixel: 1 for training, 8 for the upsampler's truth. */
  readonly scale: number
}

/** How often the focus shows any concept instead of one that is asked for most, and how often several things (decision 034). */
const OTHERS = 0.7
const FOCUS_LAYOUTS = { single: 0.55, count: 0.15, pair: 0.3 } as const
/** How often it shows a place with nothing in it (decision 054). */
const VIEWS = 0.05
/**
 * Every shape that a native picture can have, the square as often as all others together (decision 053). 4:5 is none:
 * in cells of 16 it takes more tokens than the model does, and is made as 3:4.
 */
const FOCUS_ASPECTS = {
  "1:1": 0.5,
  "4:3": 0.07,
  "3:2": 0.06,
  "16:9": 0.09,
  "2.35:1": 0.05,
  "3:4": 0.12,
  "2:3": 0.05,
  "9:16": 0.06,
} as const

/** The scene of picture `index`: depends on nothing but the recipe's seed and the index. */
export function sceneAt(cast: Cast, recipe: Recipe, index: number): Scene {
  const seed = avalanche(avalanche(recipe.seed) + index)
  const stage = recipe.stage && { stage: recipe.stage }
  if (!recipe.focus) return sampleScene(cast, seed, { ...stage })
  const r = random(seed).fork("focus")
  const asked = FOCUS.filter((id) => cast.of.has(id))
  const thing = r.chance(OTHERS) ? r.pick(cast.concepts).id : r.pick(asked)
  const people = random(seed).fork("focus people")
  const concept = cast.people.length > 0 && people.chance(PEOPLE) ? people.pick(cast.people).id : thing
  const drawn = r.weighted(FOCUS_LAYOUTS)
  const layout = random(seed).fork("focus view").chance(VIEWS) ? "view" : drawn
  const aspect = random(seed).fork("focus aspect").weighted(FOCUS_ASPECTS)
  // What stands beside it is drawn by the same lot.
  const company = r.chance(OTHERS)
    ? cast
    : { ...cast, concepts: cast.concepts.filter((c) => c.id === concept || asked.includes(c.id)) }
  // A combination that is held out is drawn again: a wish for a concept does not look at the style.
  for (let again = seed; ; again = avalanche(again + 1)) {
    const wish = { ...stage, concept, layout, aspect, steady: true } as const
    const scene = sampleScene(company, again, wish)
    if (layout === "view" || !heldOut("style", scene.style, concept)) return scene
  }
}

export const captionAt = (scene: Scene): Caption => captionOf(scene, random(scene.seed).fork("caption"))

const shardName = (shard: number): string => `shard-${String(shard).padStart(4, "0")}`

/** Pictures in the making at once: while one waits for its background's vectors, another is painted. */
const LANES = 4

/** Paints one shard: its pixels, and a line per picture. */
async function paintShard(
  recipe: Recipe,
  source: SpriteSource,
  cast: Cast,
  shard: number,
): Promise<[Buffer, string]> {
  const first = shard * SHARD_PICTURES
  const scenes = Array.from({ length: Math.min(recipe.count - first, SHARD_PICTURES) }, (_, i) =>
    sceneAt(cast, recipe, first + i),
  )
  const painted: Rendered[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let i = next++; i < scenes.length; i = next++)
      painted[i] = await renderScene(scenes[i]!, source, recipe.scale)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  let offset = 0
  const lines = scenes.map((truth, i) => {
    const { width, height, rgb } = painted[i]!
    const { caption, styleless, said } = captionAt(truth)
    const attributes = measure(painted[i]!)
    const sample: Sample = {
      index: first + i,
      offset,
      width,
      height,
      stage: truth.stage,
      caption,
      styleless,
      said,
      attributes,
      truth,
    }
    offset += rgb.length
    return JSON.stringify(sample)
  })
  return [Buffer.concat(painted.map((p) => p.rgb)), `${lines.join("\n")}\n`]
}

/** Puts a shard in place by rename: first the pixels, then the lines that make it count. */
function saveShard(folder: string, shard: number, [pixels, lines]: [Buffer, string]): void {
  const base = join(folder, shardName(shard))
  for (const [end, data] of [
    ["bin", pixels],
    ["jsonl", lines],
  ] as const) {
    writeFileSync(`${base}.${end}.part`, data)
    renameSync(`${base}.${end}.part`, `${base}.${end}`)
  }
}

/** How many pictures a shard has: the last one of a smaller set has fewer than a larger set wants of it. */
function paintedIn(folder: string, shard: number): number {
  const path = join(folder, `${shardName(shard)}.jsonl`)
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0
}

/** Shards that are complete in one folder. */
const shardsOf = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((f) => /^shard-\d+\.jsonl$/.test(f))
        .map((f) => f.slice(0, -6))
        .sort()
    : []

/** out/index.json: the shards to train on, as paths below `out`. */
export interface Index {
  readonly version: number
  readonly recipe: Omit<Recipe, "count">
  readonly shardPictures: number
  readonly shards: readonly string[]
}

/**
 * Paints every missing shard of this worker's share into out/v<ART_VERSION>. A version that still lacks
 * the pictures of a first training is called v<ART_VERSION>.part: whoever takes the newest version gets
 * a whole one, and the change from old to new is one rename.
 */
export async function writeDataset(
  out: string,
  recipe: Recipe,
  source: SpriteSource,
  worker = 0,
  workers = 1,
  log: (line: string) => void = () => {},
): Promise<void> {
  const { count, ...same } = recipe
  const shards = Math.ceil(count / SHARD_PICTURES)
  const whole = join(out, `v${ART_VERSION}`)
  const folder = (): string => (existsSync(whole) ? whole : `${whole}.part`)
  if (!existsSync(whole)) mkdirSync(`${whole}.part`, { recursive: true })
  const mine = join(folder(), "recipe.json")
  if (!existsSync(mine)) writeFileSync(mine, JSON.stringify(same))
  else if (readFileSync(mine, "utf8") !== JSON.stringify(same))
    throw new Error(`${folder()} holds another recipe: ${readFileSync(mine, "utf8")}; choose another --out`)
  const cast = castOf(source.sprites, recipe.use)
  for (let shard = worker; shard < shards; shard += workers) {
    if (paintedIn(folder(), shard) >= Math.min(count - shard * SHARD_PICTURES, SHARD_PICTURES)) continue
    const began = performance.now()
    const painted = await paintShard(recipe, source, cast, shard)
    try {
      saveShard(folder(), shard, painted)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
      saveShard(folder(), shard, painted) // the other worker renamed the folder in between
    }
    publish()
    log(`${shardName(shard)}: ${Math.round(performance.now() - began)} ms`)
  }
  publish()

  function publish(): void {
    const done = shardsOf(folder())
    if (done.length < Math.min(shards, ENOUGH_SHARDS)) return
    try {
      if (!existsSync(whole)) renameSync(`${whole}.part`, whole)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
    }
    const index: Index = {
      version: ART_VERSION,
      recipe: same,
      shardPictures: SHARD_PICTURES,
      shards: done.map((s) => `${basename(whole)}/${s}`),
    }
    replace(join(out, "index.json"), JSON.stringify(index))
  }
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.${process.pid}.part`, text)
  renameSync(`${file}.${process.pid}.part`, file)
}
