// Tells how far a generation is, with the time left and, where asked, previews.
import type { Pixels } from "../image/decode.ts"
import { encodePreview } from "../image/encode.ts"
import type { GenerateOptions } from "../request/engine.ts"
import type { Grid } from "./grid.ts"
import type { Lane } from "./lane.ts"
import type { Model } from "./model.ts"

const left = (lanes: readonly Lane[]): number =>
  lanes.reduce((sum, lane) => sum + Math.max(0, lane.times.length - 1), 0)

interface Expected {
  steps: number
  coming: number
  shown?: (preview: Pixels) => Promise<Pixels>
}

export class Reporter {
  readonly #model: Model
  readonly #grid: Grid
  readonly #options: GenerateOptions
  readonly #steps: number
  readonly #begin = performance.now()
  /** The steps of all these count: candidates, then the pictures themselves. */
  readonly #followed: Lane[] = []
  readonly #shown: (preview: Pixels) => Promise<Pixels>
  #total = 0
  #coming: number
  #pictures: readonly Lane[] = []
  #reported = 0
  #previewed = 0
  // Previews take a moment to encode; reports keep their order, and the last is out before the result is.
  #sent: Promise<void> = Promise.resolve()

  /**
   * `steps` is what is told as the whole, `coming` how many steps of lanes not yet followed are known to come, `shown` what
   * is made of a preview before it is sent.
   */
  constructor(
    model: Model,
    grid: Grid,
    options: GenerateOptions,
    { steps, coming, shown = async (preview) => preview }: Expected,
  ) {
    this.#model = model
    this.#grid = grid
    this.#options = options
    this.#steps = steps
    this.#coming = coming
    this.#shown = shown
  }

  /** Counts the steps of these lanes from now on; announced ones were among the `coming`. */
  follow(lanes: readonly Lane[], { announced = false } = {}): void {
    this.#followed.push(...lanes)
    this.#total += left(lanes)
    if (announced) this.#coming -= left(lanes)
  }

  /** The lanes of the pictures themselves, which previews show: at once, where nothing is left to do. */
  begin(lanes: readonly Lane[]): void {
    this.#coming = 0
    this.#pictures = lanes
    this.follow(lanes)
    if (this.#steps === 0 || left(lanes) > 0) return
    const wanted = (this.#options.previewEvery ?? 0) > 0
    if (wanted || this.#reported < this.#steps) this.#report(this.#steps, 0, wanted)
  }

  /** To be called after every run in which one of the followed lanes took a step. */
  step(): void {
    const { previewEvery = 0 } = this.#options
    const all = this.#total + this.#coming
    const done = this.#total - left(this.#followed)
    const step = Math.floor((this.#steps * done) / all)
    const own = this.#ownSteps()
    const wanted =
      previewEvery > 0 && own > this.#previewed && own % previewEvery === 0 && left(this.#pictures) > 0
    if (step === this.#reported && !wanted) return
    if (wanted) this.#previewed = own
    this.#report(step, ((performance.now() - this.#begin) / 1000 / done) * (all - done), wanted)
  }

  /** Steps that every picture itself has taken. */
  #ownSteps(): number {
    if (this.#pictures.length === 0) return 0
    return Math.min(...this.#pictures.map((lane) => this.#steps - (lane.times.length - 1)))
  }

  #report(step: number, secondsLeft: number, wanted: boolean): void {
    const { onProgress } = this.#options
    if (!onProgress) return
    this.#reported = step
    // Pictures as they are now; by the time they are encoded the lanes have moved on.
    const pixels = wanted ? this.#pictures.map((lane) => this.#model.preview(lane, this.#grid)) : []
    this.#sent = this.#sent.then(async () => {
      const previews = await Promise.all(pixels.map(async (p) => encodePreview(await this.#shown(p))))
      onProgress({ step, steps: this.#steps, secondsLeft, ...(wanted ? { previews } : {}) })
    })
    this.#sent.catch(() => {}) // `finished` tells
  }

  /** Resolves when every report was handed over. Rejects with what `onProgress` threw. */
  finished(): Promise<void> {
    return this.#sent
  }
}
