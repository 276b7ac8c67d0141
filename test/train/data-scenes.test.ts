// The training art's scenes, and captions that say only what is in them.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { ASPECTS } from "../../src/request/sizes.ts"
import { PLACES } from "../../src/train/data/backgrounds.ts"
import { captionOf, vocabulary } from "../../src/train/data/captions.ts"
import { CONCEPTS, FOCUS } from "../../src/train/data/concepts.ts"
import { captionAt, sceneAt } from "../../src/train/data/dataset.ts"
import { heldOut } from "../../src/train/data/holdout.ts"
import { random } from "../../src/train/data/random.ts"
import { castOf, NATIVE, type Scene, sampleScene } from "../../src/train/data/scene.ts"
import { leaning, steadyPlaces } from "../../src/train/data/steady.ts"
import { STYLE_TRAITS } from "../../src/train/data/styles/names.ts"
import { cast, FEW, recipe, scenes, society, source } from "../support/toy-art.ts"

describe("scenes", () => {
  it("know every concept of the focus", () => {
    const known = new Set(CONCEPTS.map((c) => c.id))
    assert.deepEqual(
      FOCUS.filter((id) => !known.has(id)),
      [],
    )
  })

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

  const focused = Array.from({ length: 1500 }, (_, i) => sceneAt(cast, { ...recipe, focus: true }, i))

  it("of the focus show mostly one thing, every second one that people ask for most, and no held-out combination", () => {
    const shown = focused.filter((s) => s.layout !== "view")
    const share = (test: (s: Scene) => boolean): number => shown.filter(test).length / shown.length
    assert.ok(Math.abs(share((s) => s.layout === "single") - 0.55) < 0.05)
    assert.ok(Math.abs(share((s) => s.layout === "count") - 0.15) < 0.04)
    // Seven of ten lots are for any concept, and some of those are asked for most, too.
    const asked = 0.3 + (0.7 * FOCUS.filter((id) => cast.of.has(id)).length) / cast.concepts.length
    assert.ok(Math.abs(share((s) => FOCUS.includes(s.objects[0]!.concept)) - asked) < 0.06)
    for (const { style, layout, objects } of shown) {
      for (const { concept } of objects) assert.ok(!heldOut("style", style, concept))
      if (layout === "pair") assert.ok(!heldOut("pair", objects[0]!.concept, objects[1]!.concept))
    }
    const pairs = shown.filter((s) => s.layout === "pair")
    assert.ok(Math.abs(pairs.length / shown.length - 0.3) < 0.05)
    const asFirst = pairs.filter((s) => FOCUS.includes(s.objects[1]!.concept)).length / pairs.length
    assert.ok(Math.abs(asFirst - asked) < 0.1, `${asFirst} beside, ${asked} first`)
  })

  it("show people by a lot of their own, beside things and beside each other, and are what they were without them", () => {
    const people = new Set(society.people.map((c) => c.id))
    const isSomebody = ({ concept }: Scene["objects"][number]): boolean => people.has(concept)
    for (const focus of [true, false]) {
      const peopled = Array.from({ length: 1500 }, (_, i) => sceneAt(society, { ...recipe, focus }, i))
      const shown = peopled.filter((s) => s.layout !== "view")
      const share = shown.filter((s) => isSomebody(s.objects[0]!)).length / shown.length
      assert.ok(share > 0.14 && share < 0.21, `${share} of the focus: ${focus}`)
      const pairs = shown.filter((s) => s.layout === "pair" && isSomebody(s.objects[0]!))
      const seconds = pairs.filter((s) => isSomebody(s.objects[1]!)).length
      assert.ok(seconds > 0 && seconds < pairs.length / 2, `${seconds} of ${pairs.length}`)
      peopled.forEach((s, i) => {
        if (!s.objects.some(isSomebody)) assert.deepEqual(s, sceneAt(cast, { ...recipe, focus }, i))
        for (const { concept } of s.objects) assert.ok(!heldOut("style", s.style, concept))
      })
    }
  })

  it("call a picture of one person a portrait now and then, and nothing else", () => {
    const portraits = (sort: "people" | "things") => {
      const all = Array.from({ length: 3000 }, (_, i) => sceneAt(society, { ...recipe, focus: true }, i))
      const single = all.filter((s) => s.layout === "single")
      const shown = single.filter(
        (s) => society.people.some((c) => c.id === s.objects[0]!.concept) === (sort === "people"),
      )
      return shown.filter((s) => /\bportrait of /.test(captionAt(s).caption)).length / shown.length
    }
    assert.ok(Math.abs(portraits("people") - 0.2) < 0.08, `${portraits("people")}`)
    assert.equal(portraits("things"), 0)
  })

  it("of the focus show a concept in one pose: unturned, one place for each size, one drawing per style", () => {
    const drawings = new Map<string, string>()
    for (const scene of focused) {
      const { layout, objects, style, width, height, size } = scene
      if (layout !== "single") assert.equal(size, "normal")
      for (const [i, { concept, set, x, y, w, h, flip, grounded, lean }] of objects.entries()) {
        const place = steadyPlaces(scene, objects.length)[i]!
        assert.ok(!flip)
        assert.ok(Math.abs(x + w / 2 - place.x * width) < 1e-9)
        if (lean === undefined) assert.ok(Math.abs(Math.max(w, h) - place.long) < 1e-9)
        else assert.ok(Math.max(w, h) < place.long + 1e-9)
        // On the ground a flat thing stands lower, so that its foot is below the horizon, a tall one within the picture.
        assert.ok(grounded || Math.abs(y + h / 2 - place.y * height) < 1e-9)
        assert.ok(x >= 0 && y >= 0 && x + w <= width && y + h <= height)
        const key = `${concept} ${style}`
        assert.equal(drawings.get(key) ?? set, set)
        drawings.set(key, set)
      }
    }
  })

  it("of the focus are sometimes of a small or a large thing, so that these words do not bring other poses", () => {
    const single = focused.filter((s) => s.layout === "single")
    const share = (size: string): number => single.filter((s) => s.size === size).length / single.length
    assert.ok(Math.abs(share("large") - 0.2) < 0.04, `${share("large")} large`)
    assert.ok(Math.abs(share("small") - 0.08) < 0.03, `${share("small")} small`)
  })

  it("of the focus have every shape, the square as often as all others, and things as large as in a square where they fit", () => {
    for (const aspect of ASPECTS.filter((a) => a !== "4:5")) {
      const own = focused.filter((s) => s.aspect === aspect)
      assert.ok(own.length > focused.length / 40, `${own.length} of ${aspect}`)
      for (const { objects, size, width, height } of own)
        if (objects.length === 1 && size === "normal" && objects[0]!.lean === undefined) {
          const { w, h } = objects[0]!
          assert.ok(Math.abs(Math.max(w, h) - Math.min(0.74 * 128, 0.92 * Math.min(width, height))) < 1e-9)
        }
    }
    const square = focused.filter((s) => s.aspect === "1:1").length / focused.length
    assert.ok(Math.abs(square - 0.5) < 0.05, `${square} are square`)
  })

  it("of the focus are places with nothing in them in one of twenty, in styles that show there", () => {
    const words = new Set(vocabulary().map((w) => w.word))
    const views = focused.filter((s) => s.layout === "view")
    assert.ok(Math.abs(views.length / focused.length - 0.05) < 0.02, `${views.length} views`)
    for (const scene of views) {
      const { objects, background, style } = scene
      assert.equal(objects.length, 0)
      assert.ok((PLACES as readonly string[]).includes(background.kind))
      assert.ok(style !== "silhouette" && style !== "sticker")
      const { caption, said } = captionAt(scene)
      assert.equal(said.background, background.kind)
      assert.deepEqual(said.objects, [])
      for (const word of caption.split(" ")) assert.ok(words.has(word), `${word} of "${caption}"`)
    }
  })

  it("of the focus lean in two of nine, alone, off the ground and within the picture", () => {
    const single = focused.filter((s) => s.layout === "single")
    const leans = single.filter((s) => s.objects[0]!.lean !== undefined)
    assert.ok(Math.abs(leans.length / single.length - 0.22) < 0.03, `${leans.length} of ${single.length}`)
    for (const { objects, width, height } of leans) {
      const { x, y, w, h, lean, grounded } = objects[0]!
      const [across, down] = leaning(w, h, lean!)
      assert.ok(lean! >= 6 && lean! <= 45 && !grounded)
      assert.ok(across <= width && down <= height)
      assert.ok(Math.abs(x + w / 2 - width / 2) < 1e-9 && Math.abs(y + h / 2 - height / 2) < 1e-9)
    }
    assert.ok(!focused.some((s) => s.layout !== "single" && s.objects.some((o) => o.lean !== undefined)))
  })

  it("of the focus keep a latent's width between things", () => {
    for (const { objects, aspect } of focused)
      for (const [i, a] of objects.entries())
        for (const b of objects.slice(i + 1)) {
          const across = Math.max(a.x, b.x) - Math.min(a.x + a.w, b.x + b.w)
          const down = Math.max(a.y, b.y) - Math.min(a.y + a.h, b.y + b.h)
          const room = Math.max(across, down)
          if (!a.grounded && !b.grounded)
            assert.ok(room >= (aspect === "1:1" ? 8 : 5), `${room} pixels in ${aspect}`)
        }
  })

  it("of the focus never put one thing over another", () => {
    for (const { objects } of focused)
      for (const [i, a] of objects.entries())
        for (const b of objects.slice(i + 1)) {
          const wide = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)
          const tall = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y)
          assert.ok(wide <= 0 || tall <= 0 || wide * tall < 0.12 * a.w * a.h)
        }
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
