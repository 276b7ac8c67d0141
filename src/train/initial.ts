// First values of weights, by their role.

import type { Tensor } from "../graph/index.ts"
import { Random } from "./random.ts"
import { parametersOf, type State } from "./step.ts"

/** Returns the deviation of a normal draw, or a constant value for every element. */
export type Initialiser = (
  name: string,
  shape: readonly number[],
) => { deviation: number } | { value: number }

/** Values for every weight that `roots` use; each weight's draw depends only on the seed and its name. */
export function initialise(roots: readonly Tensor[], seed: number, rule: Initialiser): State {
  return new Map(
    parametersOf(roots).map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1)
      const choice = rule(name, shape)
      if ("value" in choice) return [`w:${name}`, new Float32Array(size).fill(choice.value)]
      const letters = [...name].map((c) => c.charCodeAt(0))
      const random = new Random(seed, ...letters)
      return [`w:${name}`, random.normals(size).map((x) => x * choice.deviation)]
    }),
  )
}
