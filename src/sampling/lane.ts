// A lane is one picture on its way; lanes of one size advance together, one denoiser run per step.
import type { RopeTable } from "../nets/index.ts"
import type { Dit } from "../runtime/networks.ts"

/** Fused text (and whatever else is beside it) of one branch: [T,F], and which of its tokens are real. */
export interface Tokens {
  data: Float32Array
  valid: Uint8Array
}

/** What one picture reads, and how its branches become one. */
export interface Reading {
  /** What each branch reads: all of one length T. The first is the prompt. */
  branches: readonly Tokens[]
  /** One velocity from the branches' velocities, each in its branch's place; where a branch did not run there is none. */
  mix: (velocities: Velocities, at: Place) => Float32Array
  /** The places of the branches that the step after `taken` of `steps` runs; all of them where this is not given. */
  turns?: (taken: number, steps: number) => readonly number[]
}

export type Velocities = readonly (Float32Array | undefined)[]

export interface Lane extends Reading {
  /** Image tokens [N,P], replaced after every step. */
  x: Float32Array
  /** Times still to go through; the first is where x stands. */
  times: readonly number[]
  /** Steps taken so far; 0 where it is not given. */
  taken?: number
  /** dx/dt of the last step, for previews. */
  velocity?: Float32Array
  /** x at time t with what a mask holds put back. */
  held?: (x: Float32Array, t: number) => Float32Array
}

/** The places of the branches that a lane's next step runs. */
export function running({ branches, turns, times, taken = 0 }: Lane): readonly number[] {
  return turns?.(taken, taken + times.length - 1) ?? [...branches.keys()]
}

/** Tokens [T,F] with masked rows behind them, `length` in all. */
export function padded({ data, valid }: Tokens, length: number): Tokens {
  if (valid.length === length) return { data, valid }
  const width = data.length / valid.length
  const longer = { data: new Float32Array(length * width), valid: new Uint8Array(length) }
  longer.data.set(data)
  longer.valid.set(valid)
  return longer
}

/** v = c + g (c - u), the reference's convention; without guidance only the conditional branch. */
export const guided =
  (guidance: number): ((velocities: Velocities) => Float32Array) =>
  ([conditional, unconditional]) => {
    const c = conditional!
    const u = unconditional
    if (!u || guidance === 0) return c
    return c.map((value, i) => value + guidance * (value - u[i]!))
  }

/** Where a lane stands: its image tokens, and their time. */
export interface Place {
  x: Float32Array
  t: number
}

/** How much is kept of what stretches: without any, pictures are paler than real art (decision 056). */
const STRETCH = 0.25

/**
 * The unconditional velocity u, moved so that guidance by c - u turns the picture more than it stretches it: of c - u, most
 * of what lies along the clean picture that c aims at, x - t c, is left out. That part is only more contrast and colour
 * (Sadat et al. 2024, "Eliminating Oversaturation and Artifacts of High Guidance Scales", 3.1, without its momentum and its
 * bound). `kept`, 0 to 1, is the share of it that stays.
 */
export function unstretched(
  c: Float32Array,
  u: Float32Array,
  { x, t }: Place,
  kept: number = STRETCH,
): Float32Array {
  const clean = x.map((value, i) => value - t * c[i]!)
  let [along, length] = [0, 0]
  for (let i = 0; i < clean.length; i++) {
    along += (c[i]! - u[i]!) * clean[i]!
    length += clean[i]! * clean[i]!
  }
  const share = length === 0 ? 0 : ((1 - kept) * along) / length
  return u.map((value, i) => value + share * clean[i]!)
}

/** x + dt v */
export const euler = (x: Float32Array, v: Float32Array, dt: number): Float32Array =>
  x.map((value, i) => value + dt * v[i]!)

/** The velocities of every lane's branches that take part in its next step, in their places, all from one batched run. */
export async function velocities(
  dit: Dit,
  lanes: readonly Lane[],
  rope: RopeTable,
): Promise<(Float32Array | undefined)[][]> {
  const places = lanes.map(running)
  const rows = lanes.flatMap((lane, i) =>
    places[i]!.map((place) => ({ lane, tokens: lane.branches[place]! })),
  )
  const joined = <T extends Float32Array | Uint8Array>(make: (n: number) => T, parts: readonly T[]): T => {
    const out = make(parts.reduce((n, p) => n + p.length, 0))
    let at = 0
    for (const part of parts) {
      out.set(part, at)
      at += part.length
    }
    return out
  }
  const all = await dit.velocity({
    image: joined(
      (n) => new Float32Array(n),
      rows.map((r) => r.lane.x),
    ),
    times: rows.map((r) => r.lane.times[0]!),
    text: joined(
      (n) => new Float32Array(n),
      rows.map((r) => r.tokens.data),
    ),
    valid: joined(
      (n) => new Uint8Array(n),
      rows.map((r) => r.tokens.valid),
    ),
    rope,
  })
  const each = all.length / rows.length
  let row = 0
  return lanes.map((lane, i) =>
    lane.branches.map((_, place) => {
      if (!places[i]!.includes(place)) return undefined
      const at = row++ * each
      return all.subarray(at, at + each)
    }),
  )
}

/** One step of every lane. */
export async function advance(dit: Dit, lanes: readonly Lane[], rope: RopeTable): Promise<void> {
  const found = await velocities(dit, lanes, rope)
  lanes.forEach((lane, i) => {
    const [t, next] = lane.times as [number, number]
    lane.velocity = lane.mix(found[i]!, { x: lane.x, t })
    const x = euler(lane.x, lane.velocity, next - t)
    lane.x = lane.held ? lane.held(x, next) : x
    lane.times = lane.times.slice(1)
    lane.taken = (lane.taken ?? 0) + 1
  })
}
