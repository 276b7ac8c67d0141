// What a verifier reads in a prompt, and how it counts what it sees.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { agreementOf, askedReader } from "../../src/sampling/asked.ts"

const classes = {
  concepts: [["fox", "foxes"], ["palm tree", "palm trees"], ["tree", "trees"], ["car"]],
  styles: [["watercolor"], ["pencil sketch", "pencil"]],
  backgrounds: [[], ["in the snow"], ["at night"]],
}
const instead = (word: string): string[] | undefined => ({ sedan: ["car"] })[word]
const asked = askedReader(classes, instead)

describe("what of a prompt a verifier looks for", () => {
  test("things, look and place, whatever the articles and the case", () => {
    assert.deepEqual(asked("A watercolor Fox in snow"), { concept: 0, style: 0, background: 1 })
  })
  test("the longest name counts, and each word once", () => {
    assert.deepEqual(asked("a palm tree"), { concept: 1 })
    assert.deepEqual(asked("a tree"), { concept: 2 })
  })
  test("words that stand for a name", () => {
    assert.deepEqual(asked("a sedan at night"), { concept: 3, background: 2 })
  })
  test("nothing that the prompt denies", () => {
    assert.deepEqual(asked("a fox without a tree, at night"), { concept: 0, background: 2 })
  })
  test("nothing where several things are asked for: it sees neither how many nor which stands where", () => {
    for (const prompt of ["a fox left of a tree", "two foxes", "3 trees in the snow"])
      assert.equal(asked(prompt), undefined, prompt)
  })
  test("no look where two are named, and nothing where nothing is known", () => {
    assert.deepEqual(asked("a pencil and watercolor fox"), { concept: 0 })
    assert.equal(asked("a quiet afternoon"), undefined)
    assert.equal(asked(""), undefined)
  })
})

describe("the agreement of a picture with what was asked", () => {
  const seen = (concept: number[], style = [1, 0], background = [1, 0, 0]) => ({
    concept: Float32Array.from(concept),
    style: Float32Array.from(style),
    background: Float32Array.from(background),
  })
  test("is whole where all of it is surely there, and falls with each part that is not", () => {
    const fox = { concept: 0, style: 0, background: 0 }
    assert.equal(agreementOf(fox, seen([1, 0, 0, 0])), 0)
    const looks = [seen([0.5, 0.5, 0, 0]), seen([1, 0, 0, 0], [0, 1]), seen([1, 0, 0, 0], [1, 0], [0, 1, 0])]
    for (const look of looks) assert.ok(agreementOf(fox, look) < -0.5)
  })
})
