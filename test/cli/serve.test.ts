// atelier serve as a process of its own, and what is done to it from beside: keys, webhooks, its log, SIGTERM.
import assert from "node:assert/strict"
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { rm } from "node:fs/promises"
import type { IncomingHttpHeaders } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { openStore } from "../../src/store/index.ts"
import { atelier as runHere, type Said } from "../support/cli.ts"
import { dataFolder } from "../support/folder.ts"
import { makeModel, type TinyModel } from "../support/model.ts"
import { until } from "../support/service.ts"
import { webhookReceiver } from "../support/webhook-receiver.ts"

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))
/** Programs load in half the time when they were compiled before. */
const ENVIRONMENT = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "atelier-compile-cache") }
let model: TinyModel
let directory: string
let child: ChildProcess
let url: string
/** Everything that the server has written. */
let out = ""
let err = ""

before(async () => {
  model = await makeModel()
  directory = await dataFolder()
  child = spawn(
    process.execPath,
    [
      MAIN,
      "serve",
      "--port",
      "0",
      "--directory",
      directory,
      "--require-key",
      "--allow-private-network",
    ].concat(["--log", "info", "--threads", "1"]),
    { env: { ...ENVIRONMENT, ATELIER_HOME: model.home }, stdio: ["ignore", "pipe", "pipe", "ipc"] },
  )
  child.stdout!.on("data", (part) => {
    out += String(part)
  })
  child.stderr!.on("data", (part) => {
    err += String(part)
  })
  await until(() => /Atelier is at (\S+);/.test(err) || child.exitCode !== null, 60)
  url = /Atelier is at (\S+);/.exec(err)?.[1] ?? assert.fail(err)
})
after(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGKILL")
    await once(child, "exit")
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  await model[Symbol.asyncDispose]()
})

/** A command in a process of its own, on the server's folder: exit code and what it printed. */
async function command(...words: string[]): Promise<Said> {
  const all = [MAIN, ...words, "--directory", directory]
  return promisify(execFile)(process.execPath, all, { env: ENVIRONMENT }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (thrown: { code: number; stdout: string; stderr: string }) => ({
      code: thrown.code,
      out: thrown.stdout,
      err: thrown.stderr,
    }),
  )
}
/** The same in the test's own process, which is quicker. */
const atelier = (...words: string[]): Promise<Said> => runHere([...words, "--directory", directory])

// biome-ignore lint/suspicious/noExplicitAny: answers are read member by member.
async function call(method: string, path: string, secret: string, body?: unknown): Promise<any> {
  const headers = { authorization: `Bearer ${secret}`, "x-request-id": `of-this-test-${++asked}` }
  const payload = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await fetch(`${url}${path}`, { method, headers, ...payload })
  return { status: response.status, body: JSON.parse(await response.text()) }
}
let asked = 0
const newKey = async (name: string): Promise<{ id: string; secret: string; webhookSecret: string }> =>
  JSON.parse((await atelier("keys", "add", name, "--json")).out)

