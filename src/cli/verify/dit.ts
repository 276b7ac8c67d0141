// Checks the DiT: every inner state the reference tapped, its output, and its output under adapters.
import { splitComponents } from "../../checkpoint/components.ts"
import { ditConfig } from "../../checkpoint/config.ts"
import type { Checkpoint } from "../../checkpoint/tensor.ts"
import { type DitConfig, imageRope, positionRope, timeEmbedding } from "../../nets/index.ts"
import { denoiserGraph, fusionGraph, type Notes } from "../../runtime/graphs.ts"
import { type DenoiserBatch, Dit, denoiserFeeds, type Validity } from "../../runtime/networks.ts"
import type { Runner, Values } from "../../runtime/runner.ts"
import { floats } from "../../runtime/session.ts"
import { type WeightFiles, weightFiles } from "../../runtime/weights.ts"
import { type Check, type Golden, weightsOf } from "./golden.ts"
import { runNotes } from "./notes.ts"

/** The DiT inside a file that also holds inputs and outputs. Shapes tell its sizes, but not the side of a patch. */
export function ditOf(
  checkpoint: Checkpoint,
  { patch }: Record<string, unknown>,
): { checkpoint: Checkpoint; config: DitConfig } {
  const dit = splitComponents(weightsOf(checkpoint)).dit
  if (!dit) throw new Error(`${checkpoint.path} holds no DiT.`)
  const config = ditConfig(dit)
  if (typeof patch !== "number") return { checkpoint: dit, config }
  const channels = (config.channels * config.patch ** 2) / patch ** 2
  return { checkpoint: dit, config: { ...config, patch, channels } }
}

/** The base of the rotary angles, in the words of the original or of diffusers; undefined is Krea 2's. */
export function thetaOf({ theta, rope_theta }: Record<string, unknown>): number | undefined {
  return [theta, rope_theta].find((value) => typeof value === "number")
}

export interface DitInputs {
  taps: Float32Array
  textValid: Validity
  batch: Omit<DenoiserBatch, "text">
}

/** The inputs of a file under the original's names or diffusers' names. */
export async function ditInputs(golden: Golden, config: DitConfig): Promise<DitInputs> {
  const name = (original: string, diffusers: string): string => (golden.has(original) ? original : diffusers)
  const image = await golden.read(name("input.img", "input.hidden_states"))
  const taps = await golden.read(name("input.context", "input.encoder_hidden_states"))
  const times = await golden.list(name("input.t", "input.timestep"))
  const position = await golden.list(name("input.pos", "input.position_ids"))
  const mask = name("input.txtmask", "input.encoder_attention_mask")
  const theta = thetaOf(golden.description.config)
  const [batch, textLength] = taps.shape as [number, number]
  const valid = golden.has(mask) ? await golden.list(mask) : new Array<number>(batch * textLength).fill(1)
  const length = textLength + image.shape[1]!
  const triples = Array.from(
    { length },
    (_, i): [number, number, number] => position.slice(3 * i, 3 * i + 3) as [number, number, number],
  )
  const [rows, columns] = [1, 2].map((axis) => 1 + Math.max(...triples.map((p) => p[axis]!))) as [
    number,
    number,
  ]
  const grid = triples.every((p, i) => {
    const at = i - textLength
    const place = at < 0 ? [0, 0, 0] : [0, Math.floor(at / columns), at % columns]
    return place.every((x, axis) => x === p[axis])
  })
  const rope = grid
    ? imageRope(textLength, rows, columns, config.headDim, theta)
    : positionRope(triples, config.headDim, theta)
  const textValid = Uint8Array.from(valid)
  return { taps: taps.data, textValid, batch: { image: image.data, times, valid: textValid, rope } }
}

/** The velocity, by the way the sampler takes. */
export async function ditOutput(
  runner: Runner,
  config: DitConfig,
  weights: WeightFiles,
  { taps, textValid, batch }: DitInputs,
): Promise<Float32Array> {
  const dit = await Dit.open(runner, config, weights)
  const text = await dit.fuse(taps, textValid, batch.times.length)
  const velocity = await dit.velocity({ ...batch, text })
  await dit.close()
  return velocity
}

export async function checkDit(golden: Golden, runner: Runner): Promise<Check[]> {
  const { checkpoint, config } = ditOf(golden.checkpoint, golden.description.config)
  const weights = weightFiles(checkpoint)
  const inputs = await ditInputs(golden, config)
  const velocity = await ditOutput(runner, config, weights, inputs)
  const checks = [await golden.check(golden.has("tap.output") ? "tap.output" : "output", velocity)]
  const taps = golden.below("tap.").filter((name) => name !== "output")
  if (taps.length === 0) return checks
  const states = await ditStates(runner, config, weights, inputs)
  for (const name of taps) {
    const { data, rows } = state(name, states, inputs, config)
    checks.push(await golden.check(`tap.${name}`, data, { rows }))
  }
  return checks
}

/** Every noted state of text fusion and denoiser, from the same expressions with more outputs. */
async function ditStates(
  runner: Runner,
  config: DitConfig,
  weights: WeightFiles,
  { taps, textValid, batch }: DitInputs,
): Promise<Values> {
  const size = batch.times.length
  const fusion: Notes = new Map()
  fusionGraph(config, fusion)
  const length = textValid.length / size
  const fused = await runNotes(runner, fusion, weights, {
    taps: floats(taps, [size, length, config.textLayers, config.textDim]),
    bias: floats(
      Float32Array.from(textValid, (v) => (v ? 0 : -1e9)),
      [size, 1, 1, length],
    ),
  })
  const text = fused.txtmlp!.data as Float32Array
  const denoiser: Notes = new Map()
  denoiserGraph(config, denoiser)
  return {
    ...fused,
    ...(await runNotes(runner, denoiser, weights, denoiserFeeds({ ...batch, text }, config))),
  }
}

/** One tapped state and, where it has text rows, which rows are real. */
function state(
  name: string,
  states: Values,
  { batch, textValid }: DitInputs,
  config: DitConfig,
): { data: ArrayLike<number>; rows?: Uint8Array } {
  if (name === "temb") return { data: timeEmbedding(batch.times, config.timeDim) }
  if (name === "rope.cos") return { data: batch.rope.cosine }
  if (name === "rope.sin") return { data: batch.rope.sine }
  const value = states[name]
  if (!value) throw new Error(`The engine names no state ${name}.`)
  const size = batch.times.length
  const textLength = textValid.length / size
  const length = batch.rope.length
  const isReal = (at: number): number => {
    const [b, i] = [Math.floor(at / length), at % length]
    return i < textLength ? textValid[b * textLength + i]! : 1
  }
  if (/^txtfusion\.layerwise|^txtfusion\.projector|^first$|^tmlp$|^tproj$/.test(name))
    return { data: value.data as Float32Array }
  const data = value.data as Float32Array
  const real = name.startsWith("txt")
    ? textValid
    : Uint8Array.from({ length: size * length }, (_, at) => isReal(at))
  if (value.shape.length === 3) return { data, rows: real }
  // [B,H,L,e]: the rows repeat for every head
  const [, heads, each] = value.shape as [number, number, number]
  const rows = Uint8Array.from({ length: size * heads * each }, (_, at) => {
    const b = Math.floor(at / (heads * each))
    return real[b * each + (at % each)]!
  })
  return { data, rows }
}
