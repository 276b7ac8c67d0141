// Makes a deeper denoiser out of a trained one, which computes the same to begin with: training goes on from there.
import { openSafetensors } from "../checkpoint/index.ts"
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
