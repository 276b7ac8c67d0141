// Attention that never holds its scores: the same numbers, in far less memory.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { attention, input } from "../../src/graph/index.ts"
import { floats, noise, run } from "../support/run.ts"

for (const [heads, keyHeads] of [
  [1, 1],
  [4, 2],
] as const)
  test(`tiled attention of ${heads} heads on ${keyHeads} gives what is written out`, async () => {
    const [batch, queries, keys, size] = [2, 70, 90, 12]
    const out = attention(
      input("q", ["B", heads, "L", size]),
      input("k", ["B", keyHeads, "S", size]),
      input("v", ["B", keyHeads, "S", size]),
    )
    const feed = (seed: number, count: number, length: number) =>
      floats(
        noise(batch * count * length * size, seed).map((v) => 4 * v),
        [batch, count, length, size],
      )
    const feeds = { q: feed(1, heads, queries), k: feed(2, keyHeads, keys), v: feed(3, keyHeads, keys) }
    const tiled = (await run({ out }, feeds, { attention: "tiled" })).out!.data
    const written = (await run({ out }, feeds, { attention: "parts" })).out!.data
    const largest = Math.max(...tiled.map((value, i) => Math.abs(value - written[i]!)))
    assert.ok(largest < 1e-5, `${largest}`)
  })

test("tiled attention of 16,384 tokens takes a fraction of what its scores would", async () => {
  const child = fileURLToPath(new URL("./attention-child.ts", import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [child, "tiled"])
  const scores = 16384 ** 2 * 4
  assert.ok(Number(stdout) * 1024 < 0.5 * scores, `peak ${stdout} KiB`)
})
