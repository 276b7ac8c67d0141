// The bench on which controls are measured: one engine, its pictures kept, a classifier if there is one, a painter.
import type { IdeaList } from "../../../controls/creativity/ideas.ts"
import type { Engine } from "../../../request/engine.ts"
import { type GenerationInput, parseRequest } from "../../../request/request.ts"
import type { SpriteSource } from "../../data/sprites.ts"
import type { Classifier, Verdict } from "../network.ts"
import type { Studio } from "../pictures.ts"
import type { Bitmap } from "../pixels.ts"
import { openPainter, type Painter } from "../real.ts"
import { asSeen, lookClosely } from "../views.ts"
import type { Bench } from "./measure.ts"

/** Pictures under way at once: those of one size share runs of the denoiser. */
const TOGETHER = 4
/** Pictures in memory at once. */
const CHUNK = 32

export interface BenchOptions {
  readonly engine: Pick<Engine, "generate">
  readonly studio: Studio
  /** Fields of every request: the model, its size, steps. */
  readonly given: Partial<GenerationInput>
  readonly classifier: Classifier | undefined
  /** Opened once, when the first picture is to be painted. */
  readonly drawings: () => SpriteSource
  readonly words: IdeaList
  readonly count: number | undefined
  /** Told how far it is, at most twice a minute. */
  readonly note: (line: string) => void
}

export function openBench({
  engine,
  studio,
  given,
  classifier,
  drawings,
  words,
  count,
  note,
}: BenchOptions): Bench {
  let source: SpriteSource | undefined
  const painters: Partial<Record<"judge" | "train", Painter>> = {}
  let told = Date.now()
  const tell = (line: string): void => {
    if (Date.now() - told < 30_000) return
    told = Date.now()
    note(line)
  }

  /** The pictures of one chunk, equal requests made once. */
  async function make(inputs: readonly GenerationInput[]): Promise<Bitmap[]> {
    const made = new Map<string, Bitmap>()
    const distinct = [...new Map(inputs.map((input) => [JSON.stringify(input), input]))]
    let next = 0
    const work = async (): Promise<void> => {
      while (next < distinct.length) {
        const [key, input] = distinct[next++]!
        made.set(key, await studio.picture({ ...given, ...input }))
      }
    }
    await Promise.all(Array.from({ length: TOGETHER }, work))
    return inputs.map((input) => made.get(JSON.stringify(input))!)
  }

  return {
    words,
    count,
    observe: async (inputs, what, see) => {
      const seen: Awaited<ReturnType<typeof see>> = []
      for (let from = 0; from < inputs.length; from += CHUNK) {
        seen.push(...(await see(await make(inputs.slice(from, from + CHUNK)), from)))
        tell(`${what}: ${seen.length} of ${inputs.length}`)
      }
      return seen
    },
    generate: (input) => engine.generate(parseRequest({ ...given, ...input, count: 1 })),
    look: classifier && ((pictures) => lookAt(classifier, pictures)),
    paint: (prompt, by = "judge") => {
      source ??= drawings()
      painters[by] ??= openPainter(source, by)
      return painters[by].paint(prompt)
    },
  }
}

const lookAt = async (classifier: Classifier, pictures: readonly Bitmap[]): Promise<Verdict[]> =>
  await lookClosely(await Promise.all(pictures.map(asSeen)), classifier)
