// Post-training on own pictures: what is painted, what the verifier says of it, and where the velocity is moved.
import assert from "node:assert/strict"
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, test } from "node:test"
import { fileURLToPath } from "node:url"
import * as ort from "onnxruntime-node"
import { compile } from "../../src/graph/index.ts"
import { loadRun } from "../../src/train/checkpoint.ts"
import {
  BACKGROUND_NAMES,
  CONCEPT_IDS,
  conceptIndex,
  STYLE_NAMES,
  styleIndex,
} from "../../src/train/judge/labels.ts"
import { loadClassifier } from "../../src/train/judge/weights.ts"
import { modelOf, Painter, type PainterModel, runSession } from "../../src/train/painter.ts"
import type { Located, PictureSet } from "../../src/train/pictures.ts"
import { flowLoss } from "../../src/train/recipes/dit-network.ts"
import { bettered, ownBatches } from "../../src/train/recipes/preference.ts"
import { restoreRuns } from "../../src/train/restore.ts"
import { advantages, drawRollouts, GROUP } from "../../src/train/rollouts.ts"
import { agreement, type Sight, Verifier } from "../../src/train/verifier.ts"
import { pictureRecord } from "../support/picture-record.ts"

const MODEL = fileURLToPath(new URL("../../models/medium", import.meta.url))

/** Probabilities of concepts. */
function seen(shares: Record<string, number>): Float32Array {
  const p = new Float32Array(CONCEPT_IDS.length)
  for (const [concept, share] of Object.entries(shares)) p[conceptIndex(concept)] = share
  return p
}

function sightOf(whole: Record<string, number>, pieces: readonly Record<string, number>[] = []): Sight {
  const style = new Float32Array(STYLE_NAMES.length)
  style[styleIndex("watercolor")] = 1
  return {
    concept: seen(whole),
    style,
    background: new Float32Array(BACKGROUND_NAMES.length),
    pieces: pieces.map(seen),
  }
}

describe("the verifier's agreement", () => {
  test("is whole where the picture is surely what was asked, and falls with what it could be instead", () => {
    const asked = { concepts: ["fox"] }
    assert.equal(agreement(sightOf({ fox: 1 }), asked).things, 0)
    const half = agreement(sightOf({ fox: 0.5, owl: 0.5 }), asked)
    assert.ok(Math.abs(half.things - Math.log(0.5)) < 1e-6)
    assert.ok(agreement(sightOf({ owl: 1 }), asked).things < half.things)
  })
  test("of two things is that of the one which is seen least well, each in the piece that shows it best", () => {
    const asked = { concepts: ["fox", "owl"] }
    const half = { fox: 0.5, owl: 0.5 }
    assert.equal(agreement(sightOf(half, [{ owl: 1 }, { fox: 1 }]), asked).things, 0)
    assert.ok(agreement(sightOf(half, [{ fox: 1 }, { fox: 1 }]), asked).things < -4)
    assert.equal(agreement(sightOf(half, [half]), asked).things, 0)
    assert.ok(agreement(sightOf({ fox: 1 }), asked).things < -4)
  })
  test("counts a style only where one was asked for", () => {
    const sight = sightOf({ fox: 1 })
    assert.equal(agreement(sight, { concepts: ["fox"] }).style, 0)
    assert.equal(agreement(sight, { concepts: ["fox"], style: "watercolor" }).style, 0)
    assert.ok(agreement(sight, { concepts: ["fox"], style: "mosaic" }).style < -4)
  })
})

test("advantages compare pictures of one caption only, and an exceptional one counts no more than one", () => {
  const part = (things: number) => ({ things, style: 0, background: 0 })
  const easy = [0, -0.1, 0, -0.1].map(part)
  const hard = [-4, -3, -4, -0.1].map(part)
  const a = advantages([...easy, ...hard])
  for (const group of [a.slice(0, GROUP), a.slice(GROUP, 2 * GROUP)])
    assert.ok(group.some((x) => x > 0) && group.some((x) => x < 0))
  assert.ok(Math.max(...a.slice(0, GROUP)) < 0.1)
  assert.equal(a.indexOf(Math.max(...a)), 7)
  assert.ok(a.every((x) => Math.abs(x) <= 1))
})

test("a velocity goes towards a better picture, away from a worse one, and stays for one like the others", () => {
  const [c, g, way] = [Float32Array.of(1), Float32Array.of(2), Float32Array.of(4)]
  assert.equal(bettered(c, g, way, 0)[0], 1)
  assert.ok(bettered(c, g, way, 0.5)[0]! > 1)
  assert.ok(bettered(c, g, way, -0.5)[0]! < 1)
})

