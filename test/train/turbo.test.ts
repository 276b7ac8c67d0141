// Turbo's training: the ways that it learns, the stretches that are asked of it, and the change that becomes a file.
import assert from "node:assert/strict"
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, test } from "node:test"
import { fileURLToPath } from "node:url"
import * as ort from "onnxruntime-node"
import { applyLoras, loadLora, writeSafetensors } from "../../src/checkpoint/index.ts"
import { compile } from "../../src/graph/index.ts"
import { Weights } from "../../src/nets/index.ts"
import { loadRun } from "../../src/train/checkpoint.ts"
import { initialise } from "../../src/train/initial.ts"
import { isLowRank, lowRank, lowRankEntries, lowRankRule, merged } from "../../src/train/low-rank.ts"
import { modelOf, NOISE, Painter, type PainterModel, runSession, STEPS } from "../../src/train/painter.ts"
import type { PictureSet } from "../../src/train/pictures.ts"
import { flowLoss } from "../../src/train/recipes/dit-network.ts"
import { turboBatches } from "../../src/train/recipes/turbo.ts"
import { restoreRuns } from "../../src/train/restore.ts"
import type { Feed } from "../../src/train/step.ts"
import { drawTrajectories, openTrajectories, type Trajectory, timesOf } from "../../src/train/trajectories.ts"
import { pictureRecord } from "../support/picture-record.ts"

const MODEL = fileURLToPath(new URL("../../models/medium", import.meta.url))
const RANK = 4

const records = Array.from({ length: 64 }, (_, i) =>
  pictureRecord(i, { concepts: [i % 2 === 0 ? "fox" : "owl"] }),
)
const pictures: PictureSet = { version: "v0", shards: ["focus-0"], records, read: () => new Uint8Array() }
const latents = { has: () => true, read: (i: number) => new Float16Array(16 * 16 * 16).fill(i / 64) }

