// How far one noise leans under the movement slider: of some strengths of it, the picture that goes as far as asked
// (decision 066).
import type { Pixels } from "../image/decode.ts"
import { diagonalsOf } from "../image/diagonals.ts"
import { luminance } from "../image/luminance.ts"
import type { GenerationRequest } from "../request/request.ts"
import type { Grid } from "./grid.ts"
import { type Lane, padded, type Reading, type Tokens } from "./lane.ts"
import type { Model } from "./model.ts"
import type { Reporter } from "./progress.ts"
import { throwIfCancelled } from "./stepper.ts"

/** How much less of the subject a verifier may see in a leaning picture, as a log probability: two thirds of it stay. */
const MARGIN = Math.log(1.5)

/** Trials are nearer to each other where there is little movement, for many things bear no more. */
const BEND = 1.5

type Moved = GenerationRequest & { seed: number; candidates: number }

/** What a trial shows: how far it leans in the direction that was asked, and how much of the prompt is seen in it. */
export interface Trial {
  leans: number
  agreement: number
}

/** Share of a picture's gradient energy that lies near a diagonal, 0..1: what the slider moves. */
const diagonalOf = (picture: Pixels): number =>
  diagonalsOf(luminance(picture), picture.width, picture.height).diagonal

/** How many pictures a request for movement tries; 0 where it has one strength of it alone. */
export const movementTrials = (
  { verifier }: Pick<Model, "verifier">,
  { movement, candidates }: Moved,
): number => (verifier && movement !== 0 && candidates > 1 ? candidates : 0)

/**
 * The places of the trials that a slider goes through, in order: from the one that leans furthest of those that still show
 * the subject back to the first, which is not moved, as many as lean more with each more of it that was asked.
 */
export function pathOf(trials: readonly Trial[]): number[] {
  const still = trials[0]!
  const shows = ({ agreement }: Trial): boolean => agreement >= still.agreement - MARGIN
  /** The longest path to each trial, without the first. */
  const paths: number[][] = [[]]
  for (const [k, trial] of trials.entries()) {
    if (k === 0) continue
    const before = paths.filter((path, i) => i === 0 || (path.length > 0 && trials[i]!.leans < trial.leans))
    const longest = before.reduce((a, b) => (b.length > a.length ? b : a))
    paths.push(shows(trial) && trial.leans > still.leans ? [...longest, k] : [])
  }
  const ends = [...trials.keys()].filter((k) => paths[k]!.length > 0)
  if (ends.length === 0) return []
  return paths[ends.reduce((a, b) => (trials[b]!.leans > trials[a]!.leans ? b : a))]!
}

/** The place of the trial that goes `share` of the way, above 0 up to 1: the first where none leans further than that. */
export function asFarAs(share: number, trials: readonly Trial[]): number {
  const path = pathOf(trials)
  return path[Math.ceil(share * path.length) - 1] ?? 0
}

const isSame = (a: Tokens, b: Tokens): boolean =>
  a.valid.every((value, i) => value === b.valid[i]) && a.data.every((value, i) => value === b.data[i])

/**
 * A reading that goes `share` of the way, 0 to 1, from one to another: both are drawn, and their velocities averaged. A
 * branch that both have, as the negative prompt, runs once.
 */
export function between(one: Reading, other: Reading, share: number): Reading {
  if (share === 0) return one
  if (share === 1) return other
  const length = Math.max(...[one, other].map(({ branches: [first] }) => first!.valid.length))
  const branches: Tokens[] = []
  const placesOf = (reading: Reading): number[] =>
    reading.branches.map((short) => {
      const tokens = padded(short, length)
      const known = branches.findIndex((branch) => isSame(branch, tokens))
      return known === -1 ? branches.push(tokens) - 1 : known
    })
  const ends = [one, other].map((reading) => ({ reading, places: placesOf(reading) }))
  return {
    branches,
    turns: (taken, steps) => [
      ...new Set(
        ends.flatMap(({ reading, places }) =>
          (reading.turns?.(taken, steps) ?? [...places.keys()]).map((place) => places[place]!),
        ),
      ),
    ],
    mix: (velocities, at) => {
      const [a, b] = ends.map(({ reading, places }) =>
        reading.mix(
          places.map((place) => velocities[place]),
          at,
        ),
      )
      return a!.map((value, i) => value + share * (b![i]! - value))
    },
  }
}

/**
 * The picture that leans as far as `request.movement` asks, at the end of its way from `x`: tried with none of it and
 * with even steps up to all of it, measured, and chosen. The trials are the same for every value of one sign.
 */
export async function leaning(
  model: Model,
  request: Moved,
  prompt: string,
  { grid, ...from }: { grid: Grid } & Pick<Lane, "times" | "x" | "held">,
  { reporter, signal }: { reporter: Reporter; signal?: AbortSignal },
): Promise<Lane> {
  const count = movementTrials(model, request)
  const sign = Math.sign(request.movement)
  const still = await model.condition({ ...request, movement: 0 }, prompt)
  // The token alone, whatever its value, makes another picture: a little of it is a little of its velocity.
  const moved = await model.condition({ ...request, movement: sign * 100 }, prompt)
  const lanes = Array.from(
    { length: count },
    (_, k): Lane => ({ ...between(still, moved, (k / (count - 1)) ** BEND), ...from }),
  )
  reporter.follow(lanes, { announced: true })
  await model.stepper.run(lanes, grid, { ...(signal && { signal }), onStep: () => reporter.step() })
  const asked = model.verifier!.asked(prompt)
  const trials: Trial[] = []
  for (const lane of lanes) {
    throwIfCancelled(signal)
    const picture = await model.decodeNative(lane.x, grid)
    const agreement = asked ? await model.verifier!.agreement(picture, asked) : 0
    trials.push({ leans: sign * diagonalOf(picture), agreement })
  }
  return lanes[asFarAs(Math.abs(request.movement) / 100, trials)]!
}
