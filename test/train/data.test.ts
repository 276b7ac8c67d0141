// The training art: scenes, captions, hold-outs, styles and shards, on tiny drawings of the test's own.

import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, it } from "node:test"
import { backgroundSvg, horizonOf, PLACES, PLAIN_KINDS } from "../../src/train/data/backgrounds.ts"
import { captionOf, vocabulary } from "../../src/train/data/captions.ts"
import {
  COLOURS,
  dominant,
  naturalColour,
  PAINT,
  recolour,
  recolourable,
} from "../../src/train/data/colours.ts"
import { CONCEPTS } from "../../src/train/data/concepts.ts"
import { CREDITS, noticeText } from "../../src/train/data/credits.ts"
import { captionAt, type Sample, sceneAt, writeDataset } from "../../src/train/data/dataset.ts"
import { heldOut } from "../../src/train/data/holdout.ts"
import { measure } from "../../src/train/data/measure.ts"
import { blur, edges, noise } from "../../src/train/data/planes.ts"
import { avalanche, hash, random } from "../../src/train/data/random.ts"
import { renderScene } from "../../src/train/data/render.ts"
import { type Cast, castOf, NATIVE, type Scene, sampleScene } from "../../src/train/data/scene.ts"
import { assignUse } from "../../src/train/data/sources.ts"
import { type Cutout, footOf, type Sprite, type SpriteSource, trimBox } from "../../src/train/data/sprites.ts"
import { STYLE_TRAITS, STYLES } from "../../src/train/data/styles/names.ts"

/** A disc with a darker core: `paint` is sRGB 0..1. */
function drawn(width: number, height: number, paint: readonly number[]): Cutout {
  const rgba = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const d = Math.hypot((x + 0.5) / width - 0.5, (y + 0.5) / height - 0.5)
      const k = d < 0.2 ? 0.7 : 1
      rgba.set([...paint.map((v) => Math.round(v * k * 255)), d < 0.5 ? 255 : 0], (y * width + x) * 4)
    }
  return { width, height, rgba }
}

const FEW = CONCEPTS.slice(0, 40)
const SETS = ["noto", "fluent-3d", "twemoji", "fluent-emoji-flat"] as const

/** Every concept of a short list as a coloured disc in four sets, and one set for the judge. */
function toyArt(): SpriteSource {
  const art = new Map<Sprite, Cutout>()
  for (const [i, concept] of FEW.entries())
    for (const set of [...SETS, "emojione" as const]) {
      const cutout = drawn(60, 40 + (i % 3) * 12, PAINT[COLOURS[i % 8]!])
      const main = dominant(cutout.rgba)
      const ok = recolourable(main)
      const sprite: Sprite = {
        concept: concept.id,
        set,
        use: set === "emojione" ? "judge" : "train",
        file: concept.id,
        width: cutout.width,
        height: cutout.height,
        offset: 0,
        box: [0, 0, 1, 1],
        main,
        recolourable: ok,
        colour: ok ? naturalColour(main) : undefined,
        foot: footOf(cutout),
      }
      art.set(sprite, cutout)
    }
  const copy = (s: Sprite): Cutout => ({ ...art.get(s)!, rgba: art.get(s)!.rgba.slice() })
  return { sprites: [...art.keys()], pixels: copy, draw: async (s) => copy(s) }
}

const source = toyArt()
const cast: Cast = castOf(source.sprites, "train", FEW)
const scenes = (count: number, wish = {}): Scene[] =>
  Array.from({ length: count }, (_, i) => sampleScene(cast, avalanche(i), wish))
const recipe = { seed: 7, count: 2, use: "train", scale: 1 } as const

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

