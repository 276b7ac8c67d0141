// Pairs for the upsampler: a scene at native size through the autoencoder, and the same scene drawn eight times as large.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { renderScene } from "./data/render.ts"
import { castOf, sampleScene } from "./data/scene.ts"
import { openSprites } from "./data/sprites.ts"
import { cropInto } from "./pictures.ts"
import { createCoder } from "./recipes/vae.ts"
import type { Planes } from "./sheet.ts"

export const PAIRS = "data/pairs"
const FACTOR = 8

export interface Pair {
  /** Native side in pixels. */
  side: number
  /** The autoencoder's output, [3,side,side] in -1..1. */
  native: () => Float32Array
  truth: () => Planes
  /** One value of the truth in -1..1. */
  pixel: (channel: number, row: number, column: number) => number
}

/** Draws square scenes at both sizes and sends the small one through the autoencoder. Resumable. */
export async function drawPairs(
  count: number,
  weights: ReadonlyMap<string, Float32Array>,
  folder = PAIRS,
  print = console.log,
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const source = openSprites("data/sprites", resolve("data/packages"))
  const cast = castOf(source.sprites, "train")
  const coder = await createCoder(weights, 1)
  for (let seed = 1, made = 0; made < count; seed++) {
    const scene = sampleScene(cast, 7_000_000 + seed)
    if (scene.width !== 128 || scene.height !== 128) continue
    const path = `${folder}/${String(made++).padStart(5, "0")}`
    if (existsSync(`${path}.rgb`)) continue
    const [small, large] = [await renderScene(scene, source), await renderScene(scene, source, FACTOR)]
    const native = await coder.roundTrip(toPlanes(small.rgb, 128), 128, 128)
    writeFileSync(`${path}.f32`, new Uint8Array(native.buffer, native.byteOffset, native.byteLength))
    writeFileSync(`${path}.rgb.part`, large.rgb)
    renameSync(`${path}.rgb.part`, `${path}.rgb`)
    if (made % 50 === 0) print(`${made} pairs`)
  }
  await coder.close()
}

/** Bytes RGB, rows top-down, as planes of -1..1; square unless told. */
export function toPlanes(rgb: Uint8Array, width: number, height = width): Float32Array {
  const out = new Float32Array(3 * width * height)
  cropInto(out, 0, rgb, width, 0, 0, width, height, false)
  return out
}

/** Every finished pair, in memory: about 3 MB each. */
export function openPairs(folder = PAIRS): Pair[] {
  const pairs: Pair[] = []
  for (let i = 0; existsSync(`${folder}/${String(i).padStart(5, "0")}.rgb`); i++) {
    const path = `${folder}/${String(i).padStart(5, "0")}`
    const rgb = new Uint8Array(readFileSync(`${path}.rgb`))
    const bytes = readFileSync(`${path}.f32`)
    const native = new Float32Array(new Uint8Array(bytes).buffer)
    const side = 128
    const size = side * FACTOR
    pairs.push({
      side,
      native: () => native,
      truth: () => ({ data: toPlanes(rgb, size), width: size, height: size }),
      pixel: (channel, row, column) => rgb[(row * size + column) * 3 + channel]! / 127.5 - 1,
    })
  }
  if (pairs.length === 0)
    throw new Error(`There are no pairs in ${folder}; draw them with: npm run train -- pairs`)
  return pairs
}
