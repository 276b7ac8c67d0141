// What the losses of pictures have in common.
import { add, mean, sqrt, square, type Tensor } from "../graph/index.ts"

/** Mean over every number of a tensor. */
export const meanOfAll = (x: Tensor): Tensor =>
  mean(
    x,
    x.shape.map((_, i) => i),
  )

/** Smooth absolute difference, sqrt(d^2 + softness^2). */
export const charbonnier = (d: Tensor, softness: number): Tensor => sqrt(add(square(d), softness ** 2))
