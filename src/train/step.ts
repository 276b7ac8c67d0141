// A whole training step as one ONNX graph: forward, backward, clipping and update; weights go in and come out.
import * as ort from "onnxruntime-node"
import { compile, gradient, input, type Shape, type Tensor, topological } from "../graph/index.ts"
import {
  clipFactor,
  defaultOptimiser,
  globalNorm,
  type OptimiserOptions,
  type Rule,
  slotsOf,
  stepInputs,
  update,
} from "./optimiser.ts"

export interface StepDefinition {
  /** Scalar to lower. */
  loss: Tensor
  /** Other scalars or tensors to report. */
  reports?: Record<string, Tensor>
  /** Which rule moves a weight; undefined keeps it frozen. */
  rule: (name: string, shape: readonly number[]) => Rule | undefined
  options?: Partial<OptimiserOptions>
}

/** Weights and optimiser slots by name: "w:<weight>", "s:<weight>.<slot>". */
export type State = Map<string, Float32Array>

export interface Feed {
  data: Float32Array | BigInt64Array
  shape: readonly number[]
}

export const asTensor = ({ data, shape }: Feed): ort.Tensor =>
  data instanceof BigInt64Array
    ? new ort.Tensor("int64", data, shape)
    : new ort.Tensor("float32", data, shape)

export interface StepRates {
  rate: number
  matrixRate: number
}

/** The named weights that an expression uses, in a fixed order. */
export function parametersOf(
  roots: readonly Tensor[],
): { name: string; shape: readonly number[]; tensor: Tensor }[] {
  return topological(roots)
    .filter((n) => n.op === "parameter")
    .map((n) => ({ name: n.attributes.name as string, shape: n.shape as readonly number[], tensor: n }))
}

/** Multiply-adds of every matrix product and convolution, times two: the graph's floating-point operations. */
export function operationsOf(roots: readonly Tensor[]): number {
  const count = (shape: Shape): number => (shape as number[]).reduce((a, b) => a * b, 1)
  let total = 0
  for (const n of topological(roots)) {
    const [a, b] = n.inputs
    if (n.op === "matmul") total += 2 * count(n.shape) * (a!.shape.at(n.attributes.a ? -2 : -1) as number)
    if (n.op === "conv") total += 2 * count(n.shape) * count(b!.shape.slice(1))
    if (n.op === "convTranspose") total += 2 * count(a!.shape) * count(b!.shape.slice(1))
    if (n.op === "attention") total += 4 * count(n.shape) * (b!.shape[2] as number)
  }
  return total
}

/** A compiled step with its weights and slots. Load a state before the first run; close it after the last. */
export class TrainingStep {
  readonly operations: number
  readonly names: string[]
  readonly #session: ort.InferenceSession
  readonly #shapes: Map<string, readonly number[]>
  /** Two sets of buffers: a step reads one and writes the other, so no update can overtake a late reader. */
  #current: Record<string, ort.Tensor> = {}
  #next: Record<string, ort.Tensor> = {}
  readonly #frozen: Record<string, ort.Tensor> = {}
  readonly #reports: string[]
  readonly #options: OptimiserOptions

  private constructor(
    session: ort.InferenceSession,
    shapes: Map<string, readonly number[]>,
    names: string[],
    reports: string[],
    operations: number,
    options: OptimiserOptions,
  ) {
    this.#session = session
    this.#shapes = shapes
    this.names = names
    this.#reports = reports
    this.operations = operations
    this.#options = options
  }

