// A grown denoiser: more blocks, the same velocity, and none of its new blocks out of reach of training; more words.
import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import * as ort from "onnxruntime-node"
import { compile, input } from "../../src/graph/index.ts"
import { denoiser, Weights } from "../../src/nets/index.ts"
import { loadRun, saveRun } from "../../src/train/checkpoint.ts"
import { grown, grownOrder, grownRun, growVocabulary } from "../../src/train/grow.ts"
import { Random } from "../../src/train/random.ts"
import { ditConfig, ditConfigOf } from "../../src/train/recipes/dit-network.ts"
import { parametersOf } from "../../src/train/step.ts"

const config = (layers: number) => ({ ...ditConfig(96, layers), places: false, pools: 0 })

function velocityOf(layers: number) {
  const c = config(layers)
  const rope = { cosine: input("cosine", [10, 16]), sine: input("sine", [10, 16]) }
  return denoiser(
    {
      image: input("image", [1, 8, c.channels * 4]),
      time: input("time", [1, 1, c.timeDim]),
      text: input("text", [1, 2, c.features]),
      rope,
    },
    new Weights(),
    c,
  ).velocity
}

async function run(layers: number, weights: ReadonlyMap<string, Float32Array>): Promise<Float32Array> {
  const random = new Random(7)
  const { model } = compile(
    { out: velocityOf(layers) },
    { weights: (name) => ({ kind: "values", data: weights.get(name)! }) },
  )
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 })
  const c = config(layers)
  const feed = (shape: number[]) =>
    new ort.Tensor("float32", random.normals(shape.reduce((a, b) => a * b)), shape)
  const feeds = {
    image: feed([1, 8, c.channels * 4]),
    time: feed([1, 1, c.timeDim]),
    text: feed([1, 2, c.features]),
    cosine: feed([10, 16]),
    sine: feed([10, 16]),
  }
  const { out } = await session.run(feeds)
  await session.release()
  return out!.data as Float32Array
}

test("twelve blocks out of eight compute what the eight computed", async () => {
  const random = new Random(3)
  const weights = new Map(
    parametersOf([velocityOf(8)]).map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1)
      return [name, random.normals(size).map((v) => v * 0.1)] as const
    }),
  )
  const deep = grown(weights, 12)
  assert.deepEqual(
    parametersOf([velocityOf(12)]).filter(({ name }) => !deep.has(name)),
    [],
  )
  const [shallow, deeper] = [await run(8, weights), await run(12, deep)]
  assert.ok(shallow.some((v) => Math.abs(v) > 0.01))
  shallow.forEach((v, i) => {
    assert.ok(Math.abs(v - deeper[i]!) < 1e-5, `${v} and ${deeper[i]}`)
  })
})

test("the sizes of a grown denoiser are those of its weights, and others are refused", () => {
  const weights = new Map(
    parametersOf([velocityOf(2)]).map(({ name, shape }) => [
      name,
      new Float32Array(shape.reduce((a, b) => a * b, 1)),
    ]),
  )
  const deep = grown(weights, 5)
  assert.deepEqual(ditConfigOf(deep), ditConfig(96, 5))
  assert.deepEqual(ditConfigOf(deep, { layers: 5 }), ditConfig(96, 5))
  assert.throws(() => ditConfigOf(deep, { layers: 12 }), /--layers 12: the run has 5/)
  assert.throws(() => ditConfigOf(deep, { features: 192 }), /--features 192: the run has 96/)
})

test("copies stand behind their originals, spread evenly", () => {
  const short = (from: number, to: number) =>
    grownOrder(from, to)
      .map(({ source, copy }) => `${source}${copy ? "'" : ""}`)
      .join(" ")
  assert.equal(short(8, 12), "0 1 1' 2 3 3' 4 5 5' 6 7 7'")
  assert.equal(short(2, 4), "0 0' 1 1'")
  assert.equal(short(3, 3), "0 1 2")
})

test("of a run the weights and averages grow, blocks' momenta start afresh, all else is kept", () => {
  const one = (v: number) => new Float32Array([v])
  const counters = { step: 5, samples: 9, seconds: 3, operations: 1, unaveraged: 2 }
  const state = new Map([
    ["w:blocks.0.mlp.up.weight", one(1)],
    ["w:first.weight", one(2)],
    ["s:blocks.0.mlp.up.weight.momentum", one(3)],
    ["s:first.weight.m", one(4)],
  ])
  const average = new Map([["blocks.0.mlp.up.weight", one(5)]])
  const result = grownRun({ counters, state, average }, 2)
  assert.deepEqual(result.counters, counters)
  assert.deepEqual([...result.state.keys()].sort(), [
    "s:first.weight.m",
    "w:blocks.0.mlp.up.weight",
    "w:blocks.1.mlp.up.weight",
    "w:first.weight",
  ])
  assert.deepEqual([...result.average.keys()], ["blocks.0.mlp.up.weight", "blocks.1.mlp.up.weight"])
})

test("new words begin as what stood for every word without a row, and growing again changes nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "atelier-grow-"))
  const table = (of: number) => Float32Array.of(0, 0, 7, of, 5, 6) // the closing token, the unknown word, "fox"
  const name = "text.embed_tokens.weight"
  const counters = { step: 5, samples: 9, seconds: 3, operations: 1, unaveraged: 2 }
  const state = new Map([
    [`w:${name}`, table(1)],
    [`s:${name}.mean`, table(2)],
    ["w:first.weight", Float32Array.of(4)],
  ])
  const shapeOf = (key: string) => (key.includes(name) ? [3, 2] : [1])
  await saveRun(folder, { counters, state, average: new Map([[name, table(3)]]) }, shapeOf)
  writeFileSync(join(folder, "words.json"), '["fox"]')

  assert.deepEqual(await growVocabulary(folder, ["girl", "fox", "king"]), ["girl", "king"])
  const run = (await loadRun(folder))!
  assert.deepEqual(JSON.parse(readFileSync(join(folder, "words.json"), "utf8")), ["fox", "girl", "king"])
  assert.deepEqual([...run.state.get(`w:${name}`)!], [...table(1), 7, 1, 7, 1])
  assert.deepEqual([...run.state.get(`s:${name}.mean`)!], [...table(2), 0, 0, 0, 0])
  assert.deepEqual([...run.average.get(name)!], [...table(3), 7, 3, 7, 3])
  assert.deepEqual([...run.state.get("w:first.weight")!], [4])
  assert.deepEqual(run.counters, counters)

  assert.deepEqual(await growVocabulary(folder, ["girl", "fox", "king"]), [])
  assert.deepEqual(await loadRun(folder), run)
  await assert.rejects(growVocabulary(join(folder, "none"), []), /no run .*restore/)
  rmSync(folder, { recursive: true })
})
