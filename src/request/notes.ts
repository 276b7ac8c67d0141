// Notes as data: what a generation tells beside its pictures has a stable code, a sentence, and the values in it. Imports nothing.

/** Why the answer of a prompt expander was not used, in a word that never changes between versions. */
export type ExpanderFault =
  | { reason: "unreachable"; cause: string }
  | { reason: "timeout"; seconds: number }
  | { reason: "status"; status: number } // of HTTP
  | { reason: "not_chat" } // no answer of a chat endpoint
  | { reason: "refused" }
  | { reason: "cut_off" }
  | { reason: "too_long"; characters: number }
  | { reason: "too_many_words"; words: number } // beyond what the model reads
  | { reason: "empty" }
  | { reason: "not_text" }
  | { reason: "not_alone" } // talk or markup around the prompt
  | { reason: "lost_word"; word: string } // of the prompt
  | { reason: "lost_quote"; quote: string }
  | { reason: "second"; topic: "style" | "setting" | "light" | "palette"; word: string }
  | { reason: "second_look" } // a style beside the reference's
  | { reason: "denied"; word: string }

/** A phrase for every reason, in some language. */
export type FaultPhrases = {
  readonly [R in ExpanderFault["reason"]]: (fault: Extract<ExpanderFault, { reason: R }>) => string
}

/** What went another way than asked. `message` is a full sentence; `details` are the values in it. */
export type Note = { message: string } & (
  | { code: "prompt_cut" } // longer than the model reads
  | { code: "negative_cut" } // the negative prompt, likewise
  | { code: "negative_unused" } // it steers by guidance, and there was none
  | { code: "prompt_unread" } // not English, as far as can be told: nothing was added to it
  | { code: "expander_replaced"; details: { host: string } & ExpanderFault } // the built-in one took its place
  | { code: "uncoded" } // kept by a version whose notes were sentences alone
)
/** Never changes between versions. */
export type NoteCode = Note["code"]

/** Each note once, whichever picture it was told of. */
export const distinct = (notes: readonly Note[]): Note[] => [
  ...new Map(notes.map((note) => [note.message, note])).values(),
]

/** A note as it was kept: earlier versions kept its sentence alone. */
export const noteOf = (kept: Note | string): Note =>
  typeof kept === "string" ? { code: "uncoded", message: kept } : kept

/** Undefined for a reason that the phrases do not know, as one of a later version. */
export const phraseOf = (fault: ExpanderFault, phrases: FaultPhrases): string | undefined =>
  Object.hasOwn(phrases, fault.reason)
    ? (phrases[fault.reason] as (fault: ExpanderFault) => string)(fault)
    : undefined
