// Attention under a mask of keys: ONNX Runtime's kernel, which holds no scores, against the written-out form.
import assert from "node:assert/strict"
import { test } from "node:test"
import { attention, compile, input, reshape, transpose } from "../../src/graph/index.ts"
import { floats, noise, run } from "../support/run.ts"

const HIDDEN = -1e9
const [batch, length, keys] = [2, 70, 90]

for (const [heads, keyHeads, size] of [
  [4, 4, 16],
  [6, 2, 24],
  [3, 1, 10],
] as const)
  test(`${heads} heads of ${size} on ${keyHeads} under a mask equal the written-out form`, async () => {
    const projected = (name: string, rows: number, n: number) =>
      transpose(reshape(input(name, ["B", rows, n * size]), ["B", rows, n, size]), [0, 2, 1, 3])
    const out = attention(
      projected("q", length, heads),
      projected("k", keys, keyHeads),
      projected("v", keys, keyHeads),
      input("bias", ["B", 1, 1, keys]),
    )
    // One sample without its first half, one with a single key left.
    const bias = Float32Array.from({ length: batch * keys }, (_, i) =>
      i < keys ? (i < keys / 2 ? HIDDEN : 0) : i === keys + 7 ? 0 : HIDDEN,
    )
    const feed = (rows: number, n: number, seed: number) =>
      floats(
        noise(batch * rows * n * size, seed).map((v) => 3 * v),
        [batch, rows, n * size],
      )
    const feeds = {
      q: feed(length, heads, 1),
      k: feed(keys, keyHeads, 2),
      v: feed(keys, keyHeads, 3),
      bias: floats(bias, [batch, 1, 1, keys]),
    }
    assert.ok(Buffer.from(compile({ out }).model).includes("MultiHeadAttention"))
    const kernel = (await run({ out }, feeds)).out!
    const written = (await run({ out }, feeds, { attention: "parts" })).out!
    assert.deepEqual(kernel.shape, [batch, length, heads * size])
    const error = kernel.data.reduce((most, v, i) => Math.max(most, Math.abs(v - written.data[i]!)), 0)
    assert.ok(error < 1e-5, String(error))
    // A hidden key adds nothing at all, not merely little.
    const moved = { ...feeds, v: floats(feeds.v.data as Float32Array, feeds.v.shape) }
    const width = keyHeads * size
    for (let i = 0; i < (keys / 2) * width; i++) moved.v.data[i] = 1e6
    assert.deepEqual((await run({ out }, moved)).out!.data, kernel.data)
  })

test("attention whose bias differs between queries stays written out", () => {
  const x = (name: string) => input(name, ["B", 2, "L", 8])
  const out = attention(x("q"), x("k"), x("v"), input("bias", ["B", 1, "L", "L"]))
  assert.ok(!Buffer.from(compile({ out }).model).includes("MultiHeadAttention"))
})
