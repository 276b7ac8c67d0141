// Conversion: errors against the float formula, files that stay whole, memory that stays small.
import assert from "node:assert/strict"
import { execFile, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { readdir, readFile, stat, symlink } from "node:fs/promises"
import { join } from "node:path"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import {
  type Checkpoint,
  type ConversionProgress,
  checkDit,
  convertCheckpoint,
  ditConfig,
  ditTensors,
  encodeFloats,
  needsConversion,
  openCheckpoint,
  quantiseCheckpoint,
  readRows,
  readTensor,
  splitComponents,
  type TensorEntry,
  writeSafetensors,
} from "../../src/checkpoint/index.ts"
import { rotateGroups } from "../../src/checkpoint/read.ts"
import { storedTypes } from "../../src/checkpoint/tensor.ts"
import {
  blockBytes,
  largestError,
  randomEntries,
  randomValues,
  refusal,
  scratch,
  writeGguf,
} from "./helpers.ts"
import { tinyDit } from "./tiny.ts"

async function saved(
  folder: string,
  entries: TensorEntry[],
  metadata?: Record<string, string>,
): Promise<Checkpoint> {
  const path = join(folder, "source.safetensors")
  await writeSafetensors(path, entries, metadata)
  return await openCheckpoint(path)
}

const largest = (values: Float32Array) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const bytesEntry = (name: string, data: Uint8Array): TensorEntry => ({
  name,
  type: "U8",
  shape: [data.length],
  data,
})

for (const [bits, blockSize] of [
  [4, 32],
  [8, 32],
  [8, 64],
  [4, 16],
] as const)
  test(`a model quantised to ${bits} bits in blocks of ${blockSize} passes the same check and is close`, async () => {
    await using folder = await scratch()
    const source = splitComponents(await saved(folder.path, randomEntries(ditTensors(tinyDit)))).dit!
    const target = join(folder.path, "q.safetensors")
    const written = await quantiseCheckpoint(source, target, { bits, blockSize })
    const { dit } = splitComponents(await openCheckpoint(target))
    assert.deepEqual(ditConfig(dit!), tinyDit)
    checkDit(dit!, tinyDit)
    for (const [name, tensor] of dit!.tensors) {
      const [before, after] = [await readTensor(source, name), await readTensor(dit!, name)]
      if (/^blocks\.\d+\.(attn|mlp)\.[^.]+\.weight$/.test(name)) {
        assert.deepEqual([tensor.quantisation?.bits, tensor.quantisation?.blockSize], [bits, blockSize], name)
        assert.ok(largestError(after, before) <= largest(before) * (bits === 8 ? 0.51 / 127 : 1.15 / 8), name)
        assert.equal(tensor.offset % 4, 0)
        const rows = tensor.shape[0]!
        assert.deepEqual(await readRows(tensor, 5, rows - 5), after.slice(5 * tensor.shape[1]!), name)
      } else {
        assert.equal(tensor.quantisation, undefined, name)
        assert.deepEqual(after, before, name)
      }
    }
    const sha256 = createHash("sha256")
      .update(await readFile(target))
      .digest("hex")
    assert.equal(written.sha256, sha256)
    assert.equal(JSON.parse(await readFile(`${target}.json`, "utf8")).sha256, sha256)
    assert.deepEqual((await readdir(folder.path)).toSorted(), [
      "q.safetensors",
      "q.safetensors.json",
      "source.safetensors",
    ])
  })

test("tensors that the caller keeps, and types of two bytes, stay as they are", async () => {
  await using folder = await scratch()
  const data = randomValues(64 * 64)
  const source = await saved(folder.path, [
    { name: "blocks.0.attn.wq.weight", type: "F16", shape: [64, 64], data },
    { name: "blocks.0.attn.wk.weight", type: "BF16", shape: [64, 64], data },
    { name: "odd.weight", type: "BF16", shape: [3], data: data.subarray(0, 3) },
    { name: "blocks.1.attn.wq.weight", type: "BF16", shape: [64, 64], data },
  ])
  const target = join(folder.path, "q.safetensors")
  const seen: ConversionProgress[] = []
  await quantiseCheckpoint(source, target, {
    bits: 8,
    blockSize: 32,
    keep: (name) => name === "blocks.0.attn.wq.weight",
    onProgress: (progress) => seen.push(progress),
  })
  const { tensors } = await openCheckpoint(target)
  assert.deepEqual(Object.fromEntries([...tensors].map(([name, { type }]) => [name, type])), {
    "blocks.0.attn.wk.weight": "U8",
    "blocks.1.attn.wq.weight": "U8",
    "blocks.0.attn.wq.weight": "F16",
    "odd.weight": "BF16",
  })
  assert.deepEqual(seen.map(({ name }) => name).toSorted(), [...source.tensors.keys()].toSorted())
  assert.equal(seen.at(-1)!.done, seen.at(-1)!.total)
  assert.equal(seen.at(-1)!.total, 3 * 64 * 64 * 2 + 6)
})

for (const type of ["Q4_0", "Q8_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"] as const)
  test(`${type} weights are converted ${/^Q[48]_0$/.test(type) ? "without loss" : "to 8-bit blocks within half a step"}`, async () => {
    await using folder = await scratch()
    const { values, bytes } = storedTypes[type]
    const [n, k] = [20, 512]
    const halves =
      { Q2_K: [80, 82], Q3_K: [108], Q6_K: [208] }[type as string] ?? (/_0$/.test(type) ? [0] : [0, 2])
    const gguf = join(folder.path, "a.gguf")
    await writeGguf(gguf, [
      {
        name: "blocks.0.attn.wq.weight",
        type,
        shape: [n, k],
        data: blockBytes((n * k) / values, bytes, halves),
      },
      {
        name: "blocks.0.prenorm.scale",
        type: "F32",
        shape: [3],
        data: new Uint8Array(Float32Array.of(1, 2, 3).buffer),
      },
    ])
    const source = await openCheckpoint(gguf)
    assert.equal(needsConversion(source), true)
    const target = join(folder.path, "q.safetensors")
    await convertCheckpoint(source, target)
    const converted = await openCheckpoint(target)
    assert.equal(needsConversion(converted), false)
    const tensor = converted.tensors.get("blocks.0.attn.wq.weight")!
    assert.deepEqual(
      [tensor.quantisation!.bits, tensor.quantisation!.blockSize],
      [type === "Q4_0" ? 4 : 8, 32],
    )
    const before = await readTensor(source, tensor.name)
    const after = await readTensor(converted, tensor.name)
    if (/^Q[48]_0$/.test(type)) assert.deepEqual(after, before)
    else
      for (let start = 0; start < before.length; start += 32) {
        const part = before.subarray(start, start + 32)
        assert.ok(largestError(after.subarray(start, start + 32), part) <= (largest(part) / 127) * 0.5001)
      }
    assert.deepEqual([...(await readTensor(converted, "blocks.0.prenorm.scale"))], [1, 2, 3])
  })

test("fp8_scaled weights are stored value times scale, in every spelling of the scale", async () => {
  await using folder = await scratch()
  const [n, k] = [8, 64]
  const stored = encodeFloats("F8_E4M3", randomValues(n * k, 2, 400))
  const weight = (module: string): TensorEntry => ({
    name: `${module}.weight`,
    type: "F8_E4M3",
    shape: [n, k],
    data: stored,
  })
  const f32 = (name: string, ...values: number[]): TensorEntry => ({
    name,
    type: "F32",
    shape: values.length === 1 ? [] : [values.length],
    data: Float32Array.from(values),
  })
  const perRow = Array.from({ length: n }, (_, i) => i + 1)
  const source = await saved(folder.path, [
    weight("blocks.0.attn.wq"),
    f32("blocks.0.attn.wq.weight_scale", 0.5),
    f32("blocks.0.attn.wq.input_scale", 3),
    bytesEntry("blocks.0.attn.wq.comfy_quant", json({ format: "float8_e4m3fn" })),
    weight("blocks.0.attn.wk"),
    f32("blocks.0.attn.wk.scale_weight", 0.25),
    f32("blocks.0.attn.wk.scale_input", 3),
    weight("blocks.0.attn.wv"),
    f32("blocks.0.attn.wv.weight_scale", ...perRow),
    weight("blocks.0.attn.wo"),
    { name: "scaled_fp8", type: "F8_E4M3", shape: [0], data: new Uint8Array(0) },
  ])
  assert.deepEqual(
    [...source.tensors.keys()],
    ["wq", "wk", "wv", "wo"].map((module) => `blocks.0.attn.${module}.weight`),
  )
  const plain = await readTensor(source, "blocks.0.attn.wo.weight")
  assert.deepEqual(
    await readTensor(source, "blocks.0.attn.wq.weight"),
    plain.map((value) => value * 0.5),
  )
  assert.deepEqual(
    await readTensor(source, "blocks.0.attn.wk.weight"),
    plain.map((value) => value * 0.25),
  )
  const rows = plain.map((value, i) => value * perRow[Math.floor(i / k)]!)
  assert.deepEqual(await readTensor(source, "blocks.0.attn.wv.weight"), rows)
  assert.deepEqual(
    await readRows(source.tensors.get("blocks.0.attn.wv.weight")!, 3, 2),
    rows.slice(3 * k, 5 * k),
  )
  const target = join(folder.path, "q.safetensors")
  await convertCheckpoint(source, target)
  const converted = await openCheckpoint(target)
  const back = await readTensor(converted, "blocks.0.attn.wv.weight")
  for (let start = 0; start < rows.length; start += 32)
    assert.ok(
      largestError(back.subarray(start, start + 32), rows.subarray(start, start + 32)) <=
        (largest(rows.subarray(start, start + 32)) / 127) * 0.5001,
    )
})

/** R of architecture.md 6 as a dense matrix: the Kronecker power of H4, by definition. */
function hadamard(size: number): number[][] {
  const h4 = [[1, 1, 1, -1], [1, 1, -1, 1], [1, -1, 1, 1], [-1, 1, 1, 1]] // biome-ignore format: a matrix
  if (size === 1) return [[1]]
  const inner = hadamard(size / 4)
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => {
      const m = size / 4
      return 0.5 * h4[Math.floor(i / m)]![Math.floor(j / m)]! * inner[i % m]![j % m]!
    }),
  )
}

