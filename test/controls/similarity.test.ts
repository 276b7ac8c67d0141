// Structural similarity: known values and order.
import assert from "node:assert/strict"
import { test } from "node:test"
import { structuralSimilarity } from "../../src/controls/similarity.ts"
import type { Pixels } from "../../src/image/decode.ts"
import { noise } from "../support/run.ts"

const paint = (value: (x: number, y: number) => number, size = 32): Pixels => {
  const data = new Uint8Array(size * size * 3)
  for (let i = 0; i < size * size; i++) data.fill(value(i % size, Math.floor(i / size)), 3 * i, 3 * i + 3)
  return { width: size, height: size, data }
}
const rings = paint((x, y) => 128 + 100 * Math.sin(0.05 * ((x - 16) ** 2 + (y - 16) ** 2)))

test("a picture is wholly similar to itself, and its negative is the opposite", () => {
  assert.ok(Math.abs(structuralSimilarity(rings, rings) - 1) < 1e-9)
  const negative = paint((x, y) => 255 - rings.data[3 * (y * 32 + x)]!)
  assert.ok(structuralSimilarity(rings, negative) < -0.8)
})

test("two flat pictures have the similarity of their means alone", () => {
  const [p, q] = [100, 150]
  const c1 = (0.01 * 255) ** 2
  const found = structuralSimilarity(
    paint(() => p),
    paint(() => q),
  )
  assert.ok(Math.abs(found - (2 * p * q + c1) / (p * p + q * q + c1)) < 1e-6)
})

test("similarity falls as more of another picture is mixed in", () => {
  const other = noise(32 * 32, 3)
  const at = (share: number): number =>
    structuralSimilarity(
      rings,
      paint((x, y) => {
        const i = y * 32 + x
        return (1 - share) * rings.data[3 * i]! + share * (128 + 100 * other[i]!)
      }),
    )
  const found = Array.from({ length: 11 }, (_, i) => at(i / 10))
  for (let i = 1; i < found.length; i++) assert.ok(found[i]! < found[i - 1]!, found.join(" "))
})

test("pictures of two sizes, or too small ones, are refused", () => {
  assert.throws(
    () =>
      structuralSimilarity(
        rings,
        paint(() => 0, 16),
      ),
    /cannot be compared/,
  )
  const small = paint(() => 0, 8)
  assert.throws(() => structuralSimilarity(small, small), /at least 11 pixels/)
})
