// Parts that a model may bring beside the three networks, by the names its model.json uses.

import { checkText } from "../checkpoint/check.ts"
import { findComponents } from "../checkpoint/components.ts"
import { type DitConfig, textConfig } from "../checkpoint/config.ts"
import type { Pixels } from "../image/decode.ts"
import type { ImageResolver } from "../image/source.ts"
import { AtelierError } from "../request/errors.ts"
import type { GenerationRequest } from "../request/request.ts"
import type { Dit, Vae } from "../runtime/networks.ts"
import { TextTower } from "../runtime/networks.ts"
import type { Runner } from "../runtime/runner.ts"
import type { Value } from "../runtime/session.ts"
import { weightFiles } from "../runtime/weights.ts"
import type { Asked } from "./asked.ts"
import { openUpsampler, openWords } from "./embedded.ts"
import type { Reading, Tokens } from "./lane.ts"
import { fileOf, type Installed } from "./manifest.ts"
import { openTokenizer, QwenEncoder, type TextEncoder } from "./text.ts"
import { openVerifier } from "./verifier.ts"

export interface PartContext {
  runner: Runner
  installed: Installed
  /** Absolute path of a part named in `files`. */
  file: (part: string) => string | undefined
  /** The image model's sizes. */
  config: DitConfig
  dit: Dit
  vae: Vae
  /** Opens picture sources of a request. */
  readImage: ImageResolver
  /** How boards are found, where there are some. */
  readBoard?: BoardReader
  /** Folder of what can be made again. */
  cache: string
}

/** What reads a prompt is opened before the other networks. */
export type TextContext = Omit<PartContext, "dit" | "vae">

/** Pictures of a board by its id, name or share code. Throws not_found. */
export type BoardReader = (id: string) => Promise<{ bytes: Uint8Array; weight: number }[]>

/**
 * What the words of a request became: fused tokens of the prompt, and of the negative prompt; without guidance, of no words
 * at all.
 */
export interface TextBranches {
  prompt: Tokens
  negative: Tokens
  guidance: number
}

/** Adds to the words what else a request asks for (references, boards, sliders), as tokens beside them. */
export interface Conditioner {
  condition(request: GenerationRequest, text: TextBranches): Promise<Reading>
  close(): Promise<void>
}

/** Brings a decoded picture [1,3,h,w] in -1..1 to a multiple of its size, as bytes [1,s*h,s*w,3]. */
export interface Upsampler {
  upscale(picture: Value): Promise<Value>
  close(): Promise<void>
}

/** Says how well a decoded picture shows what its prompt names. */
export interface Verifier {
  /** What of a prompt it can look for; undefined where the prompt names nothing that it knows. */
  asked(prompt: string): Asked | undefined
  /** At most 0, higher is better. */
  agreement(picture: Pixels, asked: Asked): Promise<number>
  close(): Promise<void>
}

type Open<T, C = PartContext> = (context: C) => Promise<T>

/** Encoders by `text.kind`. */
export const textEncoders: Record<string, Open<TextEncoder, TextContext>> = {
  qwen3: openQwen,
  words: openWords,
}
/** Conditioners, upsamplers and verifiers by the file that a manifest names; the first one present is used. */
export const conditioners: Record<string, Open<Conditioner>> = {}
export const upsamplers: Record<string, Open<Upsampler>> = { upsampler: openUpsampler }
export const verifiers: Record<string, Open<Verifier>> = { verifier: openVerifier }

/** The entry of a table whose file the manifest names. */
export function chosen<T>(table: Record<string, Open<T>>, { file }: PartContext): Open<T> | undefined {
  return Object.entries(table).find(([part]) => file(part) !== undefined)?.[1]
}

async function openQwen({ runner, installed, config: image }: TextContext): Promise<TextEncoder> {
  const path = fileOf(installed, "text")
  const tokenizer = fileOf(installed, "tokenizer")
  const { name, text: settings } = installed.manifest
  if (!path || !tokenizer)
    throw new AtelierError(
      "model_invalid",
      `The model ${name} names no ${path ? "tokenizer" : "text"} in its files.`,
    )
  const checkpoint = (await findComponents(path)).text
  if (!checkpoint) throw new AtelierError("model_invalid", `${path} holds no text tower.`)
  const config = textConfig(checkpoint, settings)
  checkText(checkpoint, config)
  const { textLayers, textDim } = image
  if (config.taps.length !== textLayers || config.hidden !== textDim)
    throw new AtelierError(
      "model_invalid",
      `The text tower ${path} gives ${config.taps.length} states of ${config.hidden} values, and the image model reads ${textLayers} of ${textDim}; they do not belong together.`,
    )
  const words = await openTokenizer(tokenizer)
  return new QwenEncoder(words, await TextTower.open(runner, config, weightFiles(checkpoint)))
}
