// Figures that tests show: small numbers in the suite, the promised ones under `npm run bench -- serve promises`.
import type { TestContext } from "node:test"

const isFull = process.env.ATELIER_FIGURES === "full"

/** How many: `full` is what docs/serving.md promises, `small` what a suite has time for. */
export const amount = (small: number, full: number): number => (isFull ? full : small)

/** One line that can be quoted: `figure=R8-ssrf n=254 canary_hits=0`. */
export function figure(t: TestContext, name: string, values: Record<string, number | string>): void {
  const text = Object.entries(values).map(([k, v]) => `${k}=${v}`)
  t.diagnostic(`figure=${name} ${text.join(" ")}`)
}

/** mulberry32: a failing seed replays. */
export function random(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
