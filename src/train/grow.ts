// Makes a deeper denoiser out of a trained one, or one of more words, which computes the same to begin with: training
// goes on from there.
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { openSafetensors } from "../checkpoint/index.ts"
import { SPECIAL, UNKNOWN } from "../sampling/words.ts"
import { loadRun, type RunState, saveRun, statePath } from "./checkpoint.ts"
import type { State } from "./step.ts"
import { weightsOf } from "./trainer.ts"

const BLOCK = /^blocks\.(\d+)\.(.*)$/
/** What a block adds to the stream goes through these; at zero it adds nothing. */
const OUTLETS = ["attn.wo.weight", "mlp.down.weight"]

/**
 * Which old block each new one comes from, deepest last, and whether it is the copy of the one before it: copies are
 * spread evenly, each behind its original. 8 to 12: 0 1 1' 2 3 3' 4 5 5' 6 7 7'.
 */
export function grownOrder(from: number, to: number): { source: number; copy: boolean }[] {
  return Array.from({ length: from }, (_, source) => {
    const copies = Math.floor(((source + 1) * (to - from)) / from) - Math.floor((source * (to - from)) / from)
    return [{ source, copy: false }, ...Array.from({ length: copies }, () => ({ source, copy: true }))]
  }).flat()
}

/** Blocks renamed and copied, the copies' outlets zero; every other entry stays. */
export function grown<T extends Float32Array>(
  weights: ReadonlyMap<string, T>,
  layers: number,
): Map<string, T> {
  const blocks = [...weights.keys()].map((name) => Number(BLOCK.exec(name)?.[1] ?? -1))
  const order = grownOrder(Math.max(...blocks) + 1, layers)
  const out = new Map([...weights].filter(([name]) => !BLOCK.test(name)))
  for (const [name, data] of weights) {
    const [, number, rest] = BLOCK.exec(name) ?? []
    if (number === undefined) continue
    order.forEach(({ source, copy }, i) => {
      if (source !== Number(number)) return
      const own = copy && OUTLETS.includes(rest!) ? new Float32Array(data.length) : data.slice()
      out.set(`blocks.${i}.${rest}`, own as T)
    })
  }
  return out
}

/** A whole run grown: weights and averages; momenta of blocks start afresh, for they are of other places now. */
export function grownRun(run: RunState, layers: number): RunState {
  const slots = [...run.state].filter(([key]) => key.startsWith("s:") && !key.startsWith("s:blocks."))
  const state: State = new Map([
    ...[...grown(weightsOf(run.state), layers)].map(([name, data]) => [`w:${name}`, data] as const),
    ...slots,
  ])
  return { counters: run.counters, state, average: grown(run.average, layers) }
}

/** The learned vectors of words. */
const WORDS = "text.embed_tokens.weight"

/**
 * A run whose table of words has `rows` rows of `width` numbers. The new ones are what stood for every word without a
 * row, so that it computes the same; their momenta are zero.
 */
function lengthened(run: RunState, rows: number, width: number): RunState {
  const longer = (name: string, data: Float32Array): Float32Array => {
    if (!name.includes(WORDS)) return data
    const out = new Float32Array(rows * width)
    out.set(data)
    const unknown = data.subarray(UNKNOWN * width, (UNKNOWN + 1) * width)
    if (!name.startsWith("s:")) for (let at = data.length; at < out.length; at += width) out.set(unknown, at)
    return out
  }
  const all = <K extends string>(entries: ReadonlyMap<K, Float32Array>): Map<K, Float32Array> =>
    new Map([...entries].map(([name, data]) => [name, longer(name, data)]))
  return { counters: run.counters, state: all(run.state), average: all(run.average) }
}

/**
 * Gives the run in a folder rows for the words of `common` that it lacks, behind its own; returns them. Killed in
 * between, it only has to be run again. Throws when there is no run.
 */
export async function growVocabulary(folder: string, common: readonly string[]): Promise<string[]> {
  const run = await loadRun(folder)
  if (!run) throw new Error(`There is no run in ${folder} to grow: first npm run train -- restore`)
  const path = `${folder}/words.json`
  const known = JSON.parse(readFileSync(path, "utf8")) as string[]
  const missing = common.filter((word) => !known.includes(word))
  const { tensors } = await openSafetensors(statePath(folder))
  const width = tensors.get(`w:${WORDS}`)!.shape[1]!
  const rows = known.length + missing.length + SPECIAL
  await saveRun(folder, lengthened(run, rows, width), (key) =>
    key.includes(WORDS) ? [rows, width] : tensors.get(key)!.shape,
  )
  writeFileSync(`${path}.part`, JSON.stringify([...known, ...missing]))
  renameSync(`${path}.part`, path)
  return missing
}

/** Grows the run in a folder where it stands. Throws when there is none, or when it would not become deeper. */
export async function growRun(folder: string, layers: number): Promise<void> {
  const run = await loadRun(folder)
  if (!run) throw new Error(`There is no run in ${folder} to grow: first npm run train -- restore`)
  const before = [...run.average.keys()].filter((name) => /^blocks\.\d+\.mod\.lin$/.test(name)).length
  if (!(Number.isInteger(layers) && layers > before))
    throw new Error(
      `The run in ${folder} has ${before} blocks and cannot get ${layers}: give --layers a whole number above that.`,
    )
  const { tensors } = await openSafetensors(statePath(folder))
  const first = (key: string): string => key.replace(/\bblocks\.\d+\./, "blocks.0.")
  const shapes = new Map([...tensors].map(([key, { shape }]) => [key, shape]))
  await saveRun(folder, grownRun(run, layers), (key) => (shapes.get(key) ?? shapes.get(first(key)))!)
}
