// R7: malformed requests and pictures give never a 5xx and never an exit.
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { connect } from "node:net"
import { after, before, test } from "node:test"
import sharp from "sharp"
import WebSocket from "ws"
import { AtelierError } from "../../src/request/index.ts"
import { inspectPicture } from "../../src/server/ingest.ts"
import { amount, figure, random } from "../support/figures.ts"
import { startService, type TestService, until } from "../support/service.ts"

const SEED = 7
let service: TestService
before(async () => {
  // What is accepted by chance is made, too: calls that hold until the picture is there must come back.
  service = await startService({}, { side: 16 })
})
after(() => service.drop())

const WEIRD: unknown[] = [
  null,
  true,
  -1,
  0,
  1e308,
  -1e308,
  0.5,
  "",
  "x",
  "\u0000",
  "\ud800",
  "a".repeat(6000),
  [],
  [[]],
  {},
  { length: 3 },
  [null],
  "__proto__",
  "constructor",
  { __proto__: 1 },
  "'; drop table jobs; --",
  "%00",
  "../../etc/passwd",
  "NaN",
  "1e9",
  Number.MAX_SAFE_INTEGER,
  "data:image/png;base64,AAAA",
  "@deep@",
  "http://[",
  "11111111-1111-4111-8111-111111111111",
]
const BODIES: [string, string, Record<string, unknown>][] = [
  [
    "POST",
    "/api/jobs",
    {
      prompt: "a",
      width: 512,
      height: 512,
      seed: 1,
      count: 1,
      references: [],
      start: null,
      board: null,
      output: {},
      creativity: 50,
    },
  ],
  [
    "POST",
    "/generate/image/krea/krea-2/medium",
    {
      prompt: "a",
      aspect_ratio: "1:1",
      resolution: "1K",
      moodboards: [],
      styles: [],
      seed: 1,
      strength: 0.5,
    },
  ],
  [
    "POST",
    "/v1/images/generations",
    {
      prompt: "a",
      n: 1,
      size: "auto",
      model: "x",
      stream: false,
      seed: 1,
      creativity: "low",
      quality: "low",
    },
  ],
  [
    "POST",
    "/v1",
    [
      {
        taskType: "imageInference",
        taskUUID: "x",
        model: "m",
        positivePrompt: "ab",
        settings: {},
        inputs: {},
      },
    ] as never,
  ],
  [
    "POST",
    "/krea/v2/medium/text-to-image",
    { prompt: "a", image_size: "square", num_images: 1, image_style_references: [] },
  ],
  ["POST", "/fal/run/krea/v2/medium/text-to-image", { prompt: "a", image_size: "square", seed: 1 }],
  ["POST", "/v1/predictions", { input: { prompt: "a", size: "1x1" }, version: "v", webhook: "w" }],
  ["POST", "/v2/models/krea/krea-2-medium/requests", { prompt: "a", aspect_ratio: "1:1", resolution: "1K" }],
  ["POST", "/api/boards", { name: "b", pictures: [] }],
  ["POST", "/api/boards/import", { code: "x" }],
  ["POST", "/moodboards", { name: "b", images: [] }],
  ["PATCH", "/api/jobs/11111111-1111-4111-8111-111111111111", { favourite: true, priority: 3 }],
  ["POST", "/api/jobs/11111111-1111-4111-8111-111111111111/move", { to: "front" }],
  ["POST", "/mcp", { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} }],
]
const PATHS = [
  "/api/jobs?",
  "/api/jobs?limit=",
  "/api/jobs?cursor=",
  "/api/jobs?state=",
  "/api/jobs?from=",
  "/api/jobs?search=",
  "/jobs?cursor=",
  "/jobs?limit=",
  "/jobs/",
  "/api/jobs/",
  "/files/",
  "/files/assets/",
  "/files/previews/x/",
  "/v1/predictions/",
  "/v1/models/",
  "/api/boards/",
  "/api/assets/",
  "/krea/v2/requests/",
  "/assets?limit=",
  "/v1/predictions?cursor=",
  "/",
]

/** No serialiser gets this far down. */
const DEEP = "[".repeat(20_000) + "]".repeat(20_000)
const deepened = (json: string): string => json.replaceAll('"@deep@"', DEEP)

