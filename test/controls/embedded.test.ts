// The controls on the shipped model: what must hold to the bit, and what must be refused.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { setImmediate } from "node:timers/promises"
import sharp from "sharp"
import { BoardFolder } from "../../src/controls/boards.ts"
import { expandPrompt } from "../../src/controls/creativity/index.ts"
import { createEngine } from "../../src/controls/engine.ts"
import { contentHash } from "../../src/controls/look-cache.ts"
import { readExpandedPrompt } from "../../src/image/metadata.ts"
import type { Engine } from "../../src/request/engine.ts"
import { type GenerationInput, parseRequest } from "../../src/request/request.ts"
import { createAtelier } from "../../src/sdk/index.ts"

const home = mkdtempSync(join(tmpdir(), "atelier-controls-"))
let engine: Engine
const looks: string[] = []

before(async () => {
  engine = createEngine({ home, threads: 1 })
  const colours = ["#e03020", "#2040d0", "#20a040"]
  for (const [i, background] of colours.entries()) {
    const stripes = `<svg width="160" height="120"><rect width="160" height="120" fill="${background}"/><path d="M0 ${20 + i * 30}h160" stroke="#fff" stroke-width="9"/></svg>`
    const path = join(home, `look-${i}.png`)
    writeFileSync(path, await sharp(Buffer.from(stripes)).png().toBuffer())
    looks.push(path)
  }
})
after(async () => {
  await engine.close()
  rmSync(home, { recursive: true })
})

const base = { prompt: "a red apple", creativity: 0, seed: 5, steps: 3, width: 256, height: 256 } as const

/** Hash of each picture's pixels: metadata holds the request, which differs on purpose. */
async function batch(extra: Partial<GenerationInput> = {}): Promise<string[]> {
  const { pictures } = await engine.generate(parseRequest({ ...base, ...extra }))
  return await Promise.all(
    pictures.map(async ({ bytes }) => {
      const raw = await sharp(bytes).raw().toBuffer()
      return createHash("sha256").update(raw).digest("hex")
    }),
  )
}
const pixels = async (extra: Partial<GenerationInput> = {}): Promise<string> => (await batch(extra))[0]!
const reference = (i: number, weight: number) => ({ image: looks[i]!, weight })

test("a reference of weight 0 and sliders at 0 change no bit", async () => {
  const plain = await pixels()
  assert.equal(await pixels({ references: [reference(0, 0), reference(1, 0)] }), plain)
  assert.equal(await pixels({ intensity: 0, complexity: 0, movement: 0 }), plain)
  assert.notEqual(await pixels({ references: [reference(0, 1)] }), plain)
  assert.notEqual(await pixels({ intensity: 60 }), plain)
})

test("a reference to come near gives the style: creativity adds none beside it, and does beside one to leave", async () => {
  const expanded = async (weight: number): Promise<string> => {
    const request = { ...base, creativity: 100, references: [reference(0, weight)] }
    return (await engine.generate(parseRequest(request))).expandedPrompts[0]!
  }
  const style = /\b(as an?|in \w+( \w+)? style|of an? (large )?red apple)\b/
  assert.doesNotMatch(await expanded(0.6), style)
  assert.match(await expanded(-0.6), style)
})

test("creativity adds nothing that the negative prompt names", async () => {
  const asked = { ...base, creativity: 100, steps: 1, candidates: 1 }
  const seed = Array.from({ length: 500 }, (_, i) => i).find((i) =>
    expandPrompt({ ...asked, seed: i }).prompt.includes("snow"),
  )!
  const expanded = async (negativePrompt: string): Promise<string> =>
    (await engine.generate(parseRequest({ ...asked, seed, negativePrompt }))).expandedPrompts[0]!
  assert.match(await expanded("text"), /snow/)
  assert.doesNotMatch(await expanded("snow"), /snow/)
})

test("references of one picture that cancel leave creativity the style, too", async () => {
  const asked = async (references: GenerationInput["references"]): Promise<unknown> =>
    (await engine.generate(parseRequest({ ...base, creativity: 100, steps: 1, candidates: 1, references })))
      .expandedPrompts
  assert.deepEqual(await asked([reference(1, 0.8), reference(1, -0.8)]), await asked([]))
})

test("a cancelled request does not wait for the expander", async () => {
  const stop = new AbortController()
  const never = Promise.withResolvers<{ prompt: string }>()
  const waiting = createEngine({
    home,
    threads: 1,
    expand: (_, __, signal) => {
      assert.equal(signal, stop.signal)
      stop.abort()
      return never.promise
    },
  })
  try {
    const work = waiting.generate(parseRequest(base), { signal: stop.signal })
    await assert.rejects(work, { code: "cancelled" })
  } finally {
    await waiting.close()
  }
})

test("after the largest seed comes 0, so that every picture of a batch can be asked for alone", async () => {
  const quick = { steps: 1, candidates: 1 }
  const last = { ...quick, seed: 2 ** 32 - 1 }
  assert.deepEqual(await batch({ ...last, count: 2 }), [
    await pixels(last),
    await pixels({ ...quick, seed: 0 }),
  ])
})

