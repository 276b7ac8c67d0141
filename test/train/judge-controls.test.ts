// The controls' examination: its measures on numbers whose truth is known, and the whole command on a few pictures.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, it } from "node:test"
import { promisify } from "node:util"
import { COLOURS, dominant, PAINT } from "../../src/train/data/colours.ts"
import { CONCEPTS } from "../../src/train/data/concepts.ts"
import { heldOut } from "../../src/train/data/holdout.ts"
import type { Cutout, Sprite, SpriteSource } from "../../src/train/data/sprites.ts"
import { STYLE_TRAITS } from "../../src/train/data/styles/names.ts"
import { varietyOf } from "../../src/train/judge/controls/creativity.ts"
import { maskFiguresOf, stepAcross } from "../../src/train/judge/controls/mask.ts"
import { gap, PARTS, sampled } from "../../src/train/judge/controls/measure.ts"
import {
  blendFiguresOf,
  type Trial,
  trialFiguresOf,
  WEIGHTS,
} from "../../src/train/judge/controls/reference-figures.ts"
import { controlsTable } from "../../src/train/judge/controls/report.ts"
import { judgeControls } from "../../src/train/judge/controls/run.ts"
import {
  SLIDER_VALUES,
  SUBJECT_VALUES,
  type Sweep,
  sliderFiguresOf,
} from "../../src/train/judge/controls/sliders.ts"
import { spreadFiguresOf } from "../../src/train/judge/controls/spread.ts"
import { likeness, STRENGTHS, startFiguresOf } from "../../src/train/judge/controls/start.ts"
import { conceptNamed, pairsOf } from "../../src/train/judge/controls/subjects.ts"
import type { Figure } from "../../src/train/judge/figures.ts"
import { met } from "../../src/train/judge/figures.ts"
import { pairedRatio } from "../../src/train/judge/statistics.ts"
import { classifierShapes, exportClassifier } from "../../src/train/judge/weights.ts"
import { Random } from "../../src/train/random.ts"

const folder = mkdtempSync(join(tmpdir(), "judge-controls-"))
after(() => rmSync(folder, { recursive: true, force: true }))

const figure = (figures: readonly Figure[], key: string): number =>
  figures.find((f) => f.key === key)!.estimate.value
const verdictOf = (figures: readonly Figure[], key: string): boolean | undefined =>
  met(figures.find((f) => f.key === key)!)

