// A loaded model: everything the sampler asks of one.
import { existsSync } from "node:fs"
import { checkDit, checkVae } from "../checkpoint/check.ts"
import { findComponents } from "../checkpoint/components.ts"
import { ditConfig, vaeConfig } from "../checkpoint/config.ts"
import type { WeightedLora } from "../checkpoint/lora-apply.ts"
import { type Checkpoint, elementCount } from "../checkpoint/tensor.ts"
import { type Pixels, resizePixels, toPlanes } from "../image/decode.ts"
import { type DitConfig, patchify, unpatchify, type VaeConfig } from "../nets/index.ts"
import type { ModelInfo } from "../request/engine.ts"
import { AtelierError, asAtelierError } from "../request/errors.ts"
import type { GenerationRequest } from "../request/request.ts"
import { adaptedWeights } from "../runtime/adapters.ts"
import { decoderBytes, denoiserBytes, type MemoryPlan, planMemory } from "../runtime/memory.ts"
import { Dit, Vae } from "../runtime/networks.ts"
import type { Runner } from "../runtime/runner.ts"
import { floats, type Value } from "../runtime/session.ts"
import { weightFiles } from "../runtime/weights.ts"
import type { Beginning } from "./candidates.ts"
import { type BrokenModel, searchModels } from "./catalog.ts"
import { exactGrid, type Grid, nativeGrid } from "./grid.ts"
import { guided, type Lane, padded, type Reading, type Tokens } from "./lane.ts"
import { fileOf, type Installed, weightsOf } from "./manifest.ts"
import {
  type Conditioner,
  chosen,
  conditioners,
  type PartContext,
  type TextContext,
  textEncoders,
  type Upsampler,
  upsamplers,
  type Verifier,
  verifiers,
} from "./parts.ts"
import { previewPixels, roughTable } from "./preview.ts"
import { shiftFor } from "./schedule.ts"
import { Stepper } from "./stepper.ts"
import type { TextEncoder } from "./text.ts"

/** Text is padded to whole blocks, so that prompts of like length can share a run. */
const TEXT_BLOCK = 16
const CACHED_PROMPTS = 256

interface ReadPrompt extends Tokens {
  truncated: boolean
}

const NAMES = { dit: "image model", vae: "VAE", text: "text tower" } as const

/** The component's checkpoint, whichever file or folder it is in. */
export async function componentOf(installed: Installed, part: "dit" | "vae" | "text"): Promise<Checkpoint> {
  const path = fileOf(installed, part)!
  const found = (await findComponents(path))[part]
  if (found) return found
  throw new AtelierError("model_invalid", `${path} holds no ${NAMES[part]} of Krea 2.`)
}

export function modelInfo({ manifest }: Installed, dit: Checkpoint): ModelInfo {
  const { name, aliases, title, variant, supports, defaults, batch } = manifest
  let parameters = 0
  for (const tensor of dit.tensors.values()) parameters += elementCount(tensor.shape)
  return {
    name,
    aliases: [...aliases],
    title,
    variant,
    weights: weightsOf(manifest),
    supports,
    defaults,
    batch,
    parameters,
  }
}

/** The installed models that can be used, and why others cannot: their files may have been moved. */
export async function surveyModels(
  folders?: readonly string[],
): Promise<{ models: ModelInfo[]; broken: BrokenModel[] }> {
  const { models, broken } = await searchModels(folders && [...folders])
  const infos: ModelInfo[] = []
  for (const installed of models) {
    const { name, files } = installed.manifest
    try {
      for (const part of Object.keys(files)) {
        const path = fileOf(installed, part)!
        if (!existsSync(path))
          throw new AtelierError(
            "file_not_found",
            `${path} does not exist; bring it back, or install the model again.`,
          )
      }
      infos.push(modelInfo(installed, await componentOf(installed, "dit")))
    } catch (thrown) {
      broken.push({ name, error: asAtelierError(thrown) })
    }
  }
  return { models: infos, broken }
}

/** What loading and using a model at a size will take. */
export function memoryPlan(
  dit: Checkpoint,
  vae: Checkpoint,
  others: readonly Checkpoint[],
  grid: Grid,
  rows: number,
  free?: number,
): MemoryPlan {
  return planMemory([dit, vae, ...others], workOf(ditConfig(dit), vaeConfig(vae), grid, rows), free)
}

/** The prompt and the negative prompt. */
const PLANNED_ROWS = 2

/** The denoiser and the decoder work one after the other. */
function workOf(dit: DitConfig, vae: VaeConfig, grid: Grid, rows: number): number {
  const length = grid.rows * grid.columns + 512
  return Math.max(denoiserBytes(dit, rows, length), decoderBytes(vae, grid.width, grid.height))
}

