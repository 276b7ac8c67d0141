// The shipped word lists agree with what the embedded model is trained on; training code itself is not shipped.
import assert from "node:assert/strict"
import { test } from "node:test"
import { EMBEDDED, EMBEDDED_WORDS } from "../../src/controls/creativity/index.ts"
import { SUBJECTS } from "../../src/controls/creativity/subjects.ts"
import { wordsOf } from "../../src/sampling/words.ts"
import { vocabulary } from "../../src/train/data/captions.ts"
import { CONCEPTS } from "../../src/train/data/concepts.ts"
import { STYLE_TRAITS, STYLES } from "../../src/train/data/styles/names.ts"
import { TEXT_TOKENS } from "../../src/train/recipes/dit-network.ts"

test("every word that the embedded list can add occurs in training captions", () => {
  const trained = new Set(
    vocabulary()
      .filter((w) => !w.reserved)
      .map((w) => w.word),
  )
  const strange = EMBEDDED.ideas.flatMap((idea) => wordsOf(idea.text).filter((w) => !trained.has(w)))
  assert.deepEqual([...new Set(strange)], [])
})

/** What they are drawn with is hard to tell any more (decision 068): they come only where they are asked for. */
const HIDING: readonly string[] = [
  "pencil sketch",
  "mosaic",
  "cross stitch",
  "blueprint",
  "duotone",
  "silhouette",
]

test("every trained style can be added but those that hide things, and those that lose colours say so", () => {
  for (const style of STYLES) {
    const { nouns, adjectives, colours, background } = STYLE_TRAITS[style]
    const words = [...nouns, ...adjectives]
    const ideas = EMBEDDED.ideas.filter(
      (i) => i.aspects[0] === "style" && words.some((w) => i.text.endsWith(` ${w} of`)),
    )
    assert.equal(ideas.length === 0, HIDING.includes(style), style)
    for (const idea of ideas) {
      // "Cartoon" also begins "outlined cartoon": only whole names count.
      const name = idea.text.replace(/^an? | of$/g, "")
      if (!words.includes(name)) continue
      assert.equal(idea.losesColour, !colours, idea.text)
      assert.equal(idea.losesGround, background === "lines", idea.text)
    }
  }
})

test("every trained concept is known to the analyser under all its names, in its kind", () => {
  for (const concept of CONCEPTS)
    for (const name of [concept.name, concept.plural, ...concept.synonyms, ...concept.reserved])
      assert.ok(SUBJECTS.has(name), `${concept.id}: ${name}`)
  for (const concept of CONCEPTS) assert.equal(SUBJECTS.get(concept.name)?.kind, concept.group, concept.id)
})

test("the word budget is that of the trained text tower, its closing token left out", () => {
  assert.equal(EMBEDDED_WORDS, TEXT_TOKENS - 1)
})
