// kill -9 at random instants: nothing acknowledged is lost, nothing comes out twice.
import assert from "node:assert/strict"
import { test } from "node:test"
import { chaos } from "../support/chaos.ts"

test("a server killed at random instants loses and doubles nothing that it acknowledged", async () => {
  const kills = Number(process.env.ATELIER_CHAOS_KILLS ?? 50)
  const result = await chaos({ kills, seed: 20 })
  assert.ok(result.acknowledged > 0)
  const { lost, doubled, different, rowsWithoutFile } = result
  assert.deepEqual(
    { lost, doubled, different, rowsWithoutFile },
    { lost: 0, doubled: 0, different: 0, rowsWithoutFile: 0 },
  )
})