describe("what the controls are measured on", () => {
  it("are at least sixty pairs over all styles that a filter makes, none held out, no subject shown twice", () => {
    const pairs = pairsOf(70, false)
    const styles = Map.groupBy(pairs, (p) => p.style)
    assert.ok(pairs.length >= 60 && [...styles.values()].every((list) => list.length === 5))
    for (const { style, prompt, reference } of pairs) {
      assert.equal(STYLE_TRAITS[style].native, false)
      assert.equal(prompt.style, undefined)
      assert.equal(reference.style, style)
      assert.notEqual(prompt.concepts[0], reference.concepts[0])
      assert.equal(heldOut("style", style, prompt.concepts[0]!), false)
    }
    assert.equal(new Set(pairs.flatMap((p) => [...p.prompt.concepts, ...p.reference.concepts])).size, 140)
    for (const { style, prompt } of pairsOf(20, true))
      assert.ok(prompt.prompt.includes(STYLE_TRAITS[style].adjectives[0]!), prompt.prompt)
  })

  it("are prompts whose concept is known only where they name exactly one, outside quotes", () => {
    assert.equal(conceptNamed("a grumpy Fox, at night"), "fox")
    assert.equal(conceptNamed("a fox and an owl"), undefined)
    assert.equal(conceptNamed('a sign that says "fox"'), undefined)
    assert.equal(conceptNamed("something else"), undefined)
  })

  it("are sampled evenly, so that a few stand for all", () => {
    assert.deepEqual(sampled([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 3), [0, 3, 6])
    assert.deepEqual(sampled([1, 2], 5), [1, 2])
  })
})

/** A trial whose style is as likely as `style` says at each weight. */
function trial(style: (w: number) => number, named = false, leaks: readonly number[] = []): Trial {
  return {
    named,
    views: [
      WEIGHTS.map((w) => ({
        palette: 1 - style(w) / 2,
        verdict: { style: style(w), isStyle: style(w) > 0.5, isSubject: w < 2, isLeak: leaks.includes(w) },
      })),
    ],
  }
}

describe("figures of references", () => {
  const rising = (w: number): number => 1 / (1 + Math.exp(-3 * w))

  it("are full marks where the style follows the weight both ways", () => {
    const figures = trialFiguresOf([trial(rising), trial(rising, true)])
    for (const key of ["spearman", "recognised", "away.1", "away.2", "palette.gap", "concept", "leak"])
      assert.equal(verdictOf(figures, `references.${key}`), true, key)
    assert.equal(figure(figures, "references.spearman"), 1)
    assert.equal(figure(figures, "references.palette"), 1)
    assert.equal(figure(figures, "references.leak"), 0)
  })

  it("are missed by a model that does not listen, and by one that goes the other way", () => {
    const deaf = trialFiguresOf([trial(() => 0.3), trial(() => 0.3, true)])
    assert.equal(figure(deaf, "references.spearman"), 0)
    for (const key of ["spearman", "recognised", "away.1", "away.2", "palette.gap"])
      assert.equal(verdictOf(deaf, `references.${key}`), false, key)
    assert.equal(figure(trialFiguresOf([trial((w) => 1 - rising(w))]), "references.spearman"), -1)
  })

  it("go by the mean over seeds, and say beside it what one seed alone gives", () => {
    // Each seed wanders; together they rise.
    const one = trial((w) => rising(w) + (w === 1 ? 0.3 : 0))
    const two = trial((w) => rising(w) - (w === 1 ? 0.3 : 0))
    const figures = trialFiguresOf([{ named: false, views: [...one.views, ...two.views] }])
    assert.equal(figure(figures, "references.spearman"), 1)
    assert.ok(figure(figures, "references.spearman.single") < 1)
  })

  it("ask for less of a style only where there was some", () => {
    const absent = trialFiguresOf([trial((w) => (w > 0 ? 0.9 : 0.001)), trial(rising, true)])
    assert.equal(absent.find((f) => f.key === "references.away.1")!.estimate.n, 1)
  })

  it("say beside them what they would be if a style that is not there could not become less", () => {
    // 0 at every weight up to 0 but for chance: no rank tells anything there.
    const chance = [0.003, 0.001, 0.004, 0.002]
    const gone = trialFiguresOf([
      trial((w) => (w > 0 ? 0.3 * w : chance[WEIGHTS.indexOf(w as -2)]!)),
      trial((w) => (w < 0 ? 0.001 * -w : 0.5 + 0.1 * w)),
    ])
    const [asked, alike] = ["", ".floored"].map((end) => figure(gone, `references.spearman${end}`))
    assert.ok(asked! < alike! && alike! > 0.9, `${asked} and ${alike}`)
    assert.equal(figure(gone, "references.away.2"), 0)
    assert.equal(figure(gone, "references.away.2.floored"), 1)
  })

  it("count every positive weight at which the reference's subject appears", () => {
    const figures = trialFiguresOf([trial(rising, false, [1, 2]), trial(rising)])
    assert.equal(figure(figures, "references.leak"), 2 / 6)
    assert.equal(verdictOf(figures, "references.leak"), false)
  })

  it("give palettes, and nothing else, without a classifier", () => {
    const views = [WEIGHTS.map((w) => ({ palette: 2 - w }))]
    const keys = trialFiguresOf([{ named: false, views }]).map((f) => f.key)
    assert.ok(keys.length > 0 && keys.every((key) => key.startsWith("references.palette")), keys.join(" "))
  })

  it("want both of two styles to show, not one for both", () => {
    const side = (blended: number) => ({ blended: [blended, blended], alone: [0.8, 0.8] })
    const fair = { first: side(0.4), second: side(0.3) }
    const unfair = { first: side(0.8), second: side(0.1) }
    assert.equal(verdictOf(blendFiguresOf([fair]), "references.both"), true)
    assert.equal(figure(blendFiguresOf([fair, unfair]), "references.both"), 0.5)
  })
})

describe("figures of the other controls", () => {
  it("find a start picture's structure falling, and one that comes back", () => {
    const falling = STRENGTHS.map((s) => 1 - s)
    const figures = startFiguresOf([falling, STRENGTHS.map((s) => Math.abs(s - 0.5))])
    assert.equal(figure(figures, "start.each"), 0.5)
    assert.equal(figure(startFiguresOf([falling]), "start.spearman"), -1)
    assert.equal(figure(figures, "start.similarity.0"), 0.75)
  })

  it("find what a mask kept, what is seen in it beside the words alone, and a step across its edge", () => {
    const one = { kept: true, step: 0.1, before: 0.1, rank: 1, alone: 1 }
    const figures = maskFiguresOf([
      one,
      { ...one, rank: 3 },
      { ...one, rank: 9 },
      { ...one, kept: false, step: 0.5 },
    ])
    assert.equal(figure(figures, "mask.kept"), 0.75)
    assert.equal(figure(figures, "mask.top1"), 0.5)
    assert.equal(figure(figures, "mask.top5.ratio"), 0.75)
    assert.equal(verdictOf(figures, "mask.top1.ratio"), false)
    assert.equal(figure(figures, "mask.step"), 0.2)
    // A grey picture with a white circle in its first place: a step of half of all there is.
    const side = 512
    const rgb = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
      const pixel = Math.floor(i / 3)
      const away = Math.hypot((pixel % side) - 0.7 * side, Math.floor(pixel / side) - 0.3 * side)
      return away < 0.2 * side ? 255 : 127.5
    })
    assert.ok(Math.abs(stepAcross({ width: side, height: side, rgb }, [0.7, 0.3]) - 0.5) < 0.01)
    assert.equal(stepAcross({ width: side, height: side, rgb }, [0.3, 0.7]), 0)
  })

  it("find likeness 1 for a picture at another size, and less for another picture", async () => {
    const rings = (side: number, k: number) => {
      const rgb = new Uint8Array(side * side * 3)
      for (let i = 0; i < side * side; i++) {
        const [x, y] = [(i % side) / side, Math.floor(i / side) / side]
        rgb.fill(128 + 100 * Math.sin(k * Math.hypot(x - 0.5, y - 0.5)), 3 * i, 3 * i + 3)
      }
      return { width: side, height: side, rgb }
    }
    assert.ok((await likeness(rings(128, 40), rings(256, 40))) > 0.95)
    assert.ok((await likeness(rings(128, 40), rings(128, 25))) < 0.5)
  })

  it("find sliders that move what they name, and tell those that move nothing", () => {
    const sweep = (slider: Sweep["slider"], follow: boolean): Sweep => ({
      slider,
      attributes: SLIDER_VALUES.map((v) => {
        const x = follow ? 0.3 + v / 1000 : 0.3
        return { saturation: x, contrast: x, edges: x, diagonal: x, lean: 0 }
      }),
      shown: SUBJECT_VALUES.map((v) => (v === 0 ? 0.8 : 0.4)),
    })
    const figures = sliderFiguresOf([
      sweep("intensity", true),
      sweep("complexity", false),
      sweep("movement", true),
    ])
    assert.equal(figure(figures, "sliders.intensity"), 1)
    assert.equal(figure(figures, "sliders.complexity"), 0)
    assert.equal(verdictOf(figures, "sliders.movement"), true)
    assert.equal(figure(figures, "sliders.movement.concept"), 0.5)
  })

  it("find no variety in equal pictures, some in different ones, and overlapping intervals", () => {
    const [a, b] = [Float32Array.of(1, 0), Float32Array.of(0, 1)]
    assert.ok(varietyOf([a, a, a]) < 1e-6)
    assert.ok(Math.abs(varietyOf([a, b, a]) - 2 / 3) < 1e-6)
    const spread = spreadFiguresOf([
      [a, a],
      [b, b],
    ])
    assert.ok(figure(spread, "spread.within") < 1e-6 && figure(spread, "spread.between") > 0.99)
    const [low, high] = [
      { value: 1, low: 0.9, high: 1.1, n: 5 },
      { value: 1.3, low: 1.05, high: 1.5, n: 5 },
    ]
    assert.ok(gap(high, low).value < 0 && gap(low, { ...low, high: 0.8 }).value > 0)
  })

  it("set shares of the same prompts against each other, and nothing against nothing", () => {
    const { value, low, high } = pairedRatio([
      [1, 1],
      [0, 1],
      [1, 1],
      [1, 1],
    ])
    assert.equal(value, 0.75)
    assert.ok(low < 0.75 && high <= 1)
    assert.ok(Number.isNaN(pairedRatio([[0, 0]]).value))
  })
})

