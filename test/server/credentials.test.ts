// Content Credentials: what the service hands out is signed, and the signature notices a changed byte.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { newCredential, readCredentials, sealWith } from "../../src/image/credentials.ts"
import { startService, type TestService } from "../support/service.ts"

let service: TestService
before(async () => {
  service = await startService()
})
after(() => service.drop())

const SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
const fetched = async (address: string): Promise<Uint8Array> =>
  new Uint8Array(await (await fetch(address)).arrayBuffer())
const made = async (): Promise<string> =>
  (await service.call("POST", "/api/jobs?wait=60", { prompt: "a signed picture", seed: 5 })).body.pictures[0]
    .url

test("a finished picture says, signed, that a trained model made it", async () => {
  const told = await readCredentials(await fetched(await made()))
  assert.deepEqual(told, { holds: true, software: "Atelier", source: SOURCE, problems: [] })
})

test("so does the JPEG that is asked for instead", async () => {
  const told = await readCredentials(await fetched(`${await made()}?format=jpg`))
  assert.equal(told?.holds, true)
  assert.equal(told.source, SOURCE)
})

test("a WebP, for which there is no way to sign, comes without and whole", async () => {
  const bytes = await fetched(`${await made()}?format=webp`)
  assert.equal(Buffer.from(bytes.subarray(8, 12)).toString(), "WEBP")
  assert.equal(await readCredentials(bytes), undefined)
})

test("one changed byte of the picture breaks the credentials", async () => {
  const bytes = await fetched(await made())
  bytes[bytes.length - 30]! ^= 1
  const told = await readCredentials(bytes)
  assert.equal(told?.holds, false)
  assert.deepEqual(told.problems, ["assertion.dataHash.mismatch"])
})

test("the same request gives the same signed bytes, after a restart too", async () => {
  const one = await fetched(await made())
  await service.restart()
  assert.deepEqual(await fetched(await made()), one)
})

test("two installations sign with keys of their own, and a signature weighs a few kilobytes", async () => {
  const create = { width: 64, height: 64, channels: 3, background: "#c04020" } as const
  const plain = new Uint8Array(await sharp({ create }).jpeg().toBuffer())
  const [one, two] = await Promise.all(
    [await newCredential(), await newCredential()].map((c) =>
      sealWith(c, { name: "Atelier", version: "1" })(plain),
    ),
  )
  assert.notDeepEqual(one, two)
  assert.equal((await readCredentials(two!))?.holds, true)
  assert.ok(one!.length - plain.length < 4000, `${one!.length - plain.length} bytes`)
})
