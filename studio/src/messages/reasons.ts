// What a failure is called in the page's language, by the stable word that the server gives it.
import type { ErrorCode } from "../../../src/request/errors.ts"
import type { Messages } from "./en.ts"

export type Reasons = Readonly<Record<ErrorCode, string>>

/** The page's sentence; null where the server's own is in its language, or the word is not one of the server's. */
export const reasonOf = ({ code }: { code?: string }, { reasons }: Messages): string | null =>
  (reasons && code !== undefined && Object.hasOwn(reasons, code) && reasons[code as ErrorCode]) || null
