// The classifier on tiny nets: its loss by hand, its batches, that it learns, and its weights' way to disk.
import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, it } from "node:test"
import * as ort from "onnxruntime-node"
import { compile, input } from "../../src/graph/index.ts"
import { type ClassifierConfig, featureSize } from "../../src/nets/index.ts"
import { sampleScene } from "../../src/train/data/scene.ts"
import { chooseWindow, shareInside, turnedMap } from "../../src/train/judge/augment.ts"
import { steadyThumbnails } from "../../src/train/judge/gallery.ts"
import { conceptIndex, styleIndex } from "../../src/train/judge/labels.ts"
import { createClassifier, rankOf } from "../../src/train/judge/network.ts"
import { type Bitmap, readInto, view } from "../../src/train/judge/pixels.ts"
import { type LabelledScene, openScenes, type SceneSet } from "../../src/train/judge/scenes.ts"
import { classifierShapes, exportClassifier, loadClassifier } from "../../src/train/judge/weights.ts"
import { Random } from "../../src/train/random.ts"
import { classifierBatch, classifierRecipe, crossEntropy } from "../../src/train/recipes/classifier.ts"
import { train } from "../../src/train/trainer.ts"

const folder = mkdtempSync(join(tmpdir(), "judge-"))
after(() => rmSync(folder, { recursive: true, force: true }))

const tiny: ClassifierConfig = {
  side: 32,
  widths: [8, 8, 12, 12],
  blocks: [0, 1, 1, 0],
  concepts: 2,
  styles: 2,
  backgrounds: 2,
}

/** Concept 0 is a bright square, concept 1 a dark cross; style is the brightness of the ground. */
function toyScene(i: number): { scene: LabelledScene; bitmap: Bitmap } {
  const [concept, style] = [i % 2, (i >> 1) % 2]
  const rgb = new Uint8Array(32 * 32 * 3).fill(style ? 150 : 90)
  const [cx, cy] = [10 + (i % 5) * 3, 10 + (i % 7) * 2]
  for (let y = -6; y <= 6; y++)
    for (let x = -6; x <= 6; x++)
      if (concept === 0 || Math.abs(x) < 2 || Math.abs(y) < 2)
        rgb.fill(concept === 0 ? 230 : 20, ((cy + y) * 32 + cx + x) * 3, ((cy + y) * 32 + cx + x) * 3 + 3)
  const things = [{ concept, x: cx - 6, y: cy - 6, w: 13, h: 13 }]
  return {
    scene: { file: 0, offset: i, width: 32, height: 32, style, background: 1 - style, things, teaches: true },
    bitmap: { width: 32, height: 32, rgb },
  }
}
const toys = Array.from({ length: 64 }, (_, i) => toyScene(i))
const toySet: SceneSet = {
  used: toys.slice(0, 56).map((t) => t.scene),
  held: toys.slice(56).map((t) => t.scene),
  read: (s) => toys[s.offset]!.bitmap,
}
const none: SceneSet = { used: [], held: [], read: toySet.read }

describe("the classifier", () => {
  it("lowers cross-entropy only over rows that have a class", async () => {
    const logits = input("logits", [3, 2])
    const loss = crossEntropy(logits, input("target", [3, 2]), input("count", []))
    const session = await ort.InferenceSession.create(compile({ loss }).model)
    const feed = (data: number[], shape: number[]) =>
      new ort.Tensor("float32", Float32Array.from(data), shape)
    // softmax(0, ln 3) = (1/4, 3/4); the second row is even, the third counts nothing.
    const out = await session.run({
      logits: feed([0, Math.log(3), 1, 1, 9, -9], [3, 2]),
      target: feed([0, 1, 0.5, 0.5, 0, 0], [3, 2]),
      count: feed([0.5], []),
    })
    const wanted = 0.5 * (Math.log(0.75) + Math.log(0.5))
    assert.ok(Math.abs((out.loss!.data as Float32Array)[0]! - wanted) < 1e-5)
    await session.release()
  })

  it("learns toy concepts and styles through the trainer and reports how well", async () => {
    const recipe = classifierRecipe(
      { samples: 6000, seed: 5 },
      { judge: toySet, glyphs: none, model: none },
      tiny,
    )
    const run = join(folder, "run")
    await train(recipe, { folder: run, resume: false, print: () => {} })
    const loaded = await loadClassifier(run)
    assert.ok(loaded.samples >= 6000)
    const classifier = await createClassifier(loaded.weights, tiny, 1)
    const verdicts = await classifier.look(toys.map((t) => view(t.bitmap, 32)))
    const right = verdicts.filter(
      (v, i) => rankOf(v.concept, i % 2) === 1 && rankOf(v.style, (i >> 1) % 2) === 1,
    )
    assert.ok(right.length >= 56, `${right.length} of 64`)
    assert.equal(verdicts[0]!.features.length, featureSize(tiny))
    await classifier.close()

    // The exported file gives the same verdicts, up to 16-bit weights.
    const path = join(folder, "classifier.safetensors")
    await exportClassifier(loaded, path, tiny)
    const again = await loadClassifier(path)
    assert.equal(again.samples, loaded.samples)
    const second = await createClassifier(again.weights, tiny, 1)
    const [v] = await second.look([view(toys[3]!.bitmap, 32)])
    v!.concept.forEach((p, i) => {
      assert.ok(Math.abs(p - verdicts[3]!.concept[i]!) < 0.02)
    })
    await second.close()
  })

  it("is the one of the repository where its own run has not been saved yet", async () => {
    const shipped = await loadClassifier("src/train/judge/classifier.safetensors")
    const home = process.cwd()
    mkdirSync(join(folder, "runs/classifier"), { recursive: true })
    process.chdir(folder)
    try {
      assert.equal((await loadClassifier()).samples, shipped.samples)
    } finally {
      process.chdir(home)
    }
  })

  it("says which weight is missing", async () => {
    await assert.rejects(createClassifier(new Map(), tiny), /lack .*train it again/)
    await assert.rejects(loadClassifier(join(folder, "nowhere")), /npm run train -- classifier/)
  })

  it("has between half a million and a million and a half parameters", () => {
    const count = [...classifierShapes().values()].reduce((sum, s) => sum + s.reduce((a, b) => a * b, 1), 0)
    assert.ok(count > 5e5 && count < 1.5e6, String(count))
  })

  it("draws the same batch for the same step", () => {
    const make = (step: number) =>
      classifierBatch({ judge: toySet, glyphs: none, model: none }, tiny, 8, new Random(1, step))
    assert.deepEqual(make(4).image!.data, make(4).image!.data)
    assert.notDeepEqual(make(4).image!.data, make(5).image!.data)
    const row = (make(4)["target.concept"]!.data as Float32Array).slice(0, 2)
    assert.ok(Math.abs(row[0]! + row[1]! - 1) < 1e-6 || row.every((v) => v === 0))
  })
})

