// Runs of the trainer: stopped, killed and gone on with, and what they leave on disk.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { after, test } from "node:test"
import { loadRun, type RunState, statePath } from "../../src/train/checkpoint.ts"
import { type Recipe, type TrainerOptions, train } from "../../src/train/trainer.ts"
import { recipe } from "../support/toy-run.ts"

const folder = mkdtempSync(join(tmpdir(), "atelier-train-"))
after(() => rmSync(folder, { recursive: true }))

/** Trains in a folder of this file's own, silently; goes on with what is there unless told. */
const trained = async (
  name: string,
  what: Recipe,
  options: Partial<TrainerOptions> = {},
): Promise<RunState> => {
  const resume = existsSync(statePath(`${folder}/${name}`))
  const own = { folder: `${folder}/${name}`, resume, threads: 1, print: () => {}, ...options }
  await train(what, own)
  return (await loadRun(own.folder))!
}

/** The lines of a run's log. */
const logOf = (name: string): Record<string, number>[] =>
  readFileSync(`${folder}/${name}/log.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))

/** What must not differ between two runs: all but the time that they took. */
const essence = ({ counters: { step, samples, unaveraged }, state, average }: RunState) => ({
  counters: { step, samples, unaveraged },
  state,
  average,
})

test("a run that was stopped and resumed has the losses, weights and averages of one that was not", async () => {
  const everyStep = { logMinutes: 0 }
  const whole = await trained("whole", recipe(700), everyStep)
  await trained("parts", recipe(310), everyStep)
  const parts = await trained("parts", recipe(700), everyStep)
  assert.deepEqual(essence(parts), essence(whole))
  assert.notDeepEqual([...whole.average.values()][0], whole.state.get("w:layer.weight"))
  const losses = (name: string) => logOf(name).map(({ step, loss }) => ({ step, loss }))
  assert.equal(losses("whole").length, 350)
  assert.deepEqual(losses("parts"), losses("whole"))
})

test("a run that was killed goes on from its last checkpoint to the same weights", async () => {
  const of = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
  const program = `
    import { train } from ${of("../../src/train/trainer.ts")}
    import { recipe } from ${of("../support/toy-run.ts")}
    const often = { logMinutes: 0, checkpointMinutes: 0 }
    await train(recipe(1e9), { folder: ${JSON.stringify(`${folder}/killed`)}, resume: false, threads: 1, ...often })`
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const exit = once(child, "exit")
  for await (const line of createInterface(child.stdout))
    if (line.startsWith("step 30 ")) child.kill("SIGKILL")
  assert.equal((await exit)[1], "SIGKILL")
  const kept = (await loadRun(`${folder}/killed`))!
  assert.ok(kept.counters.step >= 29, `${kept.counters.step} steps were kept`)
  const end = kept.counters.samples + 20
  assert.deepEqual(
    essence(await trained("killed", recipe(end))),
    essence(await trained("unharmed", recipe(end))),
  )
})

test("a stop signal ends a run with its state saved", async () => {
  const stop = new AbortController()
  const print = (line: string): void => {
    if (line.startsWith("step 5 ")) stop.abort()
  }
  const { counters } = await trained("signalled", recipe(1e9), { signal: stop.signal, logMinutes: 0, print })
  assert.equal(counters.step, 5)
})

test("a checkpoint is one readable file with weights, slots, averages and counters", async () => {
  const saved = await trained("checkpoint", recipe(4))
  assert.deepEqual([...saved.state.keys()].sort(), ["s:layer.weight.momentum", "w:layer.weight"])
  assert.deepEqual([...saved.average.keys()], ["layer.weight"])
  assert.equal(saved.counters.step, 2)
  assert.equal(saved.counters.unaveraged, 4)
})

test("a line of the log tells loss, gradient, rate, speed and the time that is left", async () => {
  await trained("logged", recipe(4), { logMinutes: 0 })
  const [first, last] = logOf("logged") as [Record<string, number>, Record<string, number>]
  for (const key of ["loss", "norm", "rate", "samplesPerSecond", "gigaflops", "hours", "hoursLeft"])
    assert.ok(Number.isFinite(first[key]) && first[key]! >= 0, `${key} is ${first[key]}`)
  assert.deepEqual([first.step, first.samples, last.step, last.samples], [1, 2, 2, 4])
  assert.ok(first.hoursLeft! > 0)
  assert.equal(last.hoursLeft, 0)
})

test("sheets are drawn with the averaged weights while a run goes on and at its end, their figures logged", async () => {
  const drawn: { samples: number; mean: number }[] = []
  const sheet: Recipe["sheet"] = async (weights, where, { samples }) => {
    assert.equal(where, `${folder}/sheets`)
    drawn.push({ samples, mean: weights.get("layer.weight")![0]! })
    return { psnr: samples }
  }
  await trained("sheets", { ...recipe(4), sheet }, { sheetMinutes: 0 })
  // Fewer samples than the average takes to move: it is what the weights began with.
  const mean = Math.fround(0.1)
  assert.deepEqual(
    drawn,
    [2, 4, 4].map((samples) => ({ samples, mean })),
  )
  assert.deepEqual(
    logOf("sheets").map(({ sheet: samples, psnr }) => ({ samples, psnr })),
    [2, 4, 4].map((samples) => ({ samples, psnr: samples })),
  )
})

test("a new stage goes on with the weights and slots of the one before", async () => {
  const staged = { ...recipe(40), stage: (samples: number) => (samples < 16 ? "first" : "second") }
  assert.deepEqual(essence(await trained("staged", staged)), essence(await trained("even", recipe(40))))
})

test("weights borrowed from another run take the place of saved ones, also in the average", async () => {
  const still = { ...recipe(40), rates: () => ({ rate: 0, matrixRate: 0 }) }
  const borrowed = new Map([["layer.weight", Float32Array.of(1, 2, 3, 4, 5, 6)]])
  await trained("borrowed", { ...still, samples: 4 })
  const { state, average } = await trained("borrowed", { ...still, borrowed })
  assert.deepEqual(state.get("w:layer.weight"), borrowed.get("layer.weight"))
  assert.deepEqual(average, borrowed)
})

test("a loss that is no number ends the run and leaves the last checkpoint", async () => {
  const plain = recipe(40)
  const broken: Recipe = {
    ...plain,
    batch: async (step, stage) => {
      const { x, y } = await plain.batch(step, stage)
      return { x: x!, y: step === 5 ? { ...y!, data: new Float32Array(4).fill(Number.NaN) } : y! }
    },
  }
  await assert.rejects(trained("broken", broken, { checkpointMinutes: 0 }), /The loss is NaN at step 5/)
  assert.equal((await loadRun(`${folder}/broken`))!.counters.step, 4)
})

test("a run that is there is not begun anew, nor one gone on with that is not there", async () => {
  const before = await trained("there", recipe(4))
  await assert.rejects(
    trained("there", recipe(4), { resume: false }),
    /there holds a run of 4 samples.*--resume/,
  )
  assert.deepEqual(await loadRun(`${folder}/there`), before)
  await assert.rejects(trained("nowhere", recipe(4), { resume: true }), /no run in .*nowhere/)
  assert.equal(existsSync(`${folder}/nowhere`), false)
})

test("one process at a time trains a run, and one that was killed stands in nobody's way", async () => {
  const holder = `${folder}/held/training.pid`
  await trained("held", recipe(2))
  writeFileSync(holder, String(process.ppid))
  await assert.rejects(trained("held", recipe(4)), new RegExp(`Process ${process.ppid} trains`))
  const gone = spawn(process.execPath, ["--version"], { stdio: "ignore" })
  await once(gone, "exit")
  writeFileSync(holder, String(gone.pid))
  assert.equal((await trained("held", recipe(4))).counters.samples, 4)
  assert.equal(existsSync(holder), false)
})
