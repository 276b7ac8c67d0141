// One optimiser step as expressions: AdamW for vectors and tables, Muon for matrices, clipping by global norm.
import {
  add,
  constant,
  div,
  input,
  matmul,
  maximum,
  mul,
  neg,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from "../graph/index.ts"

/** Which rule moves a parameter. Muon is for the hidden matrices only, as its authors advise. */
export type Rule = "adamw" | "muon"

/** Numbers of one step, fed at run time so that schedules cost no new graph. */
export interface StepInputs {
  /** Learning rate of AdamW parameters. */
  rate: Tensor
  /** Learning rate of Muon parameters, in the same units (root mean square of an update / 0.2). */
  matrixRate: Tensor
  /** 1 - beta1^t and 1 - beta2^t */
  correction1: Tensor
  correction2: Tensor
}

export const stepInputs = (): StepInputs => ({
  rate: input("step.rate", []),
  matrixRate: input("step.matrixRate", []),
  correction1: input("step.correction1", []),
  correction2: input("step.correction2", []),
})

export interface OptimiserOptions {
  beta1: number
  beta2: number
  epsilon: number
  /** Decoupled decay, applied to matrices only. */
  weightDecay: number
  /** Muon momentum (Nesterov). */
  momentum: number
  /** Newton-Schulz iterations. */
  iterations: number
  /** Largest global gradient norm. */
  clip: number
}

export const defaultOptimiser: OptimiserOptions = {
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.01,
  momentum: 0.95,
  iterations: 5,
  clip: 1,
}

/** The state a rule keeps per parameter, each of the parameter's shape. */
export const slotsOf = (rule: Rule): readonly string[] =>
  rule === "muon" ? ["momentum"] : ["mean", "square"]

/** sqrt of the sum of squares over all gradients. */
export function globalNorm(gradients: readonly Tensor[]): Tensor {
  const squares = gradients.map((g) =>
    sum(
      square(g),
      g.shape.map((_, i) => i),
    ),
  )
  return sqrt(squares.reduce((a, b) => add(a, b)))
}

/**
 * Orthogonalises a matrix by Newton-Schulz iterations of an odd quintic polynomial (Jordan et al., Muon, 2024):
 * all singular values move to about 1.
 */
export function orthogonalise(matrix: Tensor, iterations: number): Tensor {
  const [rows, columns] = matrix.shape as [number, number]
  const tall = rows > columns
  const norm = sqrt(sum(square(matrix), [0, 1]))
  let x = div(matrix, add(norm, 1e-7))
  for (let i = 0; i < iterations; i++) {
    // Work on the smaller side: its Gram matrix is the cheaper one.
    const gram = tall ? matmul(x, x, { a: true }) : matmul(x, x, { b: true })
    const poly = add(mul(gram, -4.775), mul(matmul(gram, gram), 2.0315))
    x = add(mul(x, 3.4445), tall ? matmul(x, poly) : matmul(poly, x))
  }
  return x
}

/** New value and new slots of one parameter; `factor` scales the gradient (clipping). */
export function update(
  rule: Rule,
  parameter: Tensor,
  gradient: Tensor,
  factor: Tensor,
  slots: readonly Tensor[],
  step: StepInputs,
  options: OptimiserOptions,
): { value: Tensor; slots: Tensor[] } {
  if (rule === "muon") {
    const momentum = add(mul(slots[0]!, options.momentum), mul(gradient, factor))
    // Nesterov's look-ahead.
    const ahead = add(mul(gradient, factor), mul(momentum, options.momentum))
    const rows = parameter.shape[0] as number
    const flat = reshape(ahead, [rows, -1]) // a convolution is a matrix over its receptive field
    const direction = reshape(orthogonalise(flat, options.iterations), parameter.shape)
    const columns = flat.shape[1] as number
    // 0.2 sqrt(max side) gives updates the root mean square that AdamW's have (Liu et al., 2025).
    const scaled = mul(step.matrixRate, 0.2 * Math.sqrt(Math.max(rows, columns)))
    const decayed = mul(parameter, sub(1, mul(step.matrixRate, options.weightDecay)))
    return { value: sub(decayed, mul(direction, scaled)), slots: [momentum] }
  }
  const [mean, squares] = slots as [Tensor, Tensor]
  const m = add(mul(mean, options.beta1), mul(gradient, mul(factor, 1 - options.beta1)))
  const v = add(mul(squares, options.beta2), mul(square(gradient), mul(square(factor), 1 - options.beta2)))
  const rate = div(step.rate, step.correction1)
  const length = add(sqrt(div(v, step.correction2)), options.epsilon)
  const decay = parameter.shape.length >= 2 ? options.weightDecay : 0
  const decayed = decay === 0 ? parameter : mul(parameter, sub(1, mul(step.rate, decay)))
  return { value: add(decayed, neg(div(mul(m, rate), length))), slots: [m, v] }
}

/** What gradients are multiplied with so that their global norm is at most `clip`. */
export const clipFactor = (norm: Tensor, clip: number): Tensor => div(constant(clip), maximum(norm, clip))
