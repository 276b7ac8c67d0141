// Shapes: broken ones are found when an expression is written, symbolic ones are right for any size at run time.
import assert from "node:assert/strict"
import { test } from "node:test"
import * as g from "../../src/graph/index.ts"
import { floats, noise, run } from "../support/run.ts"

test("a product whose inner sizes differ is refused by the name of its place", () => {
  const a = g.input("a", ["B", 4, 8])
  const b = g.input("b", [9, 5])
  assert.throws(
    () => g.scope("blocks.3", () => g.scope("attn.wq", () => g.matmul(a, b))),
    (error: Error) =>
      error instanceof g.ShapeError &&
      error.message === "blocks.3.attn.wq: matmul of [B, 4, 8] and [9, 5]: inner sizes 8 and 9 differ",
  )
})

const broken: [string, () => unknown][] = [
  ["adding unlike shapes", () => g.add(g.input("a", [2, 3]), g.input("b", [2, 4]))],
  ["a reshape that loses elements", () => g.reshape(g.input("a", ["B", 6]), ["B", 4])],
  ["a reshape that does not divide", () => g.reshape(g.input("a", [7]), [2, -1])],
  ["a transpose that names an axis twice", () => g.transpose(g.input("a", [2, 3]), [0, 0])],
  ["a slice beyond the end", () => g.slice(g.input("a", [2, 3]), 1, 1, 5)],
  ["a split into unequal parts", () => g.split(g.input("a", [2, 7]), 2)],
  ["joining unlike sizes", () => g.concat([g.input("a", [2, 3]), g.input("b", [4, 3])], 1)],
  ["a norm with a scale of another size", () => g.rmsNorm(g.input("a", [2, 8]), g.input("s", [7]), 1e-5)],
  [
    "attention over unlike heads",
    () => g.attention(g.input("q", [1, 4, 3, 8]), g.input("k", [1, 3, 3, 8]), g.input("v", [1, 3, 3, 8])),
  ],
  [
    "a convolution of other channels",
    () => g.conv(g.input("x", [1, 3, 8, 8]), g.input("w", [4, 2, 3, 3]), undefined),
  ],
  ["a mean over an unknown size", () => g.mean(g.input("a", ["B", 3]), [0])],
]
for (const [name, build] of broken) test(`${name} is a shape error`, () => assert.throws(build, g.ShapeError))

test("sizes are polynomials over names in one canonical spelling", () => {
  assert.equal(g.addDims("T", "N"), "N+T")
  assert.equal(g.addDims("N", "N"), "2*N")
  assert.equal(g.mulDims("N+T", 4), "4*N+4*T")
  assert.equal(g.mulDims("T", "B", 2), "2*B*T")
  assert.equal(g.divDims("8*h", 2), "4*h")
  assert.equal(g.divDims("B*T", "T"), "B")
  assert.equal(g.divDims("N+T", "T"), undefined)
  assert.equal(
    g.evaluateDim(
      "2*B*T+N",
      new Map([
        ["B", 3],
        ["T", 5],
        ["N", 1],
      ]),
    ),
    31,
  )
})

test("one compiled graph serves every batch and length", async () => {
  const x = g.input("x", ["B", "T", 6])
  const y = g.input("y", ["B", "N", 6])
  const joined = g.concat([x, y], 1) // [B,N+T,6]
  const heads = g.transpose(g.reshape(joined, ["B", "N+T", 2, 3]), [0, 2, 1, 3])
  const out = g.reshape(g.transpose(heads, [0, 2, 1, 3]), ["B", "N+T", 6])
  const tail = g.slice(out, 1, "T", "N+T")
  for (const [b, t, n] of [
    [1, 2, 3],
    [2, 5, 1],
  ] as const) {
    const data = noise(b * n * 6, 4)
    const result = await run({ tail }, { x: floats(noise(b * t * 6), [b, t, 6]), y: floats(data, [b, n, 6]) })
    assert.deepEqual([...result.tail!.shape], [b, n, 6])
    assert.deepEqual(result.tail!.data, data)
  }
})

test("a size may be told by a multiple of it", async () => {
  const x = g.input("x", ["8*h", 2])
  const out = g.reshape(x, ["h", 8, 2])
  const { out: result } = await run({ out }, { x: floats(noise(48), [24, 2]) })
  assert.deepEqual([...result!.shape], [3, 8, 2])
})
