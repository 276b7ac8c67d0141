// A judge's run from end to end on fake pictures: generation with a cache, figures, report, table; the feature network.
import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, it } from "node:test"
import * as ort from "onnxruntime-node"
import { EMBEDDED } from "../../src/controls/creativity/index.ts"
import type { Generation } from "../../src/request/engine.ts"
import type { GenerationRequest } from "../../src/request/request.ts"
import { figuresOf, met } from "../../src/train/judge/figures.ts"
import { type Findings, reportOf } from "../../src/train/judge/judgement.ts"
import { CONCEPT_IDS, conceptIndex } from "../../src/train/judge/labels.ts"
import { inOrder, type Observation } from "../../src/train/judge/observe.ts"
import { fingerprint, openStudio } from "../../src/train/judge/pictures.ts"
import { encodePng } from "../../src/train/judge/pixels.ts"
import { type Prompt, readPrompts } from "../../src/train/judge/prompts.ts"
import { tableOf } from "../../src/train/judge/table.ts"
import { buildMobilenet, FEATURES, type KerasModel } from "../../src/vision/index.ts"

const folder = mkdtempSync(join(tmpdir(), "judge-run-"))
after(() => rmSync(folder, { recursive: true, force: true }))

describe("the judge's pictures", () => {
  const asked: GenerationRequest[] = []
  const engine = {
    generate: async (request: GenerationRequest): Promise<Generation> => {
      asked.push(request)
      const rgb = new Uint8Array(512 * 512 * 3).fill(request.seed! % 256)
      const bytes = await encodePng({ width: 512, height: 512, rgb })
      const picture = {
        index: 0,
        seed: request.seed!,
        width: 512,
        height: 512,
        format: "png" as const,
        bytes,
      }
      return { pictures: [picture], request, expandedPrompts: [request.prompt], seconds: {}, notes: [] }
    },
  }

  it("are made once per request and model, and kept small", async () => {
    const cache = join(folder, "cache")
    const studio = openStudio(engine, "one", cache, EMBEDDED)
    const first = await studio.picture({ prompt: "a fox", seed: 9 })
    assert.deepEqual([first.width, first.rgb[0]], [256, 9])
    await openStudio(engine, "one", cache, EMBEDDED).picture({ prompt: "a fox", seed: 9 })
    assert.equal(asked.length, 1)
    await studio.picture({ prompt: "a fox", seed: 10 })
    await openStudio(engine, "two", cache, EMBEDDED).picture({ prompt: "a fox", seed: 9 })
    assert.equal(asked.length, 3)
    assert.equal(studio.made().count, 2)
    assert.ok(readdirSync(cache).every((name) => name.endsWith(".png")))
  })

  it("are of what the model read: another list of ideas makes them anew", async () => {
    const cache = join(folder, "ideas")
    const before = asked.length
    const request = { prompt: "a fox", seed: 9, creativity: 50 }
    await openStudio(engine, "one", cache, EMBEDDED).picture(request)
    await openStudio(engine, "one", cache, EMBEDDED).picture(request)
    await openStudio(engine, "one", cache, { ...EMBEDDED, ideas: [] }).picture(request)
    assert.equal(asked.length, before + 2)
  })

  it("belong to a model until one of its files changes, or one of another folder that it is made of", async () => {
    const [own, base] = [join(folder, "own"), join(folder, "base")]
    for (const each of [own, base]) mkdirSync(each)
    const path = join(own, "adapter.bin")
    writeFileSync(path, "one")
    writeFileSync(join(base, "dit.bin"), "one")
    writeFileSync(join(own, "model.json"), JSON.stringify({ files: { dit: "../base/dit.bin" } }))
    const before = await fingerprint(own)
    writeFileSync(join(own, "README.md"), "a card, which makes no picture")
    assert.equal(await fingerprint(own), before)
    writeFileSync(path, "other")
    const after = await fingerprint(own)
    assert.notEqual(after, before)
    writeFileSync(join(base, "dit.bin"), "other")
    assert.notEqual(await fingerprint(own), after)
  })
})

/** What a model would show that gets everything right, or, every n-th time, nothing. */
function pretend(prompt: Prompt, i: number, wrongEvery: number): Observation {
  const ok = wrongEvery === 0 || i % wrongEvery !== 0
  const { concepts, style, background, backgroundColour, colour, count, relation } = prompt
  return {
    prompt,
    features: Float32Array.of(1, i % 17, i % 5, i % 3),
    ...(concepts.length === 1 && { conceptRank: ok ? 1 : 9 }),
    ...(style && { style: ok }),
    ...(background && { backgroundType: ok }),
    ...(backgroundColour && { backgroundColour: ok }),
    ...(colour && { objectColour: ok }),
    ...(count && { count: ok ? count : count + 1 }),
    ...(relation && { relation: ok }),
  }
}
const findings = (wrongEvery: number): Findings => {
  const observations = readPrompts().map((p, i) => pretend(p, i, wrongEvery))
  return { figures: figuresOf(observations), observations }
}

