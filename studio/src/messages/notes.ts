// What went another way than asked, in the page's language, by the stable word that the server gives it.
import { type ExpanderFault, type FaultPhrases, type NoteCode, phraseOf } from "../../../src/request/notes.ts"
import type { Job } from "../api/types.ts"
import type { Messages } from "./en.ts"

export type Notes = Readonly<Record<Exclude<NoteCode, "expander_replaced" | "uncoded">, string>> & {
  readonly expander_replaced: (host: string, why: string) => string
  /** Why, in words that end a sentence. */
  readonly faults: FaultPhrases
}

/** The page's sentence; null where the server's own is in its language, or tells what the page does not know. */
export function noteSaid({ code, details }: Job["notes"][number], { notes }: Messages): string | null {
  if (!notes || !Object.hasOwn(notes, code)) return null
  const sentence = notes[code as Exclude<NoteCode, "uncoded">]
  if (typeof sentence === "string") return sentence
  const fault = details as { host: string } & ExpanderFault
  const why = phraseOf(fault, notes.faults)
  return why === undefined ? null : sentence(fault.host, why)
}
