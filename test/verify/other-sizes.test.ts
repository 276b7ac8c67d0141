// verify on golden files of other sizes than the public ones, made by an independent float64 network.
import assert from "node:assert/strict"
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { ditTensors, writeSafetensors } from "../../src/checkpoint/index.ts"
import { verifyFolder } from "../../src/cli/verify/report.ts"
import { type DitConfig, swigluDim } from "../../src/nets/index.ts"
import { localRunner, type Runner } from "../../src/runtime/runner.ts"
import { referenceVelocity, type Tensors } from "../support/reference-dit.ts"
import { noise } from "../support/run.ts"

let folder: string
let runner: Runner
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-sizes-"))
  runner = localRunner({ threads: 1 })
})
after(async () => {
  await runner.close()
  await rm(folder, { recursive: true })
})

interface Sizes {
  headDim: number
  heads: number
  kvHeads: number
  layers: number
  textHeads: number
  textKvHeads: number
  textLayers: number
  channels: number
  patch: number
  theta: number
}

/** Random weights of a network whose every size differs from Krea 2's and from the public set's. */
function network(s: Sizes): { config: DitConfig & { theta: number }; weights: Tensors } {
  const features = s.heads * s.headDim
  const config = {
    ...s,
    features,
    timeDim: 24,
    mlpDim: swigluDim(features),
    textDim: s.textHeads * 16,
    textHeadDim: 16,
    textMlpDim: swigluDim(s.textHeads * 16),
    layerwiseBlocks: 2,
    refinerBlocks: 2,
  }
  const weights = new Map(
    [...ditTensors(config)].map(([name, shape], seed) => {
      const count = shape.reduce((a, b) => a * b, 1)
      const size = shape.length === 2 && name.endsWith("weight") ? Math.sqrt(3 / shape[1]!) : 0.2
      return [name, noise(count, seed + 1).map((v) => v * size)]
    }),
  )
  return { config, weights }
}

const rowsOf = (data: Float32Array, width: number): number[][] =>
  Array.from({ length: data.length / width }, (_, i) => [...data.subarray(i * width, (i + 1) * width)])

async function write(
  name: string,
  tensors: Record<string, { shape: readonly number[]; data: Float32Array }>,
  description: Record<string, unknown>,
): Promise<void> {
  const entries = Object.entries(tensors).map(([tensor, t]) => ({ name: tensor, type: "F32" as const, ...t }))
  await writeSafetensors(join(folder, `${name}.safetensors`), entries)
  const text = { file: `${name}.safetensors`, compare: { atol: 1e-4, rtol: 1e-4 }, ...description }
  await writeFile(join(folder, `${name}.json`), JSON.stringify(text))
}

const weightEntries = (config: DitConfig, weights: Tensors) =>
  Object.fromEntries(
    [...ditTensors(config)].map(([name, shape]) => [name, { shape, data: weights.get(name)! }]),
  )

const odd = { headDim: 24, heads: 3, kvHeads: 1, layers: 1, textHeads: 3, textKvHeads: 1, textLayers: 5 }
const one = { headDim: 16, heads: 1, kvHeads: 1, layers: 4, textHeads: 2, textKvHeads: 2, textLayers: 1 }

for (const [what, sizes, batch, [rows, columns]] of [
  ["three heads on one key head", { ...odd, channels: 3, patch: 2, theta: 1000 }, 3, [5, 3]],
  ["one head, one tap, another patch and angle", { ...one, channels: 5, patch: 1, theta: 500 }, 1, [1, 7]],
] as const)
  test(`a DiT with ${what} passes`, async () => {
    const { config, weights } = network(sizes)
    const [tokens, length, token] = [rows * columns, 4, config.channels * config.patch ** 2]
    const image = noise(batch * tokens * token, 91)
    const taps = noise(batch * length * config.textLayers * config.textDim, 92)
    const times = Float32Array.from({ length: batch }, (_, b) => (b + 1) / (batch + 1))
    const masked = batch > 1 // a file without a mask has real tokens only
    const valid = Float32Array.from({ length: batch * length }, (_, i) => (masked && i === 5 ? 0 : 1))
    const output = [...times].flatMap((t, b) => {
      const own = <T extends Float32Array>(all: T): T => {
        const each = all.length / batch
        return all.slice(b * each, (b + 1) * each) as T
      }
      const states = rowsOf(own(taps), config.textDim)
      const byToken = Array.from({ length }, (_, i) =>
        states.slice(i * config.textLayers, (i + 1) * config.textLayers),
      )
      return referenceVelocity(
        rowsOf(own(image), token),
        byToken,
        own(valid),
        t,
        columns,
        weights,
        config,
      ).flat()
    })
    const positions = Array.from({ length: length + tokens }, (_, i) =>
      i < length ? [0, 0, 0] : [0, Math.floor((i - length) / columns), (i - length) % columns],
    )
    await write(
      "dit",
      {
        ...weightEntries(config, weights),
        "input.img": { shape: [batch, tokens, token], data: image },
        "input.context": { shape: [batch, length, config.textLayers, config.textDim], data: taps },
        "input.t": { shape: [batch], data: times },
        "input.pos": {
          shape: [batch, length + tokens, 3],
          data: Float32Array.from(Array.from({ length: batch }, () => positions).flat(2)),
        },
        ...(masked && { "input.txtmask": { shape: [batch, length], data: valid } }),
        "tap.output": { shape: [batch, tokens, token], data: Float32Array.from(output) },
      },
      { config: { patch: config.patch, theta: config.theta } },
    )
    const [report] = await verifyFolder(folder, runner)
    assert.equal(report!.error, undefined)
    assert.equal(report!.kind, "dit")
    assert.ok(report!.pass, `largest error ${report!.absolute}`)
    await rm(join(folder, "dit.json"))
  })