test("rotation multiplies each group by the Hadamard matrix and is its own inverse", () => {
  for (const size of [4, 16, 64, 256]) {
    const values = randomValues(2 * size, size)
    const matrix = hadamard(size)
    const expected = values.map((_, i) => {
      const group = Math.floor(i / size) * size
      return matrix.reduce((sum, row, j) => sum + values[group + j]! * row[i - group]!, 0)
    })
    const rotated = values.slice()
    rotateGroups(rotated, size)
    assert.ok(largestError(rotated, expected) < 1e-5)
    rotateGroups(rotated, size)
    assert.ok(largestError(rotated, values) < 1e-5)
  }
})

for (const group of [64, 256])
  test(`int8_convrot weights in groups of ${group} come back to the weight that was rotated`, async () => {
    await using folder = await scratch()
    const [n, k] = [6, 512]
    const weight = randomValues(n * k, 11)
    const rotated = weight.slice()
    rotateGroups(rotated, group)
    const scales = Float32Array.from(
      { length: n },
      (_, i) => largest(rotated.subarray(i * k, (i + 1) * k)) / 127,
    )
    const integers = Int8Array.from(rotated, (value, i) => Math.round(value / scales[Math.floor(i / k)]!))
    const marker = { format: "int8_tensorwise", convrot: true, convrot_groupsize: group }
    const source = await saved(folder.path, [
      { name: "blocks.0.mlp.up.weight", type: "I8", shape: [n, k], data: new Uint8Array(integers.buffer) },
      { name: "blocks.0.mlp.up.weight_scale", type: "F32", shape: [n, 1], data: scales },
      bytesEntry("blocks.0.mlp.up.comfy_quant", json(marker)),
    ])
    const back = await readTensor(source, "blocks.0.mlp.up.weight")
    const by = hadamard(group)
    for (const i of [0, 77, n * k - 1]) {
      const start = Math.floor(i / group) * group
      let sum = 0
      for (let j = 0; j < group; j++)
        sum += scales[Math.floor(i / k)]! * integers[start + j]! * by[j]![i - start]!
      assert.ok(Math.abs(back[i]! - sum) < 1e-5)
    }
    // Each integer is off by at most half a step; R keeps lengths, so a group's error is that of its integers.
    for (let start = 0; start < n * k; start += group) {
      let square = 0
      for (let i = start; i < start + group; i++) square += (back[i]! - weight[i]!) ** 2
      assert.ok(Math.sqrt(square / group) <= scales[Math.floor(start / k)]! / 2)
    }
  })

