// Step-level batching, counted on a real denoiser.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { ditConfig, findComponents } from "../../src/checkpoint/index.ts"
import { Dit } from "../../src/runtime/networks.ts"
import { localRunner, type Runner } from "../../src/runtime/runner.ts"
import { weightFiles } from "../../src/runtime/weights.ts"
import { exactGrid } from "../../src/sampling/grid.ts"
import { guided, type Lane } from "../../src/sampling/lane.ts"
import { schedule } from "../../src/sampling/schedule.ts"
import { Stepper } from "../../src/sampling/stepper.ts"
import { makeModel, TINY_DIT, type TinyModel } from "../support/model.ts"
import { noise } from "../support/run.ts"

let model: TinyModel
let runner: Runner
let dit: Dit
/** Rows of every denoiser run so far. */
let runs: number[] = []

before(async () => {
  model = await makeModel()
  runner = localRunner({ threads: 1 })
  const checkpoint = (await findComponents(`${model.folder}/dit.safetensors`)).dit!
  dit = await Dit.open(runner, ditConfig(checkpoint), weightFiles(checkpoint))
  const velocity = dit.velocity.bind(dit)
  dit.velocity = async (batch) => {
    runs.push(batch.times.length)
    return await velocity(batch)
  }
})
after(async () => {
  await runner.close()
  await model[Symbol.asyncDispose]()
})

const grid = exactGrid(64, 64)
const lane = (seed: number, steps: number, text = 16): Lane => ({
  x: noise(grid.rows * grid.columns * TINY_DIT.channels * 4, seed),
  times: schedule(steps, 1),
  branches: [{ data: noise(text * TINY_DIT.features, seed + 50), valid: new Uint8Array(text).fill(1) }],
  mix: guided(0),
})

test("a job that arrives during another joins it at the next step", async () => {
  runs = []
  const stepper = new Stepper(dit, 8)
  let second: Promise<void> | undefined
  const first = stepper.run([lane(1, 4)], grid, {
    onStep: () => {
      second ??= stepper.run([lane(2, 3)], grid)
    },
  })
  await first
  await second
  assert.deepEqual(runs, [1, 2, 2, 2])
})

test("lanes beyond the model's batch wait, and jobs take turns", async () => {
  runs = []
  const stepper = new Stepper(dit, 2)
  const finished: string[] = []
  await Promise.all([
    stepper.run([lane(1, 2), lane(2, 2), lane(3, 2), lane(4, 2)], grid).then(() => finished.push("four")),
    stepper.run([lane(5, 2)], grid).then(() => finished.push("one")),
  ])
  assert.equal(Math.max(...runs), 2)
  assert.equal(
    runs.reduce((a, b) => a + b, 0),
    10,
  )
  assert.deepEqual(finished, ["one", "four"])
})

test("different sizes never share a run and both get on", async () => {
  runs = []
  const stepper = new Stepper(dit, 8)
  await Promise.all([stepper.run([lane(1, 3)], grid), stepper.run([lane(2, 3, 32)], grid)])
  assert.deepEqual(runs, [1, 1, 1, 1, 1, 1])
})

test("company changes no bit of a lane", async () => {
  const stepper = new Stepper(dit, 16)
  const alone = lane(1, 3)
  await stepper.run([alone], grid)
  const accompanied = lane(1, 3)
  await stepper.run([lane(2, 3), accompanied, lane(3, 2), lane(4, 3), lane(5, 1)], grid)
  assert.deepEqual(accompanied.x, alone.x)
})

test("a failing denoiser rejects the jobs in the run, and the next job is served", async () => {
  const stepper = new Stepper(dit, 8)
  const wrong = { ...lane(1, 2), x: new Float32Array(3) }
  await assert.rejects(stepper.run([wrong], grid))
  await stepper.run([lane(1, 1)], grid)
})
