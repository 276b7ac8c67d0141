// A real MCP client against the server's /mcp.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import { startService, type TestService } from "../support/service.ts"

let service: TestService
let client: Client
before(async () => {
  service = await startService()
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

test("mcp: a failure is told as an error of the tool", async () => {
  const result = await client.callTool({ name: "generate", arguments: { prompt: "a fox", model: "none" } })
  assert.equal(result.isError, true)
  assert.match((result.content as Content)[0]!.text!, /There is no model none/)
})