describe("scenes", () => {
  it("are decided by the seed alone", () => {
    assert.deepEqual(sampleScene(cast, 123), sampleScene(cast, 123))
    assert.notDeepEqual(sampleScene(cast, 123), sampleScene(cast, 124))
    assert.deepEqual(sceneAt(cast, recipe, 41), sceneAt(cast, { ...recipe, count: 9 }, 41))
  })

  it("have sides of whole 16-pixel cells, about 64 of them, near the asked ratio", () => {
    for (const [aspect, [w, h]] of Object.entries(NATIVE)) {
      const [a, b] = aspect.split(":").map(Number) as [number, number]
      assert.ok(w % 16 === 0 && h % 16 === 0)
      assert.ok((w * h) / 256 >= 48 && (w * h) / 256 <= 80, aspect)
      assert.ok(Math.abs(Math.log(w / h / (a / b))) < 0.04, aspect)
    }
  })

  it("keep every object inside the picture", () => {
    for (const s of scenes(1500))
      for (const o of s.objects)
        assert.ok(
          o.x >= -0.01 && o.y >= -0.01 && o.x + o.w <= s.width + 0.01 && o.y + o.h <= s.height + 0.01,
          JSON.stringify(s),
        )
  })

  it("put the first of a pair left of or above the second", () => {
    for (const s of scenes(400, { layout: "pair", stage: "scene" })) {
      const [a, b] = s.objects as [Scene["objects"][0], Scene["objects"][0]]
      if (s.relation === "left") assert.ok(a.x + a.w / 2 < b.x + b.w / 2 - 8)
      else assert.ok(a.y + a.h / 2 < b.y + b.h / 2 - 8)
    }
  })

  it("draw as many as they count, alike and apart", () => {
    for (const s of scenes(300, { layout: "count", stage: "scene" })) {
      assert.ok(s.objects.length >= 2 && s.objects.length <= 4)
      assert.equal(new Set(s.objects.map((o) => `${o.concept} ${o.set} ${o.tint}`)).size, 1)
      for (const [i, a] of s.objects.entries())
        for (const b of s.objects.slice(i + 1)) {
          const wide = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)
          const tall = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y)
          assert.ok(
            wide <= 0 || tall <= 0 || wide * tall < 0.12 * a.w * a.h,
            "two of the counted things cover each other",
          )
        }
    }
  })

  it("never paint an object in the colour of its background", () => {
    for (const s of scenes(1500))
      for (const o of s.objects) if (o.colour) assert.notEqual(o.colour, s.background.colour)
  })

  it("never show a held-out combination, unless it is examined", () => {
    for (const s of scenes(2500)) {
      for (const o of s.objects) {
        assert.ok(!heldOut("style", s.style, o.concept))
        if (o.tint) assert.ok(!heldOut("colour", o.tint, o.concept))
      }
      if (s.layout !== "count")
        for (let i = 1; i < s.objects.length; i++)
          assert.ok(!heldOut("pair", s.objects[i - 1]!.concept, s.objects[i]!.concept))
    }
    assert.ok(
      scenes(2500, { examine: true }).some((s) =>
        s.objects.some((o) => heldOut("style", s.style, o.concept)),
      ),
    )
  })

  it("mix layouts, shapes and stages as planned", () => {
    const all = scenes(4000)
    const share = (test: (s: Scene) => boolean): number => all.filter(test).length / all.length
    assert.ok(Math.abs(share((s) => s.aspect === "1:1") - 0.7) < 0.03)
    assert.ok(Math.abs(share((s) => s.stage === "single") - 0.25) < 0.03)
    const later = all.filter((s) => s.stage === "scene")
    for (const [layout, odds] of [
      ["single", 0.55],
      ["count", 0.2],
      ["pair", 0.2],
      ["triple", 0.05],
    ] as const)
      assert.ok(
        Math.abs(later.filter((s) => s.layout === layout).length / later.length - odds) < 0.03,
        layout,
      )
  })

  it("let the judge see only its own drawings", () => {
    assert.ok([...castOf(source.sprites, "judge", FEW).of.values()].flat().every((s) => s.set === "emojione"))
    assert.ok([...cast.of.values()].flat().every((s) => s.set !== "emojione"))
  })
})

