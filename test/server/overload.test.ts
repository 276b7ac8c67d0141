// R9 without a clock: a crowd of submits is stored up to the queue's cap, each once, and the rest is told when to come again.
import assert from "node:assert/strict"
import { Agent, request } from "node:http"
import { after, before, test } from "node:test"
import { figure } from "../support/figures.ts"
import { gate, startService, type TestService, until } from "../support/service.ts"

const CROWD = 300
const SOCKETS = 100
const CAP = 240
const hold = gate()
let service: TestService
const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS })
before(async () => {
  service = await startService(
    { queueCap: CAP },
    { side: 16, beforeStep: (r) => (r.prompt === "running" ? hold.wait() : undefined) },
  )
})
after(async () => {
  hold.open()
  agent.destroy()
  await service.drop()
})

interface Answer {
  status: number
  retryAfter: string | undefined
  id: string | undefined
  code: string | undefined
}
const post = (path: string, body: object): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request(`${service.url}${path}`, { agent, method: "POST" }, async (answer) => {
      let text = ""
      for await (const part of answer) text += part
      const { id, error } = JSON.parse(text) as { id?: string; error?: { code: string } }
      resolve({
        status: answer.statusCode!,
        retryAfter: answer.headers["retry-after"],
        id,
        code: error?.code,
      })
    })
    asked.on("error", reject).end(JSON.stringify(body))
  })

test("of 300 submits at once while a job runs, those up to the cap are stored once each and the others get 429 with Retry-After", async (t) => {
  // Four pictures fill the engine: nothing of the crowd starts before it is counted.
  const running = await post("/api/jobs", { prompt: "running", count: 4 })
  await hold.reached
  const prompts = Array.from({ length: CROWD }, (_, i) => `crowd ${i}`)
  const answers = await Promise.all(prompts.map((prompt) => post("/api/jobs", { prompt })))
  const stored = answers.filter((a) => a.status === 201)
  const shed = answers.filter((a) => a.status === 429)
  figure(t, "R9-crowd", { n: CROWD, sockets: SOCKETS, stored: stored.length, shed: shed.length })
  assert.equal(stored.length, CAP - 1, "the running job counts")
  assert.equal(shed.length, CROWD - stored.length)
  for (const { retryAfter, code } of shed) {
    assert.ok(Number(retryAfter) >= 1)
    assert.equal(code, "rate_limited")
  }
  const rows = await service.service.store.db.query<{ id: string; prompt: string }>(
    "select id, prompt from jobs where prompt like 'crowd %'",
  )
  assert.deepEqual(rows.map((r) => r.id).sort(), stored.map((a) => a.id).sort())
  const accepted = prompts.filter((_, i) => answers[i]!.status === 201)
  assert.deepEqual(rows.map((r) => r.prompt).sort(), accepted.sort())
  // Once there is room again, so is a place for whoever comes again.
  hold.open()
  await service.service.jobs.wait(running.id!, null)
  await until(async () => (await post("/api/jobs", { prompt: "again" })).status === 201)
})
