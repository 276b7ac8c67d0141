// The seeds of a request's pictures, and what each of them reads.
import type { GenerationRequest } from "./request.ts"
import { wordingOf } from "./wordings.ts"

type Seeded = Pick<GenerationRequest, "count"> & { seed: number }

/** Picture i uses seed + i; after 4,294,967,295 comes 0. */
export const seedsOf = ({ seed, count }: Seeded): number[] =>
  Array.from({ length: count }, (_, i) => (seed + i) % 2 ** 32)

/** The seed of the picture that all variations lead back to: words, looks and the choice among candidates are its. */
export const rootOf = ({ variationOf }: Pick<GenerationRequest, "variationOf">, seed: number): number =>
  variationOf?.[0]?.seed ?? seed

/** What the picture of this seed is asked, before creativity. */
export const promptOf = (
  request: Pick<GenerationRequest, "prompt" | "alternatives" | "variationOf">,
  seed: number,
): string => (request.alternatives ? wordingOf(request.prompt, rootOf(request, seed)) : request.prompt)
