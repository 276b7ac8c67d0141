// Which picture shows the look of another: same style, another subject; and slider values from raw measures.
import type { Located } from "./pictures.ts"
import type { Random } from "./random.ts"

export interface Entry {
  r: Located
  /** Place in the set's records. */
  i: number
}

/** Finds references: half of them share the background too, so that palette and light are seen to matter. */
export class Looks {
  readonly #byStyle: Map<string, Entry[]>
  readonly #byBoth: Map<string, Entry[]>

  /** Only square pictures serve: references are brought to the square that the style encoder reads. */
  constructor(entries: readonly Entry[]) {
    const square = entries.filter(({ r }) => r.width === r.height)
    this.#byStyle = Map.groupBy(square, ({ r }) => r.style)
    this.#byBoth = Map.groupBy(square, ({ r }) => `${r.style} ${r.background}`)
  }

  /** A picture of the same look that shares no subject; undefined when none was found in a few draws. */
  reference({ r }: Entry, random: Random): Entry | undefined {
    const both = this.#byBoth.get(`${r.style} ${r.background}`)
    const list = random.next() < 0.5 && both && both.length > 2 ? both : this.#byStyle.get(r.style)
    if (!list || list.length < 2) return undefined
    for (let attempt = 0; attempt < 4; attempt++) {
      const other = list[random.below(list.length)]!
      if (!other.r.concepts.some((concept) => r.concepts.includes(concept))) return other
    }
    return undefined
  }
}

/** Raw measure -> -1..1 by rank, so that every slider position is equally common in training. */
export class SliderScale {
  readonly #sorted: Float64Array[]

  constructor(entries: readonly Entry[]) {
    const step = Math.max(1, Math.floor(entries.length / 4000))
    const sample = entries.filter((_, i) => i % step === 0)
    this.#sorted = [0, 1, 2].map((k) => Float64Array.from(sample, ({ r }) => r.measures[k]!).sort())
  }

  values({ r }: Entry): number[] {
    return this.#sorted.map((sorted, k) => {
      let [low, high] = [0, sorted.length]
      while (low < high) {
        const middle = (low + high) >> 1
        if (sorted[middle]! < r.measures[k]!) low = middle + 1
        else high = middle
      }
      return (2 * low) / sorted.length - 1
    })
  }
}
