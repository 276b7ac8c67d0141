// Work in parts: of those who work at once one has each turn of the event loop.
import assert from "node:assert/strict"
import { test } from "node:test"
import { nextTurn } from "../../src/image/turn.ts"

test("each turn of the event loop has a part of one, and all take turns", async () => {
  let turn = 0
  let isDone = false
  const count = (): void => {
    turn++
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  const parts: { who: number; turn: number }[] = []
  const work = async (who: number): Promise<void> => {
    for (let part = 0; part < 5; part++) {
      await nextTurn()
      parts.push({ who, turn })
    }
  }
  await Promise.all([0, 1, 2].map(work))
  isDone = true
  assert.equal(new Set(parts.map((p) => p.turn)).size, 15)
  assert.deepEqual(
    parts.map((p) => p.who),
    Array.from({ length: 15 }, (_, i) => i % 3),
  )
})
