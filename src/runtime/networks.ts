// The three networks of a model, loaded: numbers in, numbers out. Everything that makes pictures or checks
// them against the reference goes through these.

import { type Checkpoint, temporalTaps } from "../checkpoint/index.ts"
import { type CompileOptions, compile } from "../graph/index.ts"
import {
  COMPRESSION,
  type DitConfig,
  type RopeTable,
  type TextConfig,
  textRope,
  timeEmbedding,
  type VaeConfig,
  type VaeLayout,
} from "../nets/index.ts"
import { decodeGraph, denoiserGraph, encodeGraph, fusionGraph, textGraph } from "./graphs.ts"
import { multipliesSignedBytes } from "./machine.ts"
import type { LoadedGraph, Runner, RunOptions } from "./runner.ts"
import { floats, type GraphFile, integers, type Value } from "./session.ts"
import { decodeStrips, encodeStrips, type StripVae, stripsOf } from "./strips.ts"
import { type WeightFiles, weightFiles } from "./weights.ts"

/** Added to a score that must not count; exp of it is exactly 0 beside any real score. */
const HIDDEN = -1e9

/** Which of B x T tokens are real: 1 or 0. */
export type Validity = Uint8Array

/** A graph as it is compiled for this machine's processor. */
export const compileHere = (
  outputs: Parameters<typeof compile>[0],
  { weights, unpack }: Pick<WeightFiles, "weights" | "unpack">,
  attention?: CompileOptions["attention"],
): Uint8Array => compile(outputs, { weights, unpack, attention, signedBytes: multipliesSignedBytes() }).model

export async function openGraph(
  runner: Runner,
  outputs: Parameters<typeof compile>[0],
  files: WeightFiles,
  { attention, layOut }: Pick<CompileOptions, "attention"> & Pick<GraphFile, "layOut"> = {},
): Promise<LoadedGraph> {
  return await runner.open({ model: compileHere(outputs, files, attention), folder: files.folder, layOut })
}

/** Features from which on memory counts more than the little time that a layout of it saves. */
const WIDE = 1024

/** [B,1,1,T] from validity. */
const keyBias = (valid: Validity, batch: number): Value =>
  floats(
    Float32Array.from(valid, (v) => (v ? 0 : HIDDEN)),
    [batch, 1, 1, valid.length / batch],
  )

/** What one denoiser evaluation reads; every row of the batch has its own time and text. */
export interface DenoiserBatch {
  /** [B,N,P] */
  image: Float32Array
  times: readonly number[]
  /** [B,T,F] */
  text: Float32Array
  valid: Validity
  rope: RopeTable
}

export class Dit {
  readonly config: DitConfig
  readonly #fusion: LoadedGraph
  readonly #denoiser: LoadedGraph

  private constructor(config: DitConfig, fusion: LoadedGraph, denoiser: LoadedGraph) {
    this.config = config
    this.#fusion = fusion
    this.#denoiser = denoiser
  }

  static async open(runner: Runner, config: DitConfig, weights: WeightFiles): Promise<Dit> {
    const options = { layOut: config.features < WIDE }
    const fusion = await openGraph(runner, fusionGraph(config), weights, options)
    try {
      return new Dit(config, fusion, await openGraph(runner, denoiserGraph(config), weights, options))
    } catch (thrown) {
      await fusion.close().catch(() => {}) // the worker may be gone
      throw thrown
    }
  }

  /** Taps [B,T,n,D] -> text tokens [B,T,F]. */
  async fuse(taps: Float32Array, valid: Validity, batch: number): Promise<Float32Array> {
    const { textLayers, textDim } = this.config
    const shape = [batch, valid.length / batch, textLayers, textDim]
    const { text } = await this.#fusion.run({ taps: floats(taps, shape), bias: keyBias(valid, batch) })
    return text!.data as Float32Array
  }

  /** dx/dt [B,N,P] of every row. */
  async velocity(batch: DenoiserBatch): Promise<Float32Array> {
    const { velocity } = await this.#denoiser.run(denoiserFeeds(batch, this.config))
    return velocity!.data as Float32Array
  }

  async close(): Promise<void> {
    await this.#fusion.close()
    await this.#denoiser.close()
  }
}

export function denoiserFeeds(
  { image, times, text, valid, rope }: DenoiserBatch,
  c: DitConfig,
): Record<string, Value> {
  const batch = times.length
  const textLength = valid.length / batch
  const imageLength = rope.length - textLength
  const joint = new Uint8Array(batch * rope.length).fill(1)
  for (let b = 0; b < batch; b++)
    joint.set(valid.subarray(b * textLength, (b + 1) * textLength), b * rope.length)
  return {
    image: floats(image, [batch, imageLength, c.channels * c.patch ** 2]),
    time: floats(timeEmbedding(times, c.timeDim), [batch, 1, c.timeDim]),
    text: floats(text, [batch, textLength, c.features]),
    cosine: floats(rope.cosine, [rope.length, c.headDim / 2]),
    sine: floats(rope.sine, [rope.length, c.headDim / 2]),
    bias: keyBias(joint, batch),
  }
}

