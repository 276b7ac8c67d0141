// The training loop: runs steps, averages weights, logs, draws sample sheets, and can be killed at any moment.
import { appendFileSync } from "node:fs"
import { type Counters, checkStart, holdRun, loadRun, nothingDone, saveRun } from "./checkpoint.ts"
import { type Feed, type State, type StepDefinition, type StepRates, TrainingStep } from "./step.ts"

export interface Recipe {
  name: string
  /** Samples after which the run is over; schedules are functions of samples seen, so batches may grow. */
  samples: number
  /** The step graph for the stage that `samples` falls in; called again only when `stage` changes. */
  stage: (samples: number) => string
  /** What a stage's steps compute. */
  define: (stage: string) => StepDefinition
  batchSize: (stage: string) => number
  /** Fresh weights for a first start, and what had been done before it, where the recipe goes on from another run. */
  initial: () => State
  before?: Counters
  /** Weights that another run trains and this one only uses: they take the place of those saved. */
  borrowed?: ReadonlyMap<string, Float32Array>
  rates: (samples: number) => StepRates
  /** The batch of a step, from its number alone. */
  batch: (step: number, stage: string) => Promise<Record<string, Feed>>
  /** Samples over which weights are averaged, once the run is eight times as long. */
  averageOver: number
  /** Draws a sample sheet and returns figures for the log. */
  sheet?: (
    weights: Map<string, Float32Array>,
    folder: string,
    counters: Counters,
  ) => Promise<Record<string, number>>
}

export interface TrainerOptions {
  folder: string
  resume: boolean
  /** Minutes between lines of the log (0.5), checkpoints (4) and sample sheets (10); 0 is after every step. */
  logMinutes?: number
  checkpointMinutes?: number
  sheetMinutes?: number
  /** Stop after this many minutes, state saved. */
  minutes?: number
  /** Threads of the step graph: one less than the cores when others need the machine, for two that wait for each
   * other are slower than one that never does. */
  threads?: number
  signal?: AbortSignal
  print?: (line: string) => void
}

const minute = 60_000
/** Samples after which the average moves towards the weights: at every step that would take longer than a small step. */
const AVERAGE_EVERY = 250

/**
 * Trains until the recipe's samples are seen, the minutes are over or the signal is given, and saves. The folder gets
 * state.safetensors, log.jsonl and the sheets. Returns what has been done over all sessions. Throws when there is a run and
 * it is not to be resumed, or the other way round; when another process trains it; and when the loss is no number any
 * more: the last checkpoint is left as it was.
 */
export async function train(recipe: Recipe, options: TrainerOptions): Promise<Counters> {
  await checkStart(options.folder, options.resume)
  const letGo = holdRun(options.folder)
  try {
    return await trainHeld(recipe, options)
  } finally {
    letGo()
  }
}