/** One mutation: a member replaced, removed, added, or the text itself damaged. */
function mutate(body: unknown, next: () => number): string {
  const copy = structuredClone(body)
  const target = (Array.isArray(copy) ? copy[0] : copy) as Record<string, unknown>
  const names = Object.keys(target)
  for (let i = 0; i <= next() * 3; i++) {
    const name = names[Math.floor(next() * names.length)]!
    const kind = next()
    if (kind < 0.6) target[name] = WEIRD[Math.floor(next() * WEIRD.length)]
    else if (kind < 0.75) delete target[name]
    else target[`extra${i}`] = WEIRD[Math.floor(next() * WEIRD.length)]
  }
  const text = deepened(JSON.stringify(copy))
  if (next() > 0.15) return text
  const at = Math.floor(next() * text.length)
  return next() < 0.5 ? text.slice(0, at) : `${text.slice(0, at)}\u0001${text.slice(at)}`
}

test("fuzzed requests get an answer below 500, and the server stays up", async (t) => {
  const n = amount(600, 20_000)
  const next = random(SEED)
  const bad: string[] = []
  for (let done = 0; done < n; done += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const isBody = next() < 0.75
        const [method, path, body] = BODIES[Math.floor(next() * BODIES.length)]!
        const text = isBody ? mutate(body, next) : undefined
        const weird = String(WEIRD[Math.floor(next() * WEIRD.length)]).slice(0, 3000)
        const address = isBody
          ? path
          : `${PATHS[Math.floor(next() * PATHS.length)]}${encodeURIComponent(weird.toWellFormed())}`
        const answer = await service.call(isBody ? method : "GET", address, text)
        if (answer.status >= 500) bad.push(`${method} ${address} ${text?.slice(0, 300)} -> ${answer.status}`)
      }),
    )
  }
  figure(t, "R7-requests", { n, seed: SEED, answers_5xx: bad.length })
  assert.deepEqual(bad, [])
  assert.equal((await service.call("GET", "/healthz")).status, 200)
})

const FORMS: [string, string, Record<string, string>][] = [
  ["/v1/images/edits", "image", { prompt: "a", model: "x", n: "1", size: "auto", seed: "1" }],
  ["/v1/images/edits", "image[]", { prompt: "a", strength: "0.5", image_role: "style", stream: "true" }],
  ["/assets", "file", { description: "d" }],
  ["/api/assets", "file", { description: "d" }],
]
const NAMES = [
  "mask",
  "image",
  "image[]",
  "file",
  "__proto__",
  "",
  "\u0000",
  'a"b',
  "prompt",
  "x".repeat(3000),
]

