// The embedded denoiser's pooled words: what is asked for reaches image tokens without any attention.
import assert from "node:assert/strict"
import { test } from "node:test"
import type { DitConfig } from "../../src/nets/index.ts"
import { bareDit, velocities } from "../support/bare-denoiser.ts"

const HIDDEN = -1e4
const pooled = { ...bareDit, pools: 2 }

/** What the network makes of three text tokens of these lengths, each pointing its own way. */
async function made(config: DitConfig, lengths: readonly number[], bias: readonly number[]): Promise<string> {
  const text = lengths.map((length, row) =>
    Float32Array.from({ length: config.features }, (_, i) => length * Math.cos((row + 1) * i)),
  )
  const tokens = await velocities(config, [2, 2], text, bias)
  return tokens
    .flat()
    .map((x) => x.toFixed(5))
    .join()
}

test("other words change the picture without any attention, only in a network that pools them", async () => {
  const [one, other] = [
    [1, 2, 0.5],
    [-1, 0.5, 2],
  ]
  assert.equal(await made(bareDit, one, []), await made(bareDit, other, []))
  assert.notEqual(await made(pooled, one, []), await made(pooled, other, []))
})

test("what padding holds does not count", async () => {
  const masked = [0, 0, HIDDEN]
  const short = await made(pooled, [1, -2, 0], masked)
  assert.equal(await made(pooled, [1, -2, 9], masked), short)
  assert.notEqual(await made(pooled, [1, -2, 9], []), short)
})
