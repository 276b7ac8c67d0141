// Weighted references, boards and sliders as at most two more branches of the denoiser. Pure: numbers in, numbers out.
import { type Lane, type Place, unstretched } from "../sampling/lane.ts"

/** A look: style tokens of one picture, and how much it counts. */
export interface WeightedLook {
  /** Hash of the picture's bytes: who it is, whatever it is called. */
  hash: string
  /** [S,F] of the style encoder; S and F are the model's. */
  tokens: Float32Array
  /** Towards (positive) or away (negative); any size. */
  weight: number
}

/** One set of looks blended into one: what a branch has beside the text. */
export interface LookBranch {
  /** Weighted mean of the style tokens, [S,F]. */
  tokens: Float32Array
  /** How far the picture goes to the look, or away from it; 1 is all the way to the look's own picture. */
  strength: number
}

export interface LookBranches {
  towards?: LookBranch
  away?: LookBranch
}

/** strength(w) = limit (1 - e^(-w / scale)): rises like limit / scale at first and never passes the limit. */
export interface Saturation {
  limit: number
  scale: number
}

export interface LookCalibration {
  towards: Saturation
  away: Saturation
}

/**
 * Of the embedded Medium, by its contact sheets and the judge (docs/controls.md): 1 is the look's own picture, 2 leads past
 * it by two fifths, and no sum by more than two thirds. Away is a little weaker at 1 and saturates lower, for a velocity
 * pushed off its course leaves the pictures that the model knows sooner than one that is pulled.
 */
export const LOOK_CALIBRATION: LookCalibration = {
  towards: { limit: 1.667, scale: 1.09 },
  away: { limit: 1.2, scale: 0.7 },
}

export const saturated = (weight: number, { limit, scale }: Saturation): number =>
  limit * -Math.expm1(-weight / scale)

/**
 * Looks as branches. Equal hashes add up, sums of 0 are as if never given, and the order of the list changes no bit:
 * sums run in the order of hashes, and of weights within one.
 */
export function lookBranches(
  looks: readonly WeightedLook[],
  calibration: LookCalibration = LOOK_CALIBRATION,
): LookBranches {
  const merged = mergeLooks(looks)
  const towards = blend(merged.filter((look) => look.weight > 0))
  const away = blend(merged.filter((look) => look.weight < 0))
  return {
    ...(towards && {
      towards: { tokens: towards.tokens, strength: saturated(towards.weight, calibration.towards) },
    }),
    ...(away && { away: { tokens: away.tokens, strength: saturated(away.weight, calibration.away) } }),
  }
}

/** One look per hash, sorted by hash; those whose weights cancel are gone. */
export function mergeLooks(looks: readonly WeightedLook[]): WeightedLook[] {
  const sorted = looks.toSorted((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : a.weight - b.weight))
  const merged: WeightedLook[] = []
  for (const look of sorted) {
    const last = merged.at(-1)
    if (last?.hash === look.hash) merged[merged.length - 1] = { ...last, weight: last.weight + look.weight }
    else merged.push(look)
  }
  // Decimal weights cancel but for a rounding: 0.1 + 0.2 - 0.3 is not 0.
  return merged.filter((look) => Math.abs(look.weight) > 1e-9)
}

/** Mean of the tokens, weighted by |weight|, and the sum of |weight|. One look alone keeps its tokens bit for bit. */
function blend(looks: readonly WeightedLook[]): { tokens: Float32Array; weight: number } | undefined {
  const [first] = looks
  if (!first) return undefined
  const weight = looks.reduce((sum, look) => sum + Math.abs(look.weight), 0)
  if (looks.length === 1) return { tokens: first.tokens, weight }
  const sums = new Float64Array(first.tokens.length)
  for (const look of looks) {
    if (look.tokens.length !== sums.length)
      throw new RangeError(
        `Looks have ${look.tokens.length} and ${sums.length} values; they are of two encoders.`,
      )
    for (let i = 0; i < sums.length; i++) sums[i]! += Math.abs(look.weight) * look.tokens[i]!
  }
  return { tokens: Float32Array.from(sums, (sum) => sum / weight), weight }
}

/** What the branches of one picture gave, all of one length. */
export interface BranchVelocities {
  conditional: Float32Array
  unconditional?: Float32Array
  towards?: Float32Array
  away?: Float32Array
}

/**
 * v = q + g (q - u') + (1 + g) (a - 1)+ (p - c') - (1 + g) b (m - u), with q = c + min(a, 1) (p - c). A pull a moves what the
 * prompt gives to the look, and guidance follows from there; beyond 1 it leads past the look, in the directions that
 * hardly stretch (u' and c': `unstretched`), for along the rest of the way bright lines on black become black. A push b
 * leaves the other look, whose branch has the negative prompt's words. Without guidance there is no u, and c stands for
 * it. A branch that is not there adds nothing, not even a rounding.
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
  if (away) add(-pace * push, unconditional ?? conditional, away)
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

/**
 * The branches that one picture runs and how their velocities become one: the prompt, the negative prompt under
 * guidance, then at most one with the looks to come near and one with those to leave. Without looks it is guidance
 * alone, bit for bit.
 */
export function lookLane(
  text: { prompt: BranchTokens; negative?: BranchTokens; guidance: number },
  { towards, away }: LookBranches,
  features: number,
): { branches: BranchTokens[]; mix: Lane["mix"] } {
  const negative = text.guidance === 0 ? undefined : text.negative
  const named = {
    conditional: text.prompt,
    ...(negative && { unconditional: negative }),
    ...(towards && { towards: beside(text.prompt, towards.tokens, features) }),
    // Away from the look by itself: beside a prompt that names it, the look's tokens have nothing left to add.
    ...(away && { away: beside(negative ?? text.prompt, away.tokens, features) }),
  }
  const names = Object.keys(named) as (keyof BranchVelocities)[]
  const factors = { guidance: text.guidance, pull: towards?.strength, push: away?.strength }
  return {
    branches: Object.values(named),
    mix: (velocities, at) =>
      combineVelocities(
        Object.fromEntries(names.map((name, i) => [name, velocities[i]!])) as unknown as BranchVelocities,
        factors,
        at,
      ),
  }
}