export class Model {
  readonly installed: Installed
  readonly info: ModelInfo
  readonly stepper: Stepper
  readonly verifier: Verifier | undefined
  /** Which noise was found best and what it became, by what that depends on. */
  readonly chosen = new Map<string, Beginning>()
  readonly #dit: Dit
  readonly #vae: Vae
  readonly #encoder: TextEncoder
  readonly #conditioner: Conditioner | undefined
  readonly #upsampler: Upsampler | undefined
  readonly #prompts = new Map<string, Promise<ReadPrompt>>()

  private constructor(parts: {
    installed: Installed
    info: ModelInfo
    dit: Dit
    vae: Vae
    encoder: TextEncoder
    conditioner?: Conditioner
    upsampler?: Upsampler
    verifier?: Verifier
  }) {
    this.installed = parts.installed
    this.info = parts.info
    this.#dit = parts.dit
    this.#vae = parts.vae
    this.#encoder = parts.encoder
    this.#conditioner = parts.conditioner
    this.#upsampler = parts.upsampler
    this.verifier = parts.verifier
    this.stepper = new Stepper(parts.dit, 2 * parts.info.batch)
  }

  static async load(
    runner: Runner,
    installed: Installed,
    options: { loras: readonly WeightedLora[]; signal?: AbortSignal } & Pick<
      PartContext,
      "readImage" | "readBoard" | "cache"
    >,
  ): Promise<Model> {
    const checkpoint = await componentOf(installed, "dit")
    const config = ditConfig(checkpoint)
    checkDit(checkpoint, config)
    const vaeFile = await componentOf(installed, "vae")
    const sizes = vaeConfig(vaeFile)
    checkVae(vaeFile, sizes)
    if (sizes.latentChannels !== config.channels)
      throw new AtelierError(
        "model_invalid",
        `The VAE ${vaeFile.path} has ${sizes.latentChannels} latent channels, and the image model ${config.channels}; they do not belong together.`,
      )
    const { kind } = installed.manifest.text
    const openText = textEncoders[kind]
    if (!openText)
      throw new AtelierError(
        "model_invalid",
        `There is no text encoder ${kind}; this model needs another version.`,
      )
    // What is open when another part cannot be opened would stay in the worker with every try.
    const opened: { close(): Promise<void> }[] = []
    const keep = async <T extends { close(): Promise<void> }>(part: Promise<T>): Promise<T> => {
      opened.unshift(await part)
      return await part
    }
    const file = (part: string): string | undefined => fileOf(installed, part)
    const { loras, signal, ...resolvers } = options
    const reading: TextContext = { runner, installed, config, file, ...resolvers }
    try {
      // First, for its files are most often wrong, and adapters can take minutes.
      const encoder = await keep(openText(reading))
      const changed = await adaptedWeights(checkpoint, loras, { cache: options.cache, signal })
      const dit = await keep(Dit.open(runner, config, weightFiles(checkpoint, changed)))
      const vae = new Vae(runner, sizes, vaeFile)
      const context: PartContext = { ...reading, dit, vae }
      const open = async <T extends { close(): Promise<void> }>(
        part: ((context: PartContext) => Promise<T>) | undefined,
      ): Promise<T | undefined> => part && (await keep(part(context)))
      return new Model({
        installed,
        info: modelInfo(installed, checkpoint),
        dit,
        vae,
        encoder,
        conditioner: await open(chosen(conditioners, context)),
        upsampler: await open(chosen(upsamplers, context)),
        verifier: await open(chosen(verifiers, context)),
      })
    } catch (thrown) {
      for (const part of opened) await part.close().catch(() => {}) // the worker may be gone
      throw thrown
    }
  }

  /** The latent grid for an asked size. */
  grid({ width, height }: Pick<GenerationRequest, "width" | "height">): Grid {
    const { native } = this.installed.manifest
    return native ? nativeGrid(width, height, native.tokens) : exactGrid(width, height)
  }

