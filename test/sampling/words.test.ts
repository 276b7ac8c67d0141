// Prompts as word tokens: words that are known by heart, words that others stand for, and words nobody knows.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { describe, test } from "node:test"
import { fileURLToPath } from "node:url"
import { WORD_VECTOR } from "../../src/nets/words.ts"
import type { AtelierError } from "../../src/request/errors.ts"
import { openWords } from "../../src/sampling/embedded.ts"
import type { PartContext } from "../../src/sampling/parts.ts"
import {
  END,
  readThesaurus,
  SPECIAL,
  type ThesaurusEntry,
  UNKNOWN,
  type WordTable,
  wordTokens,
} from "../../src/sampling/words.ts"

const words = ["frog", "frogs", "two", "traffic", "light", "lady"]
const table: WordTable = {
  ids: new Map(words.map((word, i) => [word, i + SPECIAL])),
  vector: (word) =>
    word === "strange" || words.includes(word) ? new Float32Array(WORD_VECTOR).fill(word.length) : undefined,
  instead: readThesaurus([
    { to: "frog", plural: "frogs", from: ["toad", "lady", "fairy"] },
    { to: "traffic light", plural: "traffic lights", from: ["semaphore"] },
  ]),
}
const id = (word: string): number => table.ids.get(word)!
const idsOf = (prompt: string, limit = 9): number[] => wordTokens(prompt, table, limit).ids

describe("prompts as word tokens", () => {
  test("a word that nobody taught is read as the known one that stands for it, vector and all", () => {
    assert.deepEqual(wordTokens("A toad", table, 9), wordTokens("a frog", table, 9))
    assert.deepEqual(idsOf("a semaphore"), [id("traffic"), id("light"), END])
  })

  test("plurals are found by their singular and stay plurals", () => {
    assert.deepEqual(idsOf("two toads"), idsOf("two frogs"))
    assert.deepEqual(idsOf("two fairies"), idsOf("two frogs"))
    const ends = readThesaurus([
      { to: "desert", plural: "desert", from: ["dune"] },
      { to: "horse", plural: "horses", from: ["dun"] },
    ])
    assert.deepEqual(ends("dunes"), ["desert"])
  })

  test("a known word stays itself, whatever the thesaurus says", () => {
    assert.deepEqual(idsOf("a lady"), [id("lady"), END])
  })

  test("a word in neither is read by its vector, or skipped without one", () => {
    assert.deepEqual(idsOf("a strange zzyzx frog"), [UNKNOWN, id("frog"), END])
  })

  test("the limit counts the words that are read, not those that were written", () => {
    assert.deepEqual(idsOf("semaphore frog", 3), [id("traffic"), id("light"), END])
    assert.equal(wordTokens("semaphore frog", table, 3).truncated, true)
    assert.equal(wordTokens("semaphore zzyzx", table, 3).truncated, false) // nobody knows the last word
  })
})

describe("files that a word encoder lacks", () => {
  const folder = fileURLToPath(new URL("../../models/medium", import.meta.url))
  const encoder = (files: Record<string, string>) =>
    openWords({
      file: (part: string) =>
        files[part] ??
        `${folder}/${part === "vectors" ? "vectors.bin" : `${part}.${part === "text" ? "safetensors" : "json"}`}`,
    } as PartContext)

  test("a missing and a broken one are named, with what to do", async () => {
    await assert.rejects(encoder({ thesaurus: "/nowhere/thesaurus.json" }), (error: AtelierError) => {
      assert.equal(error.code, "model_invalid")
      assert.match(
        error.message,
        /\/nowhere\/thesaurus\.json cannot be read .*ENOENT.*; install the model again\./,
      )
      return true
    })
    await assert.rejects(encoder({ words: `${folder}/vectors.bin` }), { code: "model_invalid" })
    await assert.rejects(encoder({ vectors: `${folder}/words.json` }), { code: "model_invalid" })
  })
})

describe("the embedded model's thesaurus", () => {
  const shipped = <T>(file: string): T =>
    JSON.parse(
      readFileSync(fileURLToPath(new URL(`../../models/medium/${file}`, import.meta.url)), "utf8"),
    ) as T
  const known = new Set(shipped<string[]>("words.json"))
  const entries = shipped<ThesaurusEntry[]>("thesaurus.json")
  const instead = readThesaurus(entries)

  test("leads only to words that the model has learned, and never away from one", () => {
    for (const { to, plural, from } of entries) {
      for (const word of to.split(" ")) assert.ok(known.has(word), `${from[0]} -> ${to}`)
      assert.ok(plural.length > 0)
      for (const word of from) assert.ok(!known.has(word), word)
    }
  })

  test("knows dogs, birds, ships and colours by name", () => {
    const told = Object.fromEntries(
      ["chihuahua", "heron", "schooner", "crimson", "toads"].map((word) => [word, instead(word)?.join(" ")]),
    )
    assert.deepEqual(told, {
      chihuahua: "dog",
      heron: "bird",
      schooner: "sailboat",
      crimson: "red",
      toads: "frogs",
    })
  })

  test("has no word for what is no thing", () => {
    for (const word of ["beautiful", "masterpiece", "style", "king", "even"])
      assert.equal(instead(word), undefined, word)
  })
})
