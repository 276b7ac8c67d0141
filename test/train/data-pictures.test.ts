// The training art painted: styles, filters, and the set on disk.
import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, it } from "node:test"
import { backgroundSvg, horizonOf, PLACES, PLAIN_KINDS } from "../../src/train/data/backgrounds.ts"
import { ART_VERSION, captionAt, type Sample, writeDataset } from "../../src/train/data/dataset.ts"
import { measure } from "../../src/train/data/measure.ts"
import { blur, edges, noise } from "../../src/train/data/planes.ts"
import { random } from "../../src/train/data/random.ts"
import { type Rendered, renderScene } from "../../src/train/data/render.ts"
import { sampleScene } from "../../src/train/data/scene.ts"
import { STYLES } from "../../src/train/data/styles/names.ts"
import { cast, FEW, recipe, source } from "../support/toy-art.ts"

/** Middle of what differs from the corner's colour, and the angle of its long axis, clockwise from level. */
function axisOf({ width, height, rgb }: Rendered): { x: number; y: number; degrees: number } {
  const places: [number, number][] = []
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if ([0, 1, 2].some((c) => Math.abs(rgb[(y * width + x) * 3 + c]! - rgb[c]!) > 40))
        places.push([x + 0.5, y + 0.5])
  const mean = (of: (p: [number, number]) => number): number =>
    places.reduce((sum, p) => sum + of(p), 0) / places.length
  const [x, y] = [mean((p) => p[0]), mean((p) => p[1])]
  const xx = mean((p) => (p[0] - x) ** 2)
  const yy = mean((p) => (p[1] - y) ** 2)
  const xy = mean((p) => (p[0] - x) * (p[1] - y))
  return { x, y, degrees: (Math.atan2(2 * xy, xx - yy) * 90) / Math.PI }
}

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

  it("turns what leans clockwise about its middle", async () => {
    const upright = sampleScene(cast, 5, {
      style: "flat vector",
      aspect: "1:1",
      layout: "single",
      background: "plain",
      concept: FEW[0]!.id, // drawn half again as wide as high
      examine: true,
    })
    const [thing] = upright.objects
    const flat = { ...thing!, x: 34, y: 44, w: 60, h: 40, grounded: false }
    const painted = async (given: { flip: boolean; lean?: number }) =>
      axisOf(await renderScene({ ...upright, objects: [{ ...flat, ...given }] }, source))
    for (const flip of [false, true]) {
      const [level, leaning] = [await painted({ flip }), await painted({ flip, lean: 30 })]
      assert.ok(Math.abs(level.degrees) < 2, `level at ${level.degrees}`)
      assert.ok(Math.abs(leaning.degrees - 30) < 3, `leaning at ${leaning.degrees}`)
      for (const { x, y } of [level, leaning]) assert.ok(Math.hypot(x - 64, y - 64) < 1.5, `${x} ${y}`)
    }
  })

  it("lays textures in step with the latents, so that every image token has them at the same places", async () => {
    const plain = {
      aspect: "1:1",
      layout: "single",
      stage: "scene",
      background: "plain",
      examine: true,
    } as const
    const at = ({ rgb, width }: Rendered, x: number, y: number): number => rgb[(y * width + x) * 3 + 1]!

    const pixels = await renderScene(sampleScene(cast, 5, { ...plain, style: "pixel art" }), source)
    // Three cells to 16 pixels, or four: whichever it is, no cell's border falls on these neighbours.
    for (let y = 0; y < 128; y++)
      for (let token = 0; token < 8; token++)
        for (const x of [0, 1, 2, 12, 13, 14])
          assert.equal(at(pixels, 16 * token + x, y), at(pixels, 16 * token + x + 1, y))

    const screen = await renderScene(sampleScene(cast, 5, { ...plain, style: "comic halftone" }), source)
    const mean = (x: number, y: number): number => {
      let sum = 0
      for (let j = 0; j < 2; j++) for (let i = 0; i < 16; i++) sum += at(screen, 8 * i + x, 8 * j + y) / 32
      return sum
    }
    const between = Math.min(mean(4, 0), mean(0, 4))
    assert.ok(
      mean(0, 0) < between - 10 && mean(4, 4) < between - 10,
      `${mean(0, 0)} ${mean(4, 4)} ${between}`,
    )
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
    assert.deepEqual(readdirSync(join(two, "scenes")), [`v${ART_VERSION}.part`])
    await writeDataset(join(two, "scenes"), recipe, source, 0, 2)
    for (const end of ["bin", "jsonl"]) {
      const [a, b] = [one, two].map((d) =>
        readFileSync(join(d, "scenes", `v${ART_VERSION}`, `shard-0000.${end}`)),
      )
      assert.deepEqual(a, b)
    }
    assert.deepEqual(JSON.parse(readFileSync(join(one, "scenes", "index.json"), "utf8")).shards, [
      `v${ART_VERSION}/shard-0000`,
    ])
    await assert.rejects(writeDataset(join(one, "scenes"), { ...recipe, seed: 8 }, source), /another recipe/)
  })

  it("is completed to a larger count, also in its last shard, and never made smaller", async () => {
    const [grown, whole] = [1, 2].map(() => join(mkdtempSync(join(tmpdir(), "data-")), "scenes"))
    const lines = (out: string): string =>
      readFileSync(join(out, `v${ART_VERSION}`, "shard-0000.jsonl"), "utf8")
    await writeDataset(grown!, { ...recipe, count: 1 }, source)
    await writeDataset(grown!, recipe, source)
    await writeDataset(whole!, recipe, source)
    assert.equal(lines(grown!), lines(whole!))
    await writeDataset(grown!, { ...recipe, count: 1 }, source)
    assert.equal(lines(grown!), lines(whole!))
  })

  it("holds lines that find their pixels and draw them again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "data-"))
    await writeDataset(join(folder, "scenes"), recipe, source)
    const pixels = readFileSync(join(folder, "scenes", `v${ART_VERSION}`, "shard-0000.bin"))
    const samples = readFileSync(join(folder, "scenes", `v${ART_VERSION}`, "shard-0000.jsonl"), "utf8")
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
