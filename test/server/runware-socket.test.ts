// R13: Runware's sockets heal. Results that a dead, frozen or silent connection did not bring come with the next one.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, test } from "node:test"
import WebSocket from "ws"
import { amount, figure, random } from "../support/figures.ts"
import { brokenNetwork } from "../support/proxy.ts"
import { gate, startService, type TestService, until } from "../support/service.ts"

let service: TestService
const gates = new Map<string, ReturnType<typeof gate>>()
before(async () => {
  service = await startService({}, { side: 16, beforeStep: (r) => gates.get(r.prompt)?.wait() })
})
after(() => service.drop())

const SEED = 29
/** Results that are there come within milliseconds. */
const PATIENCE = 20

interface Item {
  taskType: string
  taskUUID?: string
  imageUUID?: string
  code?: string
  connectionSessionUUID?: string
}
/** A client that does nothing by itself: it sends what it is told and keeps every item that arrives. */
class Client {
  readonly items: Item[] = []
  session: string | undefined
  /** Code of the newest connection's close. */
  closed: Promise<number> | null = null
  #socket: WebSocket | null = null
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  /** Opens and authenticates, with the session of the last connection where there was one. */
  async connect(more: object[] = []): Promise<void> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/v1`)
    const greeted = Promise.withResolvers<string>()
    socket.on("message", (data) => {
      const { data: items, errors } = JSON.parse(String(data)) as { data?: Item[]; errors?: Item[] }
      for (const item of items ?? errors ?? []) {
        if (item.taskType === "authentication") greeted.resolve(item.connectionSessionUUID!)
        this.items.push(item)
      }
    })
    socket.on("error", greeted.reject).on("close", () => greeted.reject(new Error("It was closed.")))
    const auth = { taskType: "authentication", apiKey: "any", connectionSessionUUID: this.session }
    socket.on("open", () => socket.send(JSON.stringify([auth, ...more])))
    this.closed = new Promise((resolve) => socket.once("close", resolve))
    this.#socket = socket
    this.session = await greeted.promise
  }
  /** Until a connection stands: one that is being cut does not get there. */
  async reconnect(): Promise<void> {
    this.#socket!.removeAllListeners("close").terminate()
    await until(() =>
      this.connect().then(
        () => true,
        () => false,
      ),
    )
  }
  send(...tasks: object[]): void {
    this.#socket!.send(JSON.stringify(tasks))
  }
  /** Behind the answer to a ping stands everything that was sent before it. */
  async ping(): Promise<void> {
    const pongs = () => this.items.filter((i) => i.taskType === "ping").length
    const had = pongs()
    this.send({ taskType: "ping", ping: true })
    await until(() => pongs() > had)
  }
  pictures(taskUUID: string): string[] {
    return this.items.filter((i) => i.taskUUID === taskUUID && i.imageUUID).map((i) => i.imageUUID!)
  }
  end(): void {
    this.#socket!.terminate()
  }
}

const portOf = ({ url }: TestService): number => Number(new URL(url).port)
const inference = (positivePrompt: string, more: object = {}) => ({
  taskType: "imageInference",
  taskUUID: randomUUID(),
  model: "krea:krea@2-medium",
  positivePrompt,
  width: 1024,
  height: 1024,
  numberResults: 1,
  ...more,
})
async function over({ service: { jobs } }: TestService, taskUUID: string): Promise<string> {
  let id: string | null = null
  await until(async () => {
    id = await jobs.byClientId("local", taskUUID)
    return id !== null
  })
  return (await jobs.wait(id!, null, { seconds: 60 })).state
}

test("over connections that are cut and freeze half-open at any moment every result arrives, and none is another's", async (t) => {
  const n = amount(16, 500)
  const next = random(SEED)
  const network = await brokenNetwork(portOf(service))
  t.after(network.close)
  const client = new Client(network.port)
  await client.connect()
  const first = client.session
  const asked: { taskUUID: string; numberResults: number; isRefused: boolean }[] = []
  let frozen = 0
  let sentAgain = 0
  let uncertain: object[] = []
  for (let drop = 0; drop < n; drop++) {
    const prompt = `drop ${drop}`
    const isRefused = next() < 0.2
    const wrong = isRefused ? { width: 1 } : {}
    const task = { ...inference(prompt, { seed: drop, ...wrong }), numberResults: 1 + (drop % 2) }
    asked.push({ ...task, isRefused })
    const isHeld = next() < 0.5
    if (isHeld) gates.set(prompt, gate())
    client.send(task)
    const hasArrived = next() < 0.8
    if (hasArrived) {
      await client.ping()
      uncertain = []
    } else uncertain.push(task)
    if (!isHeld && !isRefused && hasArrived && next() < 0.5) await over(service, task.taskUUID)
    if (next() < 0.4) {
      frozen++
      network.freeze()
    } else network.cut()
    gates.get(prompt)?.open()
    // What ends while nobody notices that the connection is dead was sent into it.
    if (!isRefused && hasArrived) await over(service, task.taskUUID)
    await client.reconnect()
    // Only of these the client cannot know whether they were heard.
    sentAgain += uncertain.length
    for (const again of uncertain) client.send(again)
  }
  await client.ping()
  const isAnswered = ({ taskUUID, numberResults, isRefused }: (typeof asked)[number]): boolean =>
    isRefused
      ? client.items.some((i) => i.taskUUID === taskUUID && i.code !== undefined)
      : new Set(client.pictures(taskUUID)).size >= numberResults
  await until(() => asked.every(isAnswered), PATIENCE).catch(() => {})
  client.end()
  const missed = asked.filter((a) => !isAnswered(a)).length
  const doubled = asked.filter((a) => new Set(client.pictures(a.taskUUID)).size > a.numberResults).length
  figure(t, "R13-socket", { n, seed: SEED, frozen, sent_again: sentAgain, missed, doubled })
  assert.deepEqual({ missed, doubled }, { missed: 0, doubled: 0 })
  assert.equal(client.session, first, "one session all the way")
  assert.ok(frozen > 0 && sentAgain > 0)
})

test("results come in the order in which pictures are done, each under its own task, over a lost connection too", async (t) => {
  const network = await brokenNetwork(portOf(service))
  t.after(network.close)
  const client = new Client(network.port)
  await client.connect()
  const [slow, quick, last] = [inference("slow"), inference("quick"), inference("last")]
  for (const prompt of ["slow", "last"]) gates.set(prompt, gate())
  client.send(slow, quick)
  client.send(last)
  await until(() => client.pictures(quick.taskUUID).length === 1)
  // Behind the picture the server asks whether it came; behind a second answer it has heard that it did.
  await client.ping()
  await client.ping()
  network.freeze()
  for (const task of [last, slow]) {
    gates.get(task.positivePrompt)!.open()
    assert.equal(await over(service, task.taskUUID), "completed")
  }
  await client.reconnect()
  await until(() => client.pictures(slow.taskUUID).length === 1)
  const order = client.items.filter((i) => i.imageUUID).map((i) => i.taskUUID)
  assert.deepEqual(order.slice(-2), [last.taskUUID, slow.taskUUID])
  assert.equal(client.pictures(quick.taskUUID).length, 1, "what had arrived does not come again")
  client.end()
})

test("a silent connection is closed, its session waits for the next one, and is then forgotten with its queued work", async (t) => {
  const impatient = await startService({ sessionSeconds: 0.5 }, { side: 16 })
  try {
    await impatient.call("POST", "/api/queue/pause")
    const network = await brokenNetwork(portOf(impatient))
    t.after(network.close)
    const held = [inference("held 1"), inference("held 2")]
    const later = inference("fetched later", { deliveryMethod: "async" })
    const client = new Client(network.port)
    await client.connect([...held, later])
    const old = client.session
    // Closed for its silence, not cut: a close handshake has no code 1006.
    assert.notEqual(await client.closed, 1006)
    for (const { taskUUID } of held) assert.equal(await over(impatient, taskUUID), "cancelled")
    // Nobody waits for it on the socket: it is asked for later.
    const id = await impatient.service.jobs.byClientId("local", later.taskUUID)
    assert.equal((await impatient.service.jobs.get(id!, null)).state, "queued")
    await client.connect()
    assert.notEqual(client.session, old)

    // The same where the connection is half-open and no close is ever heard.
    const [lost, unheard] = [new Client(network.port), inference("unheard")]
    await lost.connect([unheard])
    network.freeze()
    assert.equal(await over(impatient, unheard.taskUUID), "cancelled")
    for (const each of [client, lost]) each.end()
  } finally {
    await impatient.drop()
  }
})

test("a connection that authenticates twice loses neither session's work when it goes", async () => {
  const client = new Client(portOf(service))
  gates.set("first session", gate())
  const task = inference("first session")
  await client.connect([task])
  const first = client.session
  client.send({ taskType: "authentication", apiKey: "any" })
  await until(() => client.items.filter((i) => i.connectionSessionUUID).length === 2)
  client.end()
  gates.get("first session")!.open()
  assert.equal(await over(service, task.taskUUID), "completed")
  assert.deepEqual(client.pictures(task.taskUUID), [])
  client.session = first
  await client.reconnect()
  assert.equal(client.session, first)
  await until(() => client.pictures(task.taskUUID).length === 1)
  // Under its own session once more it stays open.
  client.send({ taskType: "authentication", apiKey: "any", connectionSessionUUID: first })
  await client.ping()
  client.end()
})
