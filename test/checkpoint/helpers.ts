// Helpers of the checkpoint tests: scratch folders, seeded numbers, hand-made headers, golden files.
import { existsSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { TensorEntry } from "../../src/checkpoint/write.ts"
import { AtelierError } from "../../src/request/errors.ts"

/** A folder that is removed when the test file ends (`await using`). */
export async function scratch(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "atelier-checkpoint-"))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Uniform numbers in [-1, 1) that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1
  }
}

/** `count` values, each a sum of two uniforms: dense around 0 as weights are. */
export function randomValues(count: number, seed = 1, size = 1): Float32Array {
  const next = seeded(seed)
  return Float32Array.from({ length: count }, () => (size * (next() + next())) / 2)
}

/** A safetensors file with exactly this header, however wrong, and this many data bytes. */
export async function writeRaw(path: string, header: unknown, dataBytes: number): Promise<void> {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  await writeFile(path, Buffer.concat([length, json, Buffer.alloc(dataBytes)]))
}

/** F32 entries of a name -> shape table, filled with seeded numbers. */
export function randomEntries(
  table: Iterable<readonly [string, readonly number[]]>,
  seed = 1,
): TensorEntry[] {
  return [...table].map(([name, shape], i) => ({
    name,
    type: "F32",
    shape,
    data: randomValues(
      shape.reduce((a, b) => a * b, 1),
      seed + i,
      0.2,
    ),
  }))
}

/** Largest absolute difference of two equally long lists. */
export function largestError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`)
  let largest = 0
  for (let i = 0; i < a.length; i++) {
    const error = Math.abs(a[i]! - b[i]!)
    if (!(error <= largest)) largest = error // NaN counts
  }
  return largest
}

const goldenFolder = fileURLToPath(new URL("../../../shared/golden/public/", import.meta.url))

/** The path of a golden file, and `skip`: why a test that needs it cannot run, or false. */
export function golden(name: string): { path: string; skip: string | false } {
  const path = join(goldenFolder, name)
  return { path, skip: existsSync(path) ? false : `the golden file ${name} is not on this machine` }
}

const gguf = { F32: 0, F16: 1, Q4_0: 2, Q4_1: 3, Q5_0: 6, Q5_1: 7, Q8_0: 8, Q2_K: 10, Q3_K: 11, Q4_K: 12, Q5_K: 13, Q6_K: 14, IQ4_NL: 20, BF16: 30 } as const // biome-ignore format: a table

export type GgufType = keyof typeof gguf

/** A tensor of a GGUF file: `shape` is row-major; the file gets it reversed. */
export interface GgufTensor {
  name: string
  type: GgufType
  shape: number[]
  data: Uint8Array
}

/** Writes a GGUF file (version 3, little-endian, alignment 32) with metadata of strings and int32 lists. */
export async function writeGguf(
  path: string,
  tensors: GgufTensor[],
  metadata: Record<string, string | number[]> = {},
) {
  const parts: Buffer[] = []
  const u32 = (value: number) => parts.push(Buffer.from(Uint32Array.of(value).buffer))
  const u64 = (value: number) => parts.push(Buffer.from(BigUint64Array.of(BigInt(value)).buffer))
  const text = (value: string) => {
    u64(Buffer.byteLength(value))
    parts.push(Buffer.from(value))
  }
  parts.push(Buffer.from("GGUF"))
  u32(3)
  u64(tensors.length)
  u64(Object.keys(metadata).length)
  for (const [key, value] of Object.entries(metadata)) {
    text(key)
    if (typeof value === "string") {
      u32(8)
      text(value)
    } else {
      u32(9) // a list
      u32(5) // of int32
      u64(value.length)
      for (const item of value) u32(item)
    }
  }
  let position = 0
  for (const { name, type, shape, data } of tensors) {
    text(name)
    u32(shape.length)
    for (const size of shape.toReversed()) u64(size)
    u32(gguf[type])
    u64(position)
    position = Math.ceil((position + data.length) / 32) * 32
  }
  const header = Buffer.concat(parts)
  const pad = (length: number) => Buffer.alloc(Math.ceil(length / 32) * 32 - length)
  await writeFile(
    path,
    Buffer.concat([
      header,
      pad(header.length),
      ...tensors.flatMap(({ data }) => [Buffer.from(data), pad(data.length)]),
    ]),
  )
}

/** Bytes that look random and are the same everywhere, with the named halves of each block made harmless. */
export function blockBytes(count: number, size: number, halves: number[]): Uint8Array {
  const bytes = new Uint8Array(count * size)
  let state = 12345
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[i] = state >>> 24
  }
  for (let block = 0; block < count; block++)
    for (const at of halves) bytes[block * size + at + 1] = 0x28 | (bytes[block * size + at + 1]! & 0x83)
  return bytes
}

/** The AtelierError that `work` must end in. */
export async function refusal(work: Promise<unknown>): Promise<AtelierError> {
  const thrown = await work.then(
    () => new Error("nothing was refused"),
    (error: unknown) => error,
  )
  if (!(thrown instanceof AtelierError)) throw thrown
  return thrown
}
