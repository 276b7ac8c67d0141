// Times of the flow, 1 (noise) to 0 (picture), shifted towards noise for large pictures. Imports nothing.

/** The official shift: 0.5 at 256 tokens, 1.15 at 6400, straight on beyond both (architecture.md 3). */
export function shiftFor(tokens: number): number {
  return 0.5 + ((1.15 - 0.5) * (tokens - 256)) / (6400 - 256)
}

/** steps + 1 times t_i = e^mu / (e^mu + 1/u_i - 1), u_i = 1 - i/steps, each a float32. */
export function schedule(steps: number, mu: number): number[] {
  const e = Math.exp(mu)
  return Array.from({ length: steps + 1 }, (_, i) => {
    const u = Math.fround(1 - i / steps)
    return u === 0 ? 0 : Math.fround(e / (e + (1 / u - 1)))
  })
}

/**
 * The part of a schedule that image to image runs: it begins where a picture that is `strength` noise belongs.
 * Strength 1 is the whole schedule; strength 0 runs nothing.
 */
export function scheduleFrom(times: readonly number[], strength: number): number[] {
  if (strength >= 1) return [...times]
  if (strength <= 0) return []
  const rest = times.filter((t) => t < strength)
  return [strength, ...rest]
}
