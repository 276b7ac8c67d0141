// The client where its server is gone.
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { AtelierClient } from "../../src/sdk/index.ts"

test("waiting for a job ends when it is aborted, also where the server is gone for good", async () => {
  const listening = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    if (!request.url!.startsWith("/api/events")) {
      response.end(JSON.stringify({ id: "one", state: "queued" }))
      listening.resolve()
      return
    }
    response.writeHead(200, { "content-type": "text/event-stream" })
    response.write('event: hello\ndata: {"kind":"hello"}\n\n')
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new AtelierClient({ baseUrl, silenceSeconds: 0.2 })
  const stop = new AbortController()
  const waiting = client.wait("one", { signal: stop.signal })
  await listening.promise
  server.closeAllConnections()
  server.close()
  await once(server, "close")
  stop.abort()
  await assert.rejects(waiting, {
    code: "unavailable",
    message: `No server answers at ${baseUrl}, so job one may still run; cancel it there.`,
  })
})

test("waiting and cancelling go on over a proxy that says for a moment that its server is away", async (t) => {
  let looks = 0
  let cancels = 0
  const server = createServer((request, response) => {
    const isFirst =
      request.method === "POST" ? cancels++ === 0 : !request.url!.includes("events") && looks++ === 0
    if (isFirst) return void response.writeHead(502, { "content-type": "text/html" }).end("<html>Bad Gateway")
    if (!request.url!.startsWith("/api/events")) {
      const state = cancels > 1 ? "cancelled" : "queued"
      if (state === "queued" && looks > 1) stop.abort()
      return void response.end(JSON.stringify({ id: "one", state }))
    }
    response.writeHead(200, { "content-type": "text/event-stream" })
    const hello = setInterval(() => response.write('event: hello\ndata: {"kind":"hello"}\n\n'), 50)
    response.on("close", () => clearInterval(hello))
  })
  const stop = new AbortController()
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const client = new AtelierClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  await assert.rejects(client.wait("one", { signal: stop.signal }), { code: "cancelled" })
  assert.equal(cancels, 2)
  assert.ok(looks > 2)
})
