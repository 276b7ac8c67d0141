// What is wrong with an endpoint's answer, as data and as the rest of "The prompt expander was not used: ...".
import { type ExpanderFault, type FaultPhrases, type Note, phraseOf } from "../../request/notes.ts"

/** Thrown where an answer cannot be used. */
export class Unusable extends Error {
  readonly fault: ExpanderFault
  constructor(fault: ExpanderFault) {
    super(phraseOf(fault, PHRASES))
    this.fault = fault
  }
}

/** The note that the built-in expander took the place of the one at `host`. */
export function replaced(host: string, thrown: unknown): Note {
  const cause = thrown instanceof Error ? thrown.message : String(thrown)
  const { fault, message: why } =
    thrown instanceof Unusable ? thrown : new Unusable({ reason: "unreachable", cause })
  return {
    code: "expander_replaced",
    message: `The prompt expander at ${host} was not used: ${why}; the built-in one took its place.`,
    details: { host, ...fault },
  }
}

const PHRASES: FaultPhrases = {
  unreachable: ({ cause }) => `it could not be reached (${cause})`,
  timeout: ({ seconds }) => `no answer came within ${seconds} s`,
  status: ({ status }) => `it answered ${status}`,
  not_chat: () => "its answer was not that of a chat endpoint",
  refused: () => "it refused",
  cut_off: () => "its answer was cut off",
  too_long: ({ characters }) => `its answer was too long (${characters} characters)`,
  too_many_words: ({ words }) =>
    `its answer has ${words} more word${words === 1 ? "" : "s"} than the model reads`,
  empty: () => "its answer was empty",
  not_text: () => "its answer was not text",
  not_alone: () => "its answer was not the prompt alone",
  lost_word: ({ word }) => `its answer lost the word "${word}"`,
  lost_quote: ({ quote }) => `its answer lost the quoted ${quote}`,
  second: ({ topic, word }) => `its answer added "${word}" where the prompt has a ${topic} of its own`,
  second_look: () => "its answer adds a style beside the reference's",
  denied: ({ word }) => `its answer added "${word}", which was denied`,
}
