// atelier models: list, inspect, add, quantize, on files made for it.
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { openCheckpoint, readTensor, writeSafetensors } from "../../src/checkpoint/index.ts"
import type { ModelReport } from "../../src/cli/models/inspect.ts"
import { AtelierError } from "../../src/request/errors.ts"
import { findModel } from "../../src/sampling/catalog.ts"
import { writeGguf } from "../checkpoint/helpers.ts"
import { atelier } from "../support/cli.ts"
import { makeModel, TINY_DIT, TINY_TEXT, TINY_VAE, type TinyModel } from "../support/model.ts"

// Rows of whole blocks, so that they can be quantised.
const wide = { ...TINY_DIT, features: 128, heads: 4, headDim: 32, mlpDim: 128 }
let model: TinyModel
let home: string
before(async () => {
  model = await makeModel({ dit: wide })
  home = await mkdtemp(join(tmpdir(), "atelier-home-"))
  process.env.ATELIER_HOME = model.home
})
after(async () => {
  delete process.env.ATELIER_HOME
  await model[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
})

/** The model as diffusers lays it out. */
async function diffusersFolder(folder: string, index: object): Promise<string> {
  for (const [inside, part] of [
    ["transformer", "dit"],
    ["text_encoder", "text"],
    ["vae", "vae"],
  ] as const)
    await cp(join(model.folder, `${part}.safetensors`), join(folder, inside, "model.safetensors"))
  await cp(join(model.folder, "tokenizer"), join(folder, "tokenizer"), { recursive: true })
  const taps = { text_encoder_select_layers: TINY_TEXT.taps }
  await writeFile(join(folder, "model_index.json"), JSON.stringify({ ...taps, ...index }))
  return folder
}

test("list names what is installed", async () => {
  const said = await atelier(["models", "list"])
  assert.match(said.out, /^tiny +Tiny: 0\.\d M parameters, 3 steps, guidance 2, 256x256$/m)
  const listed = JSON.parse((await atelier(["models", "list", "--json"])).out) as {
    models: { name: string }[]
  }
  assert.ok(listed.models.some((m) => m.name === "tiny"))
})

test("list tells of a model that cannot be used, and why, beside those that can", async () => {
  const folder = join(model.home, "models", "moved")
  await mkdir(folder)
  const manifest = JSON.parse(await readFile(join(model.folder, "model.json"), "utf8"))
  const files = { ...manifest.files, dit: join(model.folder, "dit.safetensors"), vae: "gone.safetensors" }
  await writeFile(join(folder, "model.json"), JSON.stringify({ ...manifest, name: "moved", files }))
  const said = await atelier(["models", "list"])
  assert.equal(said.code, 0)
  assert.match(said.out, /^tiny +Tiny/m)
  assert.match(said.out, /^moved +cannot be used: .*gone\.safetensors does not exist; bring it back, or /m)
  await rm(folder, { recursive: true })
})

test("inspect reads the sizes off the files", async () => {
  const report = JSON.parse((await atelier(["models", "inspect", "tiny", "--json"])).out) as ModelReport
  assert.deepEqual(
    report.parts.map((p) => p.part),
    ["dit", "text", "vae"],
  )
  assert.deepEqual(report.parts[0]!.config, wide)
  assert.deepEqual(report.parts[1]!.config, { ...TINY_TEXT })
  assert.deepEqual(report.parts[2]!.config, { ...TINY_VAE })
  const loose = await atelier(["models", "inspect", join(model.folder, "dit.safetensors")])
  assert.match(loose.out, /features 128, layers 2, heads 4/)
})

test("inspect tells of a LoRA what it changes, and with which ranks", async () => {
  const path = join(home, "lora.safetensors")
  const shapes: Record<string, number[]> = {
    "blocks.0.attn.wq.lora_A.weight": [4, 128],
    "blocks.0.attn.wq.lora_B.weight": [128, 4],
    "blocks.1.attn.wq.lora_A.weight": [2, 128],
    "blocks.1.attn.wq.lora_B.weight": [128, 2],
    "first.diff_b": [128],
  }
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b))
    return { name: `diffusion_model.${name}`, type: "F32" as const, shape, data }
  })
  await writeSafetensors(path, entries)
  const said = await atelier(["models", "inspect", path])
  assert.equal(said.code, 0, said.err)
  assert.match(said.out, /LoRA: low-rank changes of 2 modules, rank 2, 4; full changes of 1 tensors$/m)
  const report = JSON.parse((await atelier(["models", "inspect", path, "--json"])).out) as ModelReport
  assert.deepEqual(report.lora, { modules: 2, ranks: [2, 4], differences: 1 })
})

