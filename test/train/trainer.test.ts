// The trainer: one step against hand-computed numbers, and runs that are stopped and go on.
import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { input, linear, mean, parameter, square, sub } from "../../src/graph/index.ts"
import { loadRun } from "../../src/train/checkpoint.ts"
import { orthogonalise } from "../../src/train/optimiser.ts"
import { operationsOf, parametersOf, type StepDefinition, TrainingStep } from "../../src/train/step.ts"
import { type Recipe, train } from "../../src/train/trainer.ts"
import { floats, noise, run } from "../support/run.ts"

/** Mean squared error of y = x W^T on a batch of two. */
function regression(rule: StepDefinition["rule"]): StepDefinition {
  const x = input("x", [2, 3])
  const y = linear(x, parameter("layer.weight", [2, 3]))
  return {
    loss: mean(square(sub(y, input("y", [2, 2]))), [0, 1]),
    rule,
    options: { weightDecay: 0.1, clip: 1000 },
  }
}

const x = Float32Array.of(1, 2, 3, -1, 0, 2)
const y = Float32Array.of(1, 0, 0, 1)
const weight = Float32Array.of(0.1, 0.2, 0.3, -0.1, 0.4, 0)
const feeds = { x: { data: x, shape: [2, 3] }, y: { data: y, shape: [2, 2] } }

test("one AdamW step equals the step computed by hand", async () => {
  const step = await TrainingStep.create(
    regression(() => "adamw"),
    1,
  )
  step.load(new Map([["w:layer.weight", weight]]))
  const { loss, norm } = await step.run(feeds, 1, { rate: 0.01, matrixRate: 0 })
  // d = y' - y; loss = mean d^2; dW[o][i] = sum_b 2 d[b][o] x[b][i] / 4.
  const error = [0, 1].map((b) =>
    [0, 1].map((o) => [0, 1, 2].reduce((s, i) => s + x[b * 3 + i]! * weight[o * 3 + i]!, 0) - y[b * 2 + o]!),
  )
  const expectedLoss = error.flat().reduce((s, d) => s + d * d, 0) / 4
  const gradient = [0, 1].flatMap((o) =>
    [0, 1, 2].map((i) => [0, 1].reduce((s, b) => s + (2 * error[b]![o]! * x[b * 3 + i]!) / 4, 0)),
  )
  assert.ok(Math.abs(loss! - expectedLoss) < 1e-6)
  assert.ok(Math.abs(norm! - Math.hypot(...gradient)) < 1e-5)
  // At the first step the corrected moments are g and g^2, so every weight moves by the rate against its gradient's sign.
  const expected = weight.map((w, i) => w * (1 - 0.01 * 0.1) - 0.01 * Math.sign(gradient[i]!))
  step
    .state()
    .get("w:layer.weight")!
    .forEach((w, i) => {
      assert.ok(Math.abs(w - expected[i]!) < 1e-6, `weight ${i}: ${w} against ${expected[i]}`)
    })
  await step.close()
})

test("clipping shortens the gradient that reaches the moments to the limit", async () => {
  const definition = regression(() => "adamw")
  const step = await TrainingStep.create({ ...definition, options: { clip: 0.5, beta1: 0.9 } }, 1)
  step.load(new Map([["w:layer.weight", weight]]))
  const { norm } = await step.run(feeds, 1, { rate: 0.01, matrixRate: 0 })
  assert.ok(norm! > 0.5)
  const moment = step.state().get("s:layer.weight.mean")!
  assert.ok(Math.abs(Math.hypot(...moment) - 0.1 * 0.5) < 1e-5)
  await step.close()
})

test("Muon's direction has singular values near one, whatever the gradient's were", async () => {
  for (const shape of [
    [6, 10],
    [10, 6],
  ] as const) {
    const g = noise(60, 3).map((v, i) => v * (i % 7 === 0 ? 20 : 1))
    const { out } = await run({ out: orthogonalise(input("g", shape), 6) }, { g: floats(g, shape) })
    const [rows, columns] = shape
    const small = Math.min(rows, columns)
    // The trace of the Gram matrix is the sum of squared singular values.
    const trace = out!.data.reduce((s, v) => s + v * v, 0)
    assert.ok(trace > small * 0.4 && trace < small * 1.5, `trace ${trace} of ${small} values`)
  }
})

test("a step reports how many operations its products take, forward, backward and update", () => {
  const { loss } = regression(() => "adamw")
  assert.equal(operationsOf([loss]), 2 * 2 * 2 * 3)
  assert.deepEqual(
    parametersOf([loss]).map((p) => p.name),
    ["layer.weight"],
  )
})

test("a weight that the state lacks or that has another size is named", async () => {
  const step = await TrainingStep.create(
    regression(() => "adamw"),
    1,
  )
  assert.throws(() => step.load(new Map()), /no weight layer\.weight/)
  assert.throws(
    () => step.load(new Map([["w:layer.weight", new Float32Array(5)]])),
    /layer\.weight has 5 numbers/,
  )
  await step.close()
})

function recipe(samples: number): Recipe {
  return {
    name: "regression",
    samples,
    stage: () => "only",
    define: () => regression((name) => (name === "layer.weight" ? "muon" : "adamw")),
    batchSize: () => 2,
    initial: () => new Map([["w:layer.weight", weight]]),
    rates: (seen) => ({ rate: 0.01, matrixRate: 0.01 / (1 + seen) }),
    batch: async (step) => ({
      x: { data: noise(6, step), shape: [2, 3] },
      y: { data: noise(4, step + 100), shape: [2, 2] },
    }),
    averageOver: 20,
  }
}

test("a run that was stopped and resumed ends with the same weights as one that was not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "atelier-train-"))
  try {
    const quiet = { threads: 1, print: () => {} }
    await train(recipe(40), { folder: `${folder}/whole`, resume: false, ...quiet })
    await train(recipe(16), { folder: `${folder}/parts`, resume: false, ...quiet })
    const counters = await train(recipe(40), { folder: `${folder}/parts`, resume: true, ...quiet })
    assert.equal(counters.step, 20)
    const [whole, parts] = [await loadRun(`${folder}/whole`), await loadRun(`${folder}/parts`)]
    assert.deepEqual(parts!.state, whole!.state)
    assert.equal(parts!.counters.samples, 40)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test("a checkpoint is one readable file with weights, slots, averages and counters", async () => {
  const folder = mkdtempSync(join(tmpdir(), "atelier-train-"))
  try {
    await train(recipe(4), { folder, resume: false, threads: 1, print: () => {} })
    const saved = await loadRun(folder)
    assert.deepEqual([...saved!.state.keys()].sort(), ["s:layer.weight.momentum", "w:layer.weight"])
    assert.deepEqual([...saved!.average.keys()], ["layer.weight"])
    assert.equal(saved!.counters.step, 2)
    assert.ok(readFileSync(`${folder}/state.safetensors`).length > 64)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