test("the order of references changes no bit", async () => {
  const [a, b, c] = [reference(0, 0.7), reference(1, -0.4), reference(2, 1.1)]
  assert.equal(await pixels({ references: [a, b, c] }), await pixels({ references: [c, a, b] }))
})

test("equal pictures add up, and what cancels is as if never given", async () => {
  const twice = await pixels({ references: [reference(0, 0.5), reference(0, 0.5)] })
  assert.equal(twice, await pixels({ references: [reference(0, 1)] }))
  const inside = `data:image/png;base64,${readFileSync(looks[0]!).toString("base64")}`
  const both = [reference(0, 0.5), { image: inside, weight: 0.5 }]
  assert.equal(twice, await pixels({ references: both }))
  assert.equal(await pixels({ references: [reference(1, 0.8), reference(1, -0.8)] }), await pixels())
})

test("all controls work at once in any shape, and a picture has the same bits in a batch and alone", async () => {
  const board = await new BoardFolder(join(home, "boards")).create("stripes", [
    { bytes: await sharp(looks[0]).toBuffer(), weight: 1, name: looks[0]! },
    { bytes: await sharp(looks[2]).toBuffer(), weight: 1, name: looks[2]! },
  ])
  const all: Partial<GenerationInput> = {
    creativity: 100,
    references: Array.from({ length: 10 }, (_, i) => reference(i % 3, (i - 4) / 5)),
    board: { id: board.code, strength: 0.8 },
    start: { image: looks[1]!, strength: 0.7 },
    intensity: 40,
    complexity: -30,
    movement: 80,
    candidates: 2,
    width: 384,
  }
  const alone = [await pixels(all), await pixels({ ...all, seed: base.seed + 1 })]
  assert.deepEqual(await batch({ ...all, count: 2 }), alone)
})

test("a start picture at strength 1 is ignored, at lower strengths it is not", async () => {
  const plain = await pixels()
  assert.equal(await pixels({ start: { image: looks[0]!, strength: 1 } }), plain)
  assert.notEqual(await pixels({ start: { image: looks[0]!, strength: 0.5 } }), plain)
})

test("a board's pictures are encoded once, also for the engine after this one; single references leave nothing", async () => {
  const bytes = await sharp(looks[1]).toBuffer()
  await new BoardFolder(join(home, "boards")).create("one", [{ bytes, name: looks[1]! }])
  const kept = () => {
    const folder = join(home, "cache", "looks")
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => e.isFile())
    return files.map((e) => `${e.name} ${statSync(join(e.parentPath, e.name)).mtimeMs}`).toSorted()
  }
  const board = { id: "one", strength: 1 }
  const first = await pixels({ board })
  const before = kept()
  assert.ok(before.some((line) => line.startsWith(contentHash(bytes))))
  const own = engine
  engine = createEngine({ home, threads: 1 })
  try {
    assert.equal(await pixels({ board }), first)
    await pixels({ references: [reference(0, 1)] })
  } finally {
    await engine.close()
    engine = own
  }
  assert.deepEqual(kept(), before)
})

test("the expanded prompt is in the answer and in the picture; a raw one is the prompt and needs no second", async () => {
  const ask = (creativity: number) =>
    engine.generate(parseRequest({ ...base, steps: 1, creativity, count: 2 }))
  const high = await ask(100)
  for (const [i, { bytes }] of high.pictures.entries()) {
    assert.notEqual(high.expandedPrompts[i], base.prompt)
    assert.equal(await readExpandedPrompt(bytes), high.expandedPrompts[i])
  }
  const raw = await ask(0)
  assert.deepEqual(raw.expandedPrompts, [base.prompt, base.prompt])
  assert.equal(await readExpandedPrompt(raw.pictures[0]!.bytes), undefined)
})

test("a program's boards are those of its own home, also for its pictures", async () => {
  await using sdk = createAtelier(undefined, home)
  await sdk.boards.create("of the program", [{ bytes: readFileSync(looks[0]!), name: "look" }])
  const { pictures } = await sdk.generate({
    ...base,
    steps: 1,
    candidates: 1,
    board: { id: "of the program" },
  })
  assert.equal(pictures.length, 1)
})

test("each engine asks for boards where it was told to, once for a batch", async (t) => {
  const asked: string[] = []
  const engines = ["first", "second"].map((name) =>
    createEngine({
      home,
      threads: 1,
      readBoard: async () => {
        asked.push(name)
        return [{ bytes: readFileSync(looks[0]!), weight: 1 }]
      },
    }),
  )
  t.after(() => Promise.all(engines.map((own) => own.close())))
  await engines[0]!.generate(parseRequest({ ...base, count: 3, board: { id: "any", strength: 0.5 } }))
  assert.deepEqual(asked, ["first"])
})

