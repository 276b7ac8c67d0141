// Checks schedules, and whole trajectories with guidance, by the sampler's own steps.
import { imageRope, patchify, unpatchify } from "../../nets/index.ts"
import { Dit } from "../../runtime/networks.ts"
import type { Runner } from "../../runtime/runner.ts"
import { weightFiles } from "../../runtime/weights.ts"
import { euler, guided, type Lane, padded, type Tokens, velocities } from "../../sampling/lane.ts"
import { schedule, shiftFor } from "../../sampling/schedule.ts"
import { ditOf, thetaOf } from "./dit.ts"
import { type Check, compare, type Golden } from "./golden.ts"

const EXACT = { atol: 1e-6, rtol: 0 }

export async function checkSchedules(golden: Golden): Promise<Check[]> {
  const checks: Check[] = []
  for (const row of golden.description.table ?? []) {
    const mu = row.mu_mode === "derived" ? shiftFor(row.seq_len) : row.mu
    checks.push(await golden.check(row.key, schedule(row.steps, mu)))
  }
  return checks
}

export async function checkSampler(golden: Golden, runner: Runner): Promise<Check[]> {
  const base = ditOf(await golden.neighbour(golden.description.weights_file!), golden.description.config)
  const dit = await Dit.open(runner, base.config, weightFiles(base.checkpoint))
  const checks: Check[] = []
  for (const name of Object.keys(golden.description.runs ?? {}))
    checks.push(...(await checkRun(golden, dit, name)))
  await dit.close()
  return checks
}

async function checkRun(golden: Golden, dit: Dit, run: string): Promise<Check[]> {
  const { steps, guidance, mu } = golden.description.runs![run]!
  const c = dit.config
  const theta = thetaOf(golden.description.config)
  const noise = await golden.read(`${run}.noise`)
  const [batch, , rows, columns] = noise.shape as [number, number, number, number]
  const checks: Check[] = []
  // A size that is no multiple of a token's side was rounded up: the noise shows to what.
  const times = schedule(steps, mu ?? shiftFor((rows * columns) / c.patch ** 2))
  checks.push(await golden.check(`${run}.timesteps`, times, { tolerance: EXACT }))

  const [prompt, negative] = aligned(
    await fused(golden, dit, "enc.pos", batch),
    guidance > 0 ? await fused(golden, dit, "enc.neg", batch) : undefined,
  )
  const each = noise.data.length / batch
  const lanes = Array.from(
    { length: batch },
    (_, b): Lane => ({
      x: patchify(noise.data.slice(b * each, (b + 1) * each), c.channels, rows, columns, c.patch),
      times,
      branches: negative ? [prompt[b]!, negative[b]!] : [prompt[b]!],
      mix: guided(guidance),
    }),
  )
  checks.push(await golden.check(`${run}.noise_tokens`, joined(lanes.map((l) => l.x))))
  const rope = imageRope(prompt[0]!.valid.length, rows / c.patch, columns / c.patch, c.headDim, theta)
  checks.push(...(await checkSteps(golden, dit, run, lanes, rope)))
  const latents = lanes.map((l) => unpatchify(l.x, c.channels, rows, columns, c.patch))
  checks.push(await golden.check(`${run}.final_latent`, joined(latents)))
  return checks
}

/** Steps all lanes together, and compares the velocities and the tokens after every step. */
async function checkSteps(
  golden: Golden,
  dit: Dit,
  run: string,
  lanes: Lane[],
  rope: Parameters<typeof velocities>[2],
): Promise<Check[]> {
  const checks: Check[] = []
  const expected = await golden.read(`${run}.latents`)
  const branches = ["v_cond", "v_uncond"]
    .slice(0, lanes[0]!.branches.length)
    .filter((name) => golden.has(`${run}.${name}`))
  const references = await Promise.all(branches.map((name) => golden.read(`${run}.${name}`)))
  const part = (data: Float32Array, i: number): Float32Array => {
    const size = lanes.length * lanes[0]!.x.length
    return data.subarray(i * size, (i + 1) * size)
  }
  const against = (name: string, actual: Float32Array, reference: Float32Array): void => {
    checks.push(compare(`${run}.${name}`, actual, reference, golden.tolerance))
  }
  const steps = lanes[0]!.times.length - 1
  for (let i = 0; i < steps; i++) {
    const found = await velocities(dit, lanes, rope)
    references.forEach((reference, branch) => {
      const actual = joined(found.map((v) => v[branch]!))
      against(`${branches[branch]}[${i}]`, actual, part(reference.data, i))
    })
    lanes.forEach((lane, b) => {
      const [t, next] = lane.times as [number, number]
      lane.x = euler(lane.x, lane.mix(found[b]!, { x: lane.x, t }), next - t)
      lane.times = lane.times.slice(1)
    })
    against(`latents[${i + 1}]`, joined(lanes.map((l) => l.x)), part(expected.data, i + 1))
  }
  return checks
}

/** Both prompts at one length, as the sampler runs them; the reference runs them apart. */
function aligned(prompt: readonly Tokens[], negative?: readonly Tokens[]): [Tokens[], Tokens[] | undefined] {
  const length = Math.max(...[...prompt, ...(negative ?? [])].map(({ valid }) => valid.length))
  const pad = (all: readonly Tokens[]): Tokens[] => all.map((tokens) => padded(tokens, length))
  return [pad(prompt), negative && pad(negative)]
}

async function fused(golden: Golden, dit: Dit, name: string, batch: number): Promise<Tokens[]> {
  const taps = await golden.read(`${name}.context`)
  const valid = Uint8Array.from(await golden.list(`${name}.mask`))
  const texts = taps.shape[0]! // one for each picture, or one for all
  const data = await dit.fuse(taps.data, valid, texts)
  const split = <T extends Float32Array | Uint8Array>(all: T, b: number): T => {
    const size = all.length / texts
    const at = (b % texts) * size
    return all.subarray(at, at + size) as T
  }
  return Array.from({ length: batch }, (_, b) => ({ data: split(data, b), valid: split(valid, b) }))
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
