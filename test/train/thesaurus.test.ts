// The thesaurus: which known word stands for one that the model was never taught, by a small WordNet of its own format.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, test } from "node:test"
import { vocabulary } from "../../src/train/data/captions.ts"
import { otherWords } from "../../src/train/data/other-words.ts"
import { centred, finder, thesaurusOf } from "../../src/train/thesaurus.ts"
import { readNouns } from "../../src/train/wordnet.ts"

/** Senses as `offset topic words up`; words of a sense share it, and the order of lines is that of a word's senses. */
const SENSES = `
  1 03 thing
  2 05 animal 1
  3 05 amphibian 2
  4 05 frog,toad_frog 3
  5 05 treefrog 4
  6 05 newt 3
  7 18 ruler,sovereign 1
  8 06 ruler 1
  9 18 king 7
  10 05 ram 2
  11 05 tup 10
  12 06 vase 1
  13 06 amphora 12
  14 18 cat 1
  15 18 guy 14
  16 05 cat 2
  17 05 Siamese 16
  18 28 even 1
  19 06 tureen 1
  20 06 crock 1
  21 18 Noether 7
  22 18 oaf 14
  23 10 ethnic_slur 1
  24 05 smolt 2
  25 05 carp 2
  26 06 chopper 1
  27 06 blade 1
  28 06 hand-blade,chopper 1
  29 06 cleaver 28
  30 13 corn 1
  31 20 corn,maize 1
  32 20 sorghum 31
  33 06 firedrake 1
  34 06 mitt 1
  35 15 Ramford,ewe 1
  36 05 ewe 10
  37 18 heron,ruler 7
  38 05 heron 2
  39 18 worker 14
  40 18 waiter 39
  41 18 outlaw 39
  42 18 bystander
  43 10 Tannese
  44 18 Tannese 14
  45 05 slick 2
`
/** What a sense means, where a test goes by it, and whose usage it is. */
const DEFINITIONS: Record<string, string> = {
  4: "wet jumper",
  6: "wet swimmer",
  24: "wet swimmer",
  19: "kitchen",
  33: "a fire-breathing chopper used in tales",
  35: "a chopper in the north",
  41: "a criminal at large",
}
const USAGES: Record<string, string> = { 22: "23" }
const lines = SENSES.trim()
  .split("\n")
  .map((line) => line.trim().split(" "))
const offset = (n: string): string => n.padStart(8, "0")
const folder = mkdtempSync(join(tmpdir(), "atelier-wordnet-"))
after(() => rmSync(folder, { recursive: true, force: true }))

const data = lines.map(([n, topic, words, up]) => {
  const list = words!.split(",")
  const pointers = [
    ...(up ? [`@ ${offset(up)} n 0000`] : []),
    ...lines.filter((l) => l[3] === n).map(([below]) => `~ ${offset(below!)} n 0000`),
    ...(USAGES[n!] ? [`;u ${offset(USAGES[n!]!)} n 0000`] : []),
    "+ 00000001 v 0101",
  ]
  const count = list.length.toString(16).padStart(2, "0")
  const spelled = list.map((w) => `${w} 0`).join(" ")
  return `${offset(n!)} ${topic} n ${count} ${spelled} ${String(pointers.length).padStart(3, "0")} ${pointers.join(" ")} | ${DEFINITIONS[n!] ?? "a gloss"}`
})
const index = Map.groupBy(
  lines.flatMap(([n, , words]) => words!.split(",").map((word) => [word.toLowerCase(), n!] as const)),
  ([word]) => word,
)
const LICENCE = "  1 This software and database is being provided to you.  \n"
writeFileSync(join(folder, "data.noun"), `${LICENCE}${data.join("\n")}\n`)
writeFileSync(
  join(folder, "index.noun"),
  `${LICENCE}${[...index].map(([word, of]) => `${word} n ${of.length} 2 @ ~ ${of.length} 0 ${of.map(([, n]) => offset(n)).join(" ")}  `).join("\n")}\n`,
)
/** How often texts use a word as a noun (1), a verb (2) or an adjective (5). */
const COUNTS = ["tup%1 4", "tup%2 3", "slick%1 1", "slick%5 9"]
writeFileSync(
  join(folder, "index.sense"),
  `${COUNTS.map((line) => line.replace(" ", ":05:00:: 00000001 1 ")).join("\n")}\n`,
)
writeFileSync(join(folder, "index.adv"), `${LICENCE}even r 1 0 1 0 00000001  \n`)