test("encodings that are not supported or do not fit are refused with the tensor's name", async () => {
  await using folder = await scratch()
  const name = "blocks.0.attn.wq"
  const weight = (type: "F8_E4M3" | "U8" | "I8", k = 64): TensorEntry => ({
    name: `${name}.weight`,
    type,
    shape: [4, k],
    data: new Uint8Array(4 * k),
  })
  const scale = (type: "U8" | "F8_E4M3" | "F32", shape: number[]): TensorEntry => ({
    name: `${name}.weight_scale`,
    type,
    shape,
    data:
      type === "F32"
        ? new Float32Array(shape.reduce((a, b) => a * b, 1))
        : new Uint8Array(shape.reduce((a, b) => a * b, 1)),
  })
  const marker = (value: unknown) => bytesEntry(`${name}.comfy_quant`, json(value))
  const cases: [TensorEntry[], "unsupported" | "model_invalid", RegExp, Record<string, string>?][] = [
    [
      [weight("F8_E4M3"), scale("U8", [4, 2])],
      "unsupported",
      /Tensor blocks\.0\.attn\.wq\.weight .* is stored as mxfp8, which is not supported; use the bf16/,
    ],
    [
      [weight("F8_E4M3"), scale("U8", [4, 2]), marker({ format: "mxfp8" })],
      "unsupported",
      /is stored as mxfp8/,
    ],
    [[weight("U8"), scale("F8_E4M3", [4, 8])], "unsupported", /is stored as nvfp4, which is not supported/],
    [
      [weight("F8_E4M3"), scale("F32", [])],
      "unsupported",
      /is stored as nvfp4/,
      { _quantization_metadata: JSON.stringify({ layers: { [name]: { format: "nvfp4" } } }) },
    ],
    [
      [weight("F8_E4M3"), scale("F32", [3])],
      "model_invalid",
      /weight_scale should have 1 or 4 values, and has the shape \[3\]/,
    ],
    [
      [weight("I8")],
      "model_invalid",
      /tensor blocks\.0\.attn\.wq\.weight \(I8\) has no blocks\.0\.attn\.wq\.weight_scale/,
    ],
    [
      [
        weight("I8"),
        scale("F32", [4]),
        marker({ format: "int8_tensorwise", convrot: true, convrot_groupsize: 256 }),
      ],
      "model_invalid",
      /\[4, 64\] is rotated in groups of 256; a power of 4 that divides/,
    ],
    [
      [weight("I8"), scale("F32", [4]), marker({ convrot: true })],
      "model_invalid",
      /marker blocks\.0\.attn\.wq\.comfy_quant names no format/,
    ],
    [
      [weight("I8"), scale("F32", [4]), bytesEntry(`${name}.comfy_quant`, json("?").slice(1))],
      "model_invalid",
      /comfy_quant is not a JSON object/,
    ],
  ]
  for (const [entries, code, sentence, metadata] of cases) {
    const error = await refusal(saved(folder.path, entries, metadata))
    assert.equal(error.code, code)
    assert.match(error.message, sentence)
  }
})