async function trainHeld(recipe: Recipe, options: TrainerOptions): Promise<Counters> {
  const { folder, print = (line) => console.log(line) } = options
  const saved = options.resume ? await loadRun(folder) : undefined
  const counters: Counters = { ...(saved?.counters ?? recipe.before ?? nothingDone) }
  let stage = recipe.stage(counters.samples)
  let step = await TrainingStep.create(recipe.define(stage), options.threads)
  // Weights that a newer recipe adds start fresh beside the saved ones.
  const borrowed = [...(recipe.borrowed ?? [])].map(([name, data]) => [`w:${name}`, data] as const)
  step.load(new Map([...recipe.initial(), ...(saved?.state ?? []), ...borrowed]))
  const average = weightsOf(step.state())
  // Weights that this recipe no longer has are let go, in the average as in the state.
  for (const [name, mean] of saved?.average ?? [])
    if (average.has(name) && !recipe.borrowed?.has(name)) average.set(name, mean)
  const log = (record: Record<string, unknown>): void =>
    appendFileSync(
      `${folder}/log.jsonl`,
      `${JSON.stringify({ time: new Date().toISOString(), ...record })}\n`,
    )
  const save = (): Promise<void> =>
    saveRun(folder, { counters, state: step.state(), average }, (key) => step.shapeOf(key))
  const began = Date.now()
  const marks = { log: began, checkpoint: began, sheet: began }
  const nothing = () => ({ sums: {} as Record<string, number>, steps: 0, samples: 0, operations: 0 })
  let recent = nothing()
  let upcoming = recipe.batch(counters.step + 1, stage)
  const due = (mark: keyof typeof marks, every: number): boolean => Date.now() - marks[mark] >= every
  const over = (): boolean =>
    counters.samples >= recipe.samples ||
    options.signal?.aborted === true ||
    (options.minutes !== undefined && Date.now() - began >= options.minutes * minute)

  while (!over()) {
    const started = Date.now()
    const feeds = await upcoming
    const running = step.run(feeds, counters.step + 1, recipe.rates(counters.samples))
    upcoming = recipe.batch(counters.step + 2, stage) // drawn while the graph runs
    const reports = await running
    if (!Number.isFinite(reports.loss))
      throw new Error(`The loss is ${reports.loss} at step ${counters.step + 1}: lower the rates.`)
    const size = recipe.batchSize(stage)
    counters.step++
    counters.samples += size
    counters.operations += step.operations
    counters.seconds += (Date.now() - started) / 1000
    counters.unaveraged += size
    for (const [key, value] of Object.entries(reports)) recent.sums[key] = (recent.sums[key] ?? 0) + value
    recent.steps++
    recent.samples += size
    recent.operations += step.operations
    if (counters.unaveraged >= AVERAGE_EVERY) {
      mixInto(average, step.state(), counters.unaveraged / Math.min(recipe.averageOver, counters.samples / 8))
      counters.unaveraged = 0
    }
    if (due("log", (options.logMinutes ?? 0.5) * minute)) {
      const seconds = Math.max(1, Date.now() - marks.log) / 1000
      const rate = recent.samples / seconds
      const record = {
        step: counters.step,
        samples: counters.samples,
        ...Object.fromEntries(Object.entries(recent.sums).map(([key, sum]) => [key, sum / recent.steps])),
        rate: recipe.rates(counters.samples).matrixRate,
        samplesPerSecond: rate,
        gigaflops: recent.operations / seconds / 1e9,
        hours: counters.seconds / 3600,
        hoursLeft: (recipe.samples - counters.samples) / rate / 3600,
      }
      log(record)
      print(
        Object.entries(record)
          .map(([k, v]) => `${k} ${Number.isInteger(v) ? v : v.toPrecision(4)}`)
          .join("  "),
      )
      recent = nothing()
      marks.log = Date.now()
    }
    if (due("checkpoint", (options.checkpointMinutes ?? 4) * minute)) {
      await save()
      marks.checkpoint = Date.now()
    }
    if (recipe.sheet && due("sheet", (options.sheetMinutes ?? 10) * minute)) {
      const figures = await recipe.sheet(average, folder, counters)
      log({ sheet: counters.samples, ...figures })
      print(`sheet at ${counters.samples}: ${JSON.stringify(figures)}`)
      marks.sheet = Date.now()
    }
    const next = recipe.stage(counters.samples)
    if (next !== stage) {
      const state = step.state()
      await step.close()
      stage = next
      step = await TrainingStep.create(recipe.define(stage), options.threads)
      step.load(state)
      upcoming = recipe.batch(counters.step + 1, stage)
    }
  }
  await upcoming
  await save()
  if (recipe.sheet) log({ sheet: counters.samples, ...(await recipe.sheet(average, folder, counters)) })
  await step.close()
  return counters
}

/** The weights of a state, without optimiser slots, copied. */
export function weightsOf(state: State): Map<string, Float32Array> {
  return new Map(
    [...state].filter(([key]) => key.startsWith("w:")).map(([key, data]) => [key.slice(2), data.slice()]),
  )
}

/** Moves the average towards the weights; `part` of its horizon has passed since the last time. */
function mixInto(average: Map<string, Float32Array>, state: State, part: number): void {
  const d = Math.exp(-part)
  for (const [name, mean] of average) {
    const current = state.get(`w:${name}`)!
    for (let i = 0; i < mean.length; i++) mean[i] = d * mean[i]! + (1 - d) * current[i]!
  }
}
