// The pieces of the sampler that are plain functions.
import assert from "node:assert/strict"
import { test } from "node:test"
import { exactGrid, nativeGrid } from "../../src/sampling/grid.ts"
import { guided, unstretched } from "../../src/sampling/lane.ts"
import { noise, philox } from "../../src/sampling/noise.ts"
import { schedule, scheduleFrom, shiftFor } from "../../src/sampling/schedule.ts"
import { TEMPLATE, templateIds } from "../../src/sampling/text.ts"

test("Philox gives the published known answers", () => {
  const words = (counter: number[], key: number[]): number[] => {
    const out = new Uint32Array(4)
    philox(counter, key, out)
    return [...out]
  }
  const all = 0xffffffff
  assert.deepEqual(words([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
  assert.deepEqual(words([all, all, all, all], [all, all]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd])
  assert.deepEqual(
    words([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  )
})

test("noise is standard normal, and longer noise begins with shorter noise", async () => {
  const long = await noise(3, 40_000)
  assert.deepEqual(await noise(3, 1001), long.subarray(0, 1001))
  const mean = long.reduce((s, v) => s + v, 0) / long.length
  const variance = long.reduce((s, v) => s + v * v, 0) / long.length
  assert.ok(Math.abs(mean) < 0.02 && Math.abs(variance - 1) < 0.03, `${mean} ${variance}`)
  assert.notDeepEqual(await noise(4, 8), long.subarray(0, 8))
})

test("a schedule goes from 1 to 0, and larger pictures stay longer in the noise", () => {
  const small = schedule(8, shiftFor(256))
  const large = schedule(8, shiftFor(4096))
  assert.equal(small[0], 1)
  assert.equal(small.at(-1), 0)
  assert.ok(small.every((t, i) => i === 0 || (t < small[i - 1]! && t <= large[i]!)))
})

test("image to image begins at its strength", () => {
  const times = schedule(8, 0.5)
  assert.deepEqual(scheduleFrom(times, 1), times)
  assert.deepEqual(scheduleFrom(times, 0), [])
  const part = scheduleFrom(times, 0.6)
  assert.equal(part[0], 0.6)
  assert.ok(part.length < times.length && part.at(-1) === 0)
})

test("guidance is v = c + g (c - u), and none without it", () => {
  const [c, u] = [Float32Array.of(1, 2), Float32Array.of(0, 4)]
  assert.deepEqual([...guided(3)([c, u])], [4, -4])
  assert.equal(guided(0)([c, u]), c)
  assert.equal(guided(3)([c]), c)
})

test("guidance that hardly stretches moves the clean picture along itself by a quarter, and turns it all the way", () => {
  const [x, c, u] = [Float32Array.of(3, -1, 2), Float32Array.of(1, 2, -1), Float32Array.of(0, 4, 1)]
  const t = 0.6
  const clean = (v: Float32Array) => x.map((value, i) => value - t * v[i]!)
  const turned = unstretched(c, u, { x, t })
  const along = (v: Float32Array) =>
    clean(v).reduce((sum, value, i) => sum + (value - clean(c)[i]!) * clean(c)[i]!, 0)
  assert.ok(Math.abs(along(guided(3)([c, u]))) > 1)
  const share = along(guided(3)([c, turned])) / along(guided(3)([c, u]))
  assert.ok(Math.abs(share - 0.25) < 1e-5, `${share}`)
  // What was moved lies along the clean picture and nowhere else.
  const moved = turned.map((value, i) => (value - u[i]!) / clean(c)[i]!)
  for (const each of moved) assert.ok(Math.abs(each - moved[0]!) < 1e-6)
  // A picture of nothing has no direction.
  assert.deepEqual([...unstretched(c, u, { x: c.map((v) => 0.5 * v), t: 0.5 })], [...u])
})

test("the exact grid rounds up to whole tokens; the native one keeps shape and token count", () => {
  assert.deepEqual(exactGrid(1024, 784), {
    rows: 49,
    columns: 64,
    latentWidth: 128,
    latentHeight: 98,
    width: 1024,
    height: 784,
  })
  const square = nativeGrid(1024, 1024, [36, 64])
  assert.deepEqual([square.rows, square.columns], [8, 8])
  for (const [width, height] of [
    [1376, 768],
    [768, 1376],
    [1568, 672],
    [1184, 896],
  ] as const) {
    const { rows, columns } = nativeGrid(width, height, [36, 64])
    assert.ok(rows * columns >= 36 && rows * columns <= 64)
    assert.ok(Math.abs(Math.log((columns / rows) * (height / width))) < 0.08, `${columns}x${rows}`)
  }
})

test("the template cuts long prompts, keeps its suffix and says where the prefix ends", () => {
  const tokenizer = {
    encode: (text: string) => ({
      ids: [...text].map((c) => c.codePointAt(0)!),
      tokens: [],
      attention_mask: [],
    }),
  }
  const { ids, dropped, truncated } = templateIds(tokenizer as never, "fox")
  assert.equal(dropped, TEMPLATE.prefix.length)
  assert.equal(ids.length, TEMPLATE.prefix.length + 3 + TEMPLATE.suffix.length)
  assert.equal(truncated, false)
  const long = templateIds(tokenizer as never, "x".repeat(1000))
  assert.equal(long.truncated, true)
  assert.equal(long.ids.length, TEMPLATE.most + TEMPLATE.suffix.length)
})
