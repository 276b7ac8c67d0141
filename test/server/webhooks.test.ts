// Webhooks of a running service: who does not answer is waited for by nobody else.
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { startService, until } from "../support/service.ts"
import { webhookReceiver } from "../support/webhook-receiver.ts"

test("a message arrives while another receiver keeps its messages open, which a server that stops waits for", async (t) => {
  const service = await startService()
  t.after(() => service.drop())
  const open: ServerResponse[] = []
  let closed = 0
  const silent = createServer((_, response) => {
    open.push(response)
    response.on("close", () => closed++)
  })
  silent.listen(0, "127.0.0.1")
  await once(silent, "listening")
  t.after(() => silent.close())
  const heard: string[] = []
  const quick = await webhookReceiver((body) => heard.push(body))
  t.after(quick.close)

  const submit = async (webhook: string): Promise<void> => {
    const { status } = await service.call("POST", "/api/jobs", { prompt: "a fox", webhook })
    assert.equal(status, 201)
  }
  const { port } = silent.address() as AddressInfo
  for (let i = 0; i < 4; i++) await submit(`http://127.0.0.1:${port}/`)
  await until(() => open.length === 4)
  await submit(quick.url)
  await until(() => heard.length === 1)
  assert.equal(closed, 0)

  // A server that stops waits for what is under way, and answers meanwhile.
  const { url } = service
  const stopped = service.close()
  for (let i = 0; i < 100; i++) assert.equal((await fetch(`${url}/healthz`)).status, 200)
  for (const response of open) response.end()
  await stopped
})
