// The judge's looks at one picture: which views there are, and how they become one verdict.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { mirrored, together } from "../../src/image/views.ts"
import { type Classifier, createClassifier } from "../../src/train/judge/network.ts"
import type { Bitmap } from "../../src/train/judge/pixels.ts"
import { asSeen, lookClosely, lookThrough } from "../../src/train/judge/views.ts"
import { loadClassifier } from "../../src/train/judge/weights.ts"

/** A red triangle that leans to the right, on a pale ground. */
function leaning(): Bitmap {
  const side = 128
  const rgb = new Uint8Array(side * side * 3).fill(230)
  for (let y = 30; y < 100; y++)
    for (let x = 20 + (y >> 1); x < 20 + y; x++) rgb.set([200, 30, 40], (y * side + x) * 3)
  return { width: side, height: side, rgb }
}

function mirrorImage({ width, height, rgb }: Bitmap): Bitmap {
  const out = new Uint8Array(rgb.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      out.set(rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3), (y * width + width - 1 - x) * 3)
  return { width, height, rgb: out }
}

const near = (a: Float32Array, b: Float32Array, least: number): void =>
  a.forEach((p, i) => {
    assert.ok(Math.abs(p - b[i]!) < least, `${p} and ${b[i]} at ${i}`)
  })

describe("the judge's looks", () => {
  let classifier: Classifier
  before(async () => {
    classifier = await createClassifier(
      (await loadClassifier("src/train/judge/classifier.safetensors")).weights,
      undefined,
      1,
    )
  })
  after(() => classifier.close())

  it("exchange left and right", () => {
    assert.deepEqual([...mirrored(Float32Array.of(1, 2, 3, 4), 2)], [2, 1, 4, 3])
  })

  it("are multiplied: what one view rules out, no other brings back", () => {
    const [a, b] = [Float32Array.of(0.5, 0.5, 0), Float32Array.of(0.5, 0, 0.5)]
    near(together([a, b]), Float32Array.of(1, 0, 0), 1e-3)
    near(together([a, a]), a, 1e-6)
  })

  it("say of a picture what they say of its mirror image, and probabilities add up to one", async () => {
    const [one, other] = await lookClosely(
      await Promise.all([leaning(), mirrorImage(leaning())].map(asSeen)),
      classifier,
    )
    for (const part of ["concept", "style", "background"] as const) {
      near(one![part], other![part], 0.02)
      assert.ok(Math.abs(one![part].reduce((sum, p) => sum + p, 0) - 1) < 1e-4)
    }
  })

  it("see the same under a window whichever side the thing leans to", async () => {
    const window = { x: 0, y: 0, w: 128, h: 128 }
    const [one, other] = await lookThrough(
      [
        { picture: leaning(), window },
        { picture: mirrorImage(leaning()), window },
      ],
      classifier,
    )
    near(one!, other!, 1e-4)
  })
})
