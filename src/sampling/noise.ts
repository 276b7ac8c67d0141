// Standard normal noise from a seed: the same numbers on every machine, in any order of drawing.
import { setImmediate } from "node:timers/promises"

const M0 = 0xd2511f53
const M1 = 0xcd9e8d57

/** Upper 32 bits of a 32 x 32 bit product, by halves: doubles hold 53 bits only. */
function highWord(a: number, b: number): number {
  const low = (a & 0xffff) * (b & 0xffff)
  const middle = (a >>> 16) * (b & 0xffff) + (low >>> 16)
  const cross = (a & 0xffff) * (b >>> 16) + (middle % 0x10000)
  return ((a >>> 16) * (b >>> 16) + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0
}

/** Philox 4x32-10 (Salmon et al. 2011): four random words from a 128-bit counter and a 64-bit key. */
export function philox(counter: readonly number[], key: readonly number[], out: Uint32Array): void {
  let [c0, c1, c2, c3] = counter as [number, number, number, number]
  let [k0, k1] = key as [number, number]
  for (let round = 0; round < 10; round++) {
    const next0 = (highWord(M1, c2) ^ c1 ^ k0) >>> 0
    const next2 = (highWord(M0, c0) ^ c3 ^ k1) >>> 0
    c1 = Math.imul(M1, c2) >>> 0
    c3 = Math.imul(M0, c0) >>> 0
    c0 = next0
    c2 = next2
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  out[0] = c0
  out[1] = c1
  out[2] = c2
  out[3] = c3
}

/**
 * Noise on the way from one to another: normal numbers again, as alike to `from` as the cosine says. `share` of a right angle,
 * 0 to 1; 0 is `from`, bit for bit.
 */
export function turned(from: Float32Array, to: Float32Array, share: number): Float32Array {
  const angle = (share * Math.PI) / 2
  const [near, far] = [Math.cos(angle), Math.sin(angle)]
  return from.map((v, i) => near * v + far * to[i]!)
}

/** Numbers drawn before others get their turn on the event loop: a few milliseconds. */
const TURN = 1 << 13

/**
 * `count` standard normal numbers of stream `seed`. Counter based: number i depends on nothing but seed and i, so a
 * picture's noise is the same alone or in a batch. Box-Muller on 32-bit words; V8 computes log and cos in software.
 */
export async function noise(seed: number, count: number): Promise<Float32Array> {
  const out = new Float32Array(count)
  const words = new Uint32Array(4)
  const counter = [0, 0, 0, 0]
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0]
  for (let i = 0; i < count; i += 4) {
    if (i % TURN === 0 && i > 0) await setImmediate()
    counter[0] = i / 4
    philox(counter, key, words)
    for (let pair = 0; pair < 4; pair += 2) {
      const radius = Math.sqrt(-2 * Math.log((words[pair]! + 1) / 2 ** 32))
      const angle = (2 * Math.PI * words[pair + 1]!) / 2 ** 32
      // Writes beyond the end of a typed array are dropped.
      out[i + pair] = radius * Math.cos(angle)
      out[i + pair + 1] = radius * Math.sin(angle)
    }
  }
  return out
}
