// The fixed prompts: enough of each kind, true to the hold-outs, in words that training knows.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { wordsOf } from "../../src/sampling/words.ts"
import { vocabulary } from "../../src/train/data/captions.ts"
import { heldOut } from "../../src/train/data/holdout.ts"
import { STYLES } from "../../src/train/data/styles/names.ts"
import { backgroundIndex, conceptIndex, styleIndex } from "../../src/train/judge/labels.ts"
import { GROUPS, type Prompt, readPrompts } from "../../src/train/judge/prompts.ts"

const prompts = readPrompts()
const words = new Map(vocabulary().map((w) => [w.word, w]))

describe("the judge's prompts", () => {
  it("are at least 600, with their own names and pictures", () => {
    assert.ok(prompts.length >= 600)
    assert.equal(new Set(prompts.map((p) => p.id)).size, prompts.length)
    const shown = prompts.map((p) => `${p.prompt} ${p.seed}`)
    assert.ok(new Set(shown).size > prompts.length * 0.97)
  })

  it("cover every group, every style, every count and both axes", () => {
    for (const group of GROUPS) assert.ok(prompts.filter((p) => p.group === group).length >= 60, group)
    for (const style of STYLES)
      assert.ok(prompts.filter((p) => p.group === "style" && p.style === style).length >= 8, style)
    for (const n of [2, 3, 4]) assert.ok(prompts.filter((p) => p.count === n).length >= 20)
    for (const r of ["left", "above"])
      assert.ok(prompts.filter((p) => p.group === "relation" && p.relation === r).length >= 30)
  })

  it("state only things that the judge knows", () => {
    for (const p of prompts) {
      for (const c of p.concepts) conceptIndex(c)
      if (p.style) styleIndex(p.style)
      if (p.background) backgroundIndex(p.background)
    }
  })

  it("call a combination seen exactly if training may show it", () => {
    const combinations = prompts.filter((p) => p.group === "combination")
    for (const p of combinations) {
      const [a, b] = p.concepts as [string, string?]
      const held = p.style
        ? heldOut("style", p.style, a)
        : p.colour
          ? heldOut("colour", p.colour, a)
          : heldOut("pair", a, b!)
      assert.equal(held, !p.seen, p.prompt)
    }
    for (const seen of [true, false]) assert.ok(combinations.filter((p) => p.seen === seen).length >= 90)
    for (const p of prompts.filter((q) => q.group === "style"))
      assert.ok(!heldOut("style", p.style!, p.concepts[0]!))
    for (const p of prompts.filter((q) => q.group === "colour"))
      assert.ok(!heldOut("colour", p.colour!, p.concepts[0]!))
    for (const p of prompts.filter((q) => q.group === "relation"))
      assert.ok(!heldOut("pair", p.concepts[0]!, p.concepts[1]!))
  })

  it("speak in training's words, but for the synonyms that training never uses", () => {
    for (const p of prompts) {
      const novel = p.group === "synonym" && !p.seen
      const subject = wordsOf(p.prompt).filter((w) => w !== "a" && w !== "an")
      for (const w of subject) assert.ok(words.has(w), `${p.prompt}: ${w}`)
      assert.equal(
        subject.every((w) => words.get(w)!.reserved),
        novel,
        p.prompt,
      )
    }
  })

  it("put two things in the order in which they are read", () => {
    for (const p of prompts.filter((q) => q.relation)) {
      const turned = / below | to the right of /.test(p.prompt)
      assert.equal(p.relation, / above | below /.test(p.prompt) ? "above" : "left")
      assert.equal(p.concepts.length, 2)
      assert.ok(turned || / above | to the left of /.test(p.prompt))
    }
  })

  it("keep each group's share in a smaller sample, with both sides of every comparison", () => {
    for (const limit of [50, 99, 110, 275, 550, 600, 1000]) {
      const few = readPrompts(limit)
      assert.equal(few.length, limit)
      const of = (keep: (p: Prompt) => boolean) => [few, prompts].map((list) => list.filter(keep).length)
      const shares = [
        ...GROUPS.map((group) => of((p) => p.group === group)),
        ...["left of", "right of", " above ", " below "].map((word) =>
          of((p) => p.group === "relation" && p.prompt.includes(word)),
        ),
        ...[true, false].map((seen) => of((p) => p.group === "combination" && p.seen === seen)),
      ]
      for (const [some, all] of shares)
        assert.ok(Math.abs(some! - (all! * limit) / prompts.length) <= 3, `${limit}: ${some} of ${all}`)
      const [unseen] = of((p) => p.group === "synonym" && !p.seen)
      const [seen] = of((p) => p.group === "synonym" && p.seen === true)
      assert.equal(unseen, seen)
      for (const seeds of Map.groupBy(
        few.filter((p) => p.group === "spread"),
        (p) => p.prompt,
      ).values())
        assert.equal(seeds.length, 4)
    }
  })

  it("are the same 660 that the docs have figures of", () => {
    const ids = readPrompts(660).map((p) => p.id)
    assert.deepEqual(
      ids,
      Array.from({ length: 660 }, (_, i) => prompts[Math.floor((i * 5) / 3)]!.id),
    )
  })
})
