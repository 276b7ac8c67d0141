// Pictures in: what is read, what is refused and with which words. Pictures out: what they say of themselves.
import assert from "node:assert/strict"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { crc32, deflateSync } from "node:zlib"
import sharp, { type Color } from "sharp"
import {
  decodeImage,
  encodeAgain,
  encodeImage,
  readExpandedPrompt,
  readImage,
  readRequest,
  resizePixels,
  toPlanes,
} from "../../src/image/index.ts"
import { textOf } from "../../src/image/png.ts"
import { AtelierError } from "../../src/request/errors.ts"

const solid = (width: number, height: number, background: Color) =>
  sharp({ create: { width, height, channels: 4, background } })

const refused = async (work: Promise<unknown>, code: string, message: RegExp): Promise<void> => {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof AtelierError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })
}

test("png, jpeg, webp, gif, tiff and avif are read", async () => {
  for (const format of ["png", "jpeg", "webp", "gif", "tiff", "avif"] as const) {
    const file = await solid(40, 30, "#3060c0").toFormat(format).toBuffer()
    const { width, height, data } = await decodeImage(file)
    assert.deepEqual([width, height, data.length], [40, 30, 40 * 30 * 3], format)
    for (const [i, value] of [0x30, 0x60, 0xc0].entries())
      assert.ok(Math.abs(data[i]! - value) < 12, `${format} channel ${i} is ${data[i]}`)
  }
})

test("a picture taken sideways stands upright", async () => {
  const top = await solid(20, 10, "red").png().toBuffer()
  const lying = await solid(20, 40, "blue")
    .composite([{ input: top, gravity: "north" }])
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer()
  const { width, height, data } = await decodeImage(lying)
  assert.deepEqual([width, height], [40, 20])
  const right = (10 * 40 + 37) * 3
  assert.ok(data[right]! > 200 && data[right + 2]! < 60, "the top edge has turned to the right")
})

test("transparent parts become white, grey pictures get three channels", async () => {
  const clear = await decodeImage(await solid(16, 16, { r: 0, g: 0, b: 0, alpha: 0 }).png().toBuffer())
  assert.ok(clear.data.every((v) => v === 255))
  const grey = await sharp(Buffer.alloc(16 * 16, 90), { raw: { width: 16, height: 16, channels: 1 } })
    .png()
    .toBuffer()
  assert.deepEqual([...(await decodeImage(grey)).data.subarray(0, 4)], [90, 90, 90, 90])
  const alphaGrey = await sharp(grey).ensureAlpha(0.5).png().toBuffer()
  assert.equal((await decodeImage(alphaGrey)).data.length, 16 * 16 * 3)
})

test("print colours, sixteen bits and the first of several frames are read as eight bits of RGB", async () => {
  const orange = solid(40, 40, "#e08020")
  const [first, second] = [
    await solid(40, 40, "#e08020").png().toBuffer(),
    await solid(40, 40, "blue").png().toBuffer(),
  ]
  const files = [
    await orange.clone().toColourspace("cmyk").jpeg().toBuffer(),
    await orange.clone().toColourspace("rgb16").png().toBuffer(),
    await sharp([first, second], { join: { animated: true } })
      .gif()
      .toBuffer(),
  ]
  assert.equal((await sharp(files[0]).metadata()).space, "cmyk")
  assert.equal((await sharp(files[1]).metadata()).depth, "ushort")
  assert.equal((await sharp(files[2]).metadata()).pages, 2)
  for (const file of files) {
    const { width, height, data } = await decodeImage(file)
    assert.deepEqual([width, height, data.length], [40, 40, 40 * 40 * 3])
    for (const [i, value] of [0xe0, 0x80, 0x20].entries())
      assert.ok(Math.abs(data[i]! - value) < 48, `channel ${i} is ${data[i]}`)
  }
})

