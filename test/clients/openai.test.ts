// The openai package against a running server, changed in nothing but its base URL.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import OpenAI, { toFile } from "openai"
import sharp from "sharp"
import { AtelierError } from "../../src/request/index.ts"
import { unfolded } from "../../src/server/dialects/openai.ts"
import { gate, startService, type TestService, until } from "../support/service.ts"

let service: TestService
let client: OpenAI
/** Awaited before the steps of prompts that begin with `held`. */
let held: ReturnType<typeof gate>
before(async () => {
  const beforeStep = (r: { prompt: string }) => {
    if (r.prompt === "broken") throw new AtelierError("worker_lost", "The worker is gone.")
    return r.prompt.startsWith("held") ? held.wait() : undefined
  }
  service = await startService({}, { stepMilliseconds: 5, beforeStep })
  client = new OpenAI({ apiKey: "any", baseURL: `${service.url}/v1` })
})
after(() => service.drop())

const picture = (colour: string) =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: colour } })
    .png()
    .toBuffer()
const decode = (b64: string | undefined) => sharp(Buffer.from(b64!, "base64")).metadata()

test("openai: one picture comes back as base64 PNG with its true size", async () => {
  const answer = await client.images.generate({ model: "krea-2-medium", prompt: "a fox", size: "1536x1024" })
  assert.equal((await decode(answer.data![0]!.b64_json)).format, "png")
  assert.equal(answer.size as string, "1248x832")
  assert.match(answer.data![0]!.revised_prompt!, /a fox/)
})

test("openai: n pictures come in one answer with seeds counting up", async () => {
  const answer = await client.images.generate({
    prompt: "three foxes",
    n: 3,
    response_format: "url",
    output_format: "webp",
    ...({ seed: 40, creativity: "raw" } as object),
  })
  assert.equal(answer.data!.length, 3)
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.seed, 40)
  assert.equal(seen.creativity, 0)
  const file = await fetch(answer.data![2]!.url!)
  assert.equal(file.headers.get("content-type"), "image/webp")
})

test("openai: a form's lists and objects are read as the client writes them", async () => {
  const url = `data:image/png;base64,${(await picture("green")).toString("base64")}`
  await client.images.edit({
    image: await toFile(await picture("red"), "a.png"),
    prompt: "a fox",
    ...({
      image_style_references: [{ url, strength: -0.5 }, { url }],
      styles: [{ id: "line", strength: 0.25 }],
    } as object),
  })
  const { references, loras } = service.engine.seen.at(-1)!
  assert.deepEqual(
    references.map((r) => r.weight),
    [-0.5, 0.5],
  )
  assert.deepEqual(loras, [{ name: "line", weight: 0.25 }])
  assert.deepEqual(
    JSON.parse(
      JSON.stringify(
        unfolded([
          ["a[][b]", "1"],
          ["a[][c]", "2"],
          ["a[][b]", "3"],
          ["d[e][f]", "4"],
          ["g[]", "5"],
          ["g[]", "6"],
          ["__proto__[x]", "7"],
        ]),
      ),
    ),
    JSON.parse('{"a":[{"b":"1","c":"2"},{"b":"3"}],"d":{"e":{"f":"4"}},"g":["5","6"],"__proto__":{"x":"7"}}'),
  )
  assert.equal(({} as { x?: unknown }).x, undefined)
  const odd = unfolded([
    ["a[]", "x"],
    ["a[][b]", "y"],
  ])
  assert.deepEqual(JSON.parse(JSON.stringify(odd)), { a: ["x", { b: "y" }] })
})

test("openai: a markup, and a mask without a start picture to lie on, are refused by name", async () => {
  const file = async (colour: string) => toFile(await picture(colour), "a.png")
  const ask = async (more: object) =>
    client.images.edit({ image: await file("red"), prompt: "a fox", ...more })
  await assert.rejects(ask({ markup: await file("blue") }), { status: 400, param: "markup" })
  await assert.rejects(ask({ mask: await file("blue"), image_role: "style" }), { status: 400, param: "mask" })
})

test("openai: a job that failed for good is asked for once, and named by what the caller wrote", async () => {
  const before = service.engine.seen.length
  await assert.rejects(client.images.generate({ prompt: "broken" }), { status: 422 })
  assert.equal(service.engine.seen.length - before, 2) // its two tries
  const references = { image_style_references: [{ url: "data:image/png;base64,AAAA" }] } as object
  await assert.rejects(client.images.generate({ prompt: "a fox", ...references }), {
    status: 400,
    param: "image_style_references[0].url",
  })
})

test("openai: an edit starts from the first picture and takes the others as styles", async () => {
  const [start, style] = [await picture("red"), await picture("blue")]
  const answer = await client.images.edit({
    image: [
      await toFile(start, "a.png", { type: "image/png" }),
      await toFile(style, "b.png", { type: "image/png" }),
    ],
    prompt: "at night",
  })
  assert.equal(answer.data!.length, 1)
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.start!.strength, 0.8)
  assert.equal(seen.references.length, 1)
  assert.equal(seen.start!.image, `data:image/png;base64,${start.toString("base64")}`)
})

