// Masks: what is read as painted anew, the window around it, and what comes back into the picture.
import assert from "node:assert/strict"
import { test } from "node:test"
import sharp, { type Sharp } from "sharp"
import { mirrored, paintedInto, sketchOf, windowOf } from "../../src/image/canvas.ts"
import { inspectImage, type Pixels } from "../../src/image/decode.ts"
import { checkMaskShape, coarser, decodeMask, type Mask } from "../../src/image/mask.ts"
import { AtelierError } from "../../src/request/errors.ts"

const WIDTH = 64
const HEIGHT = 32
/** The left half is `left`, the right half `right`. */
const halves = (left: string, right: string): Sharp =>
  sharp(
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
    <rect width="32" height="32" fill="${left}"/><rect x="32" width="32" height="32" fill="${right}"/></svg>`),
  )
const flat = (width: number, height: number, [r, g, b]: readonly [number, number, number]): Pixels => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => [r, g, b][i % 3]!),
})
const boxed = (width: number, height: number, box: { left: number; top: number; size: number }): Mask => ({
  width,
  height,
  data: Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) - box.left, Math.floor(i / width) - box.top]
    return x >= 0 && y >= 0 && x < box.size && y < box.size ? 1 : 0
  }),
})
const hardOf = async (file: Buffer, fit: { width: number; height: number }): Promise<Mask> =>
  (await decodeMask(file, fit, 1)).hard
const refused = (work: () => unknown, message: RegExp): Promise<void> =>
  assert.rejects(
    async () => work(),
    (error) => {
      assert.ok(error instanceof AtelierError, String(error))
      assert.deepEqual([error.code, error.field], ["image_invalid", "start.mask"])
      assert.match(error.message, message)
      return true
    },
  )

test("white is painted anew and black stays, in any format and depth", async () => {
  const files = [
    await halves("white", "black").png().toBuffer(),
    await halves("white", "black").flatten().jpeg({ quality: 60 }).toBuffer(),
    await halves("white", "black").flatten().toColourspace("grey16").png().toBuffer(),
    await halves("white", "black").flatten().webp().toBuffer(),
  ]
  for (const file of files) {
    const { data } = await hardOf(file, { width: 16, height: 8 })
    assert.equal(data.length, 128)
    for (const [i, value] of data.entries()) {
      if (i % 16 < 7) assert.equal(value, 1, `${i}`)
      if (i % 16 > 8) assert.equal(value, 0, `${i}`)
    }
  }
})

test("where a mask has transparency it alone counts, whatever the colours", async () => {
  const file = await halves("none", "white").png().toBuffer()
  const { data } = await hardOf(file, { width: 16, height: 8 })
  assert.deepEqual([data[0], data[15]], [1, 0])
  const grey = await hardOf(await halves("rgba(0,0,0,0.5)", "black").png().toBuffer(), {
    width: 16,
    height: 8,
  })
  assert.ok(Math.abs(grey.data[0]! - 0.5) < 0.01, "half transparent is half painted")
})

test("transparency counts in 16 bits as it does in 8", async () => {
  const half = halves("rgba(0,0,0,0.5)", "rgba(0,0,0,0.9)")
  const file = await half.toColourspace("rgb16").png().toBuffer()
  assert.equal((await sharp(file).metadata()).depth, "ushort")
  const { data } = await hardOf(file, { width: 16, height: 8 })
  assert.ok(Math.abs(data[0]! - 0.5) < 0.01 && Math.abs(data[15]! - 0.1) < 0.01, `${data[0]} ${data[15]}`)
})

test("a pixel that is not quite opaque makes no transparency of a black and white mask", async () => {
  const { data, info } = await halves("white", "black")
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  data[3] = 252
  const file = await sharp(data, { raw: info }).png().toBuffer()
  const { data: shares } = await hardOf(file, { width: WIDTH, height: HEIGHT })
  assert.deepEqual([shares[0], shares[WIDTH - 1]], [1, 0])
})

test("a picture in a larger one goes on as its mirror image", async () => {
  const small = { width: 3, height: 1, data: Uint8Array.from([1, 1, 1, 2, 2, 2, 3, 3, 3]) }
  const { width, height, data } = await mirrored(small, { width: 5, height: 1 })
  assert.deepEqual([width, height, [...data].filter((_, i) => i % 3 === 0)], [5, 1, [1, 1, 2, 3, 3]])
})

test("a soft mask holds all that a hard one does, and fades beyond it", async () => {
  for (const file of [
    await halves("white", "black").png().toBuffer(),
    await halves("none", "red").png().toBuffer(),
  ]) {
    const { soft } = await decodeMask(file, { width: WIDTH, height: HEIGHT }, 2)
    const row = [...soft.data.subarray(0, WIDTH)]
    assert.ok(
      row.slice(0, 31).every((v) => v === 1),
      row.join(" "),
    )
    assert.ok(
      row.slice(44).every((v) => v === 0),
      row.join(" "),
    )
    assert.ok(
      row.slice(1).every((v, i) => v <= row[i]!) && row.some((v) => v > 0.2 && v < 0.8),
      row.join(" "),
    )
  }
})

test("a mask lies as the picture under it is seen, and has its shape", async () => {
  const lying = await halves("white", "black").flatten().withMetadata({ orientation: 6 }).jpeg().toBuffer()
  const { data } = await hardOf(lying, { width: 8, height: 16 })
  assert.deepEqual([data[0], data[8 * 15]], [1, 0], "the left half has turned to the top")
  const upright = { width: 320, height: 640 }
  checkMaskShape((await inspectImage(lying)).autoOrient, upright)
  checkMaskShape({ width: 512, height: 256 }, { width: 1023, height: 511 })
  await refused(
    () => checkMaskShape({ width: 640, height: 320 }, upright),
    /mask has 640 x 320 pixels, and the picture to start from 320 x 640; send a mask of the same shape/,
  )
})

test("a file that is no picture, or half of one, is refused as the mask", async () => {
  await refused(
    () => hardOf(Buffer.from("no picture"), { width: 8, height: 8 }),
    /for the mask cannot be read/,
  )
  const whole = await halves("white", "black").png().toBuffer()
  await refused(
    () => hardOf(whole.subarray(0, whole.length - 40), { width: 8, height: 8 }),
    /damaged or truncated/,
  )
})

test("a coarse grid paints anew whatever one pixel of it asks for", () => {
  const mask = boxed(32, 16, { left: 9, top: 3, size: 1 })
  const whole = { left: 0, top: 0, width: 32, height: 16 }
  assert.deepEqual([...coarser(mask, { width: 4, height: 2 }, whole)], [0, 1, 0, 0, 0, 0, 0, 0])
  const part = { left: 6, top: 2, width: 8, height: 4 }
  assert.deepEqual([...coarser(mask, { width: 4, height: 2 }, part)], [0, 1, 0, 0, 0, 0, 0, 0])
})

test("the window has the picture's shape, holds the mask with room around it, and lies inside the picture", () => {
  for (const [width, height] of [
    [64, 64],
    [96, 64],
    [54, 96],
  ] as const)
    for (const [left, top] of [
      [0, 0],
      [20, 30],
      [width - 12, height - 12],
    ] as const) {
      const window = windowOf(boxed(width, height, { left, top, size: 12 }))
      assert.ok(window.left >= 0 && window.left + window.width <= width, JSON.stringify(window))
      assert.ok(window.top >= 0 && window.top + window.height <= height, JSON.stringify(window))
      assert.ok(window.left <= left && window.left + window.width >= left + 12, "the mask is in it")
      assert.ok(window.top <= top && window.top + window.height >= top + 12, "the mask is in it")
      assert.ok(Math.abs(window.width / window.height - width / height) < 0.1, "of the picture's shape")
      assert.ok(window.width < width, "and smaller")
    }
  const whole = { left: 0, top: 0, width: 64, height: 48 }
  assert.deepEqual(windowOf(boxed(64, 48, { left: 0, top: 0, size: 48 })), whole)
  assert.deepEqual(windowOf(boxed(64, 48, { left: 0, top: 0, size: 0 })), whole, "nothing is asked for")
  assert.equal(
    windowOf(boxed(64, 64, { left: 30, top: 30, size: 2 })).width,
    16,
    "a spot has its surroundings",
  )
})

const canvas = (kept: Pixels) => {
  const edge = boxed(kept.width, kept.height, { left: 40, top: 24, size: 32 })
  return { kept, edge, window: windowOf(edge) }
}

test("what the mask leaves out stays bit for bit", async () => {
  const kept = flat(128, 96, [10, 200, 90])
  for (let i = 0; i < kept.data.length; i++) kept.data[i] = (i * 7919) % 251
  const before = Uint8Array.from(kept.data)
  const { window, ...rest } = canvas(kept)
  const out = await paintedInto({ window, ...rest }, flat(50, 40, [255, 0, 0]))
  assert.deepEqual([out.width, out.height], [128, 96])
  for (let i = 0; i < out.data.length; i++)
    if (rest.edge.data[Math.floor(i / 3)] === 0) assert.equal(out.data[i], before[i])
  assert.deepEqual(kept.data, before, "and the picture that was sent is not written to")
})

test("a ground that was painted in another tone meets the one around it, another colour stays what it is", async () => {
  const kept = flat(128, 96, [90, 160, 220])
  const inside = (48 * 128 + 56) * 3
  const near = await paintedInto(canvas(kept), flat(64, 48, [100, 180, 200]))
  for (const [c, value] of [90, 160, 220].entries()) assert.ok(Math.abs(near.data[inside + c]! - value) <= 2)
  const far = await paintedInto(canvas(kept), flat(64, 48, [240, 30, 30]))
  assert.deepEqual([...far.data.subarray(inside, inside + 3)], [240, 30, 30])
})

test("a thing that touches the edge keeps its colours, and the ground beside it is brought to the ground outside", async () => {
  const kept = flat(128, 96, [90, 160, 220])
  const painted = flat(64, 48, [110, 175, 230])
  // The upper half of what is painted is a red thing.
  painted.data.set(flat(64, 24, [230, 20, 20]).data)
  const { data } = await paintedInto(canvas(kept), painted)
  const at = (x: number, y: number): number[] => [...data.subarray((y * 128 + x) * 3, (y * 128 + x) * 3 + 3)]
  const [red, green] = at(56, 30)
  assert.ok(red! > 190 && green! < 40, `${at(56, 30)}`)
  for (const [c, value] of [90, 160, 220].entries())
    assert.ok(Math.abs(at(56, 54)[c]! - value) <= 3, `${at(56, 54)}`)
})

test("while a picture is painted into, the event loop turns", async () => {
  const kept = flat(256, 256, [90, 160, 220])
  const edge = boxed(256, 256, { left: 30, top: 30, size: 190 })
  // Of this thread alone: on a busy machine any process may be kept waiting.
  const used = (): number => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  const begin = used()
  let [last, longest, isDone] = [begin, 0, false]
  const look = (): void => {
    const now = used()
    longest = Math.max(longest, now - last)
    last = now
    if (!isDone) setImmediate(look)
  }
  setImmediate(look)
  await paintedInto({ kept, edge, window: windowOf(edge) }, flat(128, 128, [100, 180, 200]))
  isDone = true
  look()
  const all = last - begin
  assert.ok(longest < all / 2, `the loop stood still for ${longest} of ${all} ms`)
})

test("a sketch is the same canvas, small", async () => {
  const sketch = await sketchOf(canvas(flat(1024, 512, [1, 2, 3])))
  assert.deepEqual([sketch.kept.width, sketch.kept.height], [256, 128])
  assert.equal(sketch.edge.data.length, 256 * 128)
  const { left, top, width, height } = sketch.window
  assert.ok(left + width <= 256 && top + height <= 128)
})
