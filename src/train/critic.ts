// The critic: the encoder of the training art (sight.ts) says how well a painted latent shows what its caption asks for.
import * as ort from "onnxruntime-node"
import { compile, input, softmax } from "../graph/index.ts"
import { imageRope, keyBias, patchify, Weights } from "../nets/index.ts"
import { BACKGROUND_NAMES, backgroundIndex, conceptIndex, STYLE_NAMES, styleIndex } from "./judge/labels.ts"
import { runSession } from "./painter.ts"
import type { PictureRecord } from "./pictures.ts"
import { LATENT_CHANNELS } from "./recipes/dit-network.ts"
import { CELL_CLASSES, SIGHT_HEADS, sightFeatures, sightVerdicts } from "./sight.ts"

/** Rows and columns of cells. */
const SIDE = 8
const CELLS = SIDE * SIDE
const BATCH = 64

/** Probabilities. */
export interface Verdict {
  /** Of every cell's classes [64,classes]; class 0 is nothing. */
  cells: Float32Array
  style: Float32Array
  background: Float32Array
}

/** What was asked for. */
export type Asked = Pick<PictureRecord, "concepts"> & Partial<Pick<PictureRecord, "style" | "place">>

/** Logs, at most 0, of how much of what was asked the critic sees. */
export interface Agreement {
  things: number
  style: number
  background: number
}

/** A probability below this counts as this: what cannot be told apart is no better or worse. */
const FLOOR = 0.01

/**
 * How well a picture shows what was asked. Of things: the share of what is in it that is named right; where several are
 * asked for, that of the one which is least there.
 */
export function agreement(verdict: Verdict, { concepts, style, place }: Asked): Agreement {
  const things = new Map(concepts.map((thing) => [thing, 0]))
  let filled = 0
  for (let at = 0; at < CELLS * CELL_CLASSES; at += CELL_CLASSES) {
    filled += 1 - verdict.cells[at]!
    for (const [thing, sum] of things) things.set(thing, sum + verdict.cells[at + conceptIndex(thing) + 1]!)
  }
  const least = (Math.min(...things.values()) * things.size) / Math.max(filled, 1)
  const log = (p: number): number => Math.log(Math.max(Math.min(p, 1), FLOOR))
  return {
    things: log(least),
    style: style ? log(verdict.style[styleIndex(style)]!) : 0,
    background: place ? log(verdict.background[backgroundIndex(place)]!) : 0,
  }
}

export class Critic {
  readonly #session: ort.InferenceSession

  private constructor(session: ort.InferenceSession) {
    this.#session = session
  }

  /** `weights` are those of a run of the recipe `sight`; those of an early one have no heads, and are refused. */
  static async open(weights: ReadonlyMap<string, Float32Array>, threads = 2): Promise<Critic> {
    if (!weights.has("sight.heads.cells.weight"))
      throw new Error(
        "The encoder's run has no heads to judge by; train it anew with: npm run train -- sight",
      )
    const w = new Weights().at("sight")
    const half = SIGHT_HEADS.headDim / 2
    const features = sightFeatures(
      input("clean", ["B", CELLS, LATENT_CHANNELS * 4]),
      { cosine: input("cosine", [CELLS, half]), sine: input("sine", [CELLS, half]) },
      input("bias", ["B", 1, 1, CELLS]),
      w,
    )
    const said = sightVerdicts(features, input("real", [CELLS]), w.at("heads"))
    const outputs = {
      cells: softmax(said.cells),
      style: softmax(said.style),
      background: softmax(said.background),
    }
    const { model } = compile(outputs, {
      weights: (name) => ({ kind: "values", data: weights.get(name)! }),
    })
    return new Critic(
      await ort.InferenceSession.create(model, { intraOpNumThreads: threads, logSeverityLevel: 3 }),
    )
  }

  /** Looks at normalised latents [16,16,16]. */
  async look(latents: readonly Float32Array[]): Promise<Verdict[]> {
    const verdicts: Verdict[] = []
    for (let first = 0; first < latents.length; first += BATCH)
      verdicts.push(...(await this.#batch(latents.slice(first, first + BATCH))))
    return verdicts
  }

  async #batch(latents: readonly Float32Array[]): Promise<Verdict[]> {
    const [size, token] = [latents.length, LATENT_CHANNELS * 4]
    const clean = new Float32Array(size * CELLS * token)
    latents.forEach((z, b) => {
      clean.set(patchify(z, LATENT_CHANNELS, SIDE * 2, SIDE * 2), b * CELLS * token)
    })
    const rope = imageRope(0, SIDE, SIDE, SIGHT_HEADS.headDim)
    const half = SIGHT_HEADS.headDim / 2
    const out = await runSession(this.#session, {
      clean: { data: clean, shape: [size, CELLS, token] },
      cosine: { data: rope.cosine, shape: [CELLS, half] },
      sine: { data: rope.sine, shape: [CELLS, half] },
      bias: { data: keyBias(size, CELLS, () => true), shape: [size, 1, 1, CELLS] },
      real: { data: new Float32Array(CELLS).fill(1), shape: [CELLS] },
    })
    const row = (name: string, b: number, width: number): Float32Array =>
      (out[name]!.data as Float32Array).subarray(b * width, (b + 1) * width)
    return latents.map((_, b) => ({
      cells: row("cells", b, CELLS * CELL_CLASSES),
      style: row("style", b, STYLE_NAMES.length),
      background: row("background", b, BACKGROUND_NAMES.length),
    }))
  }

  async close(): Promise<void> {
    await this.#session.release()
  }
}
