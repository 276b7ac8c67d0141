// Pictures that a command names by address: fetched by the same careful function as a server's.
import assert from "node:assert/strict"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { createEngine, type ErrorData, parseRequest } from "../../src/index.ts"
import { atelier } from "../support/cli.ts"
import { makeModel } from "../support/model.ts"

let home: string
let server: Server
let base: string
const asked: string[] = []
before(async () => {
  home = await mkdtemp(join(tmpdir(), "atelier-remote-"))
  process.env.ATELIER_HOME = home
  const png = await sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } })
    .png()
    .toBuffer()
  server = createServer((request, response) => {
    asked.push(request.url!)
    if (request.url === "/a.png") response.end(png)
    else if (request.url === "/moved") response.writeHead(302, { location: "/a.png" }).end()
    else if (request.url === "/large") response.writeHead(200, { "content-length": 75_000_001 }).end()
    else response.writeHead(404).end()
  }).listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(async () => {
  delete process.env.ATELIER_HOME
  server.closeAllConnections()
  server.close()
  await rm(home, { recursive: true })
})

async function refused(words: string[], message: RegExp): Promise<void> {
  const said = await atelier([...words, "--json"])
  assert.equal(said.code, 1, said.out)
  const { error } = JSON.parse(said.out) as { error: ErrorData }
  assert.equal(error.code, "image_invalid")
  assert.match(error.message, message)
}

test("a private address is refused in one sentence that says how to allow it, and nothing is asked there", async () => {
  const sentence =
    /^The picture http:\S+ cannot be fetched: 127\.0\.0\.1 is not a public address, so it is not fetched without --allow-private-network\.$/
  await refused(["board", "create", "inside", `${base}/a.png`], sentence)
  assert.deepEqual(asked, [])
})

test("with --allow-private-network it is read, over a redirect too", async () => {
  const said = await atelier([
    "board",
    "create",
    "allowed",
    `${base}/a.png`,
    `${base}/moved`,
    "--allow-private-network",
    "--json",
  ])
  assert.equal(said.code, 0, said.out)
  assert.equal((JSON.parse(said.out) as { pictures: unknown[] }).pictures.length, 2)
  assert.deepEqual(asked.splice(0), ["/a.png", "/moved", "/a.png"])
})

test("an answer that is no picture, too large or never comes is told with its reason", async () => {
  const create = (address: string) => ["board", "create", "x", address, "--allow-private-network"]
  await refused(create(`${base}/none`), /cannot be fetched: the answer was 404\.$/)
  await refused(create(`${base}/large`), /sent more than 75 MB\.$/)
  await refused(create("http://127.0.0.1:9/x.png"), /could not be reached\. \(.*ECONNREFUSED.*\)$/)
})

test("a start picture's address is checked by the engine that commands and programs share", async () => {
  await using model = await makeModel()
  const engine = createEngine({ home: model.home, folders: [join(model.home, "models")], threads: 1 })
  asked.length = 0
  try {
    const request = parseRequest({ prompt: "x", model: "tiny", start: { image: `${base}/a.png` } })
    await assert.rejects(engine.generate(request), /127\.0\.0\.1 is not a public address/)
    assert.deepEqual(asked, [])
  } finally {
    await engine.close()
  }
})
