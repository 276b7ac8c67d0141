// Pairs for the upsampler: a scene as the model itself makes it at native size, and the same scene drawn eight times as large.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { ART_VERSION, captionAt, sceneAt } from "./data/dataset.ts"
import { renderScene } from "./data/render.ts"
import { castOf, type Scene } from "./data/scene.ts"
import { openSprites, type SpriteSource } from "./data/sprites.ts"
import { asEncoded, normalised } from "./latent-statistics.ts"
import { Painter, type PainterModel } from "./painter.ts"
import { toPlanes } from "./pictures.ts"
import { Random } from "./random.ts"
import { createCoder } from "./recipes/vae.ts"
import type { Planes } from "./sheet.ts"

export const PAIRS = `data/pairs/v${ART_VERSION}`
const FACTOR = 8
const SIDE = 128
/** Native pictures of one scene: through the autoencoder alone, and twice with the denoiser's last steps as well. */
const VIEWS = 3
/** More than the defaults' eight: fewer of these fall into the part of the way that is left. */
const STEPS = 16
/** Times at which the denoiser takes over. From later on it draws other shapes, which the truth then is not of. */
const TAKES_OVER = [0.08, 0.35] as const

export interface Pair {
  /** Native side in pixels. */
  side: number
  /** The same scene as the model makes it, each [3,side,side] in -1..1, the autoencoder's own first. */
  views: readonly Float32Array[]
  truth: () => Planes
  /** One value of the truth in -1..1. */
  pixel: (channel: number, row: number, column: number) => number
}

export interface PairMakers {
  autoencoder: ReadonlyMap<string, Float32Array>
  denoiser: ReadonlyMap<string, Float32Array>
  model: PainterModel
}

/** Draws the truth of square scenes, resumably, then all views anew, for these depend on the weights. */
export async function drawPairs(
  count: number,
  makers: PairMakers,
  folder = PAIRS,
  print = console.log,
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const source = openSprites("data/sprites", resolve("data/packages"))
  const scenes = squareScenes(source, count)
  for (const [i, scene] of scenes.entries()) {
    await drawTruth(scene, source, `${pathOf(folder, i)}.rgb`)
    if (i % 50 === 49) print(`${i + 1} scenes`)
  }
  const coder = await createCoder(makers.autoencoder, 1)
  const painter = await Painter.open(makers.denoiser, makers.model, 1)
  const { statistics } = makers.model
  const chunk = 25
  for (let first = 0; first < count; first += chunk) {
    const part = scenes.slice(first, first + chunk)
    const clean: Float32Array[] = []
    for (const scene of part) {
      const { rgb } = await renderScene(scene, source)
      const z = await coder.encode(toPlanes(rgb, SIDE), SIDE, SIDE)
      clean.push(normalised(z, statistics))
    }
    const random = new Random(first, 1)
    const [low, high] = TAKES_OVER
    const made = [clean]
    while (made.length < VIEWS) {
      const starts = clean.map((latent) => ({ latent, time: low + (high - low) * random.next() }))
      const captions = part.map((scene) => captionAt(scene).caption)
      const seed = random.below(1e6)
      const seeds = part.map((_, i) => seed + i)
      made.push(await painter.draw(captions, seeds, { steps: STEPS, starts }))
    }
    for (const i of part.keys()) {
      const views = new Float32Array(VIEWS * 3 * SIDE * SIDE)
      for (const [v, list] of made.entries()) {
        views.set(await coder.decode(asEncoded(list[i]!, statistics), SIDE, SIDE), v * 3 * SIDE * SIDE)
      }
      writeWhole(`${pathOf(folder, first + i)}.f32`, new Uint8Array(views.buffer))
    }
    print(`${first + part.length} pairs`)
  }
  await painter.close()
  await coder.close()
}

const pathOf = (folder: string, i: number): string => `${folder}/${String(i).padStart(5, "0")}`

function writeWhole(path: string, data: Uint8Array): void {
  writeFileSync(`${path}.part`, data)
  renameSync(`${path}.part`, path)
}

/** Scenes that no training picture shows: by turns large things in steady poses and everything. */
function squareScenes(source: SpriteSource, count: number): Scene[] {
  const cast = castOf(source.sprites, "train")
  const scenes: Scene[] = []
  for (let i = 0; scenes.length < count; i++) {
    const scene = sceneAt(cast, { seed: 7_000_000, count, use: "train", focus: i % 2 === 0, scale: 1 }, i)
    if (scene.width === SIDE && scene.height === SIDE) scenes.push(scene)
  }
  return scenes
}

async function drawTruth(scene: Scene, source: SpriteSource, path: string): Promise<void> {
  if (!existsSync(path)) writeWhole(path, (await renderScene(scene, source, FACTOR)).rgb)
}

/** Every finished pair, in memory: about 4 MB each. */
export function openPairs(folder = PAIRS): Pair[] {
  const pairs: Pair[] = []
  for (let i = 0; existsSync(`${pathOf(folder, i)}.f32`); i++) {
    const rgb = new Uint8Array(readFileSync(`${pathOf(folder, i)}.rgb`))
    const all = new Float32Array(new Uint8Array(readFileSync(`${pathOf(folder, i)}.f32`)).buffer)
    const size = SIDE * FACTOR
    const area = 3 * SIDE * SIDE
    pairs.push({
      side: SIDE,
      views: Array.from({ length: VIEWS }, (_, v) => all.subarray(v * area, (v + 1) * area)),
      truth: () => ({ data: toPlanes(rgb, size), width: size, height: size }),
      pixel: (channel, row, column) => rgb[(row * size + column) * 3 + channel]! / 127.5 - 1,
    })
  }
  if (pairs.length === 0)
    throw new Error(`There are no pairs in ${folder}; draw them with: npm run train -- pairs`)
  return pairs
}
