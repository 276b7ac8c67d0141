// Checks the text tower: hidden states and stacked taps of real tokens, run as the engine does, without padding.
import { splitComponents } from "../../checkpoint/components.ts"
import { textConfig } from "../../checkpoint/config.ts"
import { readTensor } from "../../checkpoint/read.ts"
import { type RopeTable, textRope } from "../../nets/index.ts"
import { TextTower } from "../../runtime/networks.ts"
import type { Runner } from "../../runtime/runner.ts"
import { weightFiles } from "../../runtime/weights.ts"
import type { Check, Golden } from "./golden.ts"

export async function checkText(golden: Golden, runner: Runner): Promise<Check[]> {
  const checkpoint = splitComponents(golden.checkpoint).text
  if (!checkpoint) throw new Error(`${golden.path} holds no text tower.`)
  const { rope_parameters: rope, rope_theta } = golden.description.config as {
    rope_parameters?: { rope_theta?: number }
    rope_theta?: number
  }
  const settings = { ropeTheta: rope?.rope_theta ?? rope_theta }
  const last = textConfig(checkpoint).layers
  const every = Array.from({ length: last + 1 }, (_, i) => i)
  const config = textConfig(checkpoint, { ...settings, taps: every })
  const tower = await TextTower.open(runner, config, weightFiles(checkpoint))

  const ids = await golden.read("input_ids")
  const mask = await golden.list("attention_mask")
  const [batch, length] = ids.shape as [number, number]
  const width = config.hidden
  const places = Array.from({ length: batch }, (_, b) =>
    Array.from({ length }, (_, i) => i).filter((i) => mask[b * length + i]),
  )
  // [L,n,D] per row, for the real tokens only
  const taps: Float32Array[] = []
  for (const [b, real] of places.entries())
    taps.push(await tower.taps(real.map((i) => ids.data[b * length + i]!)))
  await tower.close()

  /** [B,L,D] with the real rows in their places. */
  const spread = (state: number): Float32Array => {
    const out = new Float32Array(batch * length * width)
    places.forEach((real, b) => {
      real.forEach((place, i) => {
        const from = (i * every.length + state) * width
        out.set(taps[b]!.subarray(from, from + width), (b * length + place) * width)
      })
    })
    return out
  }
  const checks: Check[] = []
  for (const state of every)
    if (golden.has(`hidden_states.${state}`))
      checks.push(await golden.check(`hidden_states.${state}`, spread(state), { rows: mask }))
  if (golden.has("last_hidden_state") && checkpoint.tensors.has("norm.weight")) {
    const scale = await readTensor(checkpoint, "norm.weight")
    checks.push(await golden.check("last_hidden_state", plainNorm(spread(last), scale), { rows: mask }))
  }
  if (golden.has("stacked")) checks.push(await checkStacked(golden, spread, [batch, length, width], mask))
  for (const [name, part] of [
    ["rope.cos", "cosine"],
    ["rope.sin", "sine"],
  ] as const)
    if (golden.has(name))
      checks.push(
        await golden.check(name, ropeRows(places, length, config.headDim, config.ropeTheta, part), {
          rows: mask,
        }),
      )
  return checks
}

async function checkStacked(
  golden: Golden,
  spread: (state: number) => Float32Array,
  [batch, length, width]: readonly [number, number, number],
  mask: readonly number[],
): Promise<Check> {
  const { select_layers: layers = [], prefix_idx: prefix = 0 } = golden.description
  const states = layers.map(spread)
  const kept = length - prefix
  const out = new Float32Array(batch * kept * layers.length * width)
  const rows = new Uint8Array(batch * kept)
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < kept; i++) {
      const from = b * length + i + prefix
      rows[b * kept + i] = mask[from]!
      states.forEach((state, n) => {
        const to = ((b * kept + i) * layers.length + n) * width
        out.set(state.subarray(from * width, (from + 1) * width), to)
      })
    }
  return await golden.check("stacked", out, { rows })
}

/** [B,L,e]: the table that the engine feeds, its halves twice, in the places of the real tokens. */
function ropeRows(
  places: readonly (readonly number[])[],
  length: number,
  headDim: number,
  theta: number,
  part: keyof Pick<RopeTable, "cosine" | "sine">,
): Float32Array {
  const half = headDim / 2
  const out = new Float32Array(places.length * length * headDim)
  places.forEach((real, b) => {
    const table = textRope(real.length, headDim, theta)[part]
    real.forEach((place, i) => {
      const row = table.subarray(i * half, (i + 1) * half)
      out.set(row, (b * length + place) * headDim)
      out.set(row, (b * length + place) * headDim + half)
    })
  })
  return out
}

/** The tower's final norm, which Krea 2 never uses. */
function plainNorm(x: Float32Array, scale: Float32Array): Float32Array {
  const width = scale.length
  return x.map((value, i) => {
    const row = x.subarray(i - (i % width), i - (i % width) + width)
    const mean = row.reduce((sum, v) => sum + v * v, 0) / width
    return (value / Math.sqrt(mean + 1e-6)) * scale[i % width]!
  })
}
