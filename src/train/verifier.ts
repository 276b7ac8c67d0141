// The verifier at work: how well a painted latent shows what its caption asks for, seen in its pixels.
import { logProbability } from "../sampling/asked.ts"
import { thingsIn } from "./judge/foreground.ts"
import { backgroundIndex, conceptIndex, styleIndex } from "./judge/labels.ts"
import { type Classifier, createClassifier, type Verdict } from "./judge/network.ts"
import { withoutPaper } from "./judge/paper.ts"
import { squareAround } from "./judge/pixels.ts"
import { lookClosely, lookThrough, type Seen } from "./judge/views.ts"
import { asEncoded, type LatentStatistics } from "./latent-statistics.ts"
import type { PictureRecord } from "./pictures.ts"
import { type Coder, createCoder } from "./recipes/vae.ts"
import { toBytes } from "./sheet.ts"

/** What was asked for. */
export type Asked = Pick<PictureRecord, "concepts"> & Partial<Pick<PictureRecord, "style" | "place">>

/** Logs, at most 0, of how much of what was asked is seen. */
export interface Agreement {
  things: number
  style: number
  background: number
}

/** What is seen: of the whole picture, and of its pieces one by one (probabilities of concepts). */
export interface Sight extends Pick<Verdict, "concept" | "style" | "background"> {
  pieces: readonly Float32Array[]
}

/** Width and height of the pictures that it looks at, and how many at once. */
const SIDE = 128
const CHUNK = 32
/** Pieces of a picture of several things that are looked at, largest first, and the margin around them. */
const PIECES = 3
const MARGIN = 0.14

/**
 * How well a picture shows what was asked. Of several things it is that of the one which is seen least well, each in the
 * piece that shows it best; where the picture falls into no pieces, their share of the whole.
 */
export function agreement(seen: Sight, { concepts, style, place }: Asked): Agreement {
  const things = [...new Set(concepts)].map(conceptIndex)
  const apart = things.length > 1 && seen.pieces.length > 1
  const shown = things.map((k) =>
    apart ? Math.max(...seen.pieces.map((piece) => piece[k]!)) : seen.concept[k]! * things.length,
  )
  return {
    things: logProbability(Math.min(...shown)),
    style: style ? logProbability(seen.style[styleIndex(style)]!) : 0,
    background: place ? logProbability(seen.background[backgroundIndex(place)]!) : 0,
  }
}

/** Tells of painted latents how much of what was asked they show. Close it after use. */
export class Verifier {
  readonly #coder: Coder
  readonly #network: Classifier
  readonly #statistics: LatentStatistics

  private constructor(coder: Coder, network: Classifier, statistics: LatentStatistics) {
    this.#coder = coder
    this.#network = network
    this.#statistics = statistics
  }

  /** `weights` are those of a run of the recipe `verifier`; pictures are decoded by the `autoencoder`. */
  static async open(
    weights: ReadonlyMap<string, Float32Array>,
    autoencoder: ReadonlyMap<string, Float32Array>,
    statistics: LatentStatistics,
    threads = 2,
  ): Promise<Verifier> {
    const network = await createClassifier(weights, undefined, threads)
    return new Verifier(await createCoder(autoencoder, threads), network, statistics)
  }

  /** How well each normalised latent [16,16,16] shows what is asked of it. */
  async score(latents: readonly ArrayLike<number>[], asked: readonly Asked[]): Promise<Agreement[]> {
    const out: Agreement[] = []
    for (let from = 0; from < latents.length; from += CHUNK) {
      const part = latents.slice(from, from + CHUNK)
      const seen: Seen[] = []
      for (const latent of part) seen.push(await this.#picture(Float32Array.from(latent)))
      const sights = await this.#look(seen)
      out.push(...sights.map((sight, i) => agreement(sight, asked[from + i]!)))
    }
    return out
  }

  async #picture(latent: Float32Array): Promise<Seen> {
    const data = await this.#coder.decode(asEncoded(latent, this.#statistics), SIDE, SIDE)
    const picture = { width: SIDE, height: SIDE, rgb: toBytes({ data, width: SIDE, height: SIDE }) }
    return { picture, painted: withoutPaper(picture) }
  }

  async #look(seen: readonly Seen[]): Promise<Sight[]> {
    const verdicts = await lookClosely(seen, this.#network)
    const pieces = seen.map(({ painted }) =>
      thingsIn(painted)
        .slice(0, PIECES)
        .map((piece) => ({ picture: painted, window: squareAround(piece, MARGIN) })),
    )
    const alone = await lookThrough(pieces.flat(), this.#network)
    return verdicts.map((verdict, i) => ({ ...verdict, pieces: alone.splice(0, pieces[i]!.length) }))
  }

  async close(): Promise<void> {
    await this.#coder.close()
    await this.#network.close()
  }
}