  static async create(definition: StepDefinition, threads = 2): Promise<TrainingStep> {
    const options = { ...defaultOptimiser, ...definition.options }
    const all = parametersOf([definition.loss])
    const moved = all.flatMap((p) => {
      const rule = definition.rule(p.name, p.shape)
      return rule ? [{ ...p, rule }] : []
    })
    const raw = gradient(
      definition.loss,
      moved.map((p) => p.tensor),
    )
    const norm = globalNorm(raw)
    const factor = clipFactor(norm, options.clip)
    const step = stepInputs()
    const outputs: Record<string, Tensor> = { loss: definition.loss, norm, ...definition.reports }
    const shapes = new Map<string, readonly number[]>(all.map((p) => [`w:${p.name}`, p.shape]))
    moved.forEach((p, i) => {
      const names = slotsOf(p.rule).map((slot) => `s:${p.name}.${slot}`)
      for (const name of names) shapes.set(name, p.shape)
      const slots = names.map((name) => input(name, p.shape))
      const next = update(p.rule, p.tensor, raw[i]!, factor, slots, step, options)
      outputs[`next:w:${p.name}`] = next.value
      names.forEach((name, j) => {
        outputs[`next:${name}`] = next.slots[j]!
      })
    })
    const operations = operationsOf(Object.values(outputs))
    const graph = compile(outputs, { weights: () => ({ kind: "input" }), attention: "parts", name: "step" })
    const session = await ort.InferenceSession.create(graph.model, {
      intraOpNumThreads: threads,
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
      extra: { session: { intra_op: { allow_spinning: "1" } } },
    })
    const reports = ["loss", "norm", ...Object.keys(definition.reports ?? {})]
    const names = [...shapes.keys()]
    return new TrainingStep(session, shapes, names, reports, operations, options)
  }

  /** Takes weights and slots; slots that are missing start at zero. A missing weight is an error. */
  load(state: State): void {
    for (const [name, shape] of this.#shapes) {
      const size = shape.reduce((a, b) => a * b, 1)
      const found = state.get(name)
      if (!found && name.startsWith("w:")) throw new Error(`The state has no weight ${name.slice(2)}.`)
      if (found && found.length !== size)
        throw new Error(`${name} has ${found.length} numbers; this network wants ${size}.`)
      const tensor = () => new ort.Tensor("float32", new Float32Array(size), shape)
      const key = name.startsWith("w:") ? name.slice(2) : name
      const current = tensor()
      if (found) (current.data as Float32Array).set(found)
      const moves = this.#session.outputNames.includes(`next:${name}`)
      if (moves) {
        this.#current[key] = current
        this.#next[key] = tensor()
      } else this.#frozen[key] = current
    }
  }

  /** The live weights and slots: copy before the next step changes them. */
  state(): State {
    const of = (set: Record<string, ort.Tensor>): [string, Float32Array][] =>
      Object.entries(set).map(([key, t]) => [key.startsWith("s:") ? key : `w:${key}`, t.data as Float32Array])
    return new Map([...of(this.#frozen), ...of(this.#current)])
  }

  shapeOf(name: string): readonly number[] {
    return this.#shapes.get(name)!
  }

  /** One update. `number` counts from 1. Returns the reports as numbers (first element of each). */
  async run(feeds: Record<string, Feed>, number: number, rates: StepRates): Promise<Record<string, number>> {
    const scalar = (x: number) => new ort.Tensor("float32", Float32Array.of(x), [])
    const input: Record<string, ort.Tensor> = {
      ...this.#frozen,
      ...this.#current,
      "step.rate": scalar(rates.rate),
      "step.matrixRate": scalar(rates.matrixRate),
      "step.correction1": scalar(1 - this.#options.beta1 ** number),
      "step.correction2": scalar(1 - this.#options.beta2 ** number),
    }
    for (const [name, feed] of Object.entries(feeds)) input[name] = asTensor(feed)
    const wanted: Record<string, ort.Tensor | null> = {}
    for (const [key, t] of Object.entries(this.#next))
      wanted[`next:${key.startsWith("s:") ? key : `w:${key}`}`] = t
    for (const name of this.#reports) wanted[name] = null
    const fed = Object.fromEntries(this.#session.inputNames.map((name) => [name, input[name]!]))
    const result = await this.#session.run(fed, wanted)
    ;[this.#current, this.#next] = [this.#next, this.#current]
    return Object.fromEntries(this.#reports.map((name) => [name, (result[name]!.data as Float32Array)[0]!]))
  }

  async close(): Promise<void> {
    await this.#session.release()
  }
}
