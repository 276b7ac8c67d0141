// Draws that depend on nothing but their key: the same prompt, seed and question give the same answer. Imports nothing.

/** Uniform in [0, 1) from a key: 32-bit FNV-1a over its UTF-16 units with a final avalanche. */
export function draw(key: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}

/** One of the items, each as likely. */
export const pick = <T>(items: readonly T[], key: string): T | undefined =>
  items[Math.floor(draw(key) * items.length)]

/** The seed's turn among the items, from one that depends on the key: as many seeds in a row as there are have one each. */
export const turn = <T>(items: readonly T[], seed: number, key: string): T | undefined =>
  items[(seed + Math.floor(draw(`${key} turn`) * items.length)) % items.length]
