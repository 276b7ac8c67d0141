// Which noise a picture begins with: of several, the one whose picture shows the prompt best (decision 063).
import type { GenerationRequest } from "../request/request.ts"
import type { Lane } from "./lane.ts"
import type { Model } from "./model.ts"
import type { Reporter } from "./progress.ts"
import { schedule } from "./schedule.ts"
import { beginning, type Start } from "./start.ts"
import { throwIfCancelled } from "./stepper.ts"

const KEPT = 1024

/** Candidate k of a seed is another stream of noise; the first is the seed's own. */
const streamOf = (seed: number, candidate: number): number => seed + candidate * 2 ** 32

type Wanted = GenerationRequest & { seed: number; steps: number; candidates: number }

interface Trying {
  reporter: Reporter
  signal?: AbortSignal
  /** The picture that is painted into, and the times from its strength on. */
  into?: { start: Start; times: readonly number[] }
}

/** The stream of noise to begin with and, where several were tried, the image tokens that the words alone make of it. */
export interface Beginning {
  stream: number
  tokens?: Float32Array
}

/** Whether a request makes pictures by words alone: what a candidate shows is then the picture. */
export const byWordsAlone = ({
  references,
  board,
  intensity,
  complexity,
  movement,
  variationOf = [],
}: GenerationRequest): boolean =>
  references.every(({ weight }) => weight === 0) &&
  (!board || board.strength === 0) &&
  intensity === 0 &&
  complexity === 0 &&
  movement === 0 &&
  variationOf.length === 0

/**
 * The noise to begin with. It depends on the words alone, not on references or sliders: these move a picture, and
 * must not exchange it. The same request finds the same noise, alone or in company; found once, it is remembered, unless
 * it was for painting `into` a picture: then that one's window is what must show the prompt.
 */
export async function bestNoise(
  model: Model,
  request: Wanted,
  prompt: string,
  { reporter, signal, into }: Trying,
): Promise<Beginning> {
  const { seed, candidates, negativePrompt, guidance, steps, width, height } = request
  const asked = candidates > 1 ? model.verifier?.asked(prompt) : undefined
  if (!asked) return { stream: seed }
  const key = JSON.stringify([prompt, negativePrompt, guidance, steps, width, height, seed, candidates])
  const known = into ? undefined : model.chosen.get(key)
  if (known !== undefined) return known
  const grid = model.grid(request)
  const bare = { ...request, references: [], board: null, intensity: 0, complexity: 0, movement: 0 }
  const condition = await model.condition(bare, prompt)
  const times = into?.times ?? schedule(steps, model.shift(grid))
  const lanes: Lane[] = []
  for (let k = 0; k < candidates; k++) {
    const begun = await beginning(model, grid, { stream: streamOf(seed, k) }, into?.start, times[0]!)
    lanes.push({ ...condition, times, ...begun })
  }
  reporter.follow(lanes)
  await model.stepper.run(lanes, grid, { ...(signal && { signal }), onStep: () => reporter.step() })
  let best = { candidate: 0, tokens: lanes[0]!.x, agreement: Number.NEGATIVE_INFINITY }
  for (const [candidate, { x }] of lanes.entries()) {
    throwIfCancelled(signal)
    const agreement = await model.verifier!.agreement(await model.decodeNative(x, grid), asked)
    if (agreement > best.agreement) best = { candidate, tokens: x, agreement }
  }
  const found = { stream: streamOf(seed, best.candidate), tokens: best.tokens }
  if (!into) model.chosen.set(key, found)
  if (model.chosen.size > KEPT) model.chosen.delete(model.chosen.keys().next().value!)
  return found
}
