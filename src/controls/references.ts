// Weighted references, boards and sliders as at most two more branches of the denoiser. Pure: numbers in, numbers out.
import { type Place, type Reading, unstretched, type Velocities } from "../sampling/lane.ts"
import type { LookBranches, LookSet } from "./looks.ts"

/** How much of what stretches a push keeps: with all of it pictures break, without any they hardly leave the look. */
const PUSH_STRETCH = 0.625

/** What the branches of one picture gave, all of one length. */
export interface BranchVelocities {
  conditional: Float32Array
  unconditional?: Float32Array
  towards?: Float32Array
  away?: Float32Array
}

/**
 * v = q + g (q - u') + (1 + g) (a - 1)+ (p - c') - (1 + g) b (m - u"), with q = c + min(a, 1) (p - c). A pull a moves what the
 * prompt gives to the look, and guidance follows from there; beyond 1 it leads past the look, in the directions that
 * hardly stretch (u' and c': `unstretched`), for along the rest of the way bright lines on black become black. A push b
 * leaves the other look, whose branch has the negative prompt's words, with five eighths of what stretches (u").
 * Where nothing ran for u, c stands for it. A branch that is not there adds nothing, not even a rounding.
 */
export function combineVelocities(
  { conditional, unconditional, towards, away }: BranchVelocities,
  { guidance, pull = 0, push = 0 }: { guidance: number; pull?: number; push?: number },
  at: Place,
): Float32Array {
  const near = towards && pull > 0 ? between(conditional, towards, Math.min(pull, 1)) : conditional
  const out = Float64Array.from(near)
  const add = (factor: number, from: Float32Array, to: Float32Array): void => {
    if (factor !== 0) for (let i = 0; i < out.length; i++) out[i]! += factor * (to[i]! - from[i]!)
  }
  // Guidance carries the prompt 1 + g times as far as the model itself would, and looks keep pace with it.
  const pace = 1 + guidance
  if (guidance !== 0 && unconditional) add(guidance, unstretched(near, unconditional, at), near)
  if (towards && pull > 1) add(pace * (pull - 1), unstretched(towards, conditional, at), towards)
  if (away) add(-pace * push, unstretched(away, unconditional ?? conditional, at, PUSH_STRETCH), away)
  return Float32Array.from(out)
}

const between = (from: Float32Array, to: Float32Array, share: number): Float32Array =>
  from.map((value, i) => value + share * (to[i]! - value))

/** Text of a branch: [T,F] and which of its tokens are real. */
export interface BranchTokens {
  data: Float32Array
  valid: Uint8Array
}

/** Tokens put behind the text, all of them real. */
export function beside(text: BranchTokens, tokens: Float32Array, features: number): BranchTokens {
  const count = tokens.length / features
  const data = new Float32Array(text.data.length + tokens.length)
  data.set(text.data)
  data.set(tokens, text.data.length)
  const valid = new Uint8Array(text.valid.length + count)
  valid.set(text.valid)
  valid.fill(1, text.valid.length)
  return { data, valid }
}

/** Share of the steps in which two sets of looks are drawn side by side; then they take turns. */
const SIDE_BY_SIDE = 0.25

/**
 * The branches that one picture runs and how their velocities become one: the prompt, the negative prompt under
 * guidance, then at most two more, of looks to come near and of looks to leave. Two sets of looks to come near both run
 * while the layout and the palette are found, their velocities averaged by share; then they take turns, and where the
 * strength is 1 or more the prompt by itself rests. Without looks it is guidance alone, bit for bit. Without guidance the
 * negative prompt, then of no words, runs only for a look to leave, and where there is none to come near: two more at most.
 */
export function lookLane(
  text: { prompt: BranchTokens; negative: BranchTokens; guidance: number },
  { towards, away }: LookBranches,
  features: number,
): Reading {
  const near = towards?.sets ?? []
  // Away from the look by itself: beside a prompt that names it, the look's tokens have nothing left to add.
  const far = away?.sets ?? []
  const isNegative = text.guidance > 0 || (far.length > 0 && near.length === 0)
  const negative = isNegative ? text.negative : undefined
  const factors = { guidance: text.guidance, pull: towards?.strength, push: away?.strength }
  const branches = [
    text.prompt,
    ...(negative ? [negative] : []),
    ...near.map(({ tokens }) => beside(text.prompt, tokens, features)),
    ...far.map(({ tokens }) => beside(negative ?? text.prompt, tokens, features)),
  ]
  const first = negative ? 2 : 1
  return {
    branches,
    mix: (velocities, at) => {
      const unconditional = negative && velocities[1]
      const pulled = averaged(velocities.slice(first, first + near.length), near)
      const pushed = velocities[first + near.length]
      return combineVelocities(
        {
          // All the way to the looks, the prompt by itself has nothing to say.
          conditional: velocities[0] ?? pulled!,
          ...(unconditional && { unconditional }),
          ...(pulled && velocities[0] && { towards: pulled }),
          ...(pushed && { away: pushed }),
        },
        factors,
        at,
      )
    },
    ...(near.length === 2 && {
      turns: (taken, steps) => {
        if (isBoth(taken, steps)) return [...branches.keys()]
        const resting = [
          first + 1 - turnOf(taken, steps, near[0]!.share),
          ...(towards!.strength < 1 ? [] : [0]),
        ]
        return [...branches.keys()].filter((place) => !resting.includes(place))
      },
    }),
  }
}

const isBoth = (taken: number, steps: number): boolean => taken < Math.ceil(steps * SIDE_BY_SIDE)

/** Whose turn a step is, 0 or 1: in any stretch of steps the first one has its share of them. */
function turnOf(taken: number, steps: number, share: number): 0 | 1 {
  const turns = taken - Math.ceil(steps * SIDE_BY_SIDE)
  const due = (k: number): number => Math.floor(share * k + 0.5)
  return due(turns + 1) > due(turns) ? 0 : 1
}

/** Mean of the velocities that are there by their sets' shares; one alone is itself, bit for bit. */
function averaged(velocities: Velocities, sets: readonly LookSet[]): Float32Array | undefined {
  const [one, other] = velocities
  if (!one || !other) return one ?? other
  const [a, b] = sets as [LookSet, LookSet]
  return one.map((value, i) => a.share * value + b.share * other[i]!)
}