test("a model is Turbo where it says so, its own files before its folder, and never by folders above", async () => {
  const above = join(home, "turbo-enthusiast")
  const shiftOf = async (...words: string[]): Promise<number | null> => {
    const said = await atelier(["models", "add", "maybe", ...words, "--json"])
    assert.equal(said.code, 0, said.out)
    await rm(join(model.home, "models", "maybe"), { recursive: true })
    return JSON.parse(said.out).manifest.shift
  }
  const raw = await diffusersFolder(join(above, "Krea-2-Raw"), {})
  const turbo = await diffusersFolder(join(above, "Krea-2-Turbo"), {})
  const distilled = await diffusersFolder(join(above, "Distilled"), { is_distilled: true })
  const dit = join(above, "raw.safetensors")
  await cp(join(model.folder, "dit.safetensors"), dit)
  assert.equal(await shiftOf(raw), null)
  assert.equal(await shiftOf(turbo), 1.15)
  assert.equal(await shiftOf(distilled), 1.15)
  assert.equal(await shiftOf(distilled, "--dit", dit), null)
  assert.equal(await shiftOf(raw, "--turbo"), 1.15)
  assert.equal(await shiftOf(turbo, "--no-turbo"), null)
  await rename(dit, join(above, "krea2_turbo.safetensors"))
  assert.equal(await shiftOf(raw, "--dit", join(above, "krea2_turbo.safetensors")), 1.15)
})

test("a folder with one file of all parts is Turbo by the file's name, and its tokenizer is beside it", async () => {
  const folder = join(home, "downloads")
  const parts = ["dit", "text", "vae"].map((part) =>
    openCheckpoint(join(model.folder, `${part}.safetensors`)),
  )
  const entries = (await Promise.all(parts)).flatMap((checkpoint) =>
    [...checkpoint.tensors.values()].map(async ({ name, shape }) => ({
      name,
      type: "F32" as const,
      shape,
      data: await readTensor(checkpoint, name),
    })),
  )
  const { metadata } = await parts[2]!
  await writeSafetensors(join(folder, "krea2_turbo_aio.safetensors"), await Promise.all(entries), metadata)
  const { manifest } = await findModel(folder)
  assert.equal(manifest.variant, "medium-turbo")
  assert.equal(manifest.files.tokenizer, folder)
})

test("add leaves files where they are, and the model generates", async () => {
  const { folder } = model
  const parts = ["dit", "text", "vae"].flatMap((p) => [`--${p}`, join(folder, `${p}.safetensors`)])
  const said = await atelier([
    "models",
    "add",
    "mine",
    ...parts,
    "--tokenizer",
    join(folder, "tokenizer"),
    "--turbo",
    "--json",
  ])
  assert.equal(said.code, 0, said.out)
  const added = join(model.home, "models", "mine")
  assert.deepEqual(await readdir(added), ["model.json"])
  const manifest = JSON.parse(await readFile(join(added, "model.json"), "utf8"))
  assert.equal(manifest.shift, 1.15)
  assert.equal(manifest.files.dit, join(folder, "dit.safetensors"))
  const taken = await atelier(["models", "add", "mine", ...parts])
  assert.equal(taken.code, 1)
  assert.match(taken.err, /A model mine is installed already/)
})

test("add without a path or parts is told what to name", async () => {
  const said = await atelier(["models", "add", "mine"])
  assert.equal(said.code, 2)
  assert.match(said.err, /Name a diffusers folder or a file/)
})

test("add that fails leaves the files it did not write", async () => {
  const folder = join(model.home, "models", "own")
  await cp(model.folder, folder, { recursive: true })
  await rm(join(folder, "model.json"))
  const before = await readdir(folder)
  const path = (part: string): string => join(folder, `${part}.safetensors`)
  const wrong = await atelier(
    `models add own --dit ${path("dit")} --text ${path("text")} --vae ${path("dit")}`.split(" "),
  )
  assert.equal(wrong.code, 1)
  assert.match(wrong.err, /holds no vae of Krea 2/)
  assert.deepEqual(await readdir(folder), before)
  const onItself = await atelier("models quantize tiny --name own --bits 8 --block 32".split(" "))
  assert.equal(onItself.code, 1)
  assert.match(onItself.err, /dit\.safetensors is there already and would be overwritten; move it, or choose/)
  assert.deepEqual(await readdir(folder), before)
})