/** The Qwen3-VL language tower, as far as the last tap. */
export class TextTower {
  readonly config: TextConfig
  readonly #graph: LoadedGraph

  private constructor(config: TextConfig, graph: LoadedGraph) {
    this.config = config
    this.#graph = graph
  }

  static async open(runner: Runner, config: TextConfig, weights: WeightFiles): Promise<TextTower> {
    return new TextTower(config, await openGraph(runner, textGraph(config), weights, { layOut: false }))
  }

  /** Token ids of one sequence without padding -> taps [L,n,D]. Causal, so a sequence needs no company. */
  async taps(ids: readonly number[]): Promise<Float32Array> {
    const length = ids.length
    const bias = new Float32Array(length * length)
    for (let query = 0; query < length; query++)
      bias.fill(HIDDEN, query * length + query + 1, (query + 1) * length)
    const { headDim, ropeTheta } = this.config
    const { cosine, sine } = textRope(length, headDim, ropeTheta)
    const { taps } = await this.#graph.run({
      ids: integers(ids, [1, length]),
      cosine: floats(cosine, [length, headDim / 2]),
      sine: floats(sine, [length, headDim / 2]),
      bias: floats(bias, [1, 1, length, length]),
    })
    return taps!.data as Float32Array
  }

  close(): Promise<void> {
    return this.#graph.close()
  }
}

/** The autoencoder: latents as the DiT sees them on one side, pictures in -1..1 on the other. */
export class Vae {
  readonly config: VaeConfig
  /** What it was opened from, for those who build its encoder into a graph of their own. */
  readonly checkpoint: Checkpoint
  readonly layout: VaeLayout
  readonly #runner: Runner
  readonly #weights: WeightFiles
  // The family's own VAE decodes every pixel asked for, up to 65,536 of the latent attending to each other and gigabytes
  // of maps; one that stores flat kernels only decodes a small native size.
  readonly #large: boolean
  #decoder: Promise<LoadedGraph> | undefined
  // An encoder is built for one size: its strides need sides that are known to divide.
  #encoder: { size: string; graph: Promise<LoadedGraph> } | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(runner: Runner, config: VaeConfig, checkpoint: Checkpoint) {
    this.config = config
    this.#runner = runner
    this.checkpoint = checkpoint
    this.#weights = weightFiles(checkpoint)
    this.layout = { temporalTaps: temporalTaps(checkpoint) }
    this.#large = this.layout.temporalTaps === 3
  }

  /** Latent [B,z,h,w] -> picture [B,3,8h,8w]; with `pixels: "picture"`, bytes [B,8h,8w,3]. Large ones end early at an aborted signal. */
  async decode(
    latent: Value,
    { signal, ...options }: RunOptions & { signal?: AbortSignal } = {},
  ): Promise<Value> {
    const strips = stripsOf(latent.shape[2]!, latent.shape[3]!)
    if (strips)
      return await this.#alone(() => decodeStrips(this.#strips, latent, strips, { ...options, signal }))
    if (!this.#decoder) {
      this.#decoder = this.#open(decodeGraph(this.config, this.layout))
      // What could not be opened once, for want of memory perhaps, may be the next time.
      this.#decoder.catch(() => {
        this.#decoder = undefined
      })
    }
    return (await (await this.#decoder).run({ latent }, options)).picture!
  }

  /** Picture [B,3,8h,8w] in -1..1 -> latent [B,z,h,w]. Large ones end early at an aborted signal. */
  async encode(picture: Value, signal?: AbortSignal): Promise<Value> {
    const strips = stripsOf(picture.shape[2]! / COMPRESSION, picture.shape[3]! / COMPRESSION)
    return await this.#alone(() =>
      strips ? encodeStrips(this.#strips, picture, strips, signal) : this.#encode(picture),
    )
  }

  /** One after the other: the next size closes the encoder of this one, and strips of one picture fill the memory planned. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return await done
  }

  get #strips(): StripVae {
    return { config: this.config, layout: this.layout, open: (outputs) => this.#open(outputs) }
  }

  async #encode(picture: Value): Promise<Value> {
    const [, , height, width] = picture.shape as [number, number, number, number]
    const size = `${height}x${width}`
    if (this.#encoder?.size !== size) {
      const previous = this.#encoder
      const outputs = encodeGraph(this.config, [height, width], this.layout)
      this.#encoder = { size, graph: this.#open(outputs) }
      this.#encoder.graph.catch(() => {
        this.#encoder = undefined
      })
      if (previous) await (await previous.graph.catch(() => undefined))?.close()
    }
    return (await (await this.#encoder.graph).run({ picture })).latent!
  }

  #open(outputs: Parameters<typeof compile>[0]): Promise<LoadedGraph> {
    const options = { attention: this.#large ? "tiled" : "fused", layOut: !this.#large } as const
    return openGraph(this.#runner, outputs, this.#weights, options)
  }

  async close(): Promise<void> {
    for (const graph of [this.#decoder, this.#encoder?.graph])
      await (await graph?.catch(() => undefined))?.close()
  }
}
