// Standard normal noise from a seed: the same numbers on every machine, in any order of drawing. Imports nothing.

/** Philox 4x32-10 (Salmon et al. 2011): four random words from a 128-bit counter and a 64-bit key. */
export function philox(counter: readonly number[], key: readonly number[], out: Uint32Array): void {
  let [c0, c1, c2, c3] = counter as [number, number, number, number]
  let [k0, k1] = key as [number, number]
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(0xd2511f53, c0)
    const [high1, low1] = multiply(0xcd9e8d57, c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  out[0] = c0
  out[1] = c1
  out[2] = c2
  out[3] = c3
}

/** High and low word of a 32 x 32 bit product. */
function multiply(a: number, b: number): [number, number] {
  const [a1, a0, b1, b0] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff]
  const low = a0 * b0
  const middle = a1 * b0 + (low >>> 16)
  const cross = a0 * b1 + (middle & 0xffff)
  const high = a1 * b1 + Math.floor(middle / 0x10000) + (cross >>> 16)
  return [high >>> 0, Math.imul(a, b) >>> 0]
}

/**
 * `count` standard normal numbers of stream `seed`. Counter based: number i depends on nothing but seed and i, so a
 * picture's noise is the same alone or in a batch. Box-Muller on 32-bit words; V8 computes log and cos in software.
 */
export function noise(seed: number, count: number): Float32Array {
  const out = new Float32Array(count)
  const words = new Uint32Array(4)
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0]
  for (let i = 0; i < count; i += 4) {
    philox([i / 4, 0, 0, 0], key, words)
    for (let pair = 0; pair < 4; pair += 2) {
      const radius = Math.sqrt(-2 * Math.log((words[pair]! + 1) / 2 ** 32))
      const angle = (2 * Math.PI * words[pair + 1]!) / 2 ** 32
      if (i + pair < count) out[i + pair] = radius * Math.cos(angle)
      if (i + pair + 1 < count) out[i + pair + 1] = radius * Math.sin(angle)
    }
  }
  return out
}
