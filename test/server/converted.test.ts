// Files in another format or size than they are kept in: what they say of themselves comes along.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { readCredentials } from "../../src/image/credentials.ts"
import { readExpandedPrompt, readRequest } from "../../src/image/metadata.ts"
import { startService, type TestService } from "../support/service.ts"

let service: TestService
before(async () => {
  service = await startService({ filter: "off" }, { hasProvenance: true })
})
after(() => service.drop())

const FORMATS = ["png", "jpg", "webp"] as const
/** As JPEG takes it in one segment, and as it does not. */
const STARTS = { "a short request": 8, "a request with a whole picture inside": 200 } as const

/** A start picture of noise, which no format makes small. */
const noise = async (side: number): Promise<string> => {
  const kind = { type: "gaussian", mean: 128, sigma: 60 } as const
  const png = await sharp({ create: { width: side, height: side, channels: 3, noise: kind } as never })
    .png()
    .toBuffer()
  return `data:image/png;base64,${png.toString("base64")}`
}

test("a small picture for a page is without the request, which with a whole picture inside weighs more", async () => {
  const body = { prompt: "a fox", start: { image: await noise(200) } }
  const [{ url }] = (await service.call("POST", "/api/jobs?wait=60", body)).body.pictures
  const fetched = async (query: string) => {
    const response = await fetch(`${url}${query}`)
    return { etag: response.headers.get("etag"), bytes: new Uint8Array(await response.arrayBuffer()) }
  }
  const [whole, plain] = [
    await fetched("?format=jpg&width=20"),
    await fetched("?format=jpg&width=20&metadata=none"),
  ]
  assert.ok(whole.bytes.length > 100_000 && plain.bytes.length < 10_000, `${plain.bytes.length} bytes`)
  assert.notEqual(whole.etag, plain.etag)
  assert.equal(await readRequest(plain.bytes), undefined)
  assert.equal((await readCredentials(plain.bytes))?.holds, true)
  const alone = await fetched("?metadata=none")
  assert.equal(await readRequest(alone.bytes), undefined)
  assert.equal((await sharp(alone.bytes).metadata()).width, 48)
})

for (const [what, side] of Object.entries(STARTS))
  test(`${what} is in every format and size that a picture is asked for in`, async () => {
    const image = await noise(side)
    for (const kept of FORMATS) {
      const body = { prompt: "füchse <&> 狐", start: { image }, seed: 3, output: { format: kept } }
      const [picture] = (await service.call("POST", "/api/jobs?wait=60", body)).body.pictures
      const fetched = async (query: string): Promise<Uint8Array> =>
        new Uint8Array(await (await fetch(`${service.url}/files/${picture.id}${query}`)).arrayBuffer())
      const whole = await fetched("")
      const request = await readRequest(whole)
      assert.equal((request as { start: { image: string } }).start.image, image)
      for (const format of FORMATS)
        for (const width of ["", "&width=20"]) {
          const about = `${kept} as ${format}${width}`
          const bytes = await fetched(`?format=${format}&quality=80${width}`)
          const told = await sharp(bytes).metadata()
          assert.equal(told.width, width ? 20 : 48, about)
          assert.deepEqual(await readRequest(bytes), request, about)
          assert.equal(await readExpandedPrompt(bytes), "füchse <&> 狐, as the model read it", about)
          const packet = String(told.xmp)
          assert.match(packet, /<xmp:CreatorTool>atelier test</, about)
          assert.match(packet, /digitalsourcetype\/trainedAlgorithmicMedia/, about)
          if (format !== "webp") assert.equal((await readCredentials(bytes))?.holds, true, about)
        }
    }
  })
