// From a complete request to finished pictures. Picture i uses seed + i and is bit-identical alone or in a batch.
import { encodeImage } from "../image/encode.ts"
import type { GenerateOptions, Generation, Picture } from "../request/engine.ts"
import type { GenerationRequest } from "../request/request.ts"
import { type Beginning, bestNoise, byWordsAlone } from "./candidates.ts"
import type { Grid } from "./grid.ts"
import type { Lane } from "./lane.ts"
import type { Model } from "./model.ts"
import { leaning, movementTrials } from "./movement.ts"
import { noise } from "./noise.ts"
import { Reporter } from "./progress.ts"
import { schedule, scheduleFrom } from "./schedule.ts"
import { cancellation, throwIfCancelled } from "./stepper.ts"

/** A request in which nothing is left open. */
export type Resolved = GenerationRequest & {
  seed: number
  steps: number
  guidance: number
  candidates: number
}

/** Rewrites a prompt by creativity, for one seed; `note` says what went another way than asked. */
export type Expand = (
  request: Resolved,
  seed: number,
  signal?: AbortSignal,
) => Promise<{ prompt: string; note?: string }>

export interface Studio {
  expand: Expand
  /** The file of the start picture, its header checked. */
  start?: Uint8Array
  software: string
}

const CUT = "The prompt is longer than the model reads; its end was left out."

export async function generate(
  request: Resolved,
  model: Model,
  { expand, start: startFile, software }: Studio,
  options: GenerateOptions = {},
): Promise<Generation> {
  const { signal } = options
  const clock = stopwatch()
  const seeds = Array.from({ length: request.count }, (_, i) => (request.seed + i) % 2 ** 32)

  // What the model reads: expanded per picture, encoded once per prompt.
  const expanded = await orCancelled(Promise.all(seeds.map((seed) => expand(request, seed, signal))), signal)
  const conditions = await Promise.all(
    expanded.map((e, i) => model.condition({ ...request, seed: seeds[i]! }, e.prompt)),
  )
  // Asked while what was read is at hand: after the pictures others may have taken its place.
  const cut = await Promise.all(expanded.map((e) => model.isCut(e.prompt)))
  clock.lap("text")

  // Noise, the best of some, or the start picture brought to t = strength.
  const grid = model.grid(request)
  const strength = request.start?.strength ?? 1
  const times = scheduleFrom(schedule(request.steps, model.shift(grid)), strength)
  // A start picture at strength 1 is ignored, but it must still be one.
  const start = startFile && (await model.encode(startFile, grid))
  throwIfCancelled(signal)
  const steps = times.length - 1
  const wordsAlone = byWordsAlone(request)
  const trials = movementTrials(model, request)
  const reporter = new Reporter(model, grid, options, {
    steps,
    coming: wordsAlone ? 0 : request.count * steps * Math.max(1, trials),
  })
  const lanes = await Promise.all(
    conditions.map(async (condition, i): Promise<Lane> => {
      const { prompt } = expanded[i]!
      const own = { ...request, seed: seeds[i]! }
      const { stream, tokens }: Beginning =
        strength < 1 ? { stream: own.seed } : await bestNoise(model, own, prompt, reporter, signal)
      // Asked by words alone, the best of the candidates is the picture itself.
      if (tokens && wordsAlone) return { ...condition, times: times.slice(-1), x: tokens }
      const x = await startingPoint(model, grid, stream, start, strength)
      if (trials === 0) return { ...condition, times, x }
      return await leaning(model, own, prompt, { grid, times, x }, { reporter, ...(signal && { signal }) })
    }),
  )
  reporter.begin(lanes)
  clock.lap("start")

  // t: 1 -> 0. Lanes of other requests may share the runs.
  await model.stepper.run(lanes, grid, { signal, onStep: () => reporter.step() })
  await reporter.finished()
  clock.lap("denoise")

  const pictures: Picture[] = []
  for (const [index, lane] of lanes.entries()) {
    throwIfCancelled(signal)
    const pixels = await model.decode(lane.x, grid, request)
    clock.lap("decode")
    const seed = seeds[index]!
    const bytes = await encodeImage(pixels, request.output, {
      request: { ...request, seed, count: 1 },
      ...(expanded[index]!.prompt !== request.prompt && { expandedPrompt: expanded[index]!.prompt }),
      software,
    })
    clock.lap("encode")
    const { width, height } = pixels
    pictures.push({ index, seed, width, height, format: request.output.format, bytes })
  }
  const notes = [
    ...new Set(expanded.flatMap((e, i) => [...(e.note ? [e.note] : []), ...(cut[i] ? [CUT] : [])])),
  ]
  return {
    pictures,
    request,
    expandedPrompts: expanded.map((e) => e.prompt),
    seconds: clock.seconds(),
    notes,
  }
}

/** What the work gives, or the cancellation as soon as there is one: an expander may wait long for its endpoint. */
export async function orCancelled<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(cancellation(signal))
  signal.addEventListener("abort", abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener("abort", abort)
  }
}

/** (1 - s) z + s e: where the flow from this picture to this noise stands at t = s. */
async function startingPoint(
  model: Model,
  grid: Grid,
  stream: number,
  start: Float32Array | undefined,
  strength: number,
): Promise<Float32Array> {
  const e = await noise(stream, model.latentSize(grid))
  if (!start || strength >= 1) return model.toTokens(e, grid)
  return model.toTokens(
    e.map((value, i) => (1 - strength) * start[i]! + strength * value),
    grid,
  )
}

/** Seconds by stage; a stage met twice adds up. */
function stopwatch() {
  const begin = performance.now()
  const laps: Record<string, number> = {}
  let last = begin
  return {
    lap(stage: string): void {
      const now = performance.now()
      laps[stage] = (laps[stage] ?? 0) + (now - last) / 1000
      last = now
    },
    seconds: (): Record<string, number> => ({ ...laps, total: (performance.now() - begin) / 1000 }),
  }
}
