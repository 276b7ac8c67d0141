// The words of the expander: what can be open in a prompt, what was added, and who adds it.
import type { Note } from "../../request/notes.ts"

/** What a prompt may leave open, in the order in which gaps are filled. */
export const ASPECTS = ["style", "setting", "light", "palette", "composition", "mood", "companion"] as const
export type Aspect = (typeof ASPECTS)[number]

export interface Addition {
  /** Stands in the expanded prompt word for word; the addition of a colour may lie within that of a setting. */
  text: string
  aspect: Aspect
}

export interface Expansion {
  prompt: string
  additions: Addition[]
  /** What went another way than asked. */
  notes?: Note[]
}

export interface ExpansionRequest {
  prompt: string
  /** 0 (raw: the prompt as it is, byte for byte) to 100. */
  creativity: number
  /** Whole number 0..2^32-1. */
  seed: number
  /** Whether a reference or a board gives the style: then none is added in words. */
  hasLook?: boolean
  /** The negative prompt: nothing that it names is added. */
  avoid?: string
}

/**
 * Deterministic for one request where it can be: an endpoint of others may not keep that promise. Rejects only when the
 * signal is aborted.
 */
export type Expander = (request: ExpansionRequest, signal?: AbortSignal) => Promise<Expansion>
