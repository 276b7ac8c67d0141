// A flag's text as a whole number within its limits.
import { AtelierError } from "../request/errors.ts"

/** The number, or undefined for a flag that was not given. Throws `out_of_range`, with `field` as the error's field. */
export function wholeNumber(
  flag: string,
  text: string | undefined,
  least: number,
  most: number,
  field = flag,
): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value
  throw new AtelierError(
    "out_of_range",
    `${flag} is a whole number from ${least} to ${most}, and ${text} was given.`,
    { field },
  )
}
