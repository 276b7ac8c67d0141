// A regression so small that hundreds of its steps take a second: what the trainer's tests train.
import { input, linear, mean, parameter, square, sub } from "../../src/graph/index.ts"
import type { StepDefinition } from "../../src/train/step.ts"
import type { Recipe } from "../../src/train/trainer.ts"
import { noise } from "./run.ts"

/** Weights at the start, [2,3]. */
export const weight = Float32Array.of(0.1, 0.2, 0.3, -0.1, 0.4, 0)

/** Mean squared error of y = x W^T on a batch of two. */
export function regression(rule: StepDefinition["rule"]): StepDefinition {
  const x = input("x", [2, 3])
  const y = linear(x, parameter("layer.weight", [2, 3]))
  return {
    loss: mean(square(sub(y, input("y", [2, 2]))), [0, 1]),
    rule,
    options: { weightDecay: 0.1, clip: 1000 },
  }
}

/** Trains it for `samples`, two a step. */
export function recipe(samples: number): Recipe {
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
    averageOver: 2000,
  }
}