test("keys are added with limits, listed and revoked beside a running server", async () => {
  const limits = ["--concurrency", "2", "--backlog", "3", "--rate", "4"]
  const [added, [zero, half, name]] = await Promise.all([
    command("keys", "add", "team", ...limits),
    Promise.all([
      atelier("keys", "add", "x", "--rate", "0"),
      atelier("keys", "add", "x", "--backlog", "1.5", "--json"),
      atelier("keys", "add", "a/b"),
    ]),
  ])
  assert.equal(added.code, 0)
  const secret = added.out.split("\n")[0]!
  assert.match(added.out, /^atl_\S+\nits id is key_\S+\nwebhooks are signed with whsec_\S+\n$/)
  assert.deepEqual([zero.code, half.code, name.code], [2, 2, 2])
  assert.equal(zero.err, "--rate is a whole number from 1 to 1000000, and 0 was given.\n")
  assert.equal(JSON.parse(half.out).error.field, "backlog")
  assert.match(name.err, /^A key's name has 1 to 60 letters/)

  const { body: me } = await call("GET", "/api/me", secret)
  assert.deepEqual([me.name, me.concurrency, me.backlog, me.rate], ["team", 2, 3, 4])
  assert.ok(added.out.includes(`its id is ${me.id}\n`))
  for (const [taken, sentence] of [
    [
      "team",
      /^A key team is in force; choose another name, or end that one first with `atelier keys revoke team`/,
    ],
    [me.id, /^A key key_\S+ is in force/],
    ["local", /^local is the service's own key/],
  ]) {
    const { code, err: said } = await atelier("keys", "add", taken)
    assert.equal(code, 1)
    assert.match(said, sentence)
  }
  const [listed, asJson] = await Promise.all([command("keys", "list"), atelier("keys", "list", "--json")])
  assert.match(
    listed.out,
    new RegExp(`^${me.id}  team  2 at once, 3 waiting, 4 a minute  made 20\\S+Z$`, "m"),
  )
  assert.ok(!listed.out.includes(secret) && !asJson.out.includes(secret))
  const mine = JSON.parse(asJson.out).find((key: { id: string }) => key.id === me.id)
  assert.deepEqual([mine.concurrency, mine.backlog, mine.rate, mine.revokedAt], [2, 3, 4, null])

  const [gone, none] = [await command("keys", "revoke", "team"), await atelier("keys", "revoke", "nobody")]
  assert.equal(gone.out, "team is revoked.\n")
  const sentence = "There is no key nobody in force; `atelier keys list` shows those that there are.\n"
  assert.deepEqual([none.code, none.out, none.err], [1, "", sentence])
  assert.match((await atelier("keys", "list")).out, /team {2}.*, revoked 20\S+Z$/m)
  await until(async () => (await call("GET", "/api/me", secret)).status === 401)
  assert.notEqual((await newKey("team")).id, me.id)
})

test("webhooks are listed with what became of them, and replayed under the same event id", async (t) => {
  const { secret } = await newKey("hooks")
  const events: IncomingHttpHeaders[] = []
  const receiver = await webhookReceiver((_body, headers) => events.push(headers))
  t.after(() => receiver.close())
  const request = { prompt: "x", model: "tiny", steps: 1, width: 256, height: 256, webhook: receiver.url }
  const { body: job } = await call("POST", "/api/jobs?wait=60", secret, request)
  assert.equal(job.state, "completed", JSON.stringify(job.error))
  await until(
    async () => JSON.parse((await atelier("webhooks", "list", "--json")).out)[0].state === "delivered",
  )
  const id = events[0]!["atelier-event-id"] as string
  const { out: listed } = await command("webhooks", "list")
  assert.equal(listed, `${id}  delivered  1  200  ${receiver.url}\n`)

  assert.equal((await command("webhooks", "replay", id)).out, "1 to be sent again.\n")
  await until(() => events.length === 2)
  assert.equal(events[1]!["atelier-event-id"], id)
  assert.equal((await atelier("webhooks", "replay")).out, "0 to be sent again.\n", "none was given up")
  for (const unknown of [crypto.randomUUID(), "x"]) {
    const { code, out } = await atelier("webhooks", "replay", unknown, "--json")
    assert.deepEqual([code, JSON.parse(out).error.code], [1, "not_found"])
  }
})

test("the log has a JSON line for each request with its id, and no secret", async () => {
  const { secret, webhookSecret } = await newKey("log")
  const tasks = [{ taskType: "authentication", apiKey: secret }, { taskType: "ping" }]
  assert.equal((await call("POST", "/v1", secret, tasks)).status, 200)
  assert.equal((await call("GET", "/api/me", "atl_a-wrong-secret")).status, 401)
  assert.equal((await call("POST", "/api/jobs", secret, { prompt: 1 })).status, 400)
  const requestId = `of-this-test-${asked}`
  await until(() => out.includes(requestId))
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const { time, milliseconds, ...line } = lines.find((l) => l.requestId === requestId)!
  assert.deepEqual(line, {
    level: 30,
    requestId,
    method: "POST",
    path: "/api/jobs",
    status: 400,
    msg: "answered",
  })
  assert.ok(Number(milliseconds) >= 0 && Date.parse(String(time)) > 0)
  for (const said of [secret, webhookSecret, "atl_a-wrong-secret"]) {
    assert.ok(!out.includes(said) && !err.includes(said))
  }
})

test("SIGTERM in mid-picture ends the process with code 0, and the job is in the queue again", async () => {
  const { secret } = await newKey("term")
  const request = { prompt: "x", model: "tiny", steps: 100, count: 8, width: 512, height: 512 }
  const { body: job } = await call("POST", "/api/jobs", secret, request)
  // A reader who stays must not hold it up.
  const events = await fetch(`${url}/api/events`, { headers: { authorization: `Bearer ${secret}` } })
  await until(async () => (await call("GET", `/api/jobs/${job.id}`, secret)).body.progress?.step >= 1, 60)
  const ended = once(child, "exit")
  const began = performance.now()
  child.kill("SIGTERM")
  assert.deepEqual(await ended, [0, null], err)
  // TimeoutStopSec in docs/serving.md.
  assert.ok(performance.now() - began < 30_000)
  await events.text().catch(() => "")
  assert.match(out, /Stopped\.\n$/)

  const store = await openStore({ directory })
  try {
    const rows = await store.db.query("select state, tries, worker, error from jobs where id = $1", [job.id])
    assert.deepEqual(rows, [{ state: "queued", tries: 0, worker: null, error: null }])
    assert.deepEqual(await store.db.query("select id from workers"), [])
  } finally {
    await store.close()
  }
})
