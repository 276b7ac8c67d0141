// What bounds the memory of pictures: every decode of the server waits for one of two decoders.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { DECODERS, withDecoder } from "../../src/server/decoder.ts"
import { defaultFilter } from "../../src/server/filter.ts"
import { gate, startService, type TestService } from "../support/service.ts"

let service: TestService
before(async () => {
  service = await startService()
})
after(() => service.drop())

const png = () =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } })
    .png()
    .toBuffer()

test("no more decoders work at once than there are, and one that fails makes room for the next", async () => {
  const bytes = await png()
  let working = 0
  let most = 0
  const works = Array.from({ length: 20 }, (_, i) =>
    withDecoder(bytes, async (open) => {
      most = Math.max(most, ++working)
      try {
        if (i % 3 === 0) throw new Error("damaged")
        return await open().raw().toBuffer()
      } finally {
        working--
      }
    }),
  )
  const ended = await Promise.allSettled(works)
  assert.equal(most, DECODERS)
  assert.equal(ended.filter((e) => e.status === "rejected").length, 7)
})

test("uploads, scaled and converted files and the filter wait for a decoder; plain files do not", async () => {
  const bytes = await png()
  const upload = () =>
    fetch(`${service.url}/api/assets`, { method: "POST", body: new Uint8Array(bytes) }).then((r) => r.json())
  const asset = (await upload()) as { id: string }
  const job = (await service.call("POST", "/api/jobs?wait=60", { prompt: "a fox" })).body
  const file = `/files/${job.pictures[0].id}`
  const request = job.request
  const picture = { index: 0, seed: 0, width: 40, height: 30, format: "png" as const, bytes }

  const held = Array.from({ length: DECODERS }, gate)
  const holding = held.map((g) => withDecoder(bytes, () => g.wait()))
  await Promise.all(held.map((g) => g.reached))
  const ended: string[] = []
  const note = async (name: string, work: Promise<unknown>): Promise<void> => {
    await work
    ended.push(name)
  }
  const waiting = [
    note("upload", upload()),
    note("scaled asset", service.call("GET", `/files/assets/${asset.id}?width=20`)),
    note("converted", service.call("GET", `${file}.jpg`)),
    note("filter", defaultFilter().checkPicture(picture, request)),
  ]
  for (let i = 0; i < 20; i++) {
    assert.equal((await service.call("GET", `${file}.png`)).status, 200)
    assert.equal((await service.call("GET", `/files/assets/${asset.id}`)).status, 200)
  }
  assert.deepEqual(ended, [])
  for (const g of held) g.open()
  await Promise.all([...holding, ...waiting])
  assert.equal(ended.length, 4)
})

test("a scaled upload stands upright, as its camera meant it", async () => {
  const sideways = await sharp(await png())
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer()
  const answer = await fetch(`${service.url}/api/assets`, { method: "POST", body: new Uint8Array(sideways) })
  const { id } = (await answer.json()) as { id: string }
  const scaled = await fetch(`${service.url}/files/assets/${id}?width=18`)
  const { width, height } = await sharp(await scaled.arrayBuffer()).metadata()
  assert.deepEqual([width, height], [18, 24])
})

test("a picture that the engine would refuse by its sides is refused when it arrives", async () => {
  const thin = await sharp({ create: { width: 400, height: 7, channels: 3, background: "red" } })
    .png()
    .toBuffer()
  const image = `data:image/png;base64,${thin.toString("base64")}`
  const { status, body } = await service.call("POST", "/api/jobs", { prompt: "x", references: [{ image }] })
  assert.equal(status, 400)
  assert.equal(body.error.field, "references[0].image")
  assert.equal(body.error.message, "The picture has 400 x 7 pixels; sides go from 8 to 20000.")
})
