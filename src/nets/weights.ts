// Weights by checkpoint name, with a prefix that follows the structure of the network.
import { parameter, type Shape, scope, type Tensor } from "../graph/index.ts"

/** Hands out a weight as an expression; the default is a named parameter of the compiled graph. */
export type WeightLookup = (name: string, shape: Shape) => Tensor

export class Weights {
  readonly #lookup: WeightLookup
  readonly #prefix: string
  readonly #notes: Map<string, Tensor> | undefined

  /** `notes`, if given, gathers the inner states that the networks name on their way. */
  constructor(lookup: WeightLookup = parameterOnce(), prefix = "", notes?: Map<string, Tensor>) {
    this.#lookup = lookup
    this.#prefix = prefix
    this.#notes = notes
  }

  get(name: string, shape: Shape): Tensor {
    return this.#lookup(this.#prefix + name, shape)
  }

  /** The weights below a name. */
  at(name: string): Weights {
    return new Weights(this.#lookup, `${this.#prefix}${name}.`, this.#notes)
  }

  /** Names an inner state for those who compare it, and hands it through. */
  note(name: string, x: Tensor): Tensor {
    this.#notes?.set(this.#prefix + name, x)
    return x
  }

  /** Builds a part of the network under its own name, for shape messages and profiles. */
  in<T>(name: string, build: (w: Weights) => T): T {
    return scope(name, () => build(this.at(name)))
  }
}

/** One expression per name, so that a weight used twice is one weight. */
export function parameterOnce(): WeightLookup {
  const known = new Map<string, Tensor>()
  return (name, shape) => {
    const found = known.get(name) ?? parameter(name, shape)
    known.set(name, found)
    return found
  }
}
