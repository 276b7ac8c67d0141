// Glyphs for the judge: what an icon closes in, and how icons come among the judge's drawings.
import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { sceneAt } from "../../src/train/data/dataset.ts"
import { GLYPH_SETS, OTHER_NAMES } from "../../src/train/data/glyph-sets.ts"
import { glyphSprites } from "../../src/train/data/glyph-sprites.ts"
import { closedIn, type Glyph, openGlyphs, packGlyphs } from "../../src/train/data/glyphs.ts"
import { renderScene } from "../../src/train/data/render.ts"
import { castOf } from "../../src/train/data/scene.ts"
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

test("icons are found by name, ending and other names, and of coloured ones only the lines are ink", async () => {
  const folder = mkdtempSync(join(tmpdir(), "atelier-glyphs-"))
  const square = `<path d="M2 2h20v20H2z" stroke="#000" stroke-width="4" fill="#bcf"/>`
  const disc = `<circle cx="12" cy="12" r="10" fill="currentColor"/>`
  for (const set of Object.keys(GLYPH_SETS)) {
    const known = Object.values(OTHER_NAMES)
      .flatMap((names) => names.split(" "))
      .filter((name) => name.startsWith(`${set}:`))
      .map((name) => name.slice(set.length + 1))
    const icons = Object.fromEntries(known.map((name) => [name, { body: disc }]))
    if (set === "ph") Object.assign(icons, { "hammer-fill": { body: square }, hammer: { body: disc } })
    const at = join(folder, "node_modules/@iconify-json", set)
    mkdirSync(at, { recursive: true })
    writeFileSync(join(at, "icons.json"), JSON.stringify({ icons, width: 24, height: 24 }))
  }
  const file = join(folder, "glyphs.jsonl")
  const count = await packGlyphs(folder, file)
  const glyphs = openGlyphs(file)
  assert.equal(count, glyphs.length)
  const hammers = glyphs.filter((glyph) => glyph.concept === "hammer")
  assert.deepEqual(
    hammers.map(({ set, file }) => [set, file]),
    [["ph", "hammer-fill"]],
  )
  const { width, height, ink } = hammers[0]!
  assert.ok(ink[(height >> 1) * width + 2]! > 200, "the line is ink")
  assert.ok(ink[(height >> 1) * width + (width >> 1)]! < 60, "the light inside is not")
  assert.ok(glyphs.some(({ concept, set, file }) => `${concept} ${set} ${file}` === "wolf pinhead wolf-head"))
  rmSync(folder, { recursive: true })
})

test("scenes of glyphs are painted with them alone, each in colours that stay its own", async () => {
  const ring = [".####.", "#....#", "#....#", ".####."]
  const glyphs = ["hammer", "fox", "bus", "tulip"].map((concept) => drawing(ring, concept))
  const art = glyphSprites(glyphs)
  assert.equal(new Set(art.sprites.map((sprite) => sprite.set)).size, art.sprites.length)
  for (const sprite of art.sprites) assert.deepEqual(art.pixels(sprite), art.pixels(sprite))
  const cast = castOf(art.sprites, "glyphs")
  const recipe = { seed: 3, count: 20, use: "glyphs", scale: 1 } as const
  const names = new Set(glyphs.map((glyph) => glyph.concept))
  for (let i = 0; i < 20; i++) {
    const scene = sceneAt(cast, recipe, i)
    assert.ok(scene.objects.every((object) => names.has(object.concept)))
    if (i < 3)
      assert.deepEqual((await renderScene(scene, art, 1)).rgb, (await renderScene(scene, art, 1)).rgb)
  }
})
