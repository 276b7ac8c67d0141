// Paints latents with a run's weights, many prompts at once: what sample sheets, pairs and post-training see of the model.
import * as ort from "onnxruntime-node"
import { compile, concat, input } from "../graph/index.ts"
import {
  type DitConfig,
  denoiser,
  patchify,
  SLIDERS,
  STYLE_TOKENS,
  sliderPowers,
  sliderTokens,
  styleTokens,
  type TextConfig,
  textFusion,
  textRope,
  unpatchify,
  Weights,
  WORD_VECTOR,
  wordTaps,
} from "../nets/index.ts"
import { euler, guided, unstretched } from "../sampling/lane.ts"
import { schedule, scheduleFrom, shiftFor } from "../sampling/schedule.ts"
import { keptStatistics, type LatentStatistics } from "./latent-statistics.ts"
import type { PictureSet } from "./pictures.ts"
import { Random } from "./random.ts"
import { captionFeeds, imageFeeds } from "./recipes/dit-feeds.ts"
import {
  CONDITION_TOKENS,
  ditConfigOf,
  IMAGE_TOKENS,
  LATENT_CHANNELS,
  REFERENCE_TOKENS,
  TEXT_TOKENS,
  textConfig,
} from "./recipes/dit-network.ts"
import { asTensor, type Feed } from "./step.ts"
import { loadVocabulary, type Vocabulary } from "./vocabulary.ts"

export interface PainterModel {
  dit: DitConfig
  text: TextConfig
  vocabulary: Vocabulary
  statistics: LatentStatistics
}

/** The sizes, words and statistics of a denoiser's run with these weights. Throws when the folder has no statistics. */
export function modelOf(
  folder: string,
  pictures: PictureSet,
  weights: ReadonlyMap<string, Float32Array>,
  vectors?: string,
): PainterModel {
  const vocabulary = loadVocabulary(folder, pictures, vectors)
  const statistics = keptStatistics(folder, () => {
    throw new Error(`${folder} has no statistics of the latents: it is not the run of a denoiser.`)
  })
  return { dit: ditConfigOf(weights), text: textConfig(vocabulary.size), vocabulary, statistics }
}

/** What a caption is accompanied by: a reference's normalised image tokens [64,P], and sliders from -1 to 1. */
export interface Company {
  reference?: Float32Array
  /** Intensity, complexity and movement; undefined where one is not asked for. */
  sliders: readonly (number | undefined)[]
}

/**
 * What the text tower made of captions: conditions [B,C,F], how many of their first tokens are words, and which of the style
 * and slider tokens behind them count.
 */
export interface Read {
  conditions: Float32Array
  lengths: readonly number[]
  present?: readonly (readonly boolean[])[]
}

/** Style and slider tokens of each caption's company as the network is fed them, and which of them count. */
export function companyFeeds(
  company: readonly Company[],
  token: number,
): { feeds: Record<"reference" | "sliders", Feed>; present: boolean[][] } {
  const size = company.length
  const reference = new Float32Array(size * REFERENCE_TOKENS * token)
  company.forEach((own, b) => {
    if (own.reference) reference.set(own.reference, b * REFERENCE_TOKENS * token)
  })
  const powers = sliderPowers(company.flatMap((own) => own.sliders.map((value) => value ?? 0)))
  return {
    feeds: {
      reference: { data: reference, shape: [size, REFERENCE_TOKENS, token] },
      sliders: { data: powers, shape: [size, SLIDERS, 4] },
    },
    present: company.map((own) => [
      ...Array<boolean>(STYLE_TOKENS).fill(own.reference !== undefined),
      ...own.sliders.map((value) => value !== undefined),
    ]),
  }
}

/** A picture to begin from instead of noise: its normalised latent [16,16,16], and the time to begin at. */
export interface Start {
  latent: Float32Array
  time: number
}

/** A picture on its way: its image tokens [N,P], and the times still to go through, of which the first is where it stands. */
export interface Way {
  x: Float32Array
  times: readonly number[]
}

export interface PaintOptions {
  steps?: number
  guidance?: number
  /** Width of the noise (1). */
  noise?: number
  /** One per caption; without them from noise alone. */
  starts?: readonly Start[]
}