test("at strength 0 a start picture is kept as it lies, also in shapes that the model's grid has not", async () => {
  const [width, height] = [832, 1024]
  const lines = `<svg width="${width}" height="${height}"><rect width="100%" height="100%" fill="#f4efe6"/>
    <rect x="24" y="24" width="${width - 48}" height="${height - 48}" fill="none" stroke="#203060" stroke-width="28"/>
    <circle cx="416" cy="500" r="190" fill="#d04020"/></svg>`
  const image = join(home, "framed.png")
  writeFileSync(image, await sharp(Buffer.from(lines)).png().toBuffer())
  const asked = { ...base, width, height, start: { image, strength: 0 } }
  const { pictures } = await engine.generate(parseRequest(asked))
  const grey = async (file: string | Uint8Array): Promise<Buffer> =>
    await sharp(file).resize(104, 128).greyscale().raw().toBuffer()
  const [before, after] = [await grey(image), await grey(pictures[0]!.bytes)]
  const apart = before.reduce((sum, value, i) => sum + Math.abs(value - after[i]!), 0) / before.length
  // Cut to the grid's shape instead, the frame moves by some pixels, and this is 25.
  assert.ok(apart < 5, `values differ by ${apart} on average`)
})

test("a negative prompt that is longer than the model reads is told of, and one that cannot count without guidance", async () => {
  const negativePrompt = "fog rain snow ".repeat(10)
  const notes = async (guidance: number) =>
    (
      await engine.generate(parseRequest({ ...base, negativePrompt, guidance, steps: 1, candidates: 1 }))
    ).notes.map((n) => n.code)
  assert.deepEqual(await notes(3), ["negative_cut"])
  assert.deepEqual(await notes(0), ["negative_unused"])
})

test("an engine that is closed or left while its model loads leaves no worker behind", async () => {
  for (const leaves of [true, false]) {
    const own = createEngine({ home, threads: 1 })
    const caller = new AbortController()
    const made = own.generate(parseRequest(base), { signal: caller.signal })
    const ended = assert.rejects(made)
    await setImmediate()
    if (leaves) caller.abort()
    await own.close()
    await ended
    assert.equal(await own.workerPid(), undefined)
  }
})

test("a value beyond its limits is one sentence with the field, the limit and the value", () => {
  const eleven = Array.from({ length: 11 }, () => reference(0, 1))
  const cases: [Partial<GenerationInput>, string, string][] = [
    [{ references: eleven }, "references", "references: must have at most 10 entries (got 11)."],
    [
      { references: [reference(0, 2.5)] },
      "references[0].weight",
      "references[0].weight: must be at most 2 (got 2.5).",
    ],
    [
      { references: [reference(0, 1), reference(1, -3)] },
      "references[1].weight",
      "references[1].weight: must be at least -2 (got -3).",
    ],
    [
      { board: { id: "x", strength: -0.6 } },
      "board.strength",
      "board.strength: must be at least -0.5 (got -0.6).",
    ],
    [
      { start: { image: "a.png", strength: 1.1 } },
      "start.strength",
      "start.strength: must be at most 1 (got 1.1).",
    ],
    [{ creativity: 101 }, "creativity", "creativity: must be at most 100 (got 101)."],
    [{ movement: -101 }, "movement", "movement: must be at least -100 (got -101)."],
  ]
  for (const [input, field, message] of cases)
    assert.throws(() => parseRequest({ ...base, ...input }), { code: "out_of_range", field, message })
  assert.throws(() => parseRequest({ ...base, intensity: 0.5 }), {
    code: "invalid_request",
    message: "intensity: must be a whole number (got 0.5).",
  })
  assert.throws(() => parseRequest({ ...base, creativty: 3 }), {
    code: "invalid_request",
    message: "There is no field creativty; check its spelling.",
  })
})

test("a missing board, a missing file and a file that is no picture are told by their place", async () => {
  const text = join(home, "notes.txt")
  writeFileSync(text, "no picture")
  const torn = join(home, "torn.png")
  writeFileSync(torn, readFileSync(looks[0]!).subarray(0, 120))
  const second = (image: string) => ({ references: [reference(0, 1), { image, weight: 1 }] })
  const field = "references[1].image"
  const cases: [Partial<GenerationInput>, string, string, RegExp][] = [
    [{ board: { id: "nowhere", strength: 1 } }, "not_found", "board.id", /^There is no board nowhere; /],
    [
      second(join(home, "none.png")),
      "file_not_found",
      field,
      /none\.png cannot be opened; check the path\.$/,
    ],
    [second(text), "image_invalid", field, /^The picture of reference 2 cannot be read as a picture; /],
    [second(torn), "image_invalid", field, /^The picture of reference 2 is damaged or truncated; /],
    [
      { start: { image: text, strength: 0.5 } },
      "image_invalid",
      "start.image",
      /^The picture to start from /,
    ],
  ]
  for (const [input, code, field, message] of cases)
    await assert.rejects(pixels(input), { code, field, message })
})
