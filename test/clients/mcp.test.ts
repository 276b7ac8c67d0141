// A real MCP client against the server's /mcp, and through `atelier mcp` over standard input and output.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { after, before, test } from "node:test"
import { fileURLToPath } from "node:url"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import sharp from "sharp"
import { expandPrompt } from "../../src/controls/creativity/index.ts"
import { gate, startService, type TestService } from "../support/service.ts"

let service: TestService
let client: Client
const heard = gate()
before(async () => {
  const beforeStep = ({ prompt }: { prompt: string }, step: number) =>
    prompt === "an owl" && step >= 3 ? heard.wait() : undefined
  service = await startService({}, { beforeStep })
  client = new Client({ name: "test", version: "1" })
  await client.connect(new StreamableHTTPClientTransport(new URL(`${service.url}/mcp`)))
})
after(async () => {
  await client.close()
  await service.drop()
})
type Content = { type: string; text?: string; mimeType?: string }[]

test("mcp: generate returns facts and the picture itself", async () => {
  const { tools } = await client.listTools()
  assert.deepEqual(tools.map((t) => t.name).sort(), ["generate", "job_status", "list_boards"])
  const result = await client.callTool({
    name: "generate",
    arguments: { prompt: "a fox", aspect: "3:2", seed: 8 },
  })
  const content = result.content as Content
  const told = JSON.parse(content[0]!.text!)
  assert.equal(told.seed, 8)
  assert.equal(content[1]!.mimeType, "image/webp")
  const status = await client.callTool({ name: "job_status", arguments: { job: told.job } })
  assert.equal(JSON.parse((status.content as Content)[0]!.text!).state, "completed")
})

test("mcp: a start picture, its mask, sliders, variations and a negative prompt reach the engine", async () => {
  const create = { width: 40, height: 40, channels: 3, background: "white" } as const
  const image = `data:image/png;base64,${(await sharp({ create }).png().toBuffer()).toString("base64")}`
  const variationOf = [{ seed: 5, strength: 0.3 }]
  const asked = {
    start: { image, strength: 0.5, mask: image },
    movement: -20,
    negativePrompt: "rain",
    variationOf,
  }
  await client.callTool({ name: "generate", arguments: { prompt: "a hat", ...asked } })
  const { intensity, start, movement, negativePrompt, variationOf: varied } = service.engine.seen.at(-1)!
  assert.deepEqual({ start, movement, negativePrompt, variationOf: varied }, asked)
  assert.equal(intensity, 0)
})

test("mcp: what went another way than asked is told with the pictures", async (t) => {
  const notes = expandPrompt({ prompt: "ein Fuchs", creativity: 50, seed: 1 }).notes!
  const telling = await startService({}, { notes })
  t.after(() => telling.drop())
  const own = new Client({ name: "test", version: "1" })
  t.after(() => own.close())
  await own.connect(new StreamableHTTPClientTransport(new URL(`${telling.url}/mcp`)))
  const result = await own.callTool({ name: "generate", arguments: { prompt: "ein Fuchs" } })
  assert.deepEqual(JSON.parse((result.content as Content)[0]!.text!).notes, notes)
})

test("mcp: a failure is told as an error of the tool", async () => {
  const result = await client.callTool({ name: "generate", arguments: { prompt: "a fox", model: "none" } })
  assert.equal(result.isError, true)
  assert.match((result.content as Content)[0]!.text!, /There is no model none/)
})

test("mcp: over standard input and output the same tools make the same picture", async (t) => {
  const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))
  const piped = new Client({ name: "test", version: "1" })
  t.after(() => piped.close())
  await piped.connect(
    new StdioClientTransport({ command: process.execPath, args: [main, "mcp", "--url", service.url] }),
  )
  const [overPipe, overHttp] = await Promise.all([piped.listTools(), client.listTools()])
  assert.deepEqual(overPipe.tools, overHttp.tools)
  const call = { name: "generate", arguments: { prompt: "an owl", seed: 3 } }
  // The engine waits before its third step until the client has heard of one.
  const steps: number[] = []
  const onprogress = ({ progress }: { progress: number }): void => {
    steps.push(progress)
    heard.open()
  }
  const [first, second] = [await piped.callTool(call, undefined, { onprogress }), await client.callTool(call)]
  assert.ok(steps.length > 0 && steps.every((step, i) => i === 0 || step >= steps[i - 1]!), steps.join(" "))
  const pictureOf = (result: typeof first) => (result.content as { data?: string }[])[1]!.data
  assert.ok(pictureOf(first))
  assert.equal(pictureOf(first), pictureOf(second))
  const boards = await piped.callTool({ name: "list_boards", arguments: {} })
  assert.deepEqual(JSON.parse((boards.content as Content)[0]!.text!), [])
})

test("mcp: SIGTERM ends the command over standard input and output while its client is still there", async (t) => {
  const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))
  const child = spawn(process.execPath, [main, "mcp", "--url", service.url], {
    stdio: ["pipe", "pipe", "ignore"],
  })
  t.after(() => child.kill("SIGKILL"))
  const params = {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  }
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`)
  await once(child.stdout, "data")
  const ended = once(child, "exit", { signal: AbortSignal.timeout(120_000) })
  child.kill("SIGTERM")
  assert.deepEqual(await ended, [0, null])
})
