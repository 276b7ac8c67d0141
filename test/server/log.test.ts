// The log keeps secrets out, whoever hands them to it.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { test } from "node:test"
import { promisify } from "node:util"

const SECRET = "atl_never-to-be-read"

/** What a process writes that logs `entry`: the log goes to its standard output. */
async function logged(entry: object): Promise<Record<string, unknown>> {
  const module = new URL("../../src/server/log.ts", import.meta.url).href
  const program = `import { openLog } from ${JSON.stringify(module)}; openLog("info").info(${JSON.stringify(entry)}, "said")`
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program])
  return JSON.parse(stdout) as Record<string, unknown>
}

test("authorization, cookies, keys and secrets are left out of a line, and its request id is kept", async () => {
  const headers = { authorization: `Bearer ${SECRET}`, cookie: `atelier_key=${SECRET}`, accept: "image/png" }
  const line = await logged({
    requestId: "request-1",
    headers,
    req: { headers },
    apiKey: SECRET,
    task: { taskType: "authentication", apiKey: SECRET },
    key: { name: "team", secret: SECRET, webhookSecret: SECRET },
  })
  assert.ok(!JSON.stringify(line).includes(SECRET), JSON.stringify(line))
  assert.equal(line.requestId, "request-1")
  assert.equal((line.headers as typeof headers).accept, "image/png")
  assert.equal((line.key as { name: string }).name, "team")
})