test("add looks for the tokenizer beside the text tower before it converts, and stopped leaves nothing", async () => {
  const source = join(home, "source")
  await mkdir(source)
  for (const part of ["dit", "vae"])
    await cp(join(model.folder, `${part}.safetensors`), join(source, `${part}.safetensors`))
  const text = await openCheckpoint(join(model.folder, "text.safetensors"))
  const tensors = [...text.tensors.values()].map(async (tensor) => {
    const data = new Uint8Array((await readTensor(text, tensor.name)).buffer)
    return { name: `model.${tensor.name}`, type: "F32" as const, shape: [...tensor.shape], data }
  })
  const gguf = join(source, "text.gguf")
  const q8 = { name: "model.layers.0.self_attn.q_proj.weight", type: "Q8_0" as const, shape: [32, 32] }
  const whole = (await Promise.all(tensors)).map((t) =>
    t.name === q8.name ? { ...q8, data: new Uint8Array(32 * 34) } : t,
  )
  await writeGguf(gguf, whole)
  const part = (name: string): string => join(source, `${name}.safetensors`)
  const add = (signal?: AbortSignal) =>
    atelier(["models", "add", "small", "--dit", part("dit"), "--text", gguf, "--vae", part("vae")], signal)
  const folder = join(model.home, "models", "small")
  const missing = await add()
  assert.equal(missing.code, 1)
  assert.match(missing.err, /There is no tokenizer\.json in .*source or /)
  assert.ok(!existsSync(folder))
  await cp(join(model.folder, "tokenizer", "tokenizer.json"), join(source, "tokenizer.json"))
  const stopped = await add(AbortSignal.abort(new AtelierError("cancelled", "Stopped.")))
  assert.deepEqual([stopped.code, stopped.err], [130, "Stopped.\n"])
  assert.ok(!existsSync(folder))
  const said = await add()
  assert.equal(said.code, 0, said.err)
  assert.deepEqual(await readdir(folder), ["model.json", "text.safetensors", "text.safetensors.json"])
  const manifest = JSON.parse(await readFile(join(folder, "model.json"), "utf8"))
  assert.equal(manifest.files.tokenizer, source)
})

test("a diffusers folder is quantised under its own name, and generates", async () => {
  const folder = await diffusersFolder(join(home, "Krea Tiny (2)"), { is_distilled: true })
  const said = await atelier(["models", "quantize", folder, "--bits", "8", "--block", "32"])
  assert.equal(said.code, 0, said.err)
  assert.match(said.out, /^krea-tiny-2-q8 is installed in /)
  const out = join(home, "tiny.webp")
  const words = `generate x --model krea-tiny-2-q8 --size 256x256 --threads 1 --json --out ${out}`
  const made = await atelier(words.split(" "))
  assert.equal(made.code, 0, made.out)
  const { steps, guidance } = JSON.parse(made.out).request
  assert.deepEqual([steps, guidance], [8, 0]) // distilled, as its index says
})

test("a home that is no folder is told as what cannot be written", async () => {
  process.env.ATELIER_HOME = join(model.folder, "model.json")
  const said = await atelier(["models", "quantize", model.folder, "--json"])
  process.env.ATELIER_HOME = model.home
  assert.equal(said.code, 1)
  const { error } = JSON.parse(said.out)
  assert.equal(error.code, "file_write", error.message)
})

test("a new model takes neither the name nor an alias of another", async () => {
  for (const name of ["tiny", "krea-2-medium"]) {
    const said = await atelier(["models", "quantize", "tiny", "--name", name])
    assert.equal(said.code, 1)
    assert.match(said.err, new RegExp(`A model ${name} is installed already; choose another name`))
  }
})

test("quantize installs a smaller copy that generates, and removes what it could not finish", async () => {
  const said = await atelier(["models", "quantize", "tiny", "--bits", "8", "--block", "32"])
  assert.equal(said.code, 0, said.err)
  const report = JSON.parse((await atelier(["models", "inspect", "tiny-q8", "--json"])).out) as ModelReport
  assert.ok(report.parts[0]!.stored["8-bit blocks of 32"]! > 10)
  assert.equal((await findModel("tiny-q8")).manifest.quantisedFrom, "tiny")
  const out = join(home, "q8.png")
  const made = await atelier([
    "generate",
    "x",
    "--model",
    "tiny-q8",
    "--threads",
    "1",
    "--steps",
    "1",
    "--out",
    out,
  ])
  assert.equal(made.code, 0, made.err)
  assert.ok(existsSync(out))
  const rows = await atelier(["models", "quantize", "tiny", "--block", "row", "--name", "tiny-rows"])
  assert.equal(rows.code, 0, rows.err)
  const inspected = await atelier(["models", "inspect", "tiny-rows"])
  assert.match(inspected.out, /\d+ 4-bit rows/)
  const fast = await atelier(
    `generate x --model tiny-rows --threads 1 --steps 1 --out ${join(home, "rows.png")}`.split(" "),
  )
  assert.equal(fast.code, 0, fast.err)
  const odd = await atelier(["models", "quantize", "tiny", "--bits", "5"])
  assert.equal(odd.code, 2)
  assert.match(odd.err, /--bits: "5" is not possible; 4 and 8 are\./)
  const word = await atelier(["models", "quantize", "tiny", "--block", "rows", "--name", "never"])
  assert.equal(word.code, 2)
  assert.match(word.err, /--block: "rows" is neither row nor a number of values\./)
  const wrong = await atelier(["models", "quantize", "tiny", "--block", "24", "--name", "never"])
  assert.equal(wrong.code, 2)
  assert.ok(!existsSync(join(model.home, "models", "never")))
})