test("the longest and narrowest picture is cut to its shape", async () => {
  const { data } = await decodeImage(await solid(8, 20_000, "red").png().toBuffer(), {
    fit: { width: 64, height: 32 },
  })
  assert.equal(data.length, 64 * 32 * 3)
  assert.deepEqual([...data.subarray(0, 3)], [255, 0, 0])
})

test("a fit covers: the shape is cut around the middle, nothing is stretched", async () => {
  const file = await solid(100, 50, "red")
    .composite([{ input: await solid(50, 50, "blue").png().toBuffer(), gravity: "centre" }])
    .png()
    .toBuffer()
  const { data } = await decodeImage(file, { fit: { width: 32, height: 32 } })
  assert.ok(data[2]! > 200 && data[0]! < 60, "only the middle is left")
  const planes = toPlanes({ width: 32, height: 32, data })
  assert.ok(planes.every((v) => v >= -1 && v <= 1) && planes.length === 3 * 32 * 32)
  assert.equal(
    (await resizePixels({ width: 32, height: 32, data }, { width: 48, height: 64 })).data.length,
    48 * 64 * 3,
  )
})

/** A PNG whose header promises any size, with a few bytes of data. */
function bomb(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data])
    const out = Buffer.alloc(body.length + 8)
    out.writeUInt32BE(data.length, 0)
    body.copy(out, 4)
    let crc = 0xffffffff
    for (const byte of body) {
      crc ^= byte
      for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    }
    out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, body.length + 4)
    return out
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(64))),
    chunk("IEND", Buffer.alloc(0)),
  ])
}

test("a bomb of 49 megapixels is refused by its header, with the value and the limit", async () => {
  const before = process.memoryUsage.rss()
  await refused(
    decodeImage(bomb(7000, 7000), { name: "bomb.png" }),
    "image_invalid",
    /^The picture bomb\.png has 7000 x 7000 = 49\.0 megapixels, and 40\.0 megapixels is the limit; make it smaller\.$/,
  )
  assert.ok(process.memoryUsage.rss() - before < 100e6)
  await refused(decodeImage(bomb(30_000, 1000)), "image_invalid", /sides go from 8 to 20000/)
})

test("what is no picture, empty, truncated, too heavy or a drawing is refused in one sentence", async () => {
  const whole = await sharp(Buffer.from(Uint8Array.from({ length: 30_000 }, (_, i) => (i * 7919) % 251)), {
    raw: { width: 100, height: 100, channels: 3 },
  })
  const png = await whole.png().toBuffer()
  const jpeg = await whole.jpeg().toBuffer()
  await refused(
    decodeImage(png.subarray(0, png.length / 2)),
    "image_invalid",
    /damaged or truncated; send the whole file\.$/,
  )
  await refused(decodeImage(jpeg.subarray(0, jpeg.length / 2)), "image_invalid", /damaged or truncated/)
  await refused(decodeImage(new Uint8Array(0)), "image_invalid", /is empty/)
  await refused(decodeImage(Buffer.from("no picture at all")), "image_invalid", /cannot be read as a picture/)
  await refused(
    decodeImage(Buffer.alloc(75_000_001)),
    "image_invalid",
    /has 75\.1 MB, and 75\.0 MB is the limit/,
  )
  const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"/>`)
  await refused(
    decodeImage(svg, { field: "start.image" }),
    "image_invalid",
    /of the format svg, which is not read/,
  )
})

