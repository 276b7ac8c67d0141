// The embedded denoiser's places: what tells one image token from an equal one elsewhere.
import assert from "node:assert/strict"
import { test } from "node:test"
import type { DitConfig } from "../../src/nets/index.ts"
import { bareDit, velocities } from "../support/bare-denoiser.ts"

const [ROWS, COLUMNS] = [2, 3]
const text = Array.from({ length: 2 }, () => new Float32Array(bareDit.features).fill(0.5))
const made = (config: DitConfig) => velocities(config, [ROWS, COLUMNS], text)

test("equal tokens differ by their places alone, and only in a network that has them", async () => {
  const without = await made(bareDit)
  for (const token of without) assert.deepEqual(token, without[0])
  const placed = await made({ ...bareDit, places: true })
  assert.equal(new Set(placed.map((token) => token.join())).size, ROWS * COLUMNS)
})