describe("the judge's figures", () => {
  it("are full marks for pictures that show what was asked, and every target is met", () => {
    const { figures } = findings(0)
    for (const f of figures) {
      assert.equal(f.estimate.value, /drop/.test(f.key) ? 0 : 1, f.key)
      assert.notEqual(met(f), false, f.key)
    }
    const targets = figures.filter((f) => f.target !== undefined).map((f) => f.key)
    assert.deepEqual(targets, [
      "concept.top1",
      "concept.top5",
      "style",
      "background.colour",
      "background.type",
      "object.colour",
      "count",
      "relation",
      "combination.drop",
      "synonym.ratio",
    ])
  })

  it("fall with the pictures", () => {
    const figure = (key: string) => findings(3).figures.find((f) => f.key === key)!
    assert.ok(Math.abs(figure("concept.top1").estimate.value - 2 / 3) < 0.03)
    assert.equal(met(figure("concept.top1")), false)
    assert.ok(figure("style").estimate.low < 2 / 3 && figure("style").estimate.high > 2 / 3)
  })

  it("want each place of a pair to prefer the thing that belongs there", () => {
    const concepts = (fox: number, cow: number): Float32Array => {
      const concept = new Float32Array(CONCEPT_IDS.length)
      concept[conceptIndex("fox")] = fox
      concept[conceptIndex("cow")] = cow
      return concept
    }
    const [fox, cow] = [concepts(0.2, 0.1), concepts(0.05, 0.3)]
    assert.equal(inOrder(fox, cow, ["fox", "cow"]), true)
    assert.equal(inOrder(cow, fox, ["fox", "cow"]), false)
    assert.equal(inOrder(fox, fox, ["fox", "cow"]), false)
  })
})

describe("the judge's report", () => {
  const self = {
    concept1: { value: 0.9, low: 0.88, high: 0.92, n: 400 },
    concept5: { value: 0.96, low: 0.94, high: 0.98, n: 400 },
    known1: { value: 0.99, low: 0.98, high: 1, n: 200 },
    known5: { value: 1, low: 0.99, high: 1, n: 200 },
    style: { value: 0.95, low: 0.9, high: 0.97, n: 80 },
  }
  const report = reportOf({
    command: "npm run judge",
    model: "medium",
    self,
    samples: 5,
    art: findings(0),
    made: findings(4),
  })

  it("survives JSON and holds the model beside real art", () => {
    const back = JSON.parse(JSON.stringify(report)) as typeof report
    const style = back.figures.find((f) => f.key === "style")!
    assert.ok(style.model!.value < style.art.value)
    assert.ok(back.frechet!.classifier.model.value >= 0)
    assert.equal(
      Object.values(back.prompts).reduce((a, b) => a + b, 0),
      readPrompts().length,
    )
  })

  it("is a table that says which targets are met", () => {
    const table = tableOf(report)
    assert.match(table, /^Printed by `npm run judge`, its classifier of 5 samples\n/)
    assert.match(
      table,
      /\| style word +\| 7\d\.\d \[\d+\.\d, \d+\.\d\] +\| 136 +\| >= 90\.0 +\| missed +\| 100\.0/,
    )
    assert.match(table, /never seen combinations, drop .*<= 10\.0/)
    assert.match(table, /style, subjects it never saw .*>= 97\.0 +\| missed/)
  })

  it("tells copies of steady pictures beside steady pictures that training leaves out", () => {
    const near = (median: number) => ({ min: median / 2, p5: median, median, p95: median, n: 3 })
    const table = tableOf(
      reportOf({
        command: "npm run judge",
        model: "medium",
        self,
        samples: 5,
        art: findings(0),
        made: { ...findings(4), steady: near(0.1) },
        steadyArt: near(0.08),
      }),
    )
    assert.match(table, /\| nearest steady picture, min +\| 0\.0500 +\| 0\.0400 +\|/)
    assert.match(table, /\| nearest steady picture, median +\| 0\.1000 +\| 0\.0800 +\|/)
    assert.doesNotMatch(tableOf(report), /nearest/)
  })

  it("has a dash where too few pictures make no distance", () => {
    const none = { value: Number.NaN, low: Number.NaN, high: Number.NaN, n: 1 }
    const spread = { within: none, between: none }
    assert.match(
      tableOf({ ...report, spread: { art: spread, model: spread } }),
      /spread over seeds.* - +\| - +\|/,
    )
  })

  it("leaves the model's column empty when only the judge is examined", () => {
    const table = tableOf(
      reportOf({ command: "npm run judge -- --examine", model: null, self, samples: 5, art: findings(0) }),
    )
    assert.match(table, /\| style word +\| - +\|/)
  })
})

