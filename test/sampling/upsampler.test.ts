// The upsampler's enlargement before it has learned anything: straight lines between pixels, no steps, no dark rim.
import assert from "node:assert/strict"
import { test } from "node:test"
import { upsample, upsamplerConfig } from "../../src/train/recipes/upsampler.ts"

const { width, blocks, factor } = upsamplerConfig
const layer = (name: string, out: number, inner: number): [string, Float32Array][] => [
  [`${name}.weight`, new Float32Array(out * inner * 9)],
  [`${name}.bias`, new Float32Array(out)],
]
const untrained = new Map([
  ...layer("first", width, 3),
  ...Array.from({ length: blocks }, (_, i) => [
    ...layer(`blocks.${i}.0`, width, width),
    ...layer(`blocks.${i}.1`, width, width),
  ]).flat(),
  ...layer("last", 3 * factor ** 2, width),
])

test("a flat picture stays flat up to its border", async () => {
  const { data } = await upsample(untrained, new Float32Array(3 * 16 * 16).fill(-0.7), 16)
  assert.ok(data.every((v) => Math.abs(v + 0.7) < 1e-6))
})

test("a ramp has no steps: every pixel lies on the line through its neighbours' middles", async () => {
  const side = 8
  const ramp = Float32Array.from({ length: 3 * side * side }, (_, i) => (i % side) / side)
  const { data, width: wide } = await upsample(untrained, ramp, side)
  for (let x = factor / 2; x < wide - factor / 2; x++) {
    const wanted = ((x + 0.5) / factor - 0.5) / side
    for (const y of [0, 37, wide - 1]) assert.ok(Math.abs(data[y * wide + x]! - wanted) < 1e-6, `${x}, ${y}`)
  }
  assert.ok(Math.abs(data[0]! - ramp[0]!) < 1e-6)
})