describe("Turbo", () => {
  let folder: string
  let painter: Painter
  let model: PainterModel
  let teacher: ReadonlyMap<string, Float32Array>
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "atelier-turbo-"))
    const vectors = join(folder, "vectors.bin")
    await restoreRuns(MODEL, folder, vectors)
    teacher = (await loadRun(`${folder}/dit`))!.average
    model = modelOf(`${folder}/dit`, pictures, teacher, vectors)
    painter = await Painter.open(teacher, model)
  })
  after(async () => {
    await painter.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test("ways that were cut off go on where they stopped, from the noise of a picture to what it became", async () => {
    const material = { pictures, latents, statistics: model.statistics, seed: 1, chunk: 4 }
    const draw = (count: number, name: string): Promise<void> =>
      drawTrajectories(count, painter, { ...material, folder: `${folder}/${name}`, print: () => undefined })
    await draw(4, "cut")
    appendFileSync(`${folder}/cut/points.f16`, new Uint8Array(100)) // written, but its record was not
    appendFileSync(`${folder}/cut/trajectories.jsonl`, '{"caption":"a f') // nor was all of this
    await draw(8, "cut")
    await draw(8, "whole")
    for (const file of ["points.f16", "trajectories.jsonl"])
      assert.deepEqual(readFileSync(`${folder}/cut/${file}`), readFileSync(`${folder}/whole/${file}`), file)
    const [[shape, ways]] = openTrajectories(`${folder}/whole`) as [[string, Trajectory[]]]
    assert.equal(shape, "8x8")
    assert.equal(ways.length, 8)
    const deviation = (x: Float16Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / (64 * 64))
    for (const way of ways) {
      assert.ok(Math.abs(deviation(way.point(0)) - NOISE) < 0.05)
      assert.ok(deviation(way.point(STEPS)) > 0.3)
    }
    assert.ok(ways.some(({ company }) => company.reference !== undefined))
  })

  test("every stretch of a way is to be gone in one step, from a point of it to one of Turbo's own", async () => {
    const times = timesOf([8, 8])
    // A straight way: whatever stretch is taken, its velocity is the same.
    const way: Trajectory = {
      caption: "a red fox",
      company: { sliders: [undefined, 0.5, undefined] },
      point: (k) => new Float16Array(66 * 64).fill(4 * times[k]!),
    }
    const feeds = await turboBatches([["8x8", [way]]], { model, seed: 1 }, 256)(1)
    const [image, target] = [feeds.image!.data, feeds.target!.data] as [Float32Array, Float32Array]
    const begins = new Map<number, number>()
    for (let b = 0; b < 256; b++) {
      const at = b * 66 * 64
      assert.ok(Math.abs(target[at]! - 4) < 0.02, `${target[at]}`)
      const begin = times.findIndex((t) => Math.abs(4 * t - image[at]!) < 0.01)
      begins.set(begin, (begins.get(begin) ?? 0) + 1)
    }
    assert.deepEqual([...begins.keys()].toSorted(), [0, 1, 2, 3, 4, 5, 6, 7])
    const odd = [1, 3, 5, 7].reduce((sum, k) => sum + begins.get(k)!, 0)
    assert.ok(odd > 256 * 0.15 && odd < 256 * 0.35, `${odd}`)
  })

  const lossOf = async (
    feeds: Record<string, Feed>,
    weights: ReadonlyMap<string, Float32Array>,
    network = new Weights(),
  ): Promise<number> => {
    const { loss } = flowLoss(2, model.dit, model.text, { weights: network })
    const graph = compile({ loss }, { weights: (name) => ({ kind: "values", data: weights.get(name)! }) })
    const session = await ort.InferenceSession.create(graph.model)
    const { loss: found } = await runSession(session, feeds)
    await session.release()
    return (found!.data as Float32Array)[0]!
  }

  test("a low-rank change begins as none, computes what the merged weights do, and so does its file", async () => {
    const way: Trajectory = {
      caption: "a red fox",
      company: { sliders: [undefined, undefined, undefined] },
      point: (k) => Float16Array.from({ length: 66 * 64 }, (_, j) => Math.sin(j * (k + 1))),
    }
    const feeds = await turboBatches([["8x8", [way]]], { model, seed: 1 }, 2)(1)
    const network = () => new Weights(lowRank(RANK))
    const { loss } = flowLoss(2, model.dit, model.text, { weights: network() })
    const fresh = new Map(
      [...initialise([loss], 1, lowRankRule)].map(([key, data]): [string, Float32Array] => {
        const name = key.slice(2)
        return [name, teacher.get(name) ?? data]
      }),
    )
    const plain = await lossOf(feeds, teacher)
    assert.equal(await lossOf(feeds, fresh, network()), plain)

    const changed = new Map(
      [...fresh].map(([name, data]) => [
        name,
        isLowRank(name) ? data.map((x, i) => x + 0.05 * Math.sin(i)) : data,
      ]),
    )
    const found = await lossOf(feeds, changed, network())
    assert.ok(Math.abs(found - plain) > 1e-3)
    const together = merged(changed)
    assert.ok(Math.abs((await lossOf(feeds, together)) - found) < 1e-4 * found)
    assert.ok(![...together.keys()].some(isLowRank))

    await writeSafetensors(`${folder}/adapter.safetensors`, lowRankEntries(changed))
    const lora = await loadLora(`${folder}/adapter.safetensors`, model.dit)
    assert.ok(lora.modules.every(({ rank, alpha }) => rank === RANK && alpha === RANK))
    for (const { module } of lora.modules) {
      const name = `${module}.weight`
      const loaded = applyLoras(name, teacher.get(name)!.slice(), [{ lora, strength: 1 }])
      const wanted = together.get(name)!
      assert.ok(
        loaded.every((x, i) => Math.abs(x - wanted[i]!) < 2e-3),
        name,
      )
    }
    assert.equal(lora.modules.length, 12 * 8 + 5)
  })
})
