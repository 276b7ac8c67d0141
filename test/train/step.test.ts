// One training step: what AdamW, Muon and clipping do, against numbers computed by hand.
import assert from "node:assert/strict"
import { test } from "node:test"
import { constant, input, mul, parameter, sum } from "../../src/graph/index.ts"
import { orthogonalise } from "../../src/train/optimiser.ts"
import { operationsOf, parametersOf, type StepDefinition, TrainingStep } from "../../src/train/step.ts"
import { floats, noise, run } from "../support/run.ts"
import { regression, weight } from "../support/toy-run.ts"

const x = Float32Array.of(1, 2, 3, -1, 0, 2)
const y = Float32Array.of(1, 0, 0, 1)
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

/** A loss whose derivative by its one weight is the same numbers at every step. */
const slope = (gradient: readonly number[], rule: "adamw" | "muon"): StepDefinition => ({
  loss: sum(mul(parameter("m", [2, 2]), constant(gradient, [2, 2])), [0, 1]),
  rule: () => rule,
  options: { weightDecay: 0.1, clip: 1000 },
})

/** The weight after `steps` steps from `start`, at the rate 0.01. */
async function moved(definition: StepDefinition, start: readonly number[], steps: number): Promise<number[]> {
  const step = await TrainingStep.create(definition, 1)
  step.load(new Map([["w:m", Float32Array.from(start)]]))
  for (let i = 1; i <= steps; i++) await step.run({}, i, { rate: 0.01, matrixRate: 0.01 })
  const weights = [...step.state().get("w:m")!]
  await step.close()
  return weights
}

test("under a gradient that stays the same, AdamW moves by the rate at every step", async () => {
  const start = [1, -2, 0.5, 3]
  const expected = [1, -1, -1, 1].map((sign, i) => {
    let w = start[i]!
    for (let k = 0; k < 3; k++) w = w * (1 - 0.01 * 0.1) - 0.01 * sign
    return w
  })
  ;(await moved(slope([3, -0.2, -7, 0.01], "adamw"), start, 3)).forEach((w, i) => {
    assert.ok(Math.abs(w - expected[i]!) < 2e-5, `weight ${i}: ${w} against ${expected[i]}`)
  })
})

test("one Muon step equals the step computed by hand, singular value by singular value", async () => {
  const values = [3, -0.5]
  const start = [0.4, 0.1, -0.2, 0.3]
  const expected = start.map((w) => w * (1 - 0.01 * 0.1))
  values.forEach((value, i) => {
    // Of a diagonal matrix, the five Newton-Schulz iterations change each entry by itself.
    let s = value / Math.hypot(...values)
    for (let k = 0; k < 5; k++) s = 3.4445 * s - 4.775 * s ** 3 + 2.0315 * s ** 5
    expected[3 * i]! -= 0.01 * 0.2 * Math.sqrt(2) * s
  })
  ;(await moved(slope([values[0]!, 0, 0, values[1]!], "muon"), start, 1)).forEach((w, i) => {
    assert.ok(Math.abs(w - expected[i]!) < 1e-6, `weight ${i}: ${w} against ${expected[i]}`)
  })
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

test("a step reports how many operations its products take, forward, backward and update", async () => {
  const { loss } = regression(() => "adamw")
  const product = 2 * 2 * 2 * 3
  assert.equal(operationsOf([loss]), product)
  assert.deepEqual(
    parametersOf([loss]).map((p) => p.name),
    ["layer.weight"],
  )
  const operations = async (rule: "adamw" | "muon"): Promise<number> => {
    const step = await TrainingStep.create({ ...regression(() => rule), options: { iterations: 2 } }, 1)
    await step.close()
    return step.operations
  }
  // Backward, only the weight's derivative is wanted: one product of the same three sizes.
  assert.equal(await operations("adamw"), 2 * product)
  // An iteration of Muon on 2 x 3 takes the Gram matrix, its square, and what both do to the matrix.
  assert.equal(await operations("muon"), 2 * product + 2 * (2 * 2 * 3 * 2 + 2 * 2 * 2 * 2 + 2 * 2 * 2 * 3))
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