describe("the independent feature network", () => {
  it("is what Keras would compute: padding, strides, depthwise kernels, folded norms, limits, sums", async () => {
    // 3 channels -> 2 by a strided 1x1, norm, relu6, depthwise 3x3, norm, add, pool: on a constant picture.
    const weights: {
      name: string
      shape: number[]
      quantization: { min: number; scale: number; dtype: "uint8" }
    }[] = []
    const bytes: number[] = []
    const put = (name: string, shape: number[], values: number[]): void => {
      weights.push({ name, shape, quantization: { min: -1, scale: 0.5, dtype: "uint8" } })
      bytes.push(...values.map((v) => (v + 1) / 0.5))
    }
    const norm = (name: string, gamma: number, beta: number, mean: number): void => {
      put(`${name}/gamma`, [1280], Array(1280).fill(gamma))
      put(`${name}/beta`, [1280], Array(1280).fill(beta))
      put(`${name}/moving_mean`, [1280], Array(1280).fill(mean))
      put(`${name}/moving_variance`, [1280], Array(1280).fill(0.5))
    }
    put(
      "c/kernel",
      [1, 1, 3, 1280],
      Array.from({ length: 3 * 1280 }, (_, i) => (i % 1280 === 0 ? 4 : 1)),
    )
    norm("n", 1, 0.5, 1)
    put(
      "d/depthwise_kernel",
      [3, 3, 1280, 1],
      Array.from({ length: 9 * 1280 }, (_, i) => (Math.floor(i / 1280) === 4 ? 1 : 0)),
    )
    norm("m", 2, 0, 0)
    const layer = (class_name: string, name: string, from: string[], config: object = {}) => ({
      class_name,
      name,
      config,
      inbound_nodes: from.length ? [from.map((f) => [f, 0, 0, {}] as [string, number, number, unknown])] : [],
    })
    const eps = 0.5 // variance + epsilon = 1
    const layers = [
      layer("InputLayer", "i", []),
      layer("ZeroPadding2D", "p", ["i"], {
        padding: [
          [0, 16],
          [0, 16],
        ],
      }),
      layer("Conv2D", "c", ["p"], { strides: [16, 16], padding: "valid", use_bias: false }),
      layer("BatchNormalization", "n", ["c"], { epsilon: eps }),
      layer("ReLU", "r", ["n"]),
      layer("DepthwiseConv2D", "d", ["r"], { strides: [1, 1], padding: "same", use_bias: false }),
      layer("BatchNormalization", "m", ["d"], { epsilon: eps }),
      layer("Add", "a", ["m", "r"]),
      layer("AveragePooling2D", "v", ["a"], { pool_size: [15, 15] }),
      layer("Flatten", "flatten_1", ["v"]),
    ]
    const model = {
      modelTopology: { model_config: { config: { layers } } },
      weightsManifest: [{ weights }],
    } as KerasModel
    const session = await ort.InferenceSession.create(buildMobilenet(model, Uint8Array.from(bytes), FEATURES))
    const image = new ort.Tensor("float32", new Float32Array(3 * 224 * 224).fill(0.25), [1, 3, 224, 224])
    const features = (await session.run({ image })).out!.data as Float32Array
    // Channel 0: 3 * 4 * 0.25 = 3, less mean 1, plus 0.5 = 2.5, tripled by the sum = 7.5; padding: 0 - 1 + 0.5 < 0 -> 0.
    const inside = (14 * 14) / (15 * 15)
    assert.ok(Math.abs(features[0]! - 7.5 * inside) < 1e-3, String(features[0]))
    // Channel 1: 0.75 - 1 + 0.5 = 0.25, tripled.
    assert.ok(Math.abs(features[1]! - 0.75 * inside) < 1e-3, String(features[1]))
    await session.release()
  })

  it("refuses weights that do not fit their description", () => {
    const model = {
      modelTopology: { model_config: { config: { layers: [] } } },
      weightsManifest: [
        { weights: [{ name: "x", shape: [2], quantization: { min: 0, scale: 1, dtype: "uint8" } }] },
      ],
    } as KerasModel
    assert.throws(() => buildMobilenet(model, new Uint8Array(3), FEATURES), /3 bytes.*wants 2/)
  })
})
