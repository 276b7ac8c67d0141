// What a prompt becomes before text fusion: taps of a text tower. The official tower is here.
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Tokenizer } from "@huggingface/tokenizers"
import { AtelierError } from "../request/errors.ts"
import type { TextTower } from "../runtime/networks.ts"

/** Hidden states of one prompt's real tokens: [T,n,D]. */
export interface Taps {
  data: Float32Array
  length: number
  /** Whether the prompt was too long and lost its end. */
  truncated: boolean
}

/** Reads a prompt. The same prompt gives the same bits, whoever else is being served. */
export interface TextEncoder {
  encode(prompt: string): Promise<Taps>
  close(): Promise<void>
}

/** Krea 2's instruction around the prompt (architecture.md 4.1). */
export const TEMPLATE = {
  prefix:
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships of the objects and background:<|im_end|>\n<|im_start|>user\n",
  suffix: "<|im_end|>\n<|im_start|>assistant\n",
  /** Prefix and prompt together, in tokens. */
  most: 541,
} as const

export interface TokenIds {
  ids: number[]
  /** Rows of the prefix, dropped from the taps. */
  dropped: number
  /** Whether the prompt was too long and lost its end. */
  truncated: boolean
}

/** Prefix and prompt as one string, cut to 541 tokens, then the suffix. */
export function templateIds(tokenizer: Pick<Tokenizer, "encode">, prompt: string): TokenIds {
  const encode = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false }).ids
  const dropped = encode(TEMPLATE.prefix).length
  const whole = encode(TEMPLATE.prefix + prompt)
  const ids = [...whole.slice(0, TEMPLATE.most), ...encode(TEMPLATE.suffix)]
  return { ids, dropped, truncated: whole.length > TEMPLATE.most }
}

/** The official tower: Qwen's byte-level tokenizer, the template, and the hidden states after the prefix. */
export class QwenEncoder implements TextEncoder {
  readonly #tokenizer: Tokenizer
  readonly #tower: TextTower

  constructor(tokenizer: Tokenizer, tower: TextTower) {
    this.#tokenizer = tokenizer
    this.#tower = tower
  }

  async encode(prompt: string): Promise<Taps> {
    const { ids, dropped, truncated } = templateIds(this.#tokenizer, prompt)
    const { taps, hidden } = this.#tower.config
    const all = await this.#tower.taps(ids)
    return { data: all.subarray(dropped * taps.length * hidden), length: ids.length - dropped, truncated }
  }

  close(): Promise<void> {
    return this.#tower.close()
  }
}

/** Opens tokenizer.json (and tokenizer_config.json, if it is there) of a folder. */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  const path = join(folder, "tokenizer.json")
  try {
    const config = await readFile(join(folder, "tokenizer_config.json"), "utf8").catch(() => "{}")
    return new Tokenizer(JSON.parse(await readFile(path, "utf8")), JSON.parse(config))
  } catch (cause) {
    throw new AtelierError(
      "model_invalid",
      `The tokenizer ${path} cannot be read; put the tokenizer.json of Qwen3-VL there.`,
      { cause },
    )
  }
}
