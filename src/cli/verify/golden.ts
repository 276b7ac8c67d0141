// Golden files: reference tensors beside a description of what they are and how near we must come.
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { decodeNumbers } from "../../checkpoint/numbers.ts"
import { openCheckpoint } from "../../checkpoint/open.ts"
import { readBytes } from "../../checkpoint/read.ts"
import { isRecord } from "../../checkpoint/safetensors.ts"
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

/** A golden file without its inputs and outputs: the network's weights, if it holds some. */
export function weightsOf(checkpoint: Checkpoint): Checkpoint {
  const tensors = [...checkpoint.tensors].filter(([name]) => !/^(input|tap|output|enc|dec)\b/.test(name))
  return { ...checkpoint, tensors: new Map(tensors) }
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

  /** Undefined when the file describes no tensors. Throws when it does, and cannot be used. */
  static async open(path: string): Promise<Golden | undefined> {
    const description = parsed(await readFile(path, "utf8"))
    if (!isRecord(description) || typeof description.file !== "string") return undefined
    const { compare } = description
    if (!isRecord(compare) || typeof compare.atol !== "number" || typeof compare.rtol !== "number")
      throw new Error("it gives no rule: compare.atol and compare.rtol, two numbers, are expected")
    const whole = { config: {}, ...description } as unknown as Description
    return new Golden(path, whole, await openCheckpoint(tensorsOf(path, whole.file)))
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error("it is not JSON, and should describe a file of tensors", { cause })
  }
}

/** The file that a description names, or the one of its own name when the two were renamed together. */
function tensorsOf(path: string, file: string): string {
  const named = join(dirname(path), file)
  const beside = path.replace(/\.json$/, ".safetensors")
  return !existsSync(named) && existsSync(beside) ? beside : named
}

async function numbersOf(tensor: StoredTensor): Promise<Float32Array> {
  const bytes = await readBytes(tensor)
  const count = tensor.shape.reduce((a, b) => a * b, 1)
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
