// Finds expressions that one kernel computes together. Decides only; compile.ts writes the nodes.
import { sameShape } from "./dim.ts"
import { topological } from "./gradient.ts"
import type { Tensor } from "./tensor.ts"

/** What is computed together. Every map is from the node whose value is wanted. */
export interface Fusions {
  /** Nodes without a value of their own: the node that uses them covers them. */
  covered: ReadonlySet<Tensor>
  /** norm(x) * row: the norm's scale takes the row. */
  scaledNorms: ReadonlyMap<Tensor, { norm: Tensor; row: Tensor }>
  /** product * row: the integer weight's scales take the row. */
  scaledProducts: ReadonlyMap<Tensor, { product: Tensor; row: Tensor }>
  /** y * product, read by integer products alone: they take over the product's steps per token. */
  postponed: ReadonlyMap<Tensor, { product: Tensor; other: Tensor }>
}

/** A vector over the last axis: [F], [1,F] or [1,1,F]. */
const isRow = (t: Tensor, size: unknown): boolean =>
  typeof size === "number" && t.shape.at(-1) === size && t.shape.slice(0, -1).every((d) => d === 1)

export function findFusions(roots: readonly Tensor[], isIntegers: (weight: Tensor) => boolean): Fusions {
  const order = topological(roots)
  const readers = new Map<Tensor, Tensor[]>()
  for (const n of order) for (const i of n.inputs) readers.set(i, [...(readers.get(i) ?? []), n])
  const outside = new Set(roots)
  const readBy = (t: Tensor): readonly Tensor[] => readers.get(t) ?? []
  const onlyFor = (t: Tensor, reader: Tensor): boolean =>
    !outside.has(t) && readBy(t).length === 1 && readBy(t)[0] === reader
  const isProduct = (t: Tensor): boolean => t.op === "matmul" && isIntegers(t.inputs[1]!)

  const covered = new Set<Tensor>()
  const scaledNorms = new Map<Tensor, { norm: Tensor; row: Tensor }>()
  const scaledProducts = new Map<Tensor, { product: Tensor; row: Tensor }>()
  const postponed = new Map<Tensor, { product: Tensor; other: Tensor }>()
  for (const n of order) {
    if (n.op !== "mul") continue
    for (const [x, other] of [n.inputs, n.inputs.toReversed()] as [Tensor, Tensor][]) {
      if (!onlyFor(x, n) || !sameShape(x.shape, n.shape)) continue
      const row = isRow(other, x.shape.at(-1))
      if (x.op === "rmsNorm" && row) scaledNorms.set(n, { norm: x, row: other })
      else if (isProduct(x) && row) scaledProducts.set(n, { product: x, row: other })
      else if (
        isProduct(x) &&
        !outside.has(n) &&
        readBy(n).every((r) => isProduct(r) && r.inputs[0] === n && r.inputs[1] !== n)
      )
        postponed.set(n, { product: x, other })
      else continue
      covered.add(x)
      break
    }
  }
  return { covered, scaledNorms, scaledProducts, postponed }
}
