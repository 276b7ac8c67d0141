// R7: malformed requests and pictures give never a 5xx and never an exit.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { AtelierError } from "../../src/request/index.ts"
import { inspectPicture } from "../../src/server/ingest.ts"
import { amount, figure, random } from "../support/figures.ts"
import { startService, type TestService } from "../support/service.ts"

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
  const text = JSON.stringify(copy)
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
