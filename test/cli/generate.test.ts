// atelier generate and replay: files, JSON, exit codes, Ctrl-C.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, relative, resolve } from "node:path"
import { after, before, test } from "node:test"
import { fileURLToPath } from "node:url"
import sharp from "sharp"
import type { GenerateResult } from "../../src/cli/commands/generate.ts"
import { runUnheeding } from "../../src/cli/context.ts"
import { fileName } from "../../src/cli/output.ts"
import { type GenerateFlags, parseWeighted, requestFrom, wholeAxis } from "../../src/cli/request.ts"
import { parseAxis } from "../../src/controls/grid.ts"
import { parseRequest } from "../../src/request/request.ts"
import { atelier } from "../support/cli.ts"
import { makeModel, type TinyModel } from "../support/model.ts"

let model: TinyModel
let out: string
const tiny = ["--model", "tiny", "--threads", "1"]
const teal = (): Promise<Buffer> =>
  sharp({ create: { width: 60, height: 60, channels: 3, background: "teal" } })
    .png()
    .toBuffer()

before(async () => {
  model = await makeModel()
  out = await mkdtemp(join(tmpdir(), "atelier-out-"))
  process.env.ATELIER_HOME = model.home
})
after(async () => {
  delete process.env.ATELIER_HOME
  await model[Symbol.asyncDispose]()
  await rm(out, { recursive: true, force: true })
})

test("generate writes pictures named after what they were asked and their seed, and replay makes one again bit for bit", async () => {
  const said = await atelier([
    "generate",
    "A {red|blue} fox!",
    ...tiny,
    "--alternatives",
    "--count",
    "2",
    "--seed",
    "5",
    "--out",
    out,
    "--json",
  ])
  assert.equal(said.code, 0, said.err)
  const result = JSON.parse(said.out) as GenerateResult
  assert.deepEqual(
    result.pictures.map((p) => [p.path, p.seed, p.width, p.height]),
    [
      [join(out, "a-blue-fox-5.png"), 5, 256, 256],
      [join(out, "a-red-fox-6.png"), 6, 256, 256],
    ],
  )
  assert.equal(result.request.steps, 3)
  const again = await atelier([
    "replay",
    join(out, "a-red-fox-6.png"),
    "--out",
    join(out, "again.png"),
    "--threads",
    "1",
  ])
  assert.equal(again.code, 0, again.err)
  assert.match(again.out, /again\.png {2}256x256, seed 6\n3 steps of tiny, /)
  assert.match(again.err, /tiny needs \d+\.\d GB, \d+\.\d GB free/)
  const files = await Promise.all(["a-red-fox-6.png", "again.png"].map((name) => readFile(join(out, name))))
  assert.ok(files[0]!.equals(files[1]!))
})

test("the format follows the file's name, and every option reaches the request", async () => {
  const start = join(out, "start.png")
  await writeFile(start, await teal())
  const words = [
    "generate",
    "x",
    ...tiny,
    "--out",
    join(out, "picture.webp"),
    "--size",
    "272x256",
    "--steps",
    "2",
  ]
  const more = [
    "--guidance",
    "0",
    "--negative",
    "blur",
    "--image",
    start,
    "--strength",
    "0.5",
    "--creativity",
    "low",
  ]
  const said = await atelier([...words, ...more, "--quality", "70", "--seed", "1", "--json"])
  assert.equal(said.code, 0, said.out)
  const { request, pictures } = JSON.parse(said.out) as GenerateResult
  assert.equal(pictures[0]!.path, join(out, "picture.webp"))
  assert.equal((await sharp(pictures[0]!.path).metadata()).format, "webp")
  assert.deepEqual(request.start, { image: start, strength: 0.5 })
  assert.deepEqual(
    [request.width, request.steps, request.guidance, request.negativePrompt, request.creativity],
    [272, 2, 0, "blur", 10],
  )
  assert.deepEqual(request.output, { format: "webp", quality: 70 })
})

test("what went another way than asked is printed as a sentence, and as data in JSON", async () => {
  const words = ["generate", "un zorro rojo", ...tiny, "--creativity", "low", "--steps", "1", "--out", out]
  const message = "The prompt could not be read as English; nothing was added to it."
  assert.equal((await atelier(words)).out.split("\n")[0], message)
  const { notes } = JSON.parse((await atelier([...words, "--json"])).out) as GenerateResult
  assert.deepEqual(notes, [{ code: "prompt_unread", message }])
})

test("Ctrl-C stops with code 130 and leaves no file behind", async () => {
  const folder = await mkdtemp(join(out, "stopped-"))
  const stop = new AbortController()
  const work = atelier(["generate", "x", ...tiny, "--steps", "100", "--out", folder], stop.signal)
  const { promise, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, 300)
  await promise
  stop.abort()
  const said = await work
  assert.equal(said.code, 130)
  assert.deepEqual(await readdir(folder), [])
})

