// Glyphs for the judge: what an icon closes in, and how icons come among the judge's drawings.
import assert from "node:assert/strict"
import { test } from "node:test"
import { closedIn, type Glyph } from "../../src/train/data/glyphs.ts"
import { openCutouts } from "../../src/train/judge/cutouts.ts"
import { conceptIndex } from "../../src/train/judge/labels.ts"
import { Random } from "../../src/train/random.ts"
import { FEW, source } from "../support/toy-art.ts"

/** Rows of signs as ink: # covers a pixel. */
function drawing(rows: readonly string[], concept = "hammer"): Glyph {
  const ink = Uint8Array.from(rows.join(""), (sign) => (sign === "#" ? 255 : 0))
  return { concept, set: "mdi", file: concept, width: rows[0]!.length, height: rows.length, ink }
}
const shown = (glyph: Glyph): string[] => {
  const solid = [...closedIn(glyph)].map((v) => (v > 0 ? "#" : ".")).join("")
  return Array.from({ length: glyph.height }, (_, y) => solid.slice(y * glyph.width, (y + 1) * glyph.width))
}

test("what lines close in belongs to the thing, what is open to the border does not", () => {
  assert.deepEqual(shown(drawing(["..##..", ".#..#.", ".#..#.", "..##.."])), [
    "..##..",
    ".####.",
    ".####.",
    "..##..",
  ])
  assert.deepEqual(shown(drawing([".###.", ".#...", ".#...", ".###."])), [".###.", ".#...", ".#...", ".###."])
})

test("half of the cut-outs are glyphs, under their own concept and never twice in the same colours and shape", () => {
  const glyph = drawing([".####.", "#....#", "#.##.#", "#....#", ".####."])
  assert.ok(!FEW.some((concept) => concept.id === glyph.concept))
  const cutouts = openCutouts(source, [glyph])
  const side = 24
  const pictures = Array.from({ length: 300 }, (_, i) => {
    const planes = new Float32Array(3 * side * side)
    const concepts = cutouts.paint(planes, 0, side, new Random(3, i))
    assert.ok(planes.every((v) => v >= -1 && v <= 1))
    return { concepts, planes }
  })
  const single = pictures.filter(({ concepts }) => concepts.length === 1)
  const ofGlyph = single.filter(({ concepts }) => concepts[0] === conceptIndex(glyph.concept))
  const share = ofGlyph.length / single.length
  assert.ok(share > 0.4 && share < 0.65, `${share} of the cut-outs are glyphs`)
  assert.equal(new Set(ofGlyph.map(({ planes }) => planes.join())).size, ofGlyph.length)
})

test("without glyphs the judge's drawings are all there is", () => {
  const planes = new Float32Array(3 * 24 * 24)
  const known = new Set(source.sprites.map((sprite) => conceptIndex(sprite.concept)))
  const cutouts = openCutouts(source)
  for (let i = 0; i < 50; i++)
    for (const concept of cutouts.paint(planes, 0, 24, new Random(5, i))) assert.ok(known.has(concept))
})
