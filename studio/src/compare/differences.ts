// In which fields two requests differ, named as the API names them.
import type { GenerationRequest } from "../api/types.ts"

export interface Difference {
  field: string
  a: string
  b: string
}

const flat = (value: unknown, path = ""): [string, string][] => {
  if (value === null || typeof value !== "object")
    return [[path, value === null || value === "" ? "–" : String(value)]]
  return Object.entries(value).flatMap(([key, inner]) =>
    flat(inner, Array.isArray(value) ? `${path}[${key}]` : path ? `${path}.${key}` : key),
  )
}

/** Pictures inside a request by the start of their id: enough to see that they are others. */
const readable = (text: string): string => text.replace(/^([0-9a-f]{8})-[0-9a-f-]{27}$/, "$1…")

export function differences(a: GenerationRequest, b: GenerationRequest): Difference[] {
  const [left, right] = [new Map(flat({ ...a, count: 0 })), new Map(flat({ ...b, count: 0 }))]
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((field) => left.get(field) !== right.get(field))
    .map((field) => ({
      field,
      a: readable(left.get(field) ?? "–"),
      b: readable(right.get(field) ?? "–"),
    }))
}