describe("captions", () => {
  const some = scenes(2500).map((scene) => ({ scene, ...captionAt(scene) }))

  it("are lower-case words of the vocabulary, none of them reserved", () => {
    const words = new Map(vocabulary().map((w) => [w.word, w]))
    for (const { caption, styleless } of some)
      for (const word of `${caption} ${styleless}`.split(" ")) {
        assert.match(word, /^[a-z0-9]+$/, caption)
        assert.ok(words.has(word), `"${word}" of "${caption}" is not in the vocabulary`)
        assert.ok(!words.get(word)!.reserved, caption)
      }
  })

  it("say only what is true of the scene", () => {
    for (const { scene, caption, said } of some) {
      if (said.style) assert.equal(said.style, scene.style)
      if (said.size) assert.ok(caption.split(" ").includes(scene.size))
      if (said.count) assert.equal(said.count, scene.objects.length)
      if (said.relation) assert.equal(said.relation, scene.relation)
      if (said.background) assert.equal(said.background, scene.background.kind)
      if (said.backgroundColour) assert.ok(caption.includes(scene.background.colour!))
      for (const [i, o] of said.objects.entries()) {
        assert.equal(o.concept, scene.objects[i]!.concept)
        assert.ok(caption.includes(o.word), `${caption} lacks ${o.word}`)
        if (o.colour) assert.equal(o.colour, scene.objects[i]!.colour)
      }
    }
  })

  it("never name a held-out colour of a concept", () => {
    for (const { said } of some)
      for (const o of said.objects) if (o.colour) assert.ok(!heldOut("colour", o.colour, o.concept))
  })

  it("name left and right, above and below the way the objects stand", () => {
    for (const { scene, caption, said } of some) {
      if (!said.relation) continue
      const [a, b] = said.objects.map((o) => caption.lastIndexOf(o.word)) as [number, number]
      if (caption.includes(" left of ")) assert.ok(scene.relation === "left")
      if (caption.includes(" right of ")) assert.ok(scene.relation === "left")
      if (
        a >= 0 &&
        b >= 0 &&
        said.objects[0]!.word !== said.objects[1]!.word &&
        / (above|over) a/.test(caption)
      )
        assert.equal(scene.relation, "above")
    }
  })

  it("leave the style out in about a quarter, and always in the twin", () => {
    const silent = some.filter((c) => !c.said.style).length / some.length
    assert.ok(silent > 0.17 && silent < 0.45, `${silent}`)
    for (const { scene, caption, styleless, said } of some)
      if (said.style && STYLE_TRAITS[scene.style].nouns[0] === scene.style)
        assert.ok(styleless.length < caption.length)
  })

  it("vary: the same scene can be said in many ways", () => {
    const scene = sampleScene(cast, 5, { style: "watercolor", layout: "single", stage: "scene" })
    const ways = new Set(Array.from({ length: 60 }, (_, i) => captionOf(scene, random(i)).caption))
    assert.ok(ways.size > 12)
  })
})

describe("painting", () => {
  it("gives the same bytes for the same scene", async () => {
    const scene = sampleScene(cast, 77, { style: "watercolor", aspect: "2.35:1" })
    assert.deepEqual(await renderScene(scene, source), await renderScene(scene, source))
  })

  it("keeps the scene's size in every style", async () => {
    for (const [i, style] of STYLES.entries()) {
      const scene = sampleScene(cast, i, { style, aspect: "2.35:1", examine: true })
      const { width, height, rgb } = await renderScene(scene, source)
      assert.deepEqual([width, height, rgb.length], [192, 80, 192 * 80 * 3], style)
      const { contrast } = measure({ width, height, rgb })
      assert.ok(contrast > 0.01, `${style} came out blank`)
    }
  })

  it("shows the same picture at another scale", async () => {
    for (const style of ["watercolor", "oil painting", "mosaic"] as const) {
      const scene = sampleScene(cast, 9, {
        style,
        aspect: "2:3",
        layout: "single",
        stage: "scene",
        background: "meadow",
        examine: true,
      })
      const [one, four] = [await renderScene(scene, source, 1), await renderScene(scene, source, 4)]
      let difference = 0
      for (let y = 0; y < 144; y++)
        for (let x = 0; x < 96; x++)
          for (let c = 0; c < 3; c++) {
            let mean = 0
            for (let j = 0; j < 4; j++)
              for (let i = 0; i < 4; i++) mean += four.rgb[((y * 4 + j) * 384 + x * 4 + i) * 3 + c]! / 16
            difference += Math.abs(mean - one.rgb[(y * 96 + x) * 3 + c]!)
          }
      assert.ok(
        difference / (144 * 96 * 3) < 7,
        `${style}: mean difference ${difference / (144 * 96 * 3)} of 255`,
      )
    }
  })

  it("draws every background at every shape, differently for each seed", () => {
    for (const kind of [...PLAIN_KINDS, ...PLACES]) {
      const draw = (seed: number) =>
        backgroundSvg(kind, "blue", horizonOf(kind, random(seed)), random(seed), 96, 176, 2)
      assert.match(draw(1), /^<svg .*width="192" height="352".*<\/svg>$/s)
      assert.ok(!/NaN|undefined|Infinity/.test(draw(1)), kind)
      assert.equal(draw(1), draw(1))
      assert.notEqual(draw(1), draw(2))
    }
  })
})

