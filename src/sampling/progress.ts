// Tells how far a generation is, with the time left and, where asked, previews.
import { encodePreview } from "../image/encode.ts"
import type { GenerateOptions } from "../request/engine.ts"
import type { Grid } from "./grid.ts"
import type { Lane } from "./lane.ts"
import type { Model } from "./model.ts"

const left = (lanes: readonly Lane[]): number =>
  lanes.reduce((sum, lane) => sum + Math.max(0, lane.times.length - 1), 0)

export class Reporter {
  readonly #lanes: readonly Lane[]
  readonly #model: Model
  readonly #grid: Grid
  readonly #options: GenerateOptions
  readonly #total: number
  readonly #begin = performance.now()
  #reported = 0
  // Previews take a moment to encode; reports keep their order, and the last is out before the result is.
  #sent: Promise<void> = Promise.resolve()

  constructor(lanes: readonly Lane[], model: Model, grid: Grid, options: GenerateOptions) {
    this.#lanes = lanes
    this.#model = model
    this.#grid = grid
    this.#options = options
    this.#total = left(lanes)
  }

  /** To be called after every run in which one of the lanes took a step. */
  step(): void {
    const { onProgress, previewEvery = 0 } = this.#options
    const done = this.#total - left(this.#lanes)
    const step = Math.floor(done / this.#lanes.length)
    if (!onProgress || step === this.#reported) return
    this.#reported = step
    const steps = this.#total / this.#lanes.length
    const secondsLeft = ((performance.now() - this.#begin) / 1000 / done) * (this.#total - done)
    const wanted = previewEvery > 0 && step % previewEvery === 0 && step < steps
    // Pictures as they are now; by the time they are encoded the lanes have moved on.
    const pixels = wanted ? this.#lanes.map((lane) => this.#model.preview(lane, this.#grid)) : []
    this.#sent = this.#sent.then(async () => {
      const previews = await Promise.all(pixels.map((p) => encodePreview(p)))
      onProgress({ step, steps, secondsLeft, ...(wanted ? { previews } : {}) })
    })
    this.#sent.catch(() => {}) // `finished` tells
  }

  /** Resolves when every report was handed over. Rejects with what `onProgress` threw. */
  finished(): Promise<void> {
    return this.#sent
  }
}
