// The training art before any scene: concepts, chance, drawings, tints and the artists' credits.
import assert from "node:assert/strict"
import { globSync, readFileSync } from "node:fs"
import { describe, it } from "node:test"
import { vocabulary } from "../../src/train/data/captions.ts"
import { COLOURS, dominant, naturalColour, PAINT, recolour } from "../../src/train/data/colours.ts"
import { CONCEPTS } from "../../src/train/data/concepts.ts"
import { CREDITS } from "../../src/train/data/credits.ts"
import { heldOut } from "../../src/train/data/holdout.ts"
import { noticeText } from "../../src/train/data/notice.ts"
import { hash, random } from "../../src/train/data/random.ts"
import { assignUse, JUDGE_SETS, SETS } from "../../src/train/data/sources.ts"
import { footOf, trimBox } from "../../src/train/data/sprites.ts"
import { STYLES } from "../../src/train/data/styles/names.ts"
import { drawn } from "../support/toy-art.ts"

describe("the concepts", () => {
  it("number at least three hundred, each with one id and one name", () => {
    assert.ok(CONCEPTS.length >= 300)
    assert.equal(new Set(CONCEPTS.map((c) => c.id)).size, CONCEPTS.length)
    assert.equal(new Set(CONCEPTS.map((c) => c.name)).size, CONCEPTS.length)
  })

  it("never share a name, a synonym or a reserved synonym", () => {
    const all = CONCEPTS.flatMap((c) =>
      [c.name, ...c.synonyms, ...c.reserved].map((word) => [word, c.id] as const),
    )
    const owner = new Map<string, string>()
    for (const [word, id] of all) {
      assert.ok(!owner.has(word), `"${word}" belongs to ${owner.get(word)} and ${id}`)
      owner.set(word, id)
    }
  })

  it("reserve only names that hold a word no training caption uses", () => {
    const trained = new Set(
      vocabulary()
        .filter((w) => !w.reserved)
        .map((w) => w.word),
    )
    for (const c of CONCEPTS)
      for (const name of c.reserved)
        assert.ok(!name.split(" ").every((w) => trained.has(w)), `${name} (${c.id}) is already known`)
    assert.ok(CONCEPTS.filter((c) => c.reserved.length > 0).length >= 100)
  })

  it("form plurals and articles as English does", () => {
    const of = (id: string) => CONCEPTS.find((c) => c.id === id)!
    assert.deepEqual(
      ["fox", "butterfly", "cactus", "sheep"].map((n) => CONCEPTS.find((c) => c.name === n)!.plural),
      ["foxes", "butterflies", "cacti", "sheep"],
    )
    assert.deepEqual(
      ["owl", "unicorn", "flying-saucer", "umbrella", "castle"].map((id) => of(id).article),
      ["an", "a", "a", "an", "a"],
    )
  })
})

describe("chance", () => {
  it("repeats for a seed, differs between seeds, and forks without disturbing its parent", () => {
    const [a, b] = [random(5), random(5)]
    b.fork("anything")()
    assert.deepEqual([a(), a()], [b(), b()])
    assert.notEqual(random(5)(), random(6)())
    assert.notEqual(random(5).fork("x")(), random(5).fork("y")())
  })

  it("picks by weight and never what weighs nothing", () => {
    const r = random(1)
    const counts = { a: 0, b: 0, c: 0 }
    for (let i = 0; i < 4000; i++) counts[r.weighted({ a: 3, b: 1, c: 0 })]++
    assert.equal(counts.c, 0)
    assert.ok(Math.abs(counts.a / 4000 - 0.75) < 0.03)
  })

  it("holds out about one combination in twenty", () => {
    const out = CONCEPTS.flatMap((c) => STYLES.map((s) => heldOut("style", s, c.id))).filter(Boolean).length
    assert.ok(Math.abs(out / (CONCEPTS.length * STYLES.length) - 0.05) < 0.01)
    assert.notEqual(hash("a"), hash("b"))
  })
})