const nouns = readNouns(folder)
const name = (text: string, ...topics: string[]) => ({ name: text, plural: `${text}s`, topics })
const none = new Map<string, Float32Array>()
const find = (names: ReturnType<typeof name>[], vectors: ReadonlyMap<string, Float32Array> = none) => {
  const found = finder(names, nouns, vectors)
  return (word: string, without?: string): string | undefined => found(word, without)?.name
}

describe("the thesaurus", () => {
  test("leaves alone what texts use far more often as another part of speech", () => {
    const near = find([name("ram", "05"), name("animal", "05")])
    assert.equal(near("tup"), "ram")
    assert.equal(near("slick"), undefined)
  })

  test("reads persons as others by what they do, and peoples, criminals and passers-by as nobody else", () => {
    const vectors = new Map(
      ["king", "waiter", "outlaw", "bystander", "tannese"].map(
        (word) => [word, Float32Array.of(1, 0)] as const,
      ),
    )
    const near = find([name("king", "18")], vectors)
    assert.equal(near("waiter"), "king")
    for (const word of ["outlaw", "bystander", "tannese"]) assert.equal(near(word), undefined, word)
  })

  test("leads a thing to what it is a kind of, the nearest first", () => {
    const near = find([name("animal", "05"), name("frog", "05")])
    assert.equal(near("treefrog"), "frog")
    assert.equal(near("newt"), "animal")
    assert.equal(near("treefrog", "frog"), "animal")
  })

  test("what its definition says chooses among equals, and makes no kin", () => {
    const vectors = new Map(
      Object.entries({ jumper: [1, 0, 0], swimmer: [0, 1, 0], wet: [0, 0, 1] }).map(([word, v]) => [
        word,
        Float32Array.from(v),
      ]),
    )
    const both = [name("frog", "05"), name("newt", "05")]
    assert.equal(find(both)("smolt"), undefined)
    assert.equal(find(both, vectors)("smolt"), undefined)
    const near = new Map([...vectors, ...both.map((n) => [n.name, Float32Array.of(0, 0, 1)] as const)])
    near.set("smolt", Float32Array.of(0, 0, 1))
    assert.equal(find(both, near)("smolt"), "newt")
  })

  test("a thing that is no kin of anything known is read as what is likeliest by vector and definition", () => {
    const vectors = new Map([
      ["tureen", Float32Array.of(1, 0.1)],
      ["stove", Float32Array.of(1, 0)],
      ["kitchen", Float32Array.of(1, 0)],
      ["oaf", Float32Array.of(1, 0)],
    ])
    const near = find([name("stove", "13"), name("even", "28")], vectors)
    assert.equal(near("tureen"), "stove")
    assert.equal(near("crock"), undefined) // no vector
    assert.equal(near("oaf"), undefined) // somebody is no thing
  })

  test("a kind of any sense of a name is a kind of it", () => {
    assert.equal(find([name("chopper", "06")])("cleaver"), "chopper")
    // Of a person's rarer senses most are somebody's name.
    assert.equal(find([name("ruler", "18"), name("animal", "05")])("heron"), "animal")
  })

  test("a food is also the plant that it grows on, and no kin of the plant", () => {
    assert.equal(find([name("corn", "13", "20")])("maize"), "corn")
    assert.equal(find([name("corn", "13", "20")])("sorghum"), undefined)
  })

  test("what a definition says that a thing is counts, too", () => {
    const near = find([name("blade", "06"), name("chopper", "06"), name("ram", "05")])
    assert.equal(near("firedrake"), "chopper")
    // A place is what its definition says only where no thing is named after it.
    assert.equal(near("ewe"), "ram")
  })

  test("a word of which only the plural has a vector is found by that", () => {
    const vectors = new Map(["mitts", "glove"].map((word) => [word, Float32Array.of(1, 0)]))
    assert.equal(find([name("glove", "06")], vectors)("mitt"), "glove")
  })

  test("insults and the names of persons are no words of its list", () => {
    for (const word of ["noether", "oaf"]) assert.ok(!nouns.words.has(word), word)
    for (const word of ["siamese", "sovereign", "guy"]) assert.ok(nouns.words.has(word), word)
  })

  test("leads siblings to each other only where their vectors agree", () => {
    const at = (...v: number[]): Float32Array => Float32Array.from(v)
    assert.equal(find([name("frog", "05")])("newt"), undefined)
    const alike = new Map([
      ["newt", at(1, 0.1)],
      ["frog", at(1, 0)],
    ])
    assert.equal(find([name("frog", "05")], alike)("newt"), "frog")
    const apart = new Map([
      ["newt", at(0, 1)],
      ["frog", at(1, 0)],
    ])
    assert.equal(find([name("frog", "05")], apart)("newt"), undefined)
  })

  test("knows a name in the sense that is drawn, not in its commonest", () => {
    assert.equal(find([name("ruler", "06")])("king"), undefined)
    assert.equal(find([name("cat", "05")])("guy"), undefined)
    assert.equal(find([name("cat", "05")])("siamese"), "cat")
  })

  test("takes a phrase that WordNet lacks by the word that says what it is", () => {
    assert.equal(find([name("clay vase", "06")])("vase"), "clay vase")
    assert.equal(find([name("vase with flowers", "06")])("vase"), "vase with flowers")
    assert.equal(find([name("pair of rams", "05")])("tup"), undefined) // a tup need not be two
  })

  test("takes a person who is nobody's kin for the person whose vector is nearest, and nothing else for a person", () => {
    const vectors = new Map([
      ["guy", Float32Array.of(0, 1)],
      ["waiter", Float32Array.of(0.9, 0.1)],
      ["newt", Float32Array.of(0, 1)],
    ])
    const found = (word: string) => finder([name("guy", "18")], nouns, vectors)(word)?.name
    assert.equal(found("waiter"), "guy")
    assert.equal(found("newt"), undefined)
    assert.equal(finder([name("ram", "05")], nouns, vectors)("waiter"), undefined)
  })

  test("words made by hand are none that captions say, and lead to words that they do", () => {
    const taught = new Set(vocabulary().flatMap((w) => (w.reserved ? [] : [w.word])))
    const entries = otherWords()
    assert.deepEqual(
      entries.flatMap(({ from }) => from.filter((word) => taught.has(word))),
      [],
    )
    for (const { to, plural } of entries)
      for (const word of `${to} ${plural}`.split(" ")) assert.ok(taught.has(word), word)
    const everyWord = entries.flatMap(({ from }) => from)
    assert.equal(new Set(everyWord).size, everyWord.length)
  })

  test("lists words under what they lead to, and no adverb among them", () => {
    assert.ok(nouns.words.has("siamese") && !nouns.words.has("even"))
    const found = finder([name("cat", "05"), name("ram", "05")], nouns, none)
    assert.deepEqual(thesaurusOf(["siamese", "king", "tup"], found), [
      { to: "cat", plural: "cats", from: ["siamese"] },
      { to: "ram", plural: "rams", from: ["tup"] },
    ])
  })

  test("centred vectors are of length 1 and no longer share a direction", () => {
    const raw: Record<string, Float32Array> = { a: Float32Array.of(5, 1), b: Float32Array.of(5, -1) }
    const vectors = centred(["a", "b", "c"], (word) => raw[word])
    assert.deepEqual([...vectors.keys()], ["a", "b"])
    const [[ax, ay], [bx, by]] = [...vectors.values()].map((v) => [v[0]!, v[1]!] as const) as [
      [number, number],
      [number, number],
    ]
    assert.ok(Math.abs(Math.hypot(ax, ay) - 1) < 1e-6)
    assert.ok(ax * bx + ay * by < -0.99)
  })
})
