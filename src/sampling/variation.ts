// Variations: pictures near another one, made from its noise turned towards that of other seeds (decision 071).
import type { GenerationRequest } from "../request/request.ts"
import { noise, turned } from "./noise.ts"

/** Noise that a picture begins with: one stream, turned towards others one after the other. */
export interface Origin {
  stream: number
  turns?: readonly { stream: number; strength: number }[]
}

/** The way from the root's noise to the picture's own seed. */
export const turnsTo = (
  { variationOf = [] }: GenerationRequest,
  seed: number,
): NonNullable<Origin["turns"]> =>
  variationOf.map(({ strength }, i) => ({ stream: variationOf[i + 1]?.seed ?? seed, strength }))

/** `count` standard normal numbers. */
export async function drawn({ stream, turns = [] }: Origin, count: number): Promise<Float32Array> {
  let values = await noise(stream, count)
  for (const turn of turns) values = turned(values, await noise(turn.stream, count), turn.strength)
  return values
}

/** What `work` makes of each key, made once for keys that are the same. */
export function oncePer<T>(
  keys: readonly number[],
  work: (key: number, first: number) => Promise<T>,
): Promise<T[]> {
  const made = new Map<number, Promise<T>>()
  for (const [i, key] of keys.entries()) if (!made.has(key)) made.set(key, work(key, i))
  return Promise.all(keys.map((key) => made.get(key)!))
}
