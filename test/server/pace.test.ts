// What is said of the time that is left: measured over all that is made together.
import assert from "node:assert/strict"
import { test } from "node:test"
import { Pace } from "../../src/server/pace.ts"

/** A pace that saw jobs end at these seconds, each after so many, with so many pictures. */
function paceOf(...jobs: [end: number, seconds: number | null, pictures?: number][]): number | null {
  const pace = new Pace()
  for (const [end, seconds, pictures = 1] of jobs)
    pace.note({ at: new Date(end * 1000), data: { seconds, pictures } })
  return pace.seconds
}

test("jobs that share a batch share its time, and rest between batches is nobody's", () => {
  assert.equal(paceOf([20, 20], [20, 20], [20, 20], [20, 20]), 5)
  assert.equal(paceOf([20, 20], [20, 20], [140, 20], [140, 20]), 10)
})

test("a job that waited in the engine while others were painted adds what it was alone for", () => {
  assert.equal(paceOf([10, 10], [16, 16]), 8)
  assert.equal(paceOf([16, 2], [16, 16], [18, 2, 7]), 2)
})

test("a job of several pictures counts them all, what lies far back is forgotten, and before the first nothing is said", () => {
  assert.equal(paceOf([12, 12, 4]), 3)
  const many = Array.from({ length: 40 }, (_, i): [number, number] => [1000 + i * 2, 2])
  assert.equal(paceOf([500, 500], ...many), 2)
  assert.equal(paceOf([10, null]), null)
})