test("sources: data URIs and files are read, missing and oversized ones refused by name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "atelier-image-"))
  try {
    assert.deepEqual([...(await readImage("data:text/plain;base64,AQID", "f"))], [1, 2, 3])
    assert.deepEqual([...(await readImage("data:,%01ab%89%", "f"))], [1, 97, 98, 0x89, 37])
    await refused(readImage("data:image/png;base64", "start.image"), "image_invalid", /it has no comma/)
    await refused(
      readImage(join(folder, "none.png"), "start.image"),
      "file_not_found",
      /none\.png cannot be opened/,
    )
    await refused(readImage("file://elsewhere/none.png", "f"), "file_not_found", /cannot be opened/)
    await refused(readImage("iVBORw0KGgo".repeat(200), "f"), "file_not_found", /^.{0,120}cannot be opened/)
    await writeFile(join(folder, "big.png"), Buffer.alloc(75_000_001))
    await refused(
      readImage(join(folder, "big.png"), "f"),
      "image_invalid",
      /has 75\.1 MB, and 75 MB is the limit/,
    )
    await refused(readImage("http://127.0.0.1:9/x.png", "f"), "image_invalid", /cannot be fetched/)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test("every format carries the exact request and the mark of a trained model", async () => {
  const request = { prompt: `"quoted" <tag> & ünïcödé 😀 ]]>`, seed: 5, nested: { a: [1, 2.5, null] } }
  const pixels = { width: 24, height: 16, data: new Uint8Array(24 * 16 * 3).fill(120) }
  for (const format of ["png", "jpg", "webp"] as const) {
    const bytes = await encodeImage(pixels, { format, quality: 90 }, { request, software: "atelier test" })
    assert.deepEqual(await readRequest(bytes), request, format)
    assert.equal(await readExpandedPrompt(bytes), undefined, format)
    const expandedPrompt = 'ein <Fuchs> & "Schnee" 狐'
    const told = { request, expandedPrompt, software: "atelier test" }
    const expanded = await encodeImage(pixels, { format, quality: 90 }, told)
    assert.equal(await readExpandedPrompt(expanded), expandedPrompt, format)
    assert.deepEqual(await readRequest(expanded), request, format)
    const { xmp } = await sharp(bytes).metadata()
    assert.match(xmp!.toString(), /digitalsourcetype\/trainedAlgorithmicMedia/, format)
  }
  const png = await encodeImage(pixels, { format: "png", quality: 90 }, { request, software: "atelier test" })
  assert.equal(textOf(png, "atelier"), JSON.stringify(request))
  assert.ok(Buffer.from(pixels.data).equals(await sharp(png).raw().toBuffer()), "the pixels are untouched")
  assert.equal(await readRequest(await sharp(png).png().toBuffer()), undefined)
})

test("a PNG that another program saved again with its metadata still holds the request", async () => {
  const request = { prompt: `"quoted" & ünïcödé 😀`, seed: 5 }
  const provenance = { request, expandedPrompt: "ein Fuchs 狐", software: "atelier test" }
  const pixels = { width: 24, height: 16, data: new Uint8Array(24 * 16 * 3).fill(120) }
  const made = await encodeImage(pixels, { format: "png", quality: 90 }, provenance)
  const again = await sharp(made).keepMetadata().png().toBuffer()
  assert.ok(
    again.includes("zTXtatelier\0") && !again.includes(JSON.stringify(request)),
    "the text is compressed",
  )
  const packetAlone = await sharp(made).keepXmp().png().toBuffer()
  assert.ok(!packetAlone.includes("zTXtatelier"))
  for (const bytes of [again, packetAlone]) {
    assert.deepEqual(await readRequest(bytes), request)
    assert.equal(await readExpandedPrompt(bytes), "ein Fuchs 狐")
  }
})

test("compressed texts of a PNG are read, and damaged ones and bombs passed over", async () => {
  const { data, info } = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
    .png()
    .toBuffer({ resolveWithObject: true })
  assert.equal(info.width, 8)
  const withChunks = (...chunks: [type: string, after: Buffer][]): Buffer => {
    const texts = chunks.map(([type, after]) => {
      const body = Buffer.concat([Buffer.from(`${type}atelier\0`, "latin1"), after])
      const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
      length.writeUInt32BE(body.length - 4)
      sum.writeUInt32BE(crc32(body))
      return Buffer.concat([length, body, sum])
    })
    return Buffer.concat([data.subarray(0, 33), ...texts, data.subarray(33)])
  }
  const packed = (text: string | Buffer, head: string): Buffer =>
    Buffer.concat([Buffer.from(head, "latin1"), deflateSync(text)])
  const [request, text] = [{ prompt: "füchse 狐" }, JSON.stringify({ prompt: "füchse 狐" })]
  const bomb: [string, Buffer] = ["zTXt", packed(Buffer.alloc(130_000_000, " "), "\0")]
  const damaged: [string, Buffer] = ["zTXt", Buffer.from("\0no zlib")]
  const good: [string, Buffer][] = [
    ["zTXt", packed(text, "\0")],
    ["iTXt", packed(text, "\x01\0\0\0")],
    ["tEXt", Buffer.from(text)],
  ]
  for (const chunk of good) assert.deepEqual(await readRequest(withChunks(damaged, chunk)), request, chunk[0])
  assert.deepEqual(await readRequest(withChunks(bomb, good[0]!)), request)
  assert.equal(textOf(withChunks(["tEXt", Buffer.from("f\xfcchse", "latin1")]), "atelier"), "füchse")
  for (const chunk of [damaged, ["iTXt", Buffer.from([1, 0])] as [string, Buffer]])
    assert.equal(await readRequest(withChunks(chunk)), undefined)
})

test("a request with whole pictures in it is carried by every format, though a JPEG needs several segments", async () => {
  const request = { prompt: "x", start: { image: `data:image/png;base64,${"Ab+/".repeat(50_000)}` } }
  const expandedPrompt = "x, in oil"
  const pixels = { width: 24, height: 16, data: new Uint8Array(24 * 16 * 3).fill(120) }
  for (const format of ["png", "jpg", "webp"] as const) {
    const told = { request, expandedPrompt, software: "atelier test" }
    const bytes = await encodeImage(pixels, { format, quality: 90 }, told)
    assert.deepEqual(await readRequest(bytes), request, format)
    assert.equal(await readExpandedPrompt(bytes), expandedPrompt, format)
    const { xmp, width } = await sharp(bytes).metadata()
    assert.equal(width, 24)
    assert.ok(bytes.length < 1.1 * JSON.stringify(request).length + 2000, `${format} holds it once`)
    assert.match(xmp!.toString(), /digitalsourcetype\/trainedAlgorithmicMedia/, format)
  }
})

test("a file that is encoded again keeps all that it says of itself, and says it once", async () => {
  const request = { prompt: "x", start: { image: "Ab+/".repeat(50_000) } }
  const pixels = { width: 24, height: 16, data: new Uint8Array(24 * 16 * 3).fill(120) }
  for (const kept of ["png", "jpg", "webp"] as const) {
    const made = await encodeImage(
      pixels,
      { format: kept, quality: 90 },
      { request, software: "atelier test" },
    )
    const photo = sharp(made)
      .withExif({ IFD0: { Copyright: "somebody" } })
      .withIccProfile("p3")
    const file = await encodeAgain(made, photo, { format: kept, quality: 90 })
    for (const format of ["png", "jpg", "webp"] as const) {
      const bytes = await encodeAgain(file, sharp(file), { format, quality: 90 })
      const { exif, icc, xmp } = await sharp(bytes).metadata()
      const about = `${kept} as ${format}`
      assert.ok(exif?.includes("somebody") && icc && icc.length > 100, about)
      assert.match(String(xmp), /<xmp:CreatorTool>atelier test</, about)
      assert.deepEqual(await readRequest(bytes), request, about)
      if (format === "png")
        assert.equal(Buffer.from(bytes).toString("latin1").split("XML:com.adobe.xmp").length, 2)
    }
  }
  const foreign = await sharp(pixels.data, { raw: { width: 24, height: 16, channels: 3 } })
    .withXmp("<x>theirs</x>")
    .png()
    .toBuffer()
  const again = await encodeAgain(foreign, sharp(foreign), { format: "jpg", quality: 90 })
  assert.equal(String((await sharp(again).metadata()).xmp), "<x>theirs</x>")
})