test("openai: a mask says what an edit replaces, has the picture's shape and belongs to the keyed body", async () => {
  const alpha = async (opacity: number) =>
    sharp(await picture("red"))
      .ensureAlpha(opacity)
      .png()
      .toBuffer()
  const [start, open, other] = [await picture("red"), await alpha(0), await alpha(0.5)]
  const edit = async (mask: Buffer, headers = {}) =>
    client.images.edit(
      {
        image: await toFile(start, "a.png", { type: "image/png" }),
        mask: await toFile(mask, "mask.png", { type: "image/png" }),
        prompt: "a hat",
      },
      { headers },
    )
  await edit(open, { "Idempotency-Key": "masked" })
  const seen = service.engine.seen.at(-1)!.start!
  assert.equal(seen.strength, 1, "what is open is replaced")
  assert.equal(seen.mask, `data:image/png;base64,${open.toString("base64")}`)
  await assert.rejects(edit(other, { "Idempotency-Key": "masked" }), OpenAI.ConflictError)
  await assert.rejects(edit(await sharp(open).resize(40, 40, { fit: "fill" }).png().toBuffer()), (e) => {
    assert.ok(e instanceof OpenAI.BadRequestError)
    assert.match(e.message, /mask has 40 x 40 pixels, and the picture to start from 40 x 30/)
    return true
  })
})

test("openai: streaming gives partial pictures and then the whole one", async () => {
  const stream = await client.images.generate({
    prompt: "a slow fox",
    stream: true,
    partial_images: 2,
    ...({ steps: 8 } as object),
  })
  const types: string[] = []
  for await (const event of stream) {
    types.push(event.type)
    assert.equal((await decode(event.b64_json)).format, "png")
  }
  assert.equal(types.at(-1), "image_generation.completed")
  assert.ok(types.length <= 3)
})

test("openai: a stream whose store is away leaves out previews, and tells of a picture only where its cause stands", async () => {
  const { blobs } = service.service.store
  const { get } = blobs
  const types: string[] = []
  const streamed = async (lost: string) => {
    blobs.get = (name) =>
      name.startsWith(lost) ? Promise.reject(new Error("no route to the store")) : get.call(blobs, name)
    const stream = await client.images.generate({ prompt: "far away", stream: true, partial_images: 2 })
    for await (const event of stream) types.push(event.type)
  }
  try {
    await streamed("previews/")
    assert.deepEqual(types, ["image_generation.completed"])
    await assert.rejects(streamed("sha256/"), (e) => {
      assert.ok(e instanceof OpenAI.APIError)
      assert.match(e.message, /Its log entry is [\w-]+/)
      assert.doesNotMatch(e.message, /no route/)
      return true
    })
  } finally {
    blobs.get = get
  }
})

test("openai: an edit streams too, under its own names", async () => {
  const stream = await client.images.edit({
    image: await toFile(await picture("red"), "a.png", { type: "image/png" }),
    prompt: "at dusk",
    stream: true,
  })
  const types: string[] = []
  for await (const event of stream) types.push(event.type)
  assert.equal(types.at(-1), "image_edit.completed")
})

test("openai: errors arrive as the client's own classes with the field", async () => {
  await assert.rejects(client.images.generate({ prompt: "x", size: "12by12" as "auto" }), (e) => {
    assert.ok(e instanceof OpenAI.BadRequestError)
    assert.equal(e.param, "size")
    return true
  })
  await assert.rejects(client.images.generate({ prompt: "a fox", model: "krea-2-large" }), (e) => {
    assert.ok(e instanceof OpenAI.NotFoundError)
    assert.equal(e.code, "model_not_found")
    assert.match(e.message, /Krea 2 Large/)
    return true
  })
  await assert.rejects(client.images.generate({ prompt: "a naked child" }), (e) => {
    assert.ok(e instanceof OpenAI.BadRequestError)
    assert.equal(e.code, "moderation_blocked")
    return true
  })
})

test("openai: models are listed and found, and x-request-id is read", async () => {
  const models = await client.models.list()
  assert.ok(models.data.some((m) => m.id === "krea-2-medium"))
  assert.equal((await client.models.retrieve("krea-2-medium")).id, "krea-2-medium")
  const answer = await client.images.generate({ prompt: "a fox" })
  assert.ok((answer as { _request_id?: string })._request_id)
})

test("openai: a word for complexity is OpenAI's own, a number is the slider", async () => {
  await client.images.generate({ prompt: "a", ...({ complexity: "high" } as object) })
  assert.equal(service.engine.seen.at(-1)!.complexity, 0)
  await client.images.generate({ prompt: "a", ...({ complexity: 30 } as object) })
  assert.equal(service.engine.seen.at(-1)!.complexity, 30)
})

/** States of the jobs whose prompt has this word. */
const states = async (word: string): Promise<string[]> =>
  (await service.call("GET", `/api/jobs?search=${word}`)).body.items.map((j: { state: string }) => j.state)