test("rollouts are painted for captions of the focus that are not held out, and of things", async () => {
  const folder = mkdtempSync(join(tmpdir(), "atelier-asked-"))
  const record = (index: number, change: Partial<Located> = {}): Located =>
    pictureRecord(index, { caption: `fox ${index}`, ...change })
  const records = [record(98), record(99), record(100, { shard: 1 }), record(101, { width: 96, height: 144 })]
  const pictures: PictureSet = {
    version: "v0",
    shards: ["focus-0", "shard-0"],
    records: [...records, record(102, { concepts: [] }), record(103)],
    read: () => new Uint8Array(),
  }
  const painted = new Set<string>()
  const draw: Painter["draw"] = async (captions) => {
    for (const caption of captions) painted.add(caption)
    return captions.map(() => new Float32Array(16 * 16 * 16))
  }
  try {
    await drawRollouts(40, { draw }, { pictures, folder, seed: 1, print: () => undefined })
    assert.deepEqual([...painted].sort(), ["fox 103", "fox 98"])
    const scenes = { ...pictures, shards: ["shard-0", "shard-1"] }
    const unfocused = drawRollouts(4, { draw }, { pictures: scenes, folder: `${folder}/none`, seed: 1 })
    await assert.rejects(unfocused, /no square pictures .*npm run data -- --focus/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describe("the painter and its rollouts", () => {
  let folder: string
  let painter: Painter
  const captions = ["a red fox", "a yellow star in the night sky", "a watercolor owl"]
  const records = captions.map((caption, index) => pictureRecord(index, { caption, styleless: caption }))
  const pictures: PictureSet = { version: "v0", shards: ["focus-0"], records, read: () => new Uint8Array() }
  let model: PainterModel
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "atelier-rollouts-"))
    const vectors = join(folder, "vectors.bin")
    await restoreRuns(MODEL, folder, vectors)
    const { average } = (await loadRun(`${folder}/dit`))!
    model = modelOf(`${folder}/dit`, pictures, average, vectors)
    painter = await Painter.open(average, model)
  })
  after(async () => {
    await painter.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const distance = (a: Float32Array, b: Float32Array): number =>
    Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length)

  test("a picture is the same alone and in company, and another with another seed", async () => {
    const [first, , third] = await painter.draw(captions, [5, 6, 7])
    const [alone] = await painter.draw(captions.slice(2), [7])
    assert.ok(distance(third!, alone!) < 1e-3)
    const [other] = await painter.draw(captions, [8])
    assert.ok(distance(first!, other!) > 0.1)
  })

  test("from a start near its end a picture stays what it was, from an early one it does not", async () => {
    const [fox] = await painter.draw(captions.slice(0, 1), [5])
    const again = async (time: number): Promise<number> => {
      const [z] = await painter.draw(captions.slice(1, 2), [9], { starts: [{ latent: fox!, time }] })
      return distance(z!, fox!)
    }
    assert.ok((await again(0.05)) < 0.3)
    assert.ok((await again(0.95)) > 0.6)
  })

  test("rollouts that were cut off go on where they stopped", async () => {
    const options = { pictures, seed: 1, chunk: 1, print: () => undefined }
    await drawRollouts(1, painter, { ...options, folder: `${folder}/cut` })
    appendFileSync(`${folder}/cut/latents.f16`, new Uint8Array(100)) // written, but its record was not
    appendFileSync(`${folder}/cut/groups.jsonl`, '{"caption":"a f') // nor was all of this
    await drawRollouts(2, painter, { ...options, folder: `${folder}/cut` })
    await drawRollouts(2, painter, { ...options, folder: `${folder}/whole` })
    for (const file of ["latents.f16", "groups.jsonl"])
      assert.deepEqual(readFileSync(`${folder}/cut/${file}`), readFileSync(`${folder}/whole/${file}`), file)
  })

  test("a picture no better than the others is to have the velocity that it has, in every token", async () => {
    const latents = await painter.draw(captions.slice(0, 2), [1, 2], { steps: 2 })
    const rollouts = latents.map((z, i) => ({
      caption: captions[i]!,
      advantage: 0,
      latent: new Float16Array(z),
    }))
    const flow = async (advantage: number): Promise<number> => {
      const given = rollouts.map((rollout) => ({ ...rollout, advantage }))
      const feeds = await ownBatches({ painter, model, rollouts: given, seed: 1 }, 4)(1)
      const { average } = (await loadRun(`${folder}/dit`))!
      const graph = compile(
        { flow: flowLoss(4, model.dit, model.text).flow },
        { weights: (name) => ({ kind: "values", data: average.get(name)! }) },
      )
      const session = await ort.InferenceSession.create(graph.model)
      const { flow } = await runSession(session, feeds)
      await session.release()
      return (flow!.data as Float32Array)[0]!
    }
    assert.ok((await flow(0)) < 1e-4)
    assert.ok((await flow(1)) > 1e-3)
  })

  test("a verifier, here with the judge's weights, finds more of a fox in painted foxes than of an owl", async () => {
    const { weights } = await loadClassifier()
    const vae = (await loadRun(`${folder}/vae`))!
    const verifier = await Verifier.open(weights, vae.average, model.statistics)
    const latents = await painter.draw(
      Array(4).fill("a cartoon fox on a plain white background"),
      [1, 2, 3, 4],
    )
    const mean = async (concept: string): Promise<number> => {
      const scores = await verifier.score(latents, Array(4).fill({ concepts: [concept] }))
      return scores.reduce((sum, { things }) => sum + things / 4, 0)
    }
    assert.ok((await mean("fox")) > (await mean("owl")) + 1)
    await verifier.close()
  })
})
