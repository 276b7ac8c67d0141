// R8: the one function that fetches what callers name reaches nothing inside, however the address is spelled.
import assert from "node:assert/strict"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { isPublicAddress } from "../../src/image/addresses.ts"
import { fetchUntrusted } from "../../src/image/fetch-untrusted.ts"
import { AtelierError } from "../../src/request/index.ts"
import { figure } from "../support/figures.ts"
import { insideAddresses } from "../support/inside-addresses.ts"

async function listen(answer: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(answer).listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

test("no spelling of an inside address reaches a listener inside, directly, by redirect or by a second DNS answer", async (t) => {
  let hits = 0
  const canary = await listen((_, response) => {
    hits++
    response.end("inside")
  })
  const addresses = insideAddresses(canary.port)
  for (const address of addresses)
    await assert.rejects(fetchUntrusted(address, { seconds: 60 }), AtelierError, address)

  // A server that counts as public and redirects to each of them. A relative address stays where it is.
  let redirects = 0
  const outside = await listen((request, response) => {
    const location = decodeURIComponent(request.url!.slice(1))
    if (location) redirects++
    response.writeHead(location ? 302 : 200, location ? { location } : {}).end("outside")
  })
  const isOutside = (_: string, host: string) => host === "outside.example"
  const rules = {
    seconds: 60,
    resolve: async (host: string) => [
      { address: host === "outside.example" ? "127.0.0.1" : host, family: 4 },
    ],
    isPublic: (address: string, host: string) => isOutside(address, host) || isPublicAddress(address),
  }
  for (const address of addresses.map((a) => Buffer.from(a).toString("latin1"))) {
    const answer = await fetchUntrusted(
      `http://outside.example:${outside.port}/${encodeURIComponent(address)}`,
      rules,
    ).catch((thrown: unknown) => thrown)
    if (!(answer instanceof AtelierError)) assert.fail(`${address} led somewhere`)
  }

  const rebinding = [
    [
      { address: "93.184.216.34", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ],
    [{ address: "127.0.0.1", family: 4 }],
    [{ address: "::1", family: 6 }],
    [],
  ]
  for (const answers of rebinding) {
    const resolve = async () => answers
    await assert.rejects(
      fetchUntrusted(`http://rebind.example:${canary.port}/`, { seconds: 60, resolve }),
      AtelierError,
    )
  }
  const n = addresses.length * 2 + rebinding.length
  figure(t, "R8-ssrf", { n, redirects, canary_hits: hits })
  assert.equal(hits, 0)
  assert.ok(n >= 250 && redirects > 200, `${n} addresses, ${redirects} redirects`)
  canary.server.close()
  outside.server.close()
})

test("each redirect is checked anew, and the address that was checked is the one that is called", async () => {
  let inside = 0
  const server: Server = createServer((request, response) => {
    if (request.url === "/inside") inside++
    if (request.url === "/go")
      response.writeHead(302, { location: `http://inner.example:${port}/inside` }).end()
    else response.end("ok")
  }).listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  const { port } = server.address() as AddressInfo
  const asked: string[] = []
  // `allowPrivate` for the first hop only would be needed to reach loopback; the resolver stands in for the internet.
  const resolve = async (host: string) => {
    asked.push(host)
    return [{ address: "127.0.0.1", family: 4 }]
  }
  await assert.rejects(fetchUntrusted(`http://outer.example:${port}/go`, { resolve }), /not a public address/)
  const answer = await fetchUntrusted(`http://outer.example:${port}/go`, { resolve, allowPrivate: true })
  assert.equal(answer.bytes.toString(), "ok")
  assert.deepEqual(asked, ["outer.example", "outer.example", "inner.example"])
  assert.equal(inside, 1)
  await assert.rejects(
    fetchUntrusted(`http://outer.example:${port}/go`, { resolve, allowPrivate: true, redirects: 0 }),
    /redirects too often/,
  )
  server.close()
})

test("a large or slow answer is cut off", async () => {
  const server: Server = createServer((request, response) => {
    if (request.url === "/slow") return
    response.write(Buffer.alloc(200_000))
    response.end(Buffer.alloc(200_000))
  }).listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  const { port } = server.address() as AddressInfo
  const rules = { allowPrivate: true, maxBytes: 300_000 }
  await assert.rejects(fetchUntrusted(`http://127.0.0.1:${port}/big`, rules), /more than/)
  await assert.rejects(
    fetchUntrusted(`http://127.0.0.1:${port}/slow`, { ...rules, seconds: 0.2 }),
    (e: AtelierError) => e.code === "timeout",
  )
  server.closeAllConnections()
  server.close()
})
