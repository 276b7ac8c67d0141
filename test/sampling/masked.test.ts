// Painting into a picture, on a tiny random model in a real worker process.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { decodeImage } from "../../src/image/decode.ts"
import { isComposite } from "../../src/image/metadata.ts"
import type { Generation } from "../../src/request/engine.ts"
import { type GenerationInput, parseRequest } from "../../src/request/request.ts"
import { createEngine, type LocalEngine } from "../../src/sampling/engine.ts"
import { makeModel, type TinyModel } from "../support/model.ts"

let model: TinyModel
let engine: LocalEngine
before(async () => {
  model = await makeModel()
  engine = createEngine({ home: model.home, folders: [`${model.home}/models`], threads: 1 })
})
after(async () => {
  await engine.close()
  await model[Symbol.asyncDispose]()
})

const uri = (file: Buffer): string => `data:image/png;base64,${file.toString("base64")}`
const drawing = (width: number, height: number, shapes: string): Promise<Buffer> =>
  sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%"/>${shapes}</svg>`,
    ),
  )
    .png()
    .toBuffer()
const art = (width: number, height: number): Promise<Buffer> =>
  drawing(
    width,
    height,
    `<rect width="60%" height="50%" fill="#30a0e0"/><circle cx="150" cy="150" r="70" fill="#f0b020"/>`,
  )
/** A square of 60 pixels, 40 from the left and from above. */
const square = (width: number, height: number): Promise<Buffer> =>
  drawing(width, height, `<rect x="40" y="40" width="60" height="60" fill="white"/>`)
const request = (input: Partial<GenerationInput>) =>
  parseRequest({ model: "tiny", prompt: "a red fox", seed: 7, width: 256, height: 256, ...input })
const pixelsOf = async (g: Generation, i = 0): Promise<Uint8Array> =>
  (await decodeImage(g.pictures[i]!.bytes)).data

test("what the mask leaves out is the start picture itself, in any shape and at any strength, and the rest is painted", async () => {
  for (const [width, height] of [
    [256, 256],
    [400, 256],
    [256, 448],
  ] as const) {
    const file = await art(width, height)
    const { data: kept } = await decodeImage(file)
    for (const strength of [0.5, 1]) {
      const start = { image: uri(file), mask: uri(await square(width, height)), strength }
      const made = await pixelsOf(await engine.generate(request({ width, height, start })))
      let changed = 0
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const at = (y * width + x) * 3
          const isSame = [0, 1, 2].every((c) => made[at + c] === kept[at + c])
          const isOut = x < 30 || x >= 110 || y < 30 || y >= 110
          if (isOut) assert.ok(isSame, `${x}, ${y} of ${width} x ${height} has changed`)
          else if (!isSame) changed++
        }
      assert.ok(changed > 1800, `${changed} pixels of 3600 were painted`)
    }
  }
})

test("the same request has the same pixels alone, in a batch and beside one without a mask", async () => {
  const image = uri(await art(256, 256))
  const start = { image, mask: uri(await square(256, 256)), strength: 1 }
  const alone = await pixelsOf(await engine.generate(request({ seed: 8, start })))
  const batch = await engine.generate(request({ seed: 7, count: 2, start }))
  assert.deepEqual(await pixelsOf(batch, 1), alone)
  const [beside] = await Promise.all([
    engine.generate(request({ seed: 8, start })),
    engine.generate(request({ seed: 8, start: { image, strength: 0.5 } })),
  ])
  assert.deepEqual(await pixelsOf(beside), alone)
})

test("a black mask gives the start picture back, a white one is painted all over", async () => {
  const file = await art(256, 256)
  const { data: kept } = await decodeImage(file)
  const solid = async (fill: string): Promise<string> =>
    uri(await drawing(256, 256, `<rect width="256" height="256" fill="${fill}"/>`))
  const start = { image: uri(file), strength: 1 }
  const none = await engine.generate(request({ start: { ...start, mask: await solid("black") } }))
  assert.deepEqual(await pixelsOf(none), kept)
  const all = await pixelsOf(
    await engine.generate(request({ start: { ...start, mask: await solid("white") } })),
  )
  assert.ok(all.filter((v, i) => v !== kept[i]).length > 0.9 * all.length)
})

test("previews show the whole picture, not the window", async () => {
  const file = await art(400, 256)
  const previews: Uint8Array[] = []
  await engine.generate(
    request({ width: 400, start: { image: uri(file), mask: uri(await square(400, 256)), strength: 1 } }),
    { previewEvery: 1, onProgress: (p) => previews.push(...(p.previews ?? [])) },
  )
  assert.ok(previews.length > 1)
  const shown = await decodeImage(previews[0]!)
  assert.deepEqual([shown.width, shown.height], [256, 164])
  const below = (150 * 256 + 200) * 3
  assert.ok(
    shown.data.subarray(below, below + 3).every((v) => v < 8),
    "what is kept, black, is seen beside the window",
  )
})

test("a mask of another shape, or one that is no picture, is refused before anything is loaded", async () => {
  const image = uri(await art(256, 256))
  const wide = engine.generate(request({ start: { image, mask: uri(await square(400, 256)) } }))
  await assert.rejects(wide, { code: "image_invalid", field: "start.mask" })
  const broken = engine.generate(request({ start: { image, mask: "data:image/png;base64,AAAA" } }))
  await assert.rejects(broken, { code: "image_invalid", field: "start.mask" })
})

test("the file says that a model has painted into another picture", async () => {
  const start = { image: uri(await art(256, 256)), strength: 0.5 }
  const mask = uri(await square(256, 256))
  for (const format of ["png", "jpg", "webp"] as const) {
    const output = { format }
    const painted = await engine.generate(request({ output, start: { ...start, mask } }))
    assert.equal(await isComposite(painted.pictures[0]!.bytes), true, format)
    const made = await engine.generate(request({ output, start }))
    assert.equal(await isComposite(made.pictures[0]!.bytes), false, format)
  }
})
