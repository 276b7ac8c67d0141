// Seeded random numbers for training: the same step draws the same numbers after a restart.

/** splitmix32 over a seed made of any number of integers. */
export class Random {
  #state: number
  #spare: number | undefined

  constructor(...seed: number[]) {
    this.#state = seed.reduce((h, s) => mix((h ^ s) + 0x9e3779b9), 0x2545f491)
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    return (mix(this.#state) >>> 0) / 2 ** 32
  }

  /** Integer in [0, count). */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare
      this.#spare = undefined
      return spare
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()))
    const angle = 2 * Math.PI * this.next()
    this.#spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }

  normals(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => this.normal())
  }
}

function mix(x: number): number {
  let z = x | 0
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return z ^ (z >>> 15)
}
