// The engine from request to pictures, on a tiny random model in a real worker process.
import assert from "node:assert/strict"
import { mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { after, before, test } from "node:test"
import { isDeepStrictEqual } from "node:util"
import sharp from "sharp"
import { writeSafetensors } from "../../src/checkpoint/index.ts"
import { readExpandedPrompt, readRequest } from "../../src/image/metadata.ts"
import type { Generation } from "../../src/request/engine.ts"
import { AtelierError } from "../../src/request/errors.ts"
import { type GenerationInput, parseRequest } from "../../src/request/request.ts"
import { createEngine, type LocalEngine } from "../../src/sampling/engine.ts"
import { makeModel, type TinyModel } from "../support/model.ts"
import { noise } from "../support/run.ts"

let model: TinyModel
let engine: LocalEngine
const lines: string[] = []
const newEngine = (): LocalEngine =>
  createEngine({ home: model.home, folders: [`${model.home}/models`], threads: 1, log: (l) => lines.push(l) })

before(async () => {
  model = await makeModel()
  const entries = ["lora_A", "lora_B"].map((half, i) => {
    const shape = i === 0 ? [2, 64] : [64, 2]
    return {
      name: `diffusion_model.blocks.0.attn.wq.${half}.weight`,
      type: "F32" as const,
      shape,
      data: noise(128, i),
    }
  })
  await writeSafetensors(`${model.home}/loras/style.safetensors`, entries)
  const other = entries.map((entry, i) => ({ ...entry, data: noise(128, i + 2) }))
  await writeSafetensors(`${model.home}/loras/other.safetensors`, other)
  engine = newEngine()
})
after(async () => {
  await engine.close()
  await model[Symbol.asyncDispose]()
})

const request = (input: Partial<GenerationInput>) =>
  parseRequest({ model: "tiny", prompt: "a red fox", seed: 7, width: 256, height: 256, ...input })
const bytes = (g: Generation, index = 0): Buffer => Buffer.from(g.pictures[index]!.bytes)

test("pictures have the same bytes alone, in a batch, beside strangers and after a restart", async () => {
  const alone = await engine.generate(request({ seed: 8 }))
  const batch = await engine.generate(request({ seed: 7, count: 3 }))
  assert.deepEqual(
    batch.pictures.map((p) => p.seed),
    [7, 8, 9],
  )
  assert.ok(bytes(batch, 1).equals(bytes(alone)), "in a batch")
  assert.ok(!bytes(batch, 0).equals(bytes(alone)), "another seed is another picture")
  const [, beside] = await Promise.all([
    engine.generate(request({ prompt: "something else", seed: 1, guidance: 0, count: 2 })),
    engine.generate(request({ seed: 8 })),
    engine.generate(request({ prompt: "and a third, of another size", width: 320, steps: 5 })),
  ])
  assert.ok(bytes(beside).equals(bytes(alone)), "beside strangers")
  const again = newEngine()
  assert.ok(bytes(await again.generate(request({ seed: 8 }))).equals(bytes(alone)), "after a restart")
  await again.close()
})

test("a picture carries the request that makes it again", async () => {
  const made = await engine.generate(request({ seed: 20, count: 2 }))
  const stored = parseRequest(await readRequest(made.pictures[1]!.bytes))
  assert.equal(stored.seed, 21)
  assert.equal(stored.count, 1)
  assert.equal(stored.steps, 3)
  assert.ok(bytes(await engine.generate(stored)).equals(bytes(made, 1)))
})

test("the memory plan is told before loading", () => {
  assert.match(lines[0]!, /^tiny needs \d+\.\d GB, \d+\.\d GB free$/)
})

test("every step is reported once and in order, with previews where asked", async () => {
  const seen: string[] = []
  const previews: Uint8Array[] = []
  await engine.generate(request({ steps: 4, count: 2 }), {
    previewEvery: 2,
    onProgress: (p) => {
      seen.push(`${p.step}/${p.steps}`)
      assert.ok(p.secondsLeft !== null && p.secondsLeft >= 0)
      previews.push(...(p.previews ?? []))
    },
  })
  assert.deepEqual(seen, ["1/4", "2/4", "3/4", "4/4"])
  assert.equal(previews.length, 2)
  assert.equal((await sharp(previews[0]!).metadata()).format, "png")
})

test("a cancelled request rejects at once, and its neighbour does not notice", async () => {
  const expected = bytes(await engine.generate(request({ seed: 8 })))
  const stop = new AbortController()
  const neighbour = engine.generate(request({ seed: 8 }))
  const cancelled = engine.generate(request({ steps: 100 }), {
    signal: stop.signal,
    onProgress: ({ step }) => {
      assert.ok(step <= 2, "no step is reported after the abort")
      if (step === 2) stop.abort()
    },
  })
  await assert.rejects(cancelled, (e) => e instanceof AtelierError && e.code === "cancelled")
  assert.ok(bytes(await neighbour).equals(expected))
  await assert.rejects(engine.generate(request({}), { signal: AbortSignal.abort() }), { code: "cancelled" })
})

test("who cancels does not wait for what cannot be interrupted", async () => {
  const stop = new AbortController()
  const endless = Promise.withResolvers<Uint8Array>()
  const slow = createEngine({
    home: model.home,
    folders: [`${model.home}/models`],
    threads: 1,
    readImage: () => {
      stop.abort()
      return endless.promise
    },
  })
  const asked = request({ start: { image: "slow.png", strength: 0.5 } })
  await assert.rejects(slow.generate(asked, { signal: stop.signal }), { code: "cancelled" })
  endless.reject(new Error("It came to nothing."))
  await slow.close()
})

test("a killed worker is an error with a cause, and the next request starts a new one", async () => {
  const lost = engine.generate(request({ steps: 100 }), {
    onProgress: async ({ step }) => {
      if (step === 1) process.kill((await engine.workerPid())!, "SIGKILL")
    },
  })
  await assert.rejects(lost, (error) => {
    assert.ok(error instanceof AtelierError)
    assert.equal(error.code, "worker_lost")
    assert.match(
      error.message,
      /^The worker process \d+ was killed \(SIGKILL.*; the next request starts a new one\.$/,
    )
    return true
  })
  assert.equal((await engine.generate(request({}))).pictures.length, 1)
})

const pixelsOf = (g: Generation): Promise<Buffer> => sharp(g.pictures[0]!.bytes).raw().toBuffer()
const flat = async (colour: string): Promise<string> => {
  const png = await sharp({ create: { width: 90, height: 60, channels: 3, background: colour } })
    .png()
    .toBuffer()
  return `data:image/png;base64,${png.toString("base64")}`
}

test("strength 1 ignores the start picture, strength 0 takes no step, and between them it matters", async () => {
  const image = await flat("#c04020")
  const other = await flat("#2040c0")
  const at = async (strength: number, source: string): Promise<Generation> =>
    engine.generate(request({ start: { image: source, strength } }))
  const plain = await pixelsOf(await engine.generate(request({})))
  assert.ok((await pixelsOf(await at(1, image))).equals(plain))
  assert.ok(!(await pixelsOf(await at(0.5, image))).equals(await pixelsOf(await at(0.5, other))))
  const kept = await at(0, image)
  const anySeed = await engine.generate(request({ seed: 1, start: { image, strength: 0 } }))
  assert.ok((await pixelsOf(kept)).equals(await pixelsOf(anySeed)), "no noise is left in it")
})

test("the narrower a model's noise, the less its pictures differ from seed to seed", async () => {
  const narrow = await makeModel()
  const file = `${narrow.folder}/model.json`
  const manifest = JSON.parse(await readFile(file, "utf8")) as object
  await writeFile(file, JSON.stringify({ ...manifest, noise: 1e-6 }))
  const other = createEngine({ home: narrow.home, folders: [`${narrow.home}/models`], threads: 1 })
  const apart = async (by: LocalEngine): Promise<number> => {
    const [one, two] = await Promise.all(
      [1, 2].map(async (seed) => await pixelsOf(await by.generate(request({ seed })))),
    )
    return one!.reduce((most, v, i) => Math.max(most, Math.abs(v - two![i]!)), 0)
  }
  assert.ok((await apart(other)) <= 1)
  assert.ok((await apart(engine)) > 10)
  await other.close()
  await narrow[Symbol.asyncDispose]()
})

test("jpg and webp come out as asked, at the asked size", async () => {
  for (const format of ["jpg", "webp"] as const) {
    const { pictures } = await engine.generate(request({ width: 272, height: 304, output: { format } }))
    const found = await sharp(pictures[0]!.bytes).metadata()
    assert.equal(found.format, format === "jpg" ? "jpeg" : "webp")
    assert.deepEqual([found.width, found.height], [272, 304])
    const stored = parseRequest(await readRequest(pictures[0]!.bytes))
    assert.ok(isDeepStrictEqual(stored.output.format, format))
  }
})

test("what a model cannot do is an error that names the field", async () => {
  const look = { image: await flat("red"), weight: 1 }
  const refused: [Partial<GenerationInput>, string][] = [
    [{ references: [look] }, "references"],
    [{ board: { id: "warm" } }, "board"],
    [{ intensity: 5 }, "intensity"],
  ]
  for (const [input, field] of refused)
    await assert.rejects(engine.generate(request(input)), (e) => {
      assert.ok(e instanceof AtelierError)
      assert.equal(e.code, "unsupported")
      assert.equal(e.field, field)
      return true
    })
  const nothing = { references: [{ ...look, weight: 0 }], board: { id: "warm", strength: 0 } }
  const ignored = await engine.generate(request(nothing))
  assert.ok((await pixelsOf(ignored)).equals(await pixelsOf(await engine.generate(request({})))))
})

test("a LoRA changes the picture by its strength, and not at all at 0", async () => {
  const at = async (weight: number): Promise<Buffer> =>
    pixelsOf(await engine.generate(request({ loras: [{ name: "style", weight }] })))
  const plain = await pixelsOf(await engine.generate(request({})))
  assert.ok((await at(0)).equals(plain))
  const changed = await at(1)
  assert.ok(!changed.equals(plain))
  assert.ok(!(await at(-1)).equals(changed))
})

test("a model with an adapter is its image model with that LoRA, and a request's LoRAs join it", async () => {
  const folder = `${model.home}/models/adapted`
  const manifest = JSON.parse(await readFile(`${model.folder}/model.json`, "utf8"))
  const files = Object.entries<string>(manifest.files).map(([part, file]) => [
    part,
    relative(folder, join(model.folder, file)),
  ])
  const adapter = relative(folder, `${model.home}/loras/style.safetensors`)
  await mkdir(folder)
  await writeFile(
    `${folder}/model.json`,
    JSON.stringify({ ...manifest, name: "adapted", files: { ...Object.fromEntries(files), adapter } }),
  )
  const of = async (input: Partial<GenerationInput>): Promise<Buffer> =>
    pixelsOf(await engine.generate(request(input)))
  const style = (weight: number) => [{ name: "style", weight }]
  assert.ok((await of({ model: "adapted" })).equals(await of({ loras: style(1) })))
  assert.ok(
    (await of({ model: "adapted", loras: style(1) })).equals(await of({ loras: [...style(1), ...style(1)] })),
  )
  await rm(folder, { recursive: true })
})

test("a LoRA at 0 is none, and one whose file was exchanged is another one", async () => {
  const loads: string[] = []
  const own = createEngine({ home: model.home, threads: 1, log: (line) => loads.push(line) })
  const path = `${model.home}/loras/style.safetensors`
  const before = await readFile(path)
  const at = async (weight: number): Promise<Buffer> =>
    pixelsOf(await own.generate(request({ steps: 1, loras: [{ name: "style", weight }] })))
  try {
    await own.generate(request({ steps: 1 }))
    await at(0)
    assert.equal(loads.length, 1)
    const first = await at(1)
    await writeFile(path, await readFile(`${model.home}/loras/other.safetensors`))
    assert.ok(!(await at(1)).equals(first))
  } finally {
    await writeFile(path, before)
    await own.close()
  }
})

test("a larger picture than a model was loaded for is let in where there is room for what it takes more", async () => {
  let free = 1e12
  const own = createEngine({ home: model.home, threads: 1, freeMemory: () => free })
  const square = (side: number) => own.generate(request({ steps: 1, width: side, height: side }))
  await square(512)
  free = 0
  await square(256)
  await square(512) // what was taken before serves again
  await assert.rejects(square(1024), {
    code: "out_of_memory",
    message: /^The model tiny needs .* free: ask for a smaller picture\.$/,
  })
  free = 1e12
  await square(1024)
  free = 0
  await square(1024)
  await own.close()
})

test("models that nobody uses make room for one that would not fit beside them", async () => {
  const free: number[] = []
  const loads: string[] = []
  const small = createEngine({
    home: model.home,
    folders: [`${model.home}/models`],
    threads: 1,
    freeMemory: () => free.shift() ?? 1e12,
    log: (line) => loads.push(line),
  })
  const plain = request({ steps: 1 })
  const styled = request({ steps: 1, loras: [{ name: "style", weight: 1 }] })
  await small.generate(plain)
  free.push(0)
  await small.generate(styled)
  await small.generate(styled)
  assert.equal(loads.length, 2)
  await small.generate(plain) // went to make room, and is loaded again
  assert.equal(loads.length, 3)
  free.push(0, 0)
  await assert.rejects(small.generate(request({ loras: [{ name: "style", weight: -1 }] })), {
    code: "out_of_memory",
  })
  await small.close()
})

test("a model whose files were moved or whose manifest is broken does not hide the others", async () => {
  const folder = `${model.home}/models`
  await mkdir(`${folder}/broken`, { recursive: true })
  await writeFile(`${folder}/broken/model.json`, "{")
  const manifest = JSON.parse(await readFile(`${model.folder}/model.json`, "utf8"))
  await mkdir(`${folder}/moved`)
  await writeFile(`${folder}/moved/model.json`, JSON.stringify({ ...manifest, name: "moved" }))
  assert.deepEqual(
    (await engine.models()).map((m) => m.name),
    ["tiny"],
  )
  await engine.generate(request({ steps: 1 }))
  await assert.rejects(engine.generate(request({ model: "broken" })), {
    code: "model_invalid",
    message: /model\.json is not readable JSON/,
  })
  await assert.rejects(engine.generate(request({ model: "moved" })), { code: "file_not_found" })
  for (const name of ["broken", "moved"]) await rm(`${folder}/${name}`, { recursive: true })
})

test("alternatives are read by turns of the seeds, and a picture carries what it read", async () => {
  const prompt = "a {red|blue} fox"
  const both = await engine.generate(request({ prompt, alternatives: true, seed: 8, count: 2 }))
  assert.deepEqual(both.expandedPrompts, ["a red fox", "a blue fox"])
  const red = await engine.generate(request({ prompt: "a red fox", seed: 8 }))
  const pixels = async (g: Generation, i = 0): Promise<Buffer> => await sharp(bytes(g, i)).raw().toBuffer()
  assert.ok((await pixels(both)).equals(await pixels(red)))
  assert.equal(await readExpandedPrompt(bytes(both, 1)), "a blue fox")
  const asked = parseRequest(await readRequest(bytes(both, 1)))
  assert.ok(bytes(await engine.generate(asked)).equals(bytes(both, 1)), "its own request makes it again")
  const plain = await engine.generate(request({ prompt, steps: 1 }))
  assert.deepEqual(plain.expandedPrompts, [prompt])
})

test("a prompt that is longer than the model reads is told of", async () => {
  const short = await engine.generate(request({ steps: 1 }))
  assert.deepEqual(short.notes, [])
  const long = await engine.generate(request({ steps: 1, count: 2, prompt: "fox ".repeat(200) }))
  const message = "The prompt is longer than the model reads; its end was left out."
  assert.deepEqual(long.notes, [{ code: "prompt_cut", message }])
})

test("a closed engine says so", async () => {
  const closed = newEngine()
  await closed.close()
  await assert.rejects(closed.generate(request({})), { code: "unavailable" })
})