describe("the drawings", () => {
  it("go to model and judge so that every concept has both", () => {
    const split = (sets: readonly string[]) => {
      const use = assignUse(sets.map((set) => ({ concept: "fox", set: set as "noto", file: "" })))
      return Object.fromEntries(use.map((d) => [d.set, d.use]))
    }
    assert.deepEqual(split(["noto", "noto-v1", "emojione", "fxemoji"]), {
      noto: "train",
      "noto-v1": "train",
      emojione: "judge",
      fxemoji: "judge",
    })
    assert.deepEqual(split(["noto", "noto-v1", "emojione"]), {
      noto: "train",
      "noto-v1": "judge",
      emojione: "judge",
    })
    assert.deepEqual(split(["noto", "twemoji"]), { noto: "train", twemoji: "judge" })
  })

  it("of the judge's sets are never the model's, whatever else a concept has", () => {
    for (let some = 1; some < 2 ** SETS.length; some++) {
      const sets = SETS.filter((_, k) => (some >> k) & 1)
      const uses = assignUse(sets.map((set) => ({ concept: "fox", set, file: "" })))
      for (const { set, use } of uses)
        if ((JUDGE_SETS as readonly string[]).includes(set)) assert.equal(use, "judge", `${set} of ${sets}`)
    }
  })

  it("are trimmed to what is opaque", () => {
    const rgba = new Uint8Array(10 * 10 * 4)
    for (const [x, y] of [
      [2, 3],
      [6, 8],
    ] as const)
      rgba[(y * 10 + x) * 4 + 3] = 255
    assert.deepEqual(trimBox({ width: 10, height: 10, rgba }), [2, 3, 5, 6])
  })

  it("tell their foot, where the shadow goes", () => {
    const [left, right] = footOf(drawn(40, 40, [1, 0, 0]))
    assert.ok(left > 0.1 && right < 0.9 && right > left)
  })
})

describe("tints", () => {
  it("turn the main colour into the named one and keep dark apart from light", () => {
    for (const colour of COLOURS.slice(0, 8)) {
      const { rgba } = drawn(24, 24, PAINT.red)
      if (colour === "red") continue
      recolour(rgba, dominant(rgba), colour)
      assert.equal(naturalColour(dominant(rgba)), colour)
      const [core, rim] = [rgba[(12 * 24 + 12) * 4 + 1]!, rgba[(12 * 24 + 3) * 4 + 1]!]
      assert.ok(core <= rim, `${colour}: the core was darker and must stay so`)
    }
  })

  it("leave other colours of the drawing alone", () => {
    const { rgba } = drawn(24, 24, PAINT.red)
    rgba.set([30, 160, 60, 255], (12 * 24 + 20) * 4)
    recolour(rgba, dominant(rgba), "blue")
    assert.deepEqual([...rgba.slice((12 * 24 + 20) * 4, (12 * 24 + 20) * 4 + 3)], [30, 160, 60])
  })
})

describe("credits", () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")
  const packages = "src/train/data/packages"

  it("name an author and a permissive licence for every pinned package", () => {
    const pinned = JSON.parse(read(`${packages}/package.json`)) as { dependencies: Record<string, string> }
    assert.deepEqual(Object.fromEntries(CREDITS.map((c) => [c.package, c.version])), pinned.dependencies)
    for (const c of CREDITS)
      assert.ok(
        (["MIT", "ISC", "Apache-2.0", "CC-BY-3.0", "CC-BY-4.0", "CC0-1.0"].includes(c.licence) ||
          // Permissive too, and of no picture: its notice has to be shown wherever it goes.
          (c.use === "thesaurus" && noticeText().includes("WordNet 3.1 Copyright"))) &&
          c.author &&
          noticeText().includes(c.author),
      )
  })

  it("give the licence that each package states, and what is installed is pinned to its bytes", () => {
    type Locked = { version: string; license: string; integrity: string }
    const lock = JSON.parse(read(`${packages}/package-lock.json`)) as { packages: Record<string, Locked> }
    const { "": own, ...locked } = lock.packages
    // What comes along uncredited is types and code, and none of it is read.
    const credited = new Set(CREDITS.map((c) => `node_modules/${c.package}`))
    assert.deepEqual(
      Object.keys(locked).filter((path) => !credited.has(path)),
      ["node_modules/@iconify/types", "node_modules/wink-nlp"],
    )
    for (const { package: name, version, licence } of CREDITS) {
      const found = locked[`node_modules/${name}`]!
      assert.equal(found.version, version)
      assert.match(found.integrity, /^sha512-/)
      // Moos licenses the packing of WordNet, Princeton the words.
      assert.equal(found.license, licence === "WordNet" ? "MIT" : licence, name)
    }
  })

  it("stand in NOTICE as the export writes it", () => {
    assert.equal(read("NOTICE"), noticeText())
  })

  it("name every package that the page in a browser holds", () => {
    const sources = globSync("studio/src/**/*.{ts,tsx}", { cwd: new URL("../..", import.meta.url) }).map(read)
    const imported = new Set(
      sources.flatMap((text) =>
        [...text.matchAll(/(?:from|import) "((?:@[\w-]+\/)?[\w-]+)/g)].map((match) => match[1]!),
      ),
    )
    imported.delete("atelier") // ourselves
    assert.ok(imported.size > 5)
    for (const name of imported) assert.match(noticeText(), new RegExp(`npm: .*${name}(,|$)`, "m"))
  })
})