  /** Bytes that making a picture of this size takes beside the weights. */
  workBytes(size: Pick<GenerationRequest, "width" | "height">): number {
    return workOf(this.#dit.config, this.#vae.config, this.grid(size), PLANNED_ROWS)
  }

  shift(grid: Grid): number {
    return this.installed.manifest.shift ?? shiftFor(grid.rows * grid.columns)
  }

  /** Values of one latent [C,h,w]. */
  latentSize({ latentWidth, latentHeight }: Grid): number {
    return this.#dit.config.channels * latentWidth * latentHeight
  }

  /** Latent [C,h,w] -> image tokens [N,P]. */
  toTokens(latent: Float32Array, { latentWidth, latentHeight }: Grid): Float32Array {
    return patchify(latent, this.#dit.config.channels, latentHeight, latentWidth)
  }

  /** What the denoiser reads and how its branches mix, for one picture. */
  async condition(request: GenerationRequest, prompt: string): Promise<Reading> {
    const guidance = request.guidance!
    const read = await this.#read(prompt)
    const negative = () => this.#read(guidance > 0 ? request.negativePrompt : "")
    const reading: Reading = this.#conditioner
      ? await this.#conditioner.condition(request, { prompt: read, negative: await negative(), guidance })
      : { branches: guidance > 0 ? [read, await negative()] : [read], mix: guided(guidance) }
    const longest = Math.max(...reading.branches.map((b) => b.valid.length))
    const length = Math.ceil(longest / TEXT_BLOCK) * TEXT_BLOCK
    return { ...reading, branches: reading.branches.map((b) => padded(b, length)) }
  }

  /** Whether a prompt is longer than the model reads, and lost its end. */
  async isCut(prompt: string): Promise<boolean> {
    return (await this.#read(prompt)).truncated
  }

  /** Fused tokens of a prompt, kept for the next time: towers are slow and prompts come again. */
  #read(prompt: string): Promise<ReadPrompt> {
    const known = this.#prompts.get(prompt)
    if (known) this.#prompts.delete(prompt)
    const tokens = known ?? this.#fuse(prompt)
    this.#prompts.set(prompt, tokens)
    if (!known) tokens.catch(() => this.#prompts.delete(prompt))
    if (this.#prompts.size > CACHED_PROMPTS) this.#prompts.delete(this.#prompts.keys().next().value!)
    return tokens
  }

  async #fuse(prompt: string): Promise<ReadPrompt> {
    const { data, length, truncated } = await this.#encoder.encode(prompt)
    const valid = new Uint8Array(length).fill(1)
    return { data: await this.#dit.fuse(data, valid, 1), valid, truncated }
  }

  /** A picture of the grid's size as its latent [C,h,w]. */
  async encode(picture: Pixels, grid: Grid, signal?: AbortSignal): Promise<Float32Array> {
    const value = floats(toPlanes(picture), [1, 3, grid.height, grid.width])
    return (await this.#vae.encode(value, signal)).data as Float32Array
  }

  /** Image tokens -> finished pixels, of the asked `size` if any. Each picture by itself: its bits need no company. */
  async decode(
    tokens: Float32Array,
    grid: Grid,
    { size, signal }: { size?: { width: number; height: number }; signal?: AbortSignal } = {},
  ): Promise<Pixels> {
    const pixels = await this.#finished(tokens, grid, signal)
    return size ? await resizePixels(pixels, size) : pixels
  }

  async #finished(tokens: Float32Array, grid: Grid, signal?: AbortSignal): Promise<Pixels> {
    if (!this.#upsampler) return await this.decodeNative(tokens, grid, signal)
    const native = await this.#vae.decode(this.#latent(tokens, grid), { signal })
    return toImage(await this.#upsampler.upscale(native))
  }

  /** Image tokens -> pixels as the autoencoder gives them. */
  async decodeNative(tokens: Float32Array, grid: Grid, signal?: AbortSignal): Promise<Pixels> {
    return toImage(await this.#vae.decode(this.#latent(tokens, grid), { pixels: "picture", signal }))
  }

  #latent(tokens: Float32Array, { latentHeight, latentWidth }: Grid): Value {
    const { channels } = this.#dit.config
    const shape = [1, channels, latentHeight, latentWidth]
    return floats(unpatchify(tokens, channels, latentHeight, latentWidth), shape)
  }

  /** What the picture would be if the denoiser stopped here: x - t v, by one matrix per pixel. */
  preview({ x, times, velocity }: Lane, grid: Grid): Pixels {
    const { channels } = this.#dit.config
    const clean = velocity ? x.map((value, i) => value - times[0]! * velocity[i]!) : x
    const latent = unpatchify(clean, channels, grid.latentHeight, grid.latentWidth)
    const table = this.installed.manifest.preview ?? roughTable(channels)
    const data = previewPixels(latent, grid, table)
    return { width: grid.latentWidth, height: grid.latentHeight, data }
  }

  async close(): Promise<void> {
    await this.#dit.close()
    await this.#vae.close()
    await this.#encoder.close()
    await this.#conditioner?.close()
    await this.#upsampler?.close()
    await this.verifier?.close()
  }
}

function toImage({ data, shape }: Value): Pixels {
  return { height: shape[1]!, width: shape[2]!, data: data as Uint8Array }
}
