// A crowd of requests and the event loop: all are begun, in order, and others get their turns in between.
import assert from "node:assert/strict"
import { test } from "node:test"
import { setImmediate as nextTurn } from "node:timers/promises"
import { Turns } from "../../src/server/turns.ts"

test("a few requests begin at once", () => {
  const turns = new Turns()
  const begun: number[] = []
  for (let i = 0; i < 16; i++) turns.begin(() => begun.push(i))
  assert.equal(begun.length, 16)
})

test("a crowd begins in order, sixteen per turn of the event loop", async () => {
  const turns = new Turns()
  const begun: number[] = []
  const seen: number[] = []
  for (let i = 0; i < 100; i++) turns.begin(() => begun.push(i))
  seen.push(begun.length)
  while (begun.length < 100) {
    await nextTurn()
    seen.push(begun.length)
  }
  assert.deepEqual(begun, [...begun.keys()])
  assert.deepEqual(seen, [16, 32, 48, 64, 80, 96, 100])
})

test("one that comes later waits behind those who wait already, and a quiet time starts afresh", async () => {
  const turns = new Turns()
  const begun: string[] = []
  for (let i = 0; i < 20; i++) turns.begin(() => begun.push(`early ${i}`))
  turns.begin(() => begun.push("late"))
  while (begun.length < 21) await nextTurn()
  assert.equal(begun.at(-1), "late")
  await nextTurn()
  turns.begin(() => begun.push("next"))
  assert.equal(begun.at(-1), "next")
})