test("openai: dropping the connection cancels the job, which would not have ended by itself", async () => {
  held = gate()
  const controller = new AbortController()
  const asked = client.images.generate({ prompt: "held nevermind", n: 4 }, { signal: controller.signal })
  await held.reached
  controller.abort()
  await assert.rejects(asked)
  await until(async () => (await states("nevermind"))[0] === "cancelled").finally(held.open)
  assert.deepEqual((await service.call("GET", "/api/jobs?search=nevermind")).body.items[0].pictures, [])
})

test("openai: dropping a stream cancels the job too", async () => {
  held = gate()
  const stream = await client.images.generate({ prompt: "held streamlet", stream: true })
  await held.reached
  stream.controller.abort()
  await until(async () => (await states("streamlet"))[0] === "cancelled").finally(held.open)
})

test("openai: an edit under an Idempotency-Key is one job, and another body or file a conflict", async () => {
  const red = await picture("red")
  const blue = await picture("blue")
  const edit = async (bytes: Buffer, prompt: string) =>
    client.images.edit(
      { image: await toFile(bytes, "a.png", { type: "image/png" }), prompt },
      { headers: { "Idempotency-Key": "edit-1" } },
    )
  const first = await edit(red, "a keyed edit")
  const second = await edit(red, "a keyed edit")
  assert.equal(second.data![0]!.b64_json, first.data![0]!.b64_json)
  assert.deepEqual(await states("keyed"), ["completed"])
  for (const [bytes, prompt] of [
    [blue, "a keyed edit"],
    [red, "another edit"],
  ] as const) {
    await assert.rejects(edit(bytes, prompt), (e) => {
      assert.ok(e instanceof OpenAI.ConflictError)
      assert.match(e.message, /edit-1/)
      return true
    })
  }
  assert.deepEqual(await states("keyed"), ["completed"])
})

test("openai: references carry their weights in the client's extra body", async () => {
  const url = `data:image/png;base64,${(await picture("red")).toString("base64")}`
  const image_style_references = [{ url, strength: -1.25 }, { url }]
  await client.images.generate({ prompt: "referred", ...({ image_style_references } as object) })
  const { references } = service.engine.seen.at(-1)!
  assert.deepEqual(
    references.map((r) => r.weight),
    [-1.25, 0.5],
  )
  assert.equal(references[0]!.image, url)
})

test("openai: high input fidelity keeps more of the start picture, and a strength goes before it", async () => {
  const edit = async (more: object) => {
    const image = await toFile(await picture("red"), "a.png", { type: "image/png" })
    await client.images.edit({ image, prompt: "faithful", ...more })
    return service.engine.seen.at(-1)!.start!.strength
  }
  assert.equal(await edit({ input_fidelity: "high" }), 0.6)
  assert.equal(await edit({ input_fidelity: "low" }), 0.8)
  assert.equal(await edit({ input_fidelity: "high", strength: 0.25 }), 0.25)
})

test("openai: what is left out is creativity medium and board strength 0.35; fields nobody knows are ignored", async () => {
  const board = await service.call("POST", "/api/boards", {
    name: "openai board",
    pictures: [{ image: (await picture("green")).toString("base64") }],
  })
  const extras = { moodboards: [{ id: board.body.id }], colour: "red", style: "vivid", frame_rate: 3 }
  await client.images.generate({ prompt: "plain", ...(extras as object) })
  const seen = service.engine.seen.at(-1)!
  assert.equal(seen.creativity, 50)
  assert.equal(seen.board!.strength, 0.35)
})

test("openai: sizes go to the nearest of the nine shapes, which is told", async () => {
  const expected: [object, string][] = [
    [{}, "1024x1024"],
    [{ size: "auto" }, "1024x1024"],
    [{ size: "512x512" }, "1024x1024"],
    [{ size: "1536x1024" }, "1248x832"],
    [{ size: "1024x1536" }, "832x1248"],
    [{ size: "1792x1024" }, "1376x768"],
    [{ size: "1024x1792" }, "768x1376"],
    [{ size: "896x1184" }, "896x1184"],
    [{ size: "1568x672" }, "1568x672"],
    [{ aspect_ratio: "3:4" }, "896x1184"],
  ]
  for (const [asked, size] of expected) {
    const answer = await client.images.generate({ prompt: "shaped", ...asked, response_format: "url" })
    assert.equal(answer.size as string, size, JSON.stringify(asked))
    const { width, height } = service.engine.seen.at(-1)!
    assert.equal(`${width}x${height}`, size)
  }
})

test("openai: a prompt of 6,000 characters is refused by a sentence with the limit", async () => {
  await assert.rejects(client.images.generate({ prompt: "a".repeat(6000) }), (e) => {
    assert.ok(e instanceof OpenAI.BadRequestError)
    assert.equal(e.param, "prompt")
    assert.match(e.message, /at most 5000 characters \(got 6000\)/)
    return true
  })
})