describe("augmentation", () => {
  it("keeps what is in the middle in the middle, mirrored or turned", () => {
    const rgb = new Uint8Array(32 * 32 * 3)
    rgb.fill(255, (16 * 32 + 15) * 3, (16 * 32 + 17) * 3)
    rgb.fill(255, (15 * 32 + 15) * 3, (15 * 32 + 17) * 3)
    for (const mirror of [false, true])
      for (const angle of [0, 0.5, Math.PI]) {
        const out = new Float32Array(3 * 16 * 16)
        readInto(
          out,
          0,
          { width: 32, height: 32, rgb },
          turnedMap({ x: 0, y: 0, w: 32, h: 32 }, 16, angle, 0, mirror),
          16,
        )
        const lit = [7 * 16 + 7, 7 * 16 + 8, 8 * 16 + 7, 8 * 16 + 8].reduce((s, i) => s + out[i]! + 1, 0)
        const all = out.slice(0, 256).reduce((s, v) => s + v + 1, 0)
        assert.ok(lit > 0.9 * all, `${lit} of ${all}`)
      }
  })

  it("looks at the whole picture or at one of its things", () => {
    const random = new Random(2)
    const thing = { concept: 0, x: 70, y: 10, w: 30, h: 40 }
    for (let i = 0; i < 200; i++) {
      const w = chooseWindow(128, 128, [thing], random)
      assert.ok(shareInside(thing, w) > 0.5 || shareInside({ x: 0, y: 0, w: 128, h: 128 }, w) > 0.5)
    }
    assert.equal(shareInside({ x: 0, y: 0, w: 10, h: 10 }, { x: 5, y: 0, w: 10, h: 10 }), 0.5)
    assert.equal(shareInside({ x: 0, y: 0, w: 10, h: 10 }, { x: 50, y: 0, w: 10, h: 10 }), 0)
  })
})

describe("painted scenes", () => {
  it("are read with their truth; the model's drawings teach no concept, the judge's no native style", () => {
    const sprite = (concept: string) =>
      ({
        concept,
        set: "noto",
        use: "train",
        file: concept,
        width: 8,
        height: 8,
        offset: 0,
        recolourable: false,
        box: [0, 0, 1, 1],
        main: { lab: [0, 0, 0], share: 0, purity: 0 },
        foot: [0, 1],
      }) as never
    const cast = {
      concepts: [
        { id: "fox", name: "fox", plural: "foxes", posture: "ground" },
        { id: "cow", name: "cow", plural: "cows", posture: "ground" },
      ] as never,
      people: [],
      of: new Map([
        ["fox", [sprite("fox")]],
        ["cow", [sprite("cow")]],
      ]),
    }
    const truths = (["cartoon", "mosaic"] as const).map((style, i) =>
      sampleScene(cast, 5 + i, { style, layout: "single", concept: "cow", aspect: "1:1", examine: true }),
    )
    const lines = truths.map((truth, i) =>
      JSON.stringify({
        index: i === 0 ? 99 : 100,
        offset: i * 128 * 128 * 3,
        width: 128,
        height: 128,
        truth,
      }),
    )
    const out = join(folder, "scenes")
    mkdirSync(join(out, "v1"), { recursive: true })
    writeFileSync(join(out, "v1", "shard-0000.jsonl"), `${lines.join("\n")}\n`)
    writeFileSync(join(out, "v1", "shard-0000.bin"), Buffer.alloc(2 * 128 * 128 * 3, 7))
    writeFileSync(join(out, "index.json"), JSON.stringify({ shards: ["v1/shard-0000"] }))
    const judge = openScenes(out, "judge")
    assert.deepEqual([judge.held.length, judge.used.length], [1, 1])
    assert.equal(judge.held[0]!.style, -1)
    assert.equal(judge.used[0]!.style, styleIndex("mosaic"))
    assert.equal(judge.used[0]!.things[0]!.concept, conceptIndex("cow"))
    assert.equal(judge.read(judge.used[0]!).rgb[0], 7)
    const model = openScenes(out, "train")
    assert.equal(model.held[0]!.style, styleIndex("cartoon"))
    assert.ok(!model.held[0]!.teaches && judge.held[0]!.teaches)

    const { used, held } = steadyThumbnails(out)
    assert.deepEqual([used.length, held.length], [1, 1])
    assert.ok(used[0]!.every((v) => v === 7))
  })

  it("are none where no set was built", () => {
    assert.equal(openScenes(join(folder, "empty"), "judge").used.length, 0)
  })
})
