// The fields that a grid can vary, how their values are written, and the requests that follow.
import type { Capabilities, Model, Submit } from "../api/types.ts"
import { type Draft, requestOf, turnedBy } from "../state/draft.ts"

export type Field =
  | "creativity"
  | `reference${number}`
  | "strength"
  | "variation"
  | "intensity"
  | "complexity"
  | "movement"
  | "seed"
  | "steps"
  | "guidance"
  | "candidates"
  | "model"

export interface Axis {
  field: Field
  values: string[]
}

/** Fields that make sense for what is in the dock, each with values to begin with. */
export function fieldsOf(
  d: Draft,
  model: Model,
  capabilities: Capabilities,
): { field: Field; values: string }[] {
  const { supports } = model
  const seed = d.seed ?? 1
  return [
    ...(supports.creativity
      ? [{ field: "creativity" as const, values: Object.values(capabilities.creativity).join(", ") }]
      : []),
    ...(supports.references
      ? d.references.map((_, i) => ({ field: `reference${i + 1}` as const, values: "-1, 0, 0.6, 1, 2" }))
      : []),
    ...(supports.start && d.start ? [{ field: "strength" as const, values: "0.2, 0.4, 0.6, 0.8, 1" }] : []),
    ...(d.variation ? [{ field: "variation" as const, values: "0, 0.15, 0.3, 0.6, 1" }] : []),
    ...(supports.sliders
      ? (["intensity", "complexity", "movement"] as const).map((field) => ({
          field,
          values: "-80, -40, 0, 40, 80",
        }))
      : []),
    { field: "seed" as const, values: [0, 1, 2, 3].map((i) => seed + i).join(", ") },
    {
      field: "steps" as const,
      values: [0.5, 1, 1.5, 2].map((f) => Math.max(1, Math.round(model.defaults.steps * f))).join(", "),
    },
    ...(supports.guidance ? [{ field: "guidance" as const, values: "0, 1.5, 3, 5" }] : []),
    ...(supports.candidates ? [{ field: "candidates" as const, values: "1, 2, 4, 8" }] : []),
    ...(capabilities.models.length > 1
      ? [{ field: "model" as const, values: capabilities.models.map((m) => m.name).join(", ") }]
      : []),
  ]
}

/** Limits of a field; null for names. */
export function limitsOf(field: Field, capabilities: Capabilities): readonly [number, number] | null {
  const limits = capabilities.limits as Record<string, readonly [number, number]>
  if (field === "model") return null
  if (field === "creativity") return [0, 100]
  if (field.startsWith("reference")) return limits.referenceWeight!
  if (field === "intensity" || field === "complexity" || field === "movement") return limits.slider!
  return limits[field]!
}

export type Problem =
  | { kind: "empty" }
  | { kind: "range"; value: string; from: number; to: number }
  | { kind: "whole" | "model" | "ambiguous"; value: string }

const WHOLE: readonly Field[] = ["seed", "steps", "candidates", "intensity", "complexity", "movement"]

/**
 * The values of a field, numbers with a point. Commas are between values, or in them where semicolons are between. Where
 * the reader's numbers have a comma, one between two digits may be either, unless the field takes whole numbers only.
 */
export function readValues(
  text: string,
  field: Field,
  capabilities: Capabilities,
  hasComma: boolean,
): string[] | Problem {
  const limits = limitsOf(field, capabilities)
  const isSplit = text.includes(";")
  const either = /\d+,\d+/.exec(text)
  if (either && hasComma && !isSplit && limits && !WHOLE.includes(field))
    return { kind: "ambiguous", value: either[0] }
  const values = text
    .split(isSplit ? ";" : ",")
    .map((v) => (limits ? v.replace(",", ".").replace("−", "-") : v).trim())
    .filter(Boolean)
  if (values.length === 0) return { kind: "empty" }
  if (limits) {
    const [from, to] = limits
    const bad = values.find((v) => !(Number(v) >= from && Number(v) <= to))
    if (bad !== undefined) return { kind: "range", value: bad, from, to }
  }
  if (WHOLE.includes(field)) {
    const part = values.find((v) => !Number.isInteger(Number(v)))
    if (part !== undefined) return { kind: "whole", value: part }
  }
  if (field === "model") {
    const names = capabilities.models.flatMap((m) => [m.name, ...m.aliases])
    const unknown = values.find((v) => !names.includes(v))
    if (unknown !== undefined) return { kind: "model", value: unknown }
  }
  return [...new Set(values)]
}

/** Values as a field is filled with them, for a reader whose numbers have a comma. */
export const withCommas = (values: string): string =>
  /\d\.\d/.test(values) ? values.replaceAll(",", ";").replaceAll(".", ",") : values

/** The dock's request with one field set. */
function withField(d: Draft, field: Field, value: string): Draft {
  const number = Number(value)
  if (field === "model") return { ...d, model: value }
  if (field === "seed") return { ...d, seed: number, seedLocked: true }
  if (field === "strength") return { ...d, start: d.start && { ...d.start, strength: number } }
  if (field === "variation") return { ...d, variation: d.variation && turnedBy(d.variation, number) }
  if (field.startsWith("reference")) {
    const at = Number(field.slice("reference".length)) - 1
    return {
      ...d,
      references: d.references.map((r, i) => (i === at ? { ...r, weight: number, muted: false } : r)),
    }
  }
  return { ...d, [field]: number }
}

/** One request per cell, all of the same seed unless the seed is varied; row by row. */
export function cellsOf(
  d: Draft,
  seed: number,
  columns: Axis,
  rows: Axis | null,
  capabilities: Capabilities,
): Submit[] {
  const base: Draft = { ...d, count: 1, seed, seedLocked: true }
  const inRow = (row: Draft): Submit[] =>
    columns.values.map((value) => requestOf(withField(row, columns.field, value), capabilities))
  return rows ? rows.values.flatMap((value) => inRow(withField(base, rows.field, value))) : inRow(base)
}
