// What is wrong with one field of a request, as a sentence for people instead of the schema's own words.
import type { core } from "zod"

/** Names in the singular and the plural that a length is counted in. */
const COUNTED: Readonly<Record<string, string>> = { string: "characters", array: "entries" }
const WANTED: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "a text",
  array: "a list",
  object: "an object",
}

/** Long things by their length: the value helps only while it can be read. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `${value.length}`
  if (typeof value === "string" && value.length > 80) return `${value.length}`
  if (typeof value === "number") return String(value)
  return JSON.stringify(value)?.slice(0, 80) ?? "nothing"
}

/** `start.strength: must be at most 1 (got 1.5).` */
export function sentenceOf(issue: core.$ZodIssue, field: string, value: unknown): string {
  if (issue.code === "unrecognized_keys")
    return `${field ? `${field} has` : "There is"} no field ${issue.keys.join(", ")}; check its spelling.`
  const name = field || "The request"
  if (value === undefined) return `${name} is missing.`
  if (value === "" && issue.code === "too_small") return `${name} is empty.`
  return `${name}: ${rule(issue)} (got ${shown(value)}).`
}

function rule(issue: core.$ZodIssue): string {
  const counted = "origin" in issue ? COUNTED[issue.origin] : undefined
  const limit = (word: string, value: number | bigint): string =>
    counted ? `must have ${word} ${value} ${counted}` : `must be ${word} ${value}`
  switch (issue.code) {
    case "too_big":
      return limit("at most", issue.maximum)
    case "too_small":
      return limit("at least", issue.minimum)
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`
    case "invalid_type":
      return `must be ${WANTED[issue.expected] ?? issue.expected}`
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`
    default:
      return issue.message
  }
}