/** One disc for every concept, as the judge's own drawing and as the model's. */
function discs(): SpriteSource {
  const side = 24
  const cutouts = COLOURS.slice(0, 8).map((colour): Cutout => {
    const rgba = new Uint8Array(side * side * 4)
    for (let i = 0; i < side * side; i++) {
      const isIn = Math.hypot((i % side) - 11.5, Math.floor(i / side) - 11.5) < 11
      rgba.set([...PAINT[colour].map((v) => Math.round(v * 255)), isIn ? 255 : 0], i * 4)
    }
    return { width: side, height: side, rgba }
  })
  const mains = cutouts.map((c) => dominant(c.rgba))
  const hands = [
    { set: "emojione", use: "judge" },
    { set: "noto", use: "train" },
  ] as const
  const all = hands.flatMap((hand) => CONCEPTS.map(({ id }) => ({ id, hand })))
  const sprites = all.map(
    ({ id, hand }, i): Sprite => ({
      concept: id,
      ...hand,
      file: id,
      width: side,
      height: side,
      offset: 0,
      box: [0, 0, 1, 1],
      main: mains[i % 8]!,
      recolourable: false,
      foot: [0.2, 0.8],
    }),
  )
  const copy = (s: Sprite): Cutout => {
    const cutout = cutouts[sprites.indexOf(s) % 8]!
    return { ...cutout, rgba: cutout.rgba.slice() }
  }
  return { sprites, pixels: copy, draw: async (s) => copy(s) }
}

