// Alternatives in a prompt: what it can say, which seed says what, and what is no alternative.
import assert from "node:assert/strict"
import { test } from "node:test"
import { literal, promptOf, seedsOf, wordingCount, wordingOf } from "../../src/request/index.ts"

const wordings = (prompt: string): string[] =>
  Array.from({ length: wordingCount(prompt) }, (_, seed) => wordingOf(prompt, seed))

test("seeds in a row go through all wordings, and the first alternatives change with every seed", () => {
  assert.deepEqual(wordings("a {red|blue} {fox|owl|cat}"), [
    "a red fox",
    "a blue fox",
    "a red owl",
    "a blue owl",
    "a red cat",
    "a blue cat",
  ])
  const prompt = "a {red|blue|green} kite"
  assert.deepEqual(
    [6, 7, 8, 9, 2 ** 32 - 1].map((seed) => wordingOf(prompt, seed)),
    ["a red kite", "a blue kite", "a green kite", "a red kite", "a red kite"],
  )
})

test("alternatives within alternatives are wordings of equal right, each of them once", () => {
  const said = wordings("{a {small|large} fox|two {owls|cats|dogs}} at night")
  assert.deepEqual(said, [
    "a small fox at night",
    "a large fox at night",
    "two owls at night",
    "two cats at night",
    "two dogs at night",
  ])
})

test("spaces around an alternative are not said, and an empty one leaves no gap", () => {
  assert.deepEqual(wordings("a { red | blue } fox"), ["a red fox", "a blue fox"])
  assert.deepEqual(wordings("a {|big} fox{, oil painting|}"), [
    "a fox, oil painting",
    "a big fox, oil painting",
    "a fox",
    "a big fox",
  ])
  assert.deepEqual(wordings("{|old} car"), ["car", "old car"])
})

test("braces without a bar, open ones and what follows a backslash are text", () => {
  for (const prompt of ["a {red} fox", "a {red|blue fox", "red|blue}", "  two  spaces ", "", "C:\\fox"]) {
    assert.equal(wordingCount(prompt), 1, prompt)
    assert.equal(wordingOf(prompt, 3), prompt)
  }
  assert.deepEqual(wordings("{{a|b} c"), ["{a c", "{b c"])
  assert.deepEqual(wordings("\\{x|y\\} {a|b\\|c}"), ["{x|y} a", "{x|y} b|c"])
})

test("a prompt that is made literal reads as it was written", () => {
  const written = "a \\ {red|blue} {fox} | kite"
  assert.equal(wordingCount(literal(written)), 1)
  assert.equal(wordingOf(literal(written), 1), written)
  const both = `${literal(written)} {x|y}`
  assert.equal(wordingOf(both, 0), `${written} x`)
  for (const plain of ["a {fox}", "C:\\fox"]) assert.equal(literal(plain), plain)
})

test("the longest prompt is read at once, however deep its braces go", () => {
  const deep = `${"{a|".repeat(1200)}b${"}".repeat(1200)}`
  assert.equal(wordingCount(deep), 1201)
  assert.equal(wordingOf(deep, 1200), "b")
  assert.equal(wordingCount("{".repeat(5000)), 1)
  const many = "{a|b}".repeat(1000)
  assert.equal(wordingOf(many, 5), `bab${"a".repeat(997)}`)
})

test("alternatives are read where they are asked for, and a variation reads what its picture read", () => {
  const request = { prompt: "a {red|blue} fox", count: 3, seed: 2 ** 32 - 1 }
  assert.deepEqual(seedsOf(request), [2 ** 32 - 1, 0, 1])
  assert.equal(promptOf(request, 1), request.prompt)
  const read = { ...request, alternatives: true }
  assert.deepEqual(
    seedsOf(read).map((seed) => promptOf(read, seed)),
    ["a blue fox", "a red fox", "a blue fox"],
  )
  assert.equal(promptOf({ ...read, variationOf: [{ seed: 4, strength: 0.3 }] }, 7), "a red fox")
})