/** Rows and columns of image tokens of a painted picture, and how many pictures are painted at once. */
const SIDE = 8
const BATCH = 32
/** The shipped model's defaults. */
export const STEPS = 8
export const GUIDANCE = 3
/** Width of the noise that its pictures begin with: the cleanest by eye, no worse by the verifier (decision 072). */
export const NOISE = 0.85

/** One run of a session; of the feeds only those that it takes. */
export async function runSession(
  session: ort.InferenceSession,
  feeds: Record<string, Feed>,
): Promise<ort.InferenceSession.OnnxValueMapType> {
  return session.run(Object.fromEntries(session.inputNames.map((name) => [name, asTensor(feeds[name]!)])))
}

/** Draws pictures with weights in training, the way the engine does it with shipped ones. */
export class Painter {
  readonly #reader: ort.InferenceSession
  readonly #companion: ort.InferenceSession
  readonly #denoiser: ort.InferenceSession
  readonly #model: PainterModel

  private constructor(
    [reader, companion, painter]: [ort.InferenceSession, ort.InferenceSession, ort.InferenceSession],
    model: PainterModel,
  ) {
    this.#reader = reader
    this.#companion = companion
    this.#denoiser = painter
    this.#model = model
  }

  static async open(
    weights: ReadonlyMap<string, Float32Array>,
    model: PainterModel,
    threads = 2,
  ): Promise<Painter> {
    const { dit, text } = model
    const [t, joint, e] = [TEXT_TOKENS, CONDITION_TOKENS + IMAGE_TOKENS, dit.headDim / 2]
    const open = (expression: Parameters<typeof compile>[0]): Promise<ort.InferenceSession> =>
      ort.InferenceSession.create(
        compile(expression, { weights: (name) => ({ kind: "values", data: weights.get(name)! }) }).model,
        { intraOpNumThreads: threads, logSeverityLevel: 3 },
      )
    const w = new Weights()
    const table = {
      cosine: input("text.cosine", [t, text.headDim / 2]),
      sine: input("text.sine", [t, text.headDim / 2]),
    }
    const taps = wordTaps(
      input("ids", ["B", t], "int64"),
      input("vectors", ["B", t, WORD_VECTOR]),
      table,
      input("causal", ["B", 1, t, t]),
      w.at("text"),
      text,
    )
    const network = denoiser(
      {
        image: input("image", ["B", IMAGE_TOKENS, dit.channels * 4]),
        time: input("time", ["B", 1, dit.timeDim]),
        text: input("text", ["B", CONDITION_TOKENS, dit.features]),
        rope: { cosine: input("cosine", [joint, e]), sine: input("sine", [joint, e]) },
        bias: input("bias", ["B", 1, 1, joint]),
      },
      w,
      dit,
    )
    const style = styleTokens(input("reference", ["B", REFERENCE_TOKENS, dit.channels * 4]), w, dit.features)
    const sliders = sliderTokens(input("sliders", ["B", SLIDERS, 4]), w, dit.features)
    return new Painter(
      [
        await open({ out: textFusion(taps, w, dit, input("textBias", ["B", 1, 1, t])).text }),
        await open({ out: concat([style, sliders], 1) }),
        await open({ out: network.velocity }),
      ],
      model,
    )
  }