/** A multipart body whose parts are wrong, missing, too many, of other kinds, or whose bytes are damaged. */
function mutatedForm(
  field: string,
  fields: Record<string, string>,
  picture: Buffer,
  next: () => number,
): { body: Buffer; type: string } {
  const any = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!
  const boundary = "----fuzz"
  const parts: Buffer[] = []
  const add = (head: string, body: Buffer | string): void => {
    parts.push(Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`))
    parts.push(Buffer.from(body), Buffer.from("\r\n"))
  }
  for (const [name, value] of Object.entries(fields)) {
    const text = next() < 0.3 ? deepened(JSON.stringify(any(WEIRD)) ?? "") : value
    if (next() < 0.9) add(`name="${next() < 0.1 ? any(NAMES) : name}"`, text)
  }
  const files = next() < 0.1 ? 13 : Math.floor(next() * 3)
  for (let i = 0; i < files; i++) {
    const bytes = Buffer.from(picture)
    if (next() < 0.3) bytes[Math.floor(next() * bytes.length)]! ^= 0xff
    const name = next() < 0.15 ? any(NAMES) : field
    const file = next() < 0.8 ? `; filename="${next() < 0.3 ? any(NAMES) : "a.png"}"` : ""
    const kind = next() < 0.5 ? `\r\nContent-Type: ${next() < 0.7 ? "image/png" : "text/html"}` : ""
    add(`name="${name}"${file}${kind}`, next() < 0.2 ? bytes.subarray(0, next() * bytes.length) : bytes)
  }
  if (next() < 0.9) parts.push(Buffer.from(`--${boundary}--\r\n`))
  let body = Buffer.concat(parts)
  if (next() < 0.15) body = body.subarray(0, Math.floor(next() * body.length))
  if (next() < 0.15 && body.length > 0) body[Math.floor(next() * body.length)] = Math.floor(next() * 256)
  const type = next() < 0.9 ? `multipart/form-data; boundary=${boundary}` : any(["multipart/form-data", "x"])
  return { body, type }
}

test("fuzzed forms get an answer below 500, and the server stays up", async (t) => {
  const n = amount(200, 5000)
  const next = random(SEED)
  const picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
    .png()
    .toBuffer()
  const bad: string[] = []
  const statuses = new Map<number, number>()
  for (let done = 0; done < n; done += 10) {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const [path, field, fields] = FORMS[Math.floor(next() * FORMS.length)]!
        const { body, type } = mutatedForm(field, fields, picture, next)
        const init = { method: "POST", headers: { "content-type": type }, body: new Uint8Array(body) }
        const answer = await fetch(service.url + path, init)
        const text = await answer.text()
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        if (answer.status >= 500) bad.push(`${path} ${body.toString("latin1").slice(0, 300)} -> ${text}`)
      }),
    )
  }
  const taken = n - (statuses.get(400) ?? 0)
  figure(t, "R7-forms", { n, seed: SEED, taken, answers_5xx: bad.length })
  assert.deepEqual(bad, [])
  assert.ok(taken > n / 20 && taken < n, [...statuses].join(" "))
  assert.equal((await service.call("GET", "/healthz")).status, 200)
})

const TASKS: Record<string, unknown>[] = [
  { taskType: "imageInference", taskUUID: "t", model: "krea:krea@2-medium", positivePrompt: "ab" },
  { taskType: "getResponse", taskUUID: "t" },
  { taskType: "getTaskDetails", taskUUID: "t" },
  { taskType: "imageUpload", taskUUID: "t", image: "x" },
  { taskType: "mediaStorage", taskUUID: "t", operation: "upload", media: "x" },
  { taskType: "mediaStorage", taskUUID: "t", operation: "delete", mediaUUID: "x" },
  { taskType: "promptEnhance", taskUUID: "t", prompt: "a fox", promptVersions: 1, promptMaxLength: 64 },
  { taskType: "modelSearch", taskUUID: "t", search: "krea", limit: 5, offset: 0 },
  { taskType: "accountManagement", taskUUID: "t", operation: "getDetails" },
  { taskType: "authentication", apiKey: "any", connectionSessionUUID: "s" },
]
const FRAMES = [
  "null",
  "1",
  "[]",
  "[null]",
  "[[]]",
  "{}",
  '"x"',
  "",
  "[",
  DEEP,
  "[{}]",
  "\u0000",
  "undefined",
]

/** A frame of tasks with wrong members, or of something else; text or binary. */
function mutatedFrame(next: () => number): string | Buffer {
  const p = next()
  if (p < 0.08) return FRAMES[Math.floor(next() * FRAMES.length)]!
  if (p < 0.12) return randomBytes(Math.floor(next() * 2000))
  if (p < 0.14) return JSON.stringify(Array.from({ length: 150 }, () => TASKS[1]))
  if (p < 0.15) return JSON.stringify([{ ...TASKS[3], image: "A".repeat(3_000_000) }])
  const size = { width: 1024, height: 1024, numberResults: 1, deliveryMethod: "async" }
  const task = { ...TASKS[Math.floor(next() * TASKS.length)]! }
  if (task.taskType === "imageInference") Object.assign(task, size, { inputs: {}, settings: {} })
  const text = next() < 0.1 ? JSON.stringify([task]) : mutate([task], next)
  return next() < 0.1 ? Buffer.from(text) : text
}

test("fuzzed Runware frames are answered or their socket is closed with a reason, and the server stays up", async (t) => {
  const n = amount(300, 5000)
  const next = random(SEED)
  const bad: string[] = []
  const closes = new Map<number, number>()
  let socket!: WebSocket
  let pongs = 0
  let isOpen = false
  const open = async (): Promise<void> => {
    socket = new WebSocket(`${service.url.replace("http", "ws")}/v1`)
    socket.on("message", (data) => {
      const { data: items, errors } = JSON.parse(String(data)) as Record<string, { taskType?: string }[]>
      for (const item of items ?? errors!) if (item.taskType === "ping") pongs++
      // What the server answers for itself when something in it failed.
      if (/"(internalServer|inference)Error"/.test(String(data))) bad.push(String(data).slice(0, 300))
    })
    socket
      .on("error", () => {})
      .on("close", (code) => {
        isOpen = false
        closes.set(code, (closes.get(code) ?? 0) + 1)
      })
    await once(socket, "open")
    isOpen = true
    socket.send(JSON.stringify([{ taskType: "authentication", apiKey: "any" }]))
  }
  await open()
  for (let done = 0; done < n; done++) {
    const frame = mutatedFrame(next)
    const had = pongs
    socket.send(frame)
    socket.send('[{"taskType":"ping","ping":true}]')
    await until(() => pongs > had || !isOpen).catch(() =>
      bad.push(`no answer to ${String(frame).slice(0, 300)}`),
    )
    if (!isOpen) await open()
  }
  const closed = [...closes.values()].reduce((a, b) => a + b, 0)
  figure(t, "R7-frames", { n, seed: SEED, closed, internal: bad.length })
  assert.deepEqual(bad, [])
  assert.equal(closes.get(1006) ?? 0, 0, "closed without a word")
  socket.terminate()
  assert.equal((await service.call("GET", "/healthz")).status, 200)
})

test("bytes that are no WebSocket frames end their own connection and no other", async (t) => {
  const n = amount(40, 500)
  const next = random(SEED)
  const { port } = new URL(service.url)
  const key = randomBytes(16).toString("base64")
  const hello = `GET /v1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
  // A text frame that says it has 2^40 bytes, one that is not masked, half a code point, a close of one byte.
  const frames = [
    Buffer.from([0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]),
    Buffer.from([0x81, 0x01, 0x61]),
    Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xc3]),
    Buffer.from([0x88, 0x81, 0, 0, 0, 0, 1]),
  ]
  const bystander = new WebSocket(`${service.url.replace("http", "ws")}/v1`)
  await once(bystander, "open")
  for (let done = 0; done < n; done++) {
    const socket = connect(Number(port), "127.0.0.1").on("error", () => {})
    await once(socket, "connect")
    const ended = once(socket, "close")
    socket.write(hello)
    socket.write(frames[done] ?? randomBytes(2 + Math.floor(next() * 200)))
    // Where the bytes happened to be the beginning of a frame, the rest never comes.
    socket.end()
    socket.resume()
    await ended
  }
  assert.equal(bystander.readyState, WebSocket.OPEN)
  bystander.terminate()
  figure(t, "R7-bytes", { n, seed: SEED, exits: 0 })
  assert.equal((await service.call("GET", "/healthz")).status, 200)
})

