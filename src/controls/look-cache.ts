// Encoded references by content: each picture meets the style encoder once, a board's never again on this machine.
import { createHash } from "node:crypto"
import { mkdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { writeWhole } from "../checkpoint/files.ts"

/** Lower-case hex of the bytes. */
export const contentHash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

export interface LookCacheOptions {
  /** Encoded pictures kept in memory. */
  most?: number
  /** Where they are kept between runs; none: they are not. */
  folder?: string
  /** Names the encoder and its weights: another encoder's numbers mean nothing to this one. */
  encoder: string
  /** Values of one look, S x F. */
  values: number
  encode: (bytes: Uint8Array, place: Place) => Promise<Float32Array>
}

/** Where a request has a picture, for messages: "of reference 3", references[2].image. */
export interface Place {
  name: string
  field: string
}

export interface Look {
  hash: string
  tokens: Float32Array
}

/** Looks of pictures; the least recently used leave memory first. Two requests for one picture share one encoding. */
export class LookCache {
  readonly #options: LookCacheOptions
  readonly #looks = new Map<string, Promise<Float32Array>>()
  /** Known to be on disk, or not writable. */
  readonly #kept = new Set<string>()

  constructor(options: LookCacheOptions) {
    this.#options = options
  }

  /** `keep` is for pictures that come again, a board's: single ones would only fill the disk. */
  async look(
    bytes: Uint8Array,
    place: Place = { name: "sent", field: "references" },
    keep = true,
  ): Promise<Look> {
    const hash = contentHash(bytes)
    const known = this.#looks.get(hash)
    if (known) this.#looks.delete(hash)
    const tokens = known ?? this.#find(hash, bytes, place)
    this.#looks.set(hash, tokens)
    if (this.#looks.size > (this.#options.most ?? 512)) this.#looks.delete(this.#looks.keys().next().value!)
    try {
      if (keep) await this.#keep(hash, await tokens)
      return { hash, tokens: await tokens }
    } catch (error) {
      if (this.#looks.get(hash) === tokens) this.#looks.delete(hash)
      throw error
    }
  }

  /** A file of another length is a torn or foreign one: it is encoded again and written over. */
  async #stored(hash: string): Promise<Buffer | undefined> {
    const { folder, values, encoder } = this.#options
    const stored = folder && (await readFile(join(folder, encoder, `${hash}.f32`)).catch(() => undefined))
    return stored && stored.length === 4 * values ? stored : undefined
  }

  async #find(hash: string, bytes: Uint8Array, place: Place): Promise<Float32Array> {
    const stored = await this.#stored(hash)
    if (!stored) return await this.#options.encode(bytes, place)
    this.#kept.add(hash)
    return floatsOf(stored)
  }

  /** A cache that cannot be written is slower, not broken. */
  async #keep(hash: string, tokens: Float32Array): Promise<void> {
    const { folder, encoder } = this.#options
    if (!folder || this.#kept.has(hash)) return
    this.#kept.add(hash)
    try {
      await mkdir(join(folder, encoder), { recursive: true })
      await writeWhole(join(folder, encoder, `${hash}.f32`), (file) => file.write(bytesOf(tokens)))
    } catch {
      return
    }
  }
}

/** Little endian, on any machine that Node runs on today. */
const bytesOf = (v: Float32Array): Uint8Array => new Uint8Array(v.buffer, v.byteOffset, v.byteLength)
const floatsOf = (b: Uint8Array): Float32Array => {
  const copy = Uint8Array.from(b)
  return new Float32Array(copy.buffer)
}