  /** Reads captions, each with its company; without any the places of style and slider tokens behind them stay empty. */
  async read(captions: readonly string[], company?: readonly Company[]): Promise<Read> {
    const { dit, text, vocabulary } = this.#model
    const table = textRope(TEXT_TOKENS, text.headDim, text.ropeTheta)
    const { feeds, lengths } = captionFeeds(captions, vocabulary, table)
    const { out } = await runSession(this.#reader, feeds)
    const read = out!.data as Float32Array
    const conditions = new Float32Array(captions.length * CONDITION_TOKENS * dit.features)
    const row = TEXT_TOKENS * dit.features
    for (let b = 0; b < captions.length; b++)
      conditions.set(read.subarray(b * row, (b + 1) * row), b * CONDITION_TOKENS * dit.features)
    if (!company) return { conditions, lengths }
    const beside = companyFeeds(company, LATENT_CHANNELS * 4)
    const { out: found } = await runSession(this.#companion, beside.feeds)
    const tokens = found!.data as Float32Array
    const own = (CONDITION_TOKENS - TEXT_TOKENS) * dit.features
    for (let b = 0; b < captions.length; b++)
      conditions.set(tokens.subarray(b * own, (b + 1) * own), b * CONDITION_TOKENS * dit.features + row)
    return { conditions, lengths, present: beside.present }
  }

  /** Velocities [B,N,P] of noisy image tokens [B,N,P] at a time each, of pictures of one shape in image tokens. */
  async velocities(
    image: Float32Array,
    times: readonly number[],
    read: Read,
    [rows, columns]: readonly [number, number] = [SIDE, SIDE],
  ): Promise<Float32Array> {
    const { dit } = this.#model
    const { out } = await runSession(this.#denoiser, {
      ...imageFeeds(image, times, read.lengths, rows, columns, dit, read.present),
      text: { data: read.conditions, shape: [times.length, CONDITION_TOKENS, dit.features] },
    })
    return out!.data as Float32Array
  }

  /**
   * One step of every picture that is not at its end, all of one shape. `read` has a row for each and, under guidance, one
   * more for each of what its caption is guided from, behind them all.
   */
  async advance(
    ways: readonly Way[],
    read: Read,
    { guidance, sides = [SIDE, SIDE] }: { guidance: number; sides?: readonly [number, number] },
  ): Promise<void> {
    const [size, row] = [ways.length, IMAGE_TOKENS * this.#model.dit.channels * 4]
    const branches = guidance === 0 ? [0] : [0, size]
    const image = new Float32Array(branches.length * size * row)
    ways.forEach(({ x }, b) => {
      for (const first of branches) image.set(x, (first + b) * row)
    })
    const times = branches.flatMap(() => ways.map((way) => way.times[0]!))
    const v = await this.velocities(image, times, read, sides)
    const mix = guided(guidance)
    ways.forEach((way, b) => {
      const { x } = way
      const [t, next] = way.times as [number, number | undefined]
      if (next === undefined) return
      const [c, u] = branches.map((first) => v.subarray((first + b) * row, (first + b) * row + x.length))
      way.x = euler(x, mix([c, u && unstretched(c!, u, { x, t })]), next - t)
      way.times = way.times.slice(1)
    })
  }

  /** Draws every caption from the noise of its seed by the defaults of the shipped model; normalised latents [16,16,16]. */
  async draw(
    captions: readonly string[],
    seeds: readonly number[],
    options: PaintOptions = {},
  ): Promise<Float32Array[]> {
    const latents: Float32Array[] = []
    for (let first = 0; first < captions.length; first += BATCH) {
      const end = Math.min(first + BATCH, captions.length)
      const starts = options.starts?.slice(first, end)
      latents.push(
        ...(await this.#batch(captions.slice(first, end), seeds.slice(first, end), { ...options, starts })),
      )
    }
    return latents
  }

  async #batch(
    captions: readonly string[],
    seeds: readonly number[],
    { steps = STEPS, guidance = GUIDANCE, noise = 1, starts }: PaintOptions,
  ): Promise<Float32Array[]> {
    const { dit } = this.#model
    const read = await this.read(guidance === 0 ? captions : [...captions, ...captions.map(() => "")])
    const whole = schedule(steps, shiftFor(SIDE * SIDE))
    const ways = captions.map((_, b) => ({
      x: noised(
        new Random(seeds[b]!).normals(SIDE * SIDE * dit.channels * 4).map((value) => noise * value),
        starts?.[b],
        dit.channels,
      ),
      times: scheduleFrom(whole, starts?.[b]?.time ?? 1),
    }))
    while (ways.some(({ times }) => times.length > 1)) await this.advance(ways, read, { guidance })
    return ways.map(({ x }) => unpatchify(x, dit.channels, SIDE * 2, SIDE * 2))
  }

  async close(): Promise<void> {
    for (const session of [this.#reader, this.#companion, this.#denoiser]) await session.release()
  }
}

/** The tokens [N,P] a picture's way begins with: noise, or its start with as much of it as belongs to the time. */
function noised(noise: Float32Array, start: Start | undefined, channels: number): Float32Array {
  if (!start) return noise
  const clean = patchify(start.latent, channels, SIDE * 2, SIDE * 2)
  return noise.map((value, j) => (1 - start.time) * clean[j]! + start.time * value)
}
