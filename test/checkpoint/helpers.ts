// Helpers of the checkpoint tests: scratch folders, seeded numbers, hand-made headers, golden files.
import { existsSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { TensorEntry } from "../../src/checkpoint/write.ts"

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
