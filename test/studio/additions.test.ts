// The words that creativity added, told from those of the prompt.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { additions } from "../../studio/src/look/additions.ts"

const marked = (prompt: string, expanded: string): string =>
  additions(prompt, expanded)
    .map((part) => (part.isAdded ? `[${part.text}]` : part.text))
    .join("")

describe("additions", () => {
  test("what stands between, before and after the prompt's words is marked", () => {
    assert.equal(
      marked("a fox in the snow", "A fox, in deep white snow, at dawn"),
      "A fox, in [deep white ]snow, [at dawn]",
    )
    assert.equal(marked("red fox", "a fox that is red"), "[a fox that is ]red")
    assert.equal(marked("a a b", "a a a b"), "a a [a ]b")
    assert.equal(marked("", "a fox"), "[a fox]")
    assert.equal(marked("a fox", "a fox"), "a fox")
    assert.equal(marked("a fox", ""), "")
  })

  test("the longest prompt is read without a wait", () => {
    const words = (count: number, stride: number): string =>
      Array.from({ length: count }, (_, i) => "abcdefgh"[(i * stride + i * i) % 8]).join(" ")
    const begin = process.cpuUsage()
    const parts = additions(words(2500, 3), `z ${words(2800, 5)} y`)
    const { user } = process.cpuUsage(begin)
    assert.ok(parts.at(-1)!.isAdded)
    // Processor time, in microseconds.
    assert.ok(user < 200_000, `${user / 1000} ms`)
  })
})
