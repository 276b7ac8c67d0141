// Symbolic dimensions: a size is a number or a polynomial over named sizes, written "B", "N+T", "2*B*T".

/** One axis length: a known count, or a sum of products of named lengths in canonical spelling. */
export type Dim = number | string
export type Shape = readonly Dim[]

/** Product of symbols ("" for a constant, "B*T" sorted) -> coefficient. */
type Terms = Map<string, number>

function parse(dim: Dim): Terms {
  if (typeof dim === "number") return new Map([["", dim]])
  const terms: Terms = new Map()
  for (const part of dim.split("+")) {
    const factors = part.split("*")
    const coefficient = /^-?\d+$/.test(factors[0]!) ? Number(factors.shift()) : 1
    accumulate(terms, factors.sort().join("*"), coefficient)
  }
  return terms
}

function accumulate(terms: Terms, key: string, coefficient: number): void {
  terms.set(key, (terms.get(key) ?? 0) + coefficient)
}

function format(terms: Terms): Dim {
  const parts = [...terms].filter(([, c]) => c !== 0).sort(([a], [b]) => (a < b ? -1 : 1))
  if (parts.length === 0) return 0
  if (parts.length === 1 && parts[0]![0] === "") return parts[0]![1]
  return parts.map(([key, c]) => (key === "" ? String(c) : c === 1 ? key : `${c}*${key}`)).join("+")
}

export function addDims(...dims: readonly Dim[]): Dim {
  if (dims.every((d) => typeof d === "number")) return dims.reduce<number>((s, d) => s + (d as number), 0)
  const sum: Terms = new Map()
  for (const dim of dims) for (const [key, c] of parse(dim)) accumulate(sum, key, c)
  return format(sum)
}

export function mulDims(...dims: readonly Dim[]): Dim {
  if (dims.every((d) => typeof d === "number")) return dims.reduce<number>((p, d) => p * (d as number), 1)
  let product: Terms = new Map([["", 1]])
  for (const dim of dims) {
    const next: Terms = new Map()
    for (const [a, ca] of product)
      for (const [b, cb] of parse(dim))
        accumulate(next, [...a.split("*"), ...b.split("*")].filter(Boolean).sort().join("*"), ca * cb)
    product = next
  }
  return format(product)
}

/** a / b where it divides exactly (b one product); undefined where it does not. */
export function divDims(a: Dim, b: Dim): Dim | undefined {
  if (typeof a === "number" && typeof b === "number") return a % b === 0 ? a / b : undefined
  if (a === b) return 1
  const divisor = [...parse(b)]
  if (divisor.length !== 1) return undefined
  const [symbols, coefficient] = divisor[0]!
  const quotient: Terms = new Map()
  for (const [key, c] of parse(a)) {
    const left = key.split("*").filter(Boolean)
    for (const symbol of symbols.split("*").filter(Boolean)) {
      const at = left.indexOf(symbol)
      if (at < 0) return undefined
      left.splice(at, 1)
    }
    if (c % coefficient !== 0) return undefined
    accumulate(quotient, left.join("*"), c / coefficient)
  }
  return format(quotient)
}

export const sizeOf = (shape: Shape): Dim => mulDims(...shape)

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i])

export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`

/** The canonical terms of a symbolic dimension, for code that computes it at run time. */
export function termsOf(dim: Dim): { coefficient: number; symbols: string[] }[] {
  return [...parse(dim)].map(([key, coefficient]) => ({
    coefficient,
    symbols: key.split("*").filter(Boolean),
  }))
}

/** The value of a dimension when every symbol has one. Throws when a symbol is unknown. */
export function evaluateDim(dim: Dim, values: ReadonlyMap<string, number>): number {
  if (typeof dim === "number") return dim
  let sum = 0
  for (const { coefficient, symbols } of termsOf(dim)) {
    sum += symbols.reduce((p, s) => {
      const value = values.get(s)
      if (value === undefined) throw new Error(`The size ${s} has no value.`)
      return p * value
    }, coefficient)
  }
  return sum
}