test("a trajectory passes whose two prompts differ in length and whose sides are no multiples of 16", async () => {
  const { config, weights } = network({ ...odd, channels: 2, patch: 2, theta: 1000 })
  const [rows, columns, token] = [2, 3, 8] // 25 x 40 pixels, rounded up to 32 x 48
  const prompts = [5, 3].map((length, i) => ({
    length,
    data: noise(length * config.textLayers * config.textDim, 70 + i),
  }))
  const latent = noise(rows * columns * token, 33)
  const patched = (at: (token: number, inside: number) => [number, number]): Float32Array => {
    const out = new Float32Array(latent.length)
    for (let n = 0; n < rows * columns; n++)
      for (let k = 0; k < token; k++) {
        const [to, from] = at(n, k)
        out[to] = latent[from]!
      }
    return out
  }
  const place = (n: number, k: number): number => {
    const [c, dy, dx] = [Math.floor(k / 4), Math.floor(k / 2) % 2, k % 2]
    return (c * 2 * rows + 2 * Math.floor(n / columns) + dy) * 2 * columns + 2 * (n % columns) + dx
  }
  const steps = [1, 0.6, 0] // of mu = ln 1.5 in two steps
  const noiseTokens = patched((n, k) => [n * token + k, place(n, k)])
  const latents = [noiseTokens]
  for (const [i, t] of steps.slice(0, -1).entries()) {
    const x = latents[i]!
    const [towards, away] = prompts.map(({ length, data }) => {
      const states = rowsOf(data, config.textDim)
      const taps = Array.from({ length }, (_, p) =>
        states.slice(p * config.textLayers, (p + 1) * config.textLayers),
      )
      const all = new Array<number>(length).fill(1)
      return referenceVelocity(rowsOf(x, token), taps, all, t, columns, weights, config).flat()
    })
    const step = steps[i + 1]! - t
    latents.push(x.map((v, n) => v + step * (towards![n]! + 2.5 * (towards![n]! - away![n]!))))
  }
  const last = new Float32Array(latent.length)
  for (let n = 0; n < rows * columns; n++)
    for (let k = 0; k < token; k++) last[place(n, k)] = latents.at(-1)![n * token + k]!
  const encoded = (name: string, { length, data }: { length: number; data: Float32Array }) => ({
    [`enc.${name}.context`]: { shape: [1, length, config.textLayers, config.textDim], data },
    [`enc.${name}.mask`]: { shape: [1, length], data: new Float32Array(length).fill(1) },
  })
  await write("weights", weightEntries(config, weights), { file: "none" })
  await rm(join(folder, "weights.json"))
  const shape = [1, config.channels, 2 * rows, 2 * columns]
  await write(
    "before",
    {
      ...encoded("pos", prompts[0]!),
      ...encoded("neg", prompts[1]!),
      "raw.noise": { shape, data: latent },
      "raw.noise_tokens": { shape: [1, rows * columns, token], data: noiseTokens },
      "raw.timesteps": { shape: [3], data: Float32Array.from(steps) },
      "raw.latents": {
        shape: [3, 1, rows * columns, token],
        data: Float32Array.from(latents.flatMap((l) => [...l])),
      },
      "raw.final_latent": { shape, data: last },
    },
    {
      weights_file: "weights.safetensors",
      runs: { raw: { steps: 2, guidance: 2.5, mu: Math.log(1.5), width: 40, height: 25 } },
    },
  )
  // Renamed together, description and tensors still belong to each other.
  await rename(join(folder, "before.json"), join(folder, "after.json"))
  await rename(join(folder, "before.safetensors"), join(folder, "after.safetensors"))
  const [report] = await verifyFolder(folder, runner)
  assert.equal(report!.error, undefined)
  assert.equal(report!.kind, "sampler")
  assert.ok(report!.pass, `largest error ${report!.absolute}`)
  assert.equal(report!.checks.length, 5)
})

test("an output of a LoRA that no file of the description gives is an error, not a silence", async () => {
  const { config, weights } = network({ ...odd, channels: 1, patch: 2, theta: 1000 })
  const [length, tokens, token] = [2, 1, 4]
  const numbers = (
    shape: number[],
    data = noise(
      shape.reduce((a, b) => a * b, 1),
      5,
    ),
  ) => ({ shape, data })
  const inputs = {
    "input.img": numbers([1, tokens, token]),
    "input.context": numbers([1, length, config.textLayers, config.textDim]),
    "input.t": numbers([1]),
    "input.pos": numbers([1, length + tokens, 3], new Float32Array(3 * (length + tokens))),
  }
  await write("base", weightEntries(config, weights), {})
  await rm(join(folder, "base.json"))
  await write(
    "adapted",
    { ...inputs, "output.peft.scale1": numbers([1, tokens, token]) },
    { base_weights_file: "base.safetensors", layout_files: {} },
  )
  const report = (await verifyFolder(folder, runner)).find((r) => r.file === "adapted.json")
  assert.equal(report!.kind, "lora")
  assert.equal(report!.pass, false)
  assert.match(report!.error!, /gives output\.peft\.scale1/)
})
