// How large a body may be: declared or sent in pieces, over a real socket.
import assert from "node:assert/strict"
import { once } from "node:events"
import { type ClientRequest, createServer, type OutgoingHttpHeaders, request } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { after, before, test } from "node:test"
import { getRequestListener } from "@hono/node-server"
import { Hono } from "hono"
import { asAtelierError } from "../../src/request/index.ts"
import { type Env, limitBody } from "../../src/server/http.ts"

const app = new Hono<Env>()
app.onError((thrown, c) => c.json(asAtelierError(thrown).toJSON(), 400))
app.use(limitBody(10))
app.all("/", async (c) => c.text(await c.req.text()))
app.all("/locked", (c) => c.text("no key", 401))
const server = createServer(getRequestListener(app.fetch))

before(async () => {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
})
after(() => {
  server.closeAllConnections()
  server.close()
})

/** A request whose body is not at its end. */
function begin(path: string, headers: OutgoingHttpHeaders, ...pieces: string[]): ClientRequest {
  const { port } = server.address() as AddressInfo
  const asked = request({ port, host: "127.0.0.1", method: "POST", path, headers })
  asked.on("error", () => {}) // refused before all of it was sent
  for (const piece of pieces) asked.write(piece)
  if (pieces.length === 0) asked.flushHeaders()
  return asked
}

async function answer(asked: ClientRequest): Promise<[number, string]> {
  const [response] = await once(asked, "response")
  const body = await text(response)
  asked.destroy()
  return [response.statusCode, body]
}
function post(headers: OutgoingHttpHeaders, ...pieces: string[]): Promise<[number, string]> {
  const asked = begin("/", headers, ...pieces)
  if (pieces.length > 0) asked.end()
  return answer(asked)
}
const refused = '{"code":"invalid_request","message":"The body is larger than 10 bytes."}'

test("a body of the limit's length arrives whole, declared or in pieces", async () => {
  assert.deepEqual(await post({ "content-length": 10 }, "0123456789"), [200, "0123456789"])
  assert.deepEqual(await post({ "transfer-encoding": "chunked" }, "01234", "56789"), [200, "0123456789"])
})

test("a length over the limit is refused before a byte of it is sent", async () => {
  assert.deepEqual(await post({ "content-length": 11 }), [400, refused])
})

test("pieces that add up to more than the limit are refused", async () => {
  assert.deepEqual(await post({ "transfer-encoding": "chunked" }, "01234", "567890"), [400, refused])
})

test("who has no key is told so first, whatever the length and however little of the body is there", async () => {
  assert.deepEqual(await answer(begin("/locked", { "content-length": 11 })), [401, "no key"])
  assert.deepEqual(await answer(begin("/locked", { "transfer-encoding": "chunked" }, "0")), [401, "no key"])
})
