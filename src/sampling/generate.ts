// From a complete request to finished pictures. Picture i uses seed + i and is bit-identical alone or in a batch.
import { paintedInto } from "../image/canvas.ts"
import { encodeImage } from "../image/encode.ts"
import type { GenerateOptions, Generation, Picture } from "../request/engine.ts"
import { distinct, type Note } from "../request/notes.ts"
import type { GenerationRequest } from "../request/request.ts"
import { promptOf, rootOf, seedsOf } from "../request/seeds.ts"
import { type Beginning, bestNoise, byWordsAlone } from "./candidates.ts"
import type { Lane } from "./lane.ts"
import type { Model } from "./model.ts"
import { leaning, movementTrials } from "./movement.ts"
import { Reporter } from "./progress.ts"
import { schedule, scheduleFrom } from "./schedule.ts"
import { beginning, readStart, type StartFiles } from "./start.ts"
import { cancellation, throwIfCancelled } from "./stepper.ts"
import { oncePer, turnsTo } from "./variation.ts"

/** A request in which nothing is left open. */
export type Resolved = GenerationRequest & {
  seed: number
  steps: number
  guidance: number
  candidates: number
}

/** Rewrites a prompt by creativity, for one seed; `notes` say what went another way than asked. */
export type Expand = (
  request: Resolved,
  seed: number,
  signal?: AbortSignal,
) => Promise<{ prompt: string; notes?: Note[] }>

export interface Studio {
  expand: Expand
  /** Files of the start picture and its mask, their headers checked. */
  start?: StartFiles
  software: string
}

const CUT: Note = {
  code: "prompt_cut",
  message: "The prompt is longer than the model reads; its end was left out.",
}
const NEGATIVE_CUT: Note = {
  code: "negative_cut",
  message: "The negative prompt is longer than the model reads; its end was left out.",
}
const NEGATIVE_UNUSED: Note = {
  code: "negative_unused",
  message:
    "Without guidance the negative prompt only keeps its words out of the expansion; give guidance above 0 for it to steer the picture.",
}

export async function generate(
  request: Resolved,
  model: Model,
  { expand, start: files, software }: Studio,
  options: GenerateOptions = {},
): Promise<Generation> {
  const { signal } = options
  const clock = stopwatch()
  const seeds = seedsOf(request)

  // All that a seed decides beside the noise is decided by that of the picture which is varied.
  const roots = seeds.map((seed) => rootOf(request, seed))

  // What the model reads: expanded per picture, encoded once per prompt.
  const expanded = await orCancelled(
    oncePer(roots, (root) => expand({ ...request, prompt: promptOf(request, root) }, root, signal)),
    signal,
  )
  const conditions = await Promise.all(
    expanded.map((e, i) => model.condition({ ...request, seed: roots[i]! }, e.prompt)),
  )
  // Asked while what was read is at hand: after the pictures others may have taken its place.
  const cut = await Promise.all(expanded.map((e) => model.isCut(e.prompt)))
  const isGuided = request.guidance > 0
  const isNegativeCut = isGuided && (await model.isCut(request.negativePrompt))
  clock.lap("text")

  // Noise, the best of some, or the start picture brought to t = strength.
  const grid = model.grid(request)
  const strength = request.start?.strength ?? 1
  const times = scheduleFrom(schedule(request.steps, model.shift(grid)), strength)
  // A start picture at strength 1 is ignored, but it must still be one.
  const start = files && (await readStart(files, model, grid, { size: request, signal }))
  const masked = start?.masked
  throwIfCancelled(signal)
  const steps = Math.max(0, times.length - 1)
  const wordsAlone = byWordsAlone(request)
  const trials = movementTrials(model, request)
  const reporter = new Reporter(model, grid, options, {
    steps,
    coming: wordsAlone ? 0 : request.count * steps * Math.max(1, trials),
    ...(masked && { shown: (preview) => paintedInto(masked.sketch, preview) }),
  })
  // Below strength 1 the start picture says what comes of a noise, unless a mask says that something new is painted.
  const into = masked && { start, times }
  const chooses = strength >= 1 || (into && strength > 0)
  const begins = await oncePer(
    roots,
    async (seed, i): Promise<Beginning> =>
      chooses
        ? await bestNoise(model, { ...request, seed }, expanded[i]!.prompt, { reporter, signal, into })
        : { stream: seed },
  )
  const lanes = await Promise.all(
    conditions.map(async (condition, i): Promise<Lane> => {
      const { prompt } = expanded[i]!
      const { stream, tokens } = begins[i]!
      // Asked by words alone, the best of the candidates is the picture itself.
      if (tokens && wordsAlone) return { ...condition, times: times.slice(-1), x: tokens }
      const origin = { stream, turns: turnsTo(request, seeds[i]!) }
      const begun = { times, ...(await beginning(model, grid, origin, start, strength)) }
      const own = { ...request, seed: roots[i]! }
      if (trials === 0) return { ...condition, ...begun }
      return await leaning(model, own, prompt, { grid, ...begun }, { reporter, ...(signal && { signal }) })
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
    const pixels = masked
      ? await paintedInto(masked.canvas, await model.decode(lane.x, grid, { signal }))
      : await model.decode(lane.x, grid, { size: request, signal })
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
  const notes = distinct([
    ...expanded.flatMap((e, i) => [...(e.notes ?? []), ...(cut[i] ? [CUT] : [])]),
    ...(isNegativeCut ? [NEGATIVE_CUT] : []),
    ...(!isGuided && request.negativePrompt !== "" ? [NEGATIVE_UNUSED] : []),
  ])
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
