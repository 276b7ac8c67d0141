// What bad input gets: one sentence with the value, the limit and the next step, a stable code, and no litter.
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { mkdtemp, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { textTensors } from "../../src/checkpoint/index.ts"
import type { ErrorData } from "../../src/request/errors.ts"
import { atelier } from "../support/cli.ts"
import { makeModel, TINY_TEXT, type TinyModel, writeRandom } from "../support/model.ts"

let model: TinyModel
let out: string
before(async () => {
  model = await makeModel()
  out = await mkdtemp(join(tmpdir(), "atelier-bad-"))
  process.env.ATELIER_HOME = model.home
})
after(async () => {
  delete process.env.ATELIER_HOME
  await model[Symbol.asyncDispose]()
  await rm(out, { recursive: true, force: true })
})

const tiny = ["--model", "tiny", "--threads", "1"]
const tidy = async (): Promise<void> => {
  const left = await readdir(out)
  assert.deepEqual(
    left.filter((name) => name.endsWith(".part") || name.startsWith("x-")),
    [],
  )
}

async function refused(
  words: readonly string[],
  code: string,
  exit: number,
  message: RegExp,
): Promise<ErrorData> {
  const said = await atelier(["generate", "x", "--out", out, "--json", ...words])
  assert.equal(said.code, exit, said.out)
  const { error } = JSON.parse(said.out) as { error: ErrorData }
  assert.equal(error.code, code, error.message)
  assert.match(error.message, message)
  await tidy()
  return error
}

test("numbers outside their limits are refused before anything is loaded", async () => {
  const table: [string[], RegExp][] = [
    [["--size", "1000x1024"], /^width: .*16.*\(got 1000\)\.$/],
    [["--size", "4096x1024"], /^width: .*2048.*\(got 4096\)\.$/],
    [["--steps", "0"], /^steps: .*1 \(got 0\)\.$/],
    [["--guidance", "21"], /^guidance: .*20 \(got 21\)\.$/],
    [["--count", "21"], /^count: .*20 \(got 21\)\.$/],
    [["--seed", "-1"], /^seed: .*0 \(got -1\)\.$/],
    [["--creativity", "101"], /^creativity: .*100 \(got 101\)\.$/],
    [["--intensity", "-101"], /^intensity: .*-100 \(got -101\)\.$/],
    [["--image", "a.png", "--strength", "1.5"], /^start\.strength: .*1 \(got 1\.5\)\.$/],
    [["--lora", "a:3"], /^loras\[0\]\.weight: .*2 \(got 3\)\.$/],
    [
      ["--reference", "a.png:1", "--reference", "b.png:-2.5"],
      /^references\[1\]\.weight: .*-2 \(got -2\.5\)\.$/,
    ],
    [["--quality", "0"], /^output\.quality: .*1 \(got 0\)\.$/],
  ]
  for (const [words, message] of table) await refused([...words, ...tiny], "out_of_range", 2, message)
  const eleven = Array.from({ length: 11 }, (_, i) => ["--reference", `${i}.png`]).flat()
  await refused([...eleven, ...tiny], "out_of_range", 2, /^references: .*10/)
})

test("words that are no numbers, sizes, formats or devices are refused by option", async () => {
  await refused(["--steps", "many"], "invalid_request", 2, /^--steps: "many" is not a number\.$/)
  await refused(
    ["--size", "big"],
    "invalid_request",
    2,
    /^--size: "big" is neither WIDTHxHEIGHT nor one of 1:1, 4:3/,
  )
  await refused(["--creativity", "wild"], "invalid_request", 2, /nor one of raw, low, medium, high\.$/)
  await refused(["--format", "bmp"], "invalid_request", 2, /^output\.format: .*"bmp"/)
  await refused(["--strength", "0.5"], "invalid_request", 2, /no --image was given/)
  await refused(["--mask", "mask.png"], "invalid_request", 2, /which part of --image.*no --image was given/)
  await refused(["--device", "tpu", ...tiny], "invalid_request", 2, /^--device: "tpu" is none of auto, cpu/)
  await refused(
    [...tiny, "--threads", "0"],
    "out_of_range",
    2,
    /^--threads: "0" is not a whole number from 1/,
  )
})

test("a device of another system says what is missing", async () => {
  const other = process.platform === "darwin" ? "dml" : "coreml"
  await refused(
    [...tiny, "--device", other],
    "device_unavailable",
    1,
    /cannot be used: .* needs .*; use --device cpu\.$/,
  )
})

test("a model that is not there, or is something else, is refused by name", async () => {
  const missing = await refused(
    ["--model", "nonesuch"],
    "model_not_found",
    1,
    /no model nonesuch; installed are .*tiny/,
  )
  assert.equal(missing.field, "model")
  await refused(
    ["--model", join(out, "gone.safetensors")],
    "model_not_found",
    1,
    /There is no model at .*gone/,
  )
  const foreign = join(out, "foreign.safetensors")
  await writeRandom(foreign, new Map([["unet.conv_in.weight", [4, 4]]]))
  await refused(
    ["--model", foreign],
    "model_invalid",
    1,
    /holds the tensor unet\.conv_in\.weight, which no part of Krea 2 has/,
  )
  const onlyText = join(out, "only-text.safetensors")
  await writeRandom(
    onlyText,
    new Map([...textTensors(TINY_TEXT)].map(([n, s]) => [`model.language_model.${n}`, s])),
  )
  await refused(
    ["--model", onlyText],
    "model_invalid",
    1,
    /has no image model and no VAE; combine files with/,
  )
})

test("a truncated model names the tensor that is cut", async () => {
  await using broken = await makeModel({ name: "broken" })
  await truncate(join(broken.folder, "dit.safetensors"), 200_000)
  await refused(["--model", broken.folder], "model_invalid", 1, /truncated: tensor \S+ ends at byte/)
})

test("start pictures: missing, damaged, no picture, a bomb", async () => {
  const image = (path: string): string[] => [...tiny, "--image", path]
  await refused(
    image(join(out, "none.png")),
    "file_not_found",
    1,
    /none\.png cannot be opened; check the path\.$/,
  )
  const text = join(out, "text.png")
  await writeFile(text, "not a picture")
  await refused(
    image(text),
    "image_invalid",
    1,
    /cannot be read as a picture; send a PNG, JPEG or WebP file\.$/,
  )
  const whole = await sharp({
    create: {
      width: 500,
      height: 500,
      channels: 3,
      background: "red",
      noise: { type: "gaussian", mean: 100, sigma: 50 },
    },
  })
    .png()
    .toBuffer()
  const cut = join(out, "cut.png")
  await writeFile(cut, whole.subarray(0, whole.length >> 1))
  const error = await refused(image(cut), "image_invalid", 1, /damaged or truncated; send the whole file\.$/)
  assert.equal(error.field, "start.image")
  const large = join(out, "large.png")
  const blank = { create: { width: 8000, height: 6000, channels: 3, background: "white" } } as const
  await writeFile(large, await sharp(blank).png().toBuffer())
  await refused(
    image(large),
    "image_invalid",
    1,
    /8000 x 6000 = 48\.0 megapixels, and 40\.0 megapixels is the limit/,
  )
})

test("a full disk and a folder that may not be written end in file_write", {
  skip: !existsSync("/dev/full") && "this system has no /dev/full",
}, async () => {
  const target = join(out, "full.png")
  await symlink("/dev/full", `${target}.part`)
  await refused(
    [...tiny, "--out", target],
    "file_write",
    1,
    /the disk is full; free some space and start again\.$/,
  )
  assert.ok(!existsSync(target))
  const file = join(out, "a-file")
  await writeFile(file, "")
  const below = join(file, "folder")
  await refused(
    [...tiny, "--out", below],
    "file_write",
    1,
    /^Nothing can be written to .*folder; choose another --out\.$/,
  )
})

test("a folder where the system allows none is refused at once", {
  skip: !existsSync("/proc/self") && "this system has no /proc",
}, async () => {
  await refused(
    [...tiny, "--out", "/proc/nowhere/at-all"],
    "file_write",
    1,
    /^Nothing can be written to \/proc\/nowhere\/at-all; choose another --out\.$/,
  )
})

test("a file name of another format is refused, and makes no folder", async () => {
  const table: [string[], RegExp][] = [
    [["--out", join(out, "x.gif")], /^--out: \.gif is not possible; png, jpg and webp are\.$/],
    [
      ["--out", join(out, "x.png"), "--format", "webp"],
      /x\.png is a name for png, and the picture is webp; end it in \.webp\.$/,
    ],
  ]
  for (const [words, message] of table) {
    const error = await refused([...tiny, ...words], "invalid_request", 2, message)
    assert.equal(error.field, "out")
  }
  assert.ok(!(await readdir(out)).some((name) => /^x\./.test(name)))
})

test("a LoRA that is not there or is none is refused by name", async () => {
  await refused([...tiny, "--lora", "mine:0.5"], "file_not_found", 1, /There is no LoRA mine/)
  const none = join(out, "none.safetensors")
  await writeRandom(none, new Map([["weight", [2, 2]]]))
  await refused(
    [...tiny, "--lora", `${none}:1`],
    "model_invalid",
    1,
    /is not a usable LoRA: the key weight is no part of a LoRA/,
  )
})

test("replay wants a picture of ours", async () => {
  const plain = join(out, "plain.png")
  await writeFile(
    plain,
    await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
      .png()
      .toBuffer(),
  )
  const said = await atelier(["replay", plain])
  assert.equal(said.code, 1)
  assert.match(
    said.err,
    /holds no request; only pictures made by atelier, with their metadata kept, can be replayed\.\n$/,
  )
  assert.equal((await atelier(["replay", join(out, "gone.png")])).code, 1)
})