describe("npm run judge -- controls", () => {
  const asked = {
    command: "npm run judge -- controls",
    model: "medium",
    count: 1,
    threads: 1,
    given: { steps: 1, guidance: 0, candidates: 2 },
    cache: join(folder, "cache"),
    drawings: discs,
    note: () => {},
  }

  it("measures every control with the shipped model, and makes no picture twice", async () => {
    const classifier = join(folder, "random.safetensors")
    const random = new Random(3)
    const weights = [...classifierShapes()].map(([name, shape]): [string, Float32Array] => [
      name,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.05 * random.normal()),
    ])
    await exportClassifier({ weights: new Map(weights), samples: 0 }, classifier)
    const report = await judgeControls({ ...asked, classifier })
    assert.deepEqual(report.notes, [])
    for (const part of PARTS)
      assert.ok(
        report.figures.some((f) => f.part === part),
        part,
      )
    for (const key of ["references.zero", "sliders.zero", "creativity.raw", "creativity.kept"])
      assert.equal(figure(report.figures, key), 1, key)
    assert.ok(figure(report.figures, "references.time") > 0)
    assert.deepEqual(report.figures.filter((f) => f.part === "start").length, 2 + STRENGTHS.length)
    const kept = readdirSync(join(folder, "cache", "pictures")).length
    const again = await judgeControls({ ...asked, classifier, parts: ["start"] })
    assert.deepEqual(
      again.figures,
      report.figures.filter((f) => f.part === "start"),
    )
    assert.equal(readdirSync(join(folder, "cache", "pictures")).length, kept)
    const table = controlsTable(report)
    assert.match(table, /Printed by `npm run judge -- controls`/)
    assert.match(table, /\| weight 0 is bit for bit as not given +\| 100\.0 .*>= 100 % +\| met/)
  })

  it("measures what needs no classifier without one, and says how to train it", async () => {
    const report = await judgeControls({
      ...asked,
      classifier: join(folder, "nowhere"),
      parts: ["creativity", "sliders", "spread"],
    })
    assert.equal(report.notes.length, 1)
    assert.match(
      report.notes[0]!,
      /no classifier in .*npm run train -- classifier\. Left out until then: .*spread/,
    )
    const keys = report.figures.map((f) => f.key)
    assert.ok(keys.includes("sliders.intensity") && keys.includes("creativity.aspects.gap.high"))
    assert.ok(!keys.some((key) => /concept|variety|spread/.test(key)), keys.join(" "))
  })

  it("refuses what there is not, in one sentence and before any work", async () => {
    const main = new URL("../../src/train/judge/main.ts", import.meta.url).pathname
    const refused = (line: string, sentence: RegExp) =>
      assert.rejects(
        promisify(execFile)(process.execPath, [main, ...line.split(" ")], {
          env: { ...process.env, ATELIER_DATA: "nowhere" }, // no art to work on
        }),
        ({ stderr, code }: Error & { stderr: string; code: number }) => {
          assert.match(stderr, sentence)
          assert.equal(code, 2)
          return true
        },
      )
    await refused(
      "controls --part colour",
      /^--part colour: there are creativity, references, start, mask, sliders, spread; see --help\.\n$/,
    )
    await refused("--model nope", /^There is no model nope; .*\n$/)
    await refused("--candidates 99", /^candidates: must be at most 8 .*\n$/)
    await refused("--examine --through runs/none", /^There is no run in runs\/none; .*\n$/)
  })
})
