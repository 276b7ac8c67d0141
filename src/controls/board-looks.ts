// A moodboard as looks: for each picture that is made, a few of the board's, chosen by its seed. Imports draws only.
import { draw } from "./creativity/draw.ts"
import type { WeightedLook } from "./looks.ts"

/** Pictures of a board that shape one picture made: few enough that a mixed board stays various. */
export const BOARD_BLEND = 3

/**
 * Looks of a board for one seed; their weights add up to `strength` (-0.5..1.5) in size. Each picture draws an
 * exponential number with its own rate, the largest win, and share by size: a board of one style gives that style
 * whatever wins, a mixed board gives another blend for each seed. Order and names of the pictures play no part, and a
 * picture given twice is drawn once with both weights.
 *
 * A picture of negative weight is one that the board stays away from.
 */
export function boardLooks(
  pictures: readonly WeightedLook[],
  strength: number,
  seed: number,
  most = BOARD_BLEND,
): WeightedLook[] {
  if (strength === 0) return []
  const merged = new Map<string, WeightedLook>()
  for (const p of pictures.toSorted((a, b) => a.weight - b.weight)) {
    const known = merged.get(p.hash)
    merged.set(p.hash, known ? { ...known, weight: known.weight + p.weight } : p)
  }
  const drawn = [...merged.values()]
    .filter((p) => Math.abs(p.weight) > 1e-9)
    .map((p) => ({ p, size: -Math.log1p(-draw(`${seed} board ${p.hash}`)) * Math.abs(p.weight) }))
    .toSorted((a, b) => b.size - a.size || (a.p.hash < b.p.hash ? -1 : 1))
    .slice(0, most)
  const total = drawn.reduce((sum, { size }) => sum + size, 0)
  if (total === 0) return []
  return drawn.map(({ p, size }) => ({ ...p, weight: Math.sign(p.weight) * strength * (size / total) }))
}