describe("filters", () => {
  const frame = { w: 64, h: 48, unit: 2 }

  it("blur keeps the mean and spreads by the asked deviation, small and wide", () => {
    for (const sigma of [0.8, 2, 5]) {
      const dot = new Float32Array(64 * 48)
      dot[24 * 64 + 32] = 1
      const soft = blur(dot, frame, sigma)
      const sum = soft.reduce((a, b) => a + b, 0)
      let variance = 0
      for (let i = 0; i < soft.length; i++) variance += (soft[i]! * ((i % 64) - 32) ** 2) / sum
      assert.ok(Math.abs(sum - 1) < 0.02, `${sigma}: ${sum}`)
      assert.ok(Math.abs(Math.sqrt(variance) - sigma) < 0.16 * sigma, `${sigma}: ${Math.sqrt(variance)}`)
    }
  })

  it("edges measure a step by its height, whatever the scale", () => {
    const peak = (unit: number): number => {
      const f = { w: 32 * unit, h: 8 * unit, unit }
      return Math.max(
        ...edges([Float32Array.from({ length: f.w * f.h }, (_, i) => (i % f.w < f.w / 2 ? 0 : 0.5))], f, 1),
      )
    }
    assert.ok(Math.abs(peak(2) - 0.2) < 0.03 && Math.abs(peak(8) - peak(2)) < 0.02, `${peak(2)} ${peak(8)}`)
  })

  it("noise is the same picture at every scale", () => {
    const [coarse, fine] = [noise({ w: 32, h: 32, unit: 1 }, 9, 3), noise({ w: 128, h: 128, unit: 4 }, 9, 3)]
    let worst = 0
    for (let y = 0; y < 32; y++)
      for (let x = 0; x < 32; x++) {
        const near =
          [1, 2]
            .flatMap((j) => [1, 2].map((i) => fine[(y * 4 + j) * 128 + x * 4 + i]!))
            .reduce((a, b) => a + b, 0) / 4
        worst = Math.max(worst, Math.abs(near - coarse[y * 32 + x]!))
      }
    assert.ok(worst < 0.02, `${worst}`)
  })

  it("measures of a grey square are nothing, of a red diagonal everything", () => {
    const grey = measure({ width: 32, height: 32, rgb: new Uint8Array(32 * 32 * 3).fill(128) })
    assert.deepEqual([grey.saturation, grey.contrast, grey.edges], [0, 0, 0])
    const rgb = new Uint8Array(32 * 32 * 3)
    for (let y = 0; y < 32; y++) for (let x = 0; x < 32; x++) rgb[(y * 32 + x) * 3] = x > y ? 255 : 0
    const slope = measure({ width: 32, height: 32, rgb })
    assert.ok(slope.saturation > 0.4 && slope.diagonal > 0.9 && slope.lean > 0.9)
  })
})

describe("the set on disk", () => {
  it("is whole under its final name, resumes, and does not depend on the workers", async () => {
    const [one, two] = [mkdtempSync(join(tmpdir(), "data-")), mkdtempSync(join(tmpdir(), "data-"))]
    await writeDataset(join(one, "scenes"), recipe, source)
    await writeDataset(join(two, "scenes"), recipe, source, 1, 2)
    assert.deepEqual(readdirSync(join(two, "scenes")), ["v2.part"])
    await writeDataset(join(two, "scenes"), recipe, source, 0, 2)
    for (const end of ["bin", "jsonl"]) {
      const [a, b] = [one, two].map((d) => readFileSync(join(d, "scenes", "v2", `shard-0000.${end}`)))
      assert.deepEqual(a, b)
    }
    assert.deepEqual(JSON.parse(readFileSync(join(one, "scenes", "index.json"), "utf8")).shards, [
      "v2/shard-0000",
    ])
    await assert.rejects(writeDataset(join(one, "scenes"), { ...recipe, seed: 8 }, source), /another recipe/)
  })

  it("holds lines that find their pixels and draw them again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "data-"))
    await writeDataset(join(folder, "scenes"), recipe, source)
    const pixels = readFileSync(join(folder, "scenes", "v2", "shard-0000.bin"))
    const samples = readFileSync(join(folder, "scenes", "v2", "shard-0000.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((l) => JSON.parse(l) as Sample)
    assert.equal(samples.length, 2)
    for (const s of samples) {
      const { rgb } = await renderScene(s.truth, source)
      assert.deepEqual(new Uint8Array(pixels.subarray(s.offset, s.offset + s.width * s.height * 3)), rgb)
      assert.deepEqual(s.said, captionAt(s.truth).said)
    }
    assert.equal(
      pixels.length,
      samples.reduce((n, s) => n + s.width * s.height * 3, 0),
    )
  })
})

describe("credits", () => {
  it("name an author and a permissive licence for every pinned package", () => {
    const pinned = JSON.parse(
      readFileSync(new URL("../../src/train/data/packages/package.json", import.meta.url), "utf8"),
    ) as { dependencies: Record<string, string> }
    assert.deepEqual(Object.fromEntries(CREDITS.map((c) => [c.package, c.version])), pinned.dependencies)
    for (const c of CREDITS)
      assert.ok(
        ["MIT", "Apache-2.0", "CC-BY-4.0"].includes(c.licence) && c.author && noticeText().includes(c.author),
      )
  })
})