test("mutated pictures are read or refused as image_invalid, never anything else", async (t) => {
  const n = amount(300, 5000)
  const next = random(SEED)
  let refused = 0
  const noise = Buffer.from(Array.from({ length: 48 * 48 * 3 }, () => Math.floor(next() * 256)))
  const base = sharp(noise, { raw: { width: 48, height: 48, channels: 3 } })
  const files = [
    await base.clone().png().toBuffer(),
    await base.clone().jpeg().toBuffer(),
    await base.clone().webp().toBuffer(),
  ]
  for (let i = 0; i < n; i++) {
    const bytes = Buffer.from(files[i % 3]!)
    for (let k = 0; k <= next() * 8; k++) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256)
    const cut = next() < 0.3 ? bytes.subarray(0, Math.floor(next() * bytes.length)) : bytes
    try {
      await inspectPicture(cut)
    } catch (thrown) {
      assert.ok(thrown instanceof AtelierError && thrown.code === "image_invalid", String(thrown))
      refused++
    }
  }
  figure(t, "R7-pictures", { n, seed: SEED, read: n - refused, refused, other: 0 })
})

test("picture bombs are refused by their size before they are decoded", async (t) => {
  const bomb = await sharp({ create: { width: 14_000, height: 14_000, channels: 3, background: "white" } })
    .png({ compressionLevel: 9 })
    .toBuffer()
  const before = process.memoryUsage.rss()
  const n = amount(10, 60)
  for (let i = 0; i < n; i++) await assert.rejects(inspectPicture(bomb), /pixel/)
  const rise = process.memoryUsage.rss() - before
  figure(t, "R7-bombs", { n, refused: n, rss_rise_mb: Math.round(rise / 1e6) })
  assert.ok(rise < 300e6)
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="99999" height="99999"/>')
  await assert.rejects(inspectPicture(svg), /not PNG, JPEG or WebP/)
})
