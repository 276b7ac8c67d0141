// Golden files: reference tensors beside a description of what they are and how near we must come.
import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { decodeNumbers } from "../../checkpoint/numbers.ts"
import { openCheckpoint } from "../../checkpoint/open.ts"
import { readBytes } from "../../checkpoint/read.ts"
import type { Checkpoint, StoredTensor } from "../../checkpoint/tensor.ts"

/** A reference tensor. */
export interface Reference {
  shape: readonly number[]
  data: Float32Array
}

/** |a - b| <= atol + rtol |b|, element by element. */
export interface Tolerance {
  atol: number
  rtol: number
}

/** One compared tensor. */
export interface Check extends Tolerance {
  name: string
  /** Largest |a - b|. */
  absolute: number
  /** Largest |a - b| / max(|b|, root mean square of b): relative, and defined where b passes through zero. */
  relative: number
  pass: boolean
}

/** What a description may hold; each kind of file uses a part of it. */
export interface Description {
  file: string
  config: Record<string, unknown>
  compare: Tolerance & Record<string, unknown>
  weights_file?: string
  base_weights_file?: string
  layout_files?: Record<string, { file: string }>
  strengths?: number[]
  runs?: Record<string, { steps: number; guidance: number; mu: number | null; width: number; height: number }>
  table?: { key: string; steps: number; seq_len: number; mu_mode: string; mu: number }[]
  select_layers?: number[]
  prefix_idx?: number
}

export class Golden {
  readonly path: string
  readonly description: Description
  readonly checkpoint: Checkpoint

  private constructor(path: string, description: Description, checkpoint: Checkpoint) {
    this.path = path
    this.description = description
    this.checkpoint = checkpoint
  }

  static async open(path: string): Promise<Golden | undefined> {
    const description = JSON.parse(await readFile(path, "utf8")) as Partial<Description>
    if (typeof description.file !== "string" || !description.compare) return undefined
    const whole = { config: {}, ...description } as Description
    return new Golden(path, whole, await openCheckpoint(join(dirname(path), whole.file)))
  }

  /** Another file of the set, named in the description. */
  neighbour(file: string): Promise<Checkpoint> {
    return openCheckpoint(join(dirname(this.path), file))
  }

  has(name: string): boolean {
    return this.checkpoint.tensors.has(name)
  }

  /** Names of reference tensors that begin so, without the beginning. */
  below(prefix: string): string[] {
    return [...this.checkpoint.tensors.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
  }

  async read(name: string): Promise<Reference> {
    const tensor = this.checkpoint.tensors.get(name)
    if (!tensor) throw new Error(`${this.path} describes no tensor ${name}.`)
    return { shape: tensor.shape, data: await numbersOf(tensor) }
  }

  /** A mask or a list of ids as plain numbers. */
  async list(name: string): Promise<number[]> {
    return [...(await this.read(name)).data]
  }

  get tolerance(): Tolerance {
    const { atol, rtol } = this.description.compare
    return { atol, rtol }
  }

  /** Compares against a reference tensor; `rows` keeps only those rows of length `width` whose flag is set. */
  async check(
    name: string,
    actual: ArrayLike<number>,
    options: { rows?: ArrayLike<number>; tolerance?: Tolerance; as?: string } = {},
  ): Promise<Check> {
    const expected = await this.read(name)
    return compare(
      options.as ?? name,
      actual,
      expected.data,
      options.tolerance ?? this.tolerance,
      options.rows,
    )
  }
}

async function numbersOf(tensor: StoredTensor): Promise<Float32Array> {
  const bytes = await readBytes(tensor)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = tensor.shape.reduce((a, b) => a * b, 1)
  if (tensor.type === "I64")
    return Float32Array.from({ length: count }, (_, i) => Number(view.getBigInt64(8 * i, true)))
  if (tensor.type === "BOOL" || tensor.type === "U8") return Float32Array.from(bytes)
  const out = new Float32Array(count)
  decodeNumbers(tensor.type, bytes, out)
  return out
}

export function compare(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol, rtol }: Tolerance,
  rows?: ArrayLike<number>,
): Check {
  if (actual.length !== expected.length)
    throw new Error(`${name} has ${actual.length} values, and the reference ${expected.length}.`)
  let square = 0
  for (let i = 0; i < expected.length; i++) square += expected[i]! ** 2
  const scale = Math.sqrt(square / Math.max(1, expected.length)) || 1
  const width = rows ? expected.length / rows.length : expected.length
  const result = { name, atol, rtol, absolute: 0, relative: 0, pass: true }
  for (let i = 0; i < expected.length; i++) {
    if (rows && !rows[Math.floor(i / width)]) continue
    const [a, b] = [actual[i]!, expected[i]!]
    const error = Math.abs(a - b)
    result.absolute = Math.max(result.absolute, error)
    result.relative = Math.max(result.relative, error / Math.max(Math.abs(b), scale))
    // Not "error > limit": a NaN must fail.
    if (!(error <= atol + rtol * Math.abs(b))) result.pass = false
  }
  return result
}
