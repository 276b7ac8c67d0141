// How far one noise leans under the movement slider: of some strengths of it, the picture that goes as far as asked
// (decision 066).
import type { Pixels } from "../image/decode.ts"
import { diagonalsOf } from "../image/diagonals.ts"
import { luminance } from "../image/luminance.ts"
import type { GenerationRequest } from "../request/request.ts"
import type { Grid } from "./grid.ts"
import type { Lane } from "./lane.ts"
import type { Model } from "./model.ts"
import type { Reporter } from "./progress.ts"
import { throwIfCancelled } from "./stepper.ts"

/** How much less of the subject a verifier may see in a leaning picture, as a log probability: half. */
const MARGIN = Math.LN2

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
  const lanes: Lane[] = []
  for (let k = 0; k < count; k++) {
    const movement = (sign * 100 * k) / (count - 1)
    lanes.push({ ...(await model.condition({ ...request, movement }, prompt)), ...from })
  }
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