test("help, version and unknown words", async () => {
  const help = await atelier(["generate", "--help"])
  assert.equal(help.code, 0)
  assert.match(help.out, /--reference <file:weight>/)
  const version = await atelier(["--version"])
  assert.match(version.out, /^\d+\.\d+\.\d+\n$/)
  const unknown = await atelier(["generate", "x", "--stepz", "3"])
  assert.equal(unknown.code, 2)
  assert.match(unknown.err, /unknown option '--stepz'/)
  const asData = await atelier(["generate", "x", "--stepz", "3", "--json"])
  assert.deepEqual(
    [asData.code, JSON.parse(asData.out)],
    [2, { error: { code: "invalid_request", message: "unknown option '--stepz' (Did you mean --steps?)" } }],
  )
})

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))

test("a reader that has enough is no failure, and a full disk behind the output is one", async () => {
  const ended = async (child: ReturnType<typeof spawn>): Promise<[number, string]> => {
    let complaints = ""
    child.stderr!.on("data", (chunk) => (complaints += chunk))
    const [code] = await once(child, "close")
    return [code, complaints]
  }
  const piped = spawn(process.execPath, [main, "models", "list", "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  piped.stdout!.destroy()
  assert.deepEqual(await ended(piped), [0, ""])
  if (!existsSync("/dev/full")) return
  const full = await open("/dev/full", "w")
  const [code, complaints] = await ended(
    spawn(process.execPath, [main, "models", "list"], { stdio: ["ignore", full.fd, "pipe"] }),
  )
  await full.close()
  assert.equal(code, 1)
  assert.match(complaints, /^The result could not be written: ENOSPC.*\n$/)
})

test("a mask without a strength asks for something new, and a strength stays what it is", () => {
  const start = (flags: GenerateFlags) =>
    parseRequest(requestFrom("a sun", { image: "a.png", ...flags })).start
  assert.deepEqual(start({ mask: "b.png" }), { image: resolve("a.png"), strength: 1, mask: resolve("b.png") })
  assert.equal(start({ mask: "b.png", strength: "0.6" })?.strength, 0.6)
  assert.equal(start({})?.strength, 0.8)
})

test("a picture names its files by their way from it: both can be moved, and no folder above them is told", async () => {
  const project = join(out, "project")
  await mkdir(project)
  await writeFile(join(project, "start.png"), await teal())
  const typed = relative("", join(project, "start.png"))
  const pictures = join(project, "pictures")
  const asked = ["a fox", ...tiny, "--seed", "3", "--image", typed, "--strength", "0.5"]
  const said = await atelier(["generate", ...asked, "--out", pictures, "--json"])
  assert.equal(said.code, 0, said.err)
  const { request } = JSON.parse(said.out) as GenerateResult
  assert.equal(request.start!.image, join(project, "start.png"))
  const made = await readFile(join(pictures, "a-fox-3.png"))
  assert.ok(made.includes('"../start.png"'))
  assert.ok(!made.includes("project"))
  const moved = join(out, "moved")
  await rename(project, moved)
  const again = join(out, "from-moved.png")
  const replayed = await atelier([
    "replay",
    join(moved, "pictures", "a-fox-3.png"),
    "--out",
    again,
    "--threads",
    "1",
  ])
  assert.equal(replayed.code, 0, replayed.err)
  const pixels = (picture: Buffer | string): Promise<Buffer> => sharp(picture).raw().toBuffer()
  assert.ok((await pixels(made)).equals(await pixels(again)))
  assert.ok((await readFile(again)).includes('"moved/start.png"'))
})

test("a request on the command line names files by their whole paths", async () => {
  const adapter = relative("", join(out, "adapter.safetensors"))
  await writeFile(adapter, "")
  const elsewhere = ["https://example.com/a.png?v=2", "data:image/png;base64,AAAA", "file:///b.png"]
  const { model, references, loras } = requestFrom("x", {
    model: relative("", out),
    reference: ["look.png:0.5", ...elsewhere],
    lora: [`${adapter}:1`, "installed.safetensors:1", "installed:1"],
  })
  assert.equal(model, out)
  assert.deepEqual(
    references?.map(({ image }) => image),
    [resolve("look.png"), ...elsewhere],
  )
  assert.deepEqual(
    loras?.map(({ name }) => name),
    [resolve(adapter), "installed.safetensors", "installed"],
  )
  for (const name of ["tiny", "krea-2/medium"]) assert.equal(requestFrom("x", { model: name }).model, name)
  const axis = wholeAxis(parseAxis("references[0].image=a.png|https://example.com/b.png"))
  assert.deepEqual(axis.values, [resolve("a.png"), "https://example.com/b.png"])
  assert.deepEqual(axis.labels, ["a.png", "https://example.com/b.png"])
  assert.deepEqual(wholeAxis(parseAxis("prompt=a.png|b.png")).values, ["a.png", "b.png"])
})

test("a colon in a name is told from the one before a weight", async () => {
  const shot = join(out, "shot 12:1.png")
  const numbered = join(out, "shot 12:1")
  for (const path of [shot, numbered]) await writeFile(path, "")
  const picture = (text: string) => parseWeighted("reference", text)
  for (const name of [
    shot,
    numbered,
    "https://a.org:1",
    "https://a.org/x?v=1:30",
    "data:,x",
    "C:\\a:b\\c.png",
  ])
    assert.deepEqual(picture(name), { name })
  assert.deepEqual(picture(`${shot}:-1`), { name: shot, weight: -1 })
  assert.deepEqual(picture("a.png:2.5"), { name: "a.png", weight: 2.5 })
  assert.deepEqual(picture("https://a.org:80/x.png:.5"), { name: "https://a.org:80/x.png", weight: 0.5 })
  assert.throws(() => picture("shot 12:30.png"), /"30\.png" is not a weight; write NAME:0\.8, also where/)
  const board = (text: string) => requestFrom("x", { board: text }).board
  for (const id of ["shot 12:30", "walls: red"]) assert.deepEqual(board(id), { id, strength: undefined })
  assert.deepEqual(board("shot 12:30:0.35"), { id: "shot 12:30", strength: 0.35 })
  assert.deepEqual(board("walls:-0.5"), { id: "walls", strength: -0.5 })
})

test("a picture that is not there is told before a model is loaded", async () => {
  const missing = join(out, "missing.png")
  const sentence = `The picture ${missing} cannot be opened; check the path.\n`
  for (const words of [
    ["generate", "x", ...tiny, "--out", out],
    ["grid", "x", "--model", "tiny", "--axis", "seed=1", "--out", join(out, "grid")],
  ]) {
    const said = await atelier([...words, "--reference", missing])
    assert.deepEqual([said.code, said.err], [1, sentence])
  }
})

test("grid says before it makes pictures that its folder cannot be written", async () => {
  const file = join(out, "no-folder")
  await writeFile(file, "")
  const folder = join(file, "grid")
  const said = await atelier(["grid", "x", "--model", "tiny", "--axis", "seed=1", "--out", folder])
  assert.deepEqual([said.code, said.err], [1, `Nothing can be written to ${folder}; choose another --out.\n`])
})

test("files are named by whole letters of any script", () => {
  const name = (text: string) => fileName(text, "picture")
  assert.equal(name("हिन्दी में लोमड़ी"), "हिन्दी-में-लोमड़ी".normalize("NFC"))
  assert.equal(name("cafe\u0301, noir"), "caf\u00e9-noir")
  assert.equal(name(`${"𠮷".repeat(60)}`), "𠮷".repeat(48))
  assert.equal(name(`${"a".repeat(47)} b`), "a".repeat(47))
  assert.equal(name("\ud800 ?!"), "picture")
})

test("work that heeds no signal ends with code 130 when it is told to stop", async () => {
  const stop = new AbortController()
  const said: string[] = []
  let code = 0
  const context = {
    print: (text: string) => said.push(text),
    tell: (text: string) => said.push(text),
    terminal: false,
    signal: stop.signal,
    exit: (given: number) => {
      code = given
    },
  }
  const never = (): Promise<string> => {
    setImmediate(() => stop.abort())
    return new Promise(() => {})
  }
  await runUnheeding(context, {}, never, String)
  assert.deepEqual([code, said], [130, ["Stopped."]])
  const listed = await atelier(["board", "list"], stop.signal)
  assert.deepEqual([listed.code, listed.err], [130, "Stopped.\n"])
})

test("--alternatives says that braces in the prompt are a choice; without it they are not", () => {
  const asked = (flags: GenerateFlags) => parseRequest(requestFrom("a {red|blue} fox", flags)).alternatives
  assert.equal(asked({ alternatives: true }), true)
  assert.equal(asked({}), undefined)
})

test("--variation-of names a seed and how far to leave its picture, from variation to variation", () => {
  const variations = (...variationOf: string[]) =>
    parseRequest(requestFrom("a fox", { variationOf })).variationOf
  assert.deepEqual(variations("41", "7:0.5"), [
    { seed: 41, strength: 0.3 },
    { seed: 7, strength: 0.5 },
  ])
  assert.throws(() => variations("fox:0.5"), /--variation-of: "fox" is not a number/)
  assert.throws(() => variations("41:1.5"), /variationOf\[0\]\.strength: must be at most 1 \(got 1\.5\)/)
})