test("a blockwise file whose bytes do not fit its own words is refused", async () => {
  await using folder = await scratch()
  const name = "blocks.0.attn.wq.weight"
  const blocks: TensorEntry = { name, type: "U8", shape: [4, 2, 16], data: new Uint8Array(128) }
  const scale = (shape: number[]): TensorEntry => ({
    name: `${name}_scale`,
    type: "F32",
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b)),
  })
  const words = (record: unknown) => ({ "atelier.quantisation": JSON.stringify(record) })
  const open = async (entries: TensorEntry[], record: unknown) =>
    await saved(folder.path, entries, words(record))
  assert.deepEqual(
    (await open([blocks, scale([4, 2])], { bits: 4, blockSize: 32 })).tensors.get(name)!.shape,
    [4, 64],
  )
  const message = async (entries: TensorEntry[], record: unknown) =>
    (await refusal(open(entries, record))).message
  assert.match(
    await message([blocks, scale([4, 2])], { bits: 8, blockSize: 32 }),
    /\[4, 2, 16\] does not hold 8-bit blocks of 32 values/,
  )
  assert.match(
    await message([blocks, scale([4, 3])], { bits: 4, blockSize: 32 }),
    /_scale should be F32 \[4, 2\], and is F32 \[4, 3\]/,
  )
})

