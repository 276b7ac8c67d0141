// R5 with the real engine: a cancel in mid-picture ends its runs within a step, and no picture appears.
import assert from "node:assert/strict"
import childProcess from "node:child_process"
import { rm } from "node:fs/promises"
import { syncBuiltinESMExports } from "node:module"
import { after, before, test } from "node:test"
import { createEngine, type LocalEngine } from "../../src/sampling/engine.ts"
import { AtelierClient } from "../../src/sdk/index.ts"
import { type Running, serve } from "../../src/server/index.ts"
import { amount, figure, random } from "../support/figures.ts"
import { dataFolder } from "../support/folder.ts"
import { makeModel, type TinyModel } from "../support/model.ts"
import { until } from "../support/service.ts"

const SEED = 5
/** Long enough that no cancel comes too late. */
const STEPS = 100
let model: TinyModel
let engine: LocalEngine
let directory: string
let running: Running

/** Graphs that the engine's process was told to run: what it does, whatever is told of it. */
let runs = 0
const { fork } = childProcess
before(async () => {
  childProcess.fork = ((...given: Parameters<typeof fork>) => {
    const child = fork(...given)
    const send = child.send.bind(child) as (...args: unknown[]) => boolean
    child.send = ((message: { do?: string }, ...rest: unknown[]) => {
      if (message.do === "run") runs++
      return send(message, ...rest)
    }) as typeof child.send
    return child
  }) as typeof fork
  syncBuiltinESMExports()
  model = await makeModel()
  engine = createEngine({ home: model.home, folders: [`${model.home}/models`], threads: 1 })
  directory = await dataFolder()
  running = await serve({ directory, port: 0, logLevel: "silent", filter: "off" }, engine)
})
after(async () => {
  childProcess.fork = fork
  syncBuiltinESMExports()
  await running.close()
  await engine.close()
  await model[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

test("a cancel in mid-picture stops the engine within a step and leaves no picture", async (t) => {
  const n = amount(4, 40)
  const next = random(SEED)
  const client = new AtelierClient({ baseUrl: running.url })
  const size = { model: "tiny", width: 512, height: 512 }
  const short = { ...size, prompt: "the next one", seed: 1, steps: 2 }
  // Twice: the first loads the model, the second shows how many runs such a picture is.
  await client.generate(short)
  const began = runs
  await client.generate(short)
  const runsOfShort = runs - began
  let most = 0
  for (let i = 0; i < n; i++) {
    const had = runs
    const job = await client.submit({ ...size, prompt: `cancel ${i}`, seed: i, steps: STEPS })
    const at = 2 + Math.floor(next() * 12)
    await until(() => runs >= had + at)
    assert.equal((await client.cancel(job.id)).state, "cancelled")
    const cancelled = runs
    // What it still did is in the count when the picture behind it is done.
    await client.generate(short)
    most = Math.max(most, runs - cancelled - runsOfShort)
    assert.deepEqual((await client.job(job.id)).pictures, [])
  }
  const rows = await running.service.store.db.query(
    "select 1 from pictures p join jobs j on j.id = p.job_id where j.state = 'cancelled'",
  )
  figure(t, "R5-real-engine", {
    n,
    seed: SEED,
    steps: STEPS,
    most_runs_after_cancel: most,
    pictures: rows.length,
  })
  assert.equal(rows.length, 0)
  assert.ok(runsOfShort >= 2 && most <= 1, `${most} runs after the cancel`)
})