test("aborting a conversion removes the part and says so", async () => {
  await using folder = await scratch()
  const source = await saved(folder.path, randomEntries(ditTensors(tinyDit)))
  const abort = new AbortController()
  const target = join(folder.path, "q.safetensors")
  const work = quantiseCheckpoint(source, target, {
    bits: 4,
    blockSize: 32,
    signal: abort.signal,
    onProgress: () => abort.abort(),
  })
  const error = await refusal(work)
  assert.equal(error.code, "file_write")
  assert.match(
    error.message,
    /q\.safetensors was not written: the work was cancelled, and the unfinished part was removed\.$/,
  )
  assert.deepEqual(await readdir(folder.path), ["source.safetensors"])
})

test("a disk that is really full ends in file_write and nothing is left", {
  skip: !existsSync("/dev/full") && "this system has no /dev/full",
}, async () => {
  await using folder = await scratch()
  const source = await saved(folder.path, randomEntries(ditTensors(tinyDit)))
  const target = join(folder.path, "q.safetensors")
  await symlink("/dev/full", `${target}.part`)
  const error = await refusal(quantiseCheckpoint(source, target, { bits: 4, blockSize: 32 }))
  assert.equal(error.code, "file_write")
  assert.match(error.message, /the disk is full; free some space and start again\.$/)
  assert.deepEqual(await readdir(folder.path), ["source.safetensors"])
})

test("a conversion onto its own source is refused", async () => {
  await using folder = await scratch()
  const source = await saved(folder.path, randomEntries([["x", [2]]]))
  assert.match(
    (await refusal(convertCheckpoint(source, source.path))).message,
    /is the file being read; choose another name/,
  )
  await readTensor(source, "x")
})

const child = fileURLToPath(new URL("quantise-child.ts", import.meta.url))
const run = promisify(execFile)

test("quantising 256 MiB takes far less memory than the file, and a killed process leaves no final file", async () => {
  await using folder = await scratch()
  const source = join(folder.path, "large.safetensors")
  const target = join(folder.path, "q.safetensors")
  await run(process.execPath, [child, "make", source])
  assert.ok((await stat(source)).size > 256 * 2 ** 20)

  const killed = spawn(process.execPath, [child, "stop", source, target], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  await once(killed.stdout, "data") // it is in the middle of the work, and stays there
  killed.kill("SIGKILL")
  await once(killed, "exit")
  assert.deepEqual((await readdir(folder.path)).toSorted(), ["large.safetensors", "q.safetensors.part"])

  const { stdout } = await run(process.execPath, [child, "quantise", source, target, "4"])
  const peak = Number(stdout) / 1024
  assert.ok(peak < 240, `${peak} MiB`) // 170 MiB, of which 40 are Node's own
  assert.deepEqual((await readdir(folder.path)).toSorted(), [
    "large.safetensors",
    "q.safetensors",
    "q.safetensors.json",
  ])
  const values = await readRows(
    (await openCheckpoint(target)).tensors.get("blocks.7.attn.wq.weight")!,
    4095,
    1,
  )
  assert.ok(
    values.every(
      (value, i) => Math.abs(value - (1 + ((((4095 * 4096 + i) % 1048576) * 7919) & 63) / 128)) < 0.12,
    ),
  )
})
