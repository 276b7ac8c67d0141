// GGUF: dimensions, byte ranges, every block type read through the file, and what is refused.
import assert from "node:assert/strict"
import { truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { test } from "node:test"
import { decodeBlocks } from "../../src/checkpoint/ggml.ts"
import {
  checkDit,
  ditConfig,
  ditTensors,
  openCheckpoint,
  readRows,
  readTensor,
  type StoredType,
  splitComponents,
  textConfig,
  textTensors,
} from "../../src/checkpoint/index.ts"
import { storedTypes } from "../../src/checkpoint/tensor.ts"
import {
  blockBytes,
  type GgufTensor,
  type GgufType,
  randomEntries,
  refusal,
  scratch,
  writeGguf,
} from "./helpers.ts"
import { tinyDit, tinyText } from "./tiny.ts"

/** F32 tensors of a table; a leading dimension of 1 is dropped, as ggml does. */
function floats(table: Iterable<readonly [string, readonly number[]]>): GgufTensor[] {
  return randomEntries(table).map(({ name, shape, data }) => ({
    name,
    type: "F32",
    shape: shape[0] === 1 ? shape.slice(1) : [...shape],
    data: new Uint8Array((data as Float32Array).buffer),
  }))
}

test("a GGUF image model in prefixed original names has row-major shapes and passes the check", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "krea2.gguf")
  const entries = randomEntries(ditTensors(tinyDit))
  const tensors = floats(ditTensors(tinyDit)).map((tensor) => ({
    ...tensor,
    name: `model.diffusion_model.${tensor.name}`,
  }))
  await writeGguf(path, tensors, { "general.architecture": "krea2" })
  const { dit } = splitComponents(await openCheckpoint(path))
  assert.deepEqual(ditConfig(dit!), tinyDit)
  checkDit(dit!, tinyDit)
  for (const { name, data } of entries) assert.deepEqual(await readTensor(dit!, name), data, name)
  assert.equal(dit!.metadata["general.architecture"], "krea2")
})

test("a llama.cpp text tower gives its rotary base from the header", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "text.gguf")
  await writeGguf(path, floats(textTensors(tinyText)), {
    "general.architecture": "qwen3vl",
    "qwen3vl.rope.freq_base": "1000000",
  })
  const { text } = splitComponents(await openCheckpoint(path))
  assert.equal(textConfig(text!).ropeTheta, 1_000_000)
})

for (const type of [
  "F16",
  "BF16",
  "Q4_0",
  "Q4_1",
  "Q5_0",
  "Q5_1",
  "Q8_0",
  "Q2_K",
  "Q3_K",
  "Q4_K",
  "Q5_K",
  "Q6_K",
] as const)
  test(`${type} tensors of a GGUF file are read whole and by rows`, async () => {
    await using folder = await scratch()
    const path = join(folder.path, "a.gguf")
    const { values, bytes } = storedTypes[type]
    const [rows, columns] = [6, 512]
    const data = blockBytes((rows * columns) / values, bytes, bytes === 2 ? [0] : [0, bytes - 2])
    await writeGguf(path, [
      { name: "first", type: "F32", shape: [3], data: new Uint8Array(12) },
      { name: "x", type, shape: [rows, columns], data },
    ])
    const checkpoint = await openCheckpoint(path)
    const tensor = checkpoint.tensors.get("x")!
    assert.deepEqual([tensor.type, tensor.shape, tensor.length], [type, [rows, columns], data.length])
    const whole = await readTensor(checkpoint, "x")
    assert.deepEqual(await readRows(tensor, 2, 3), whole.slice(2 * columns, 5 * columns))
    if (values > 1) {
      const expected = new Float32Array(rows * columns)
      decodeBlocks(type as StoredType, data, expected)
      assert.deepEqual(whole, expected)
    }
  })

test("truncated, foreign and unsupported GGUF files are refused in one sentence", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "a.gguf")
  const write = (type: GgufType, shape: number[], bytes: number) =>
    writeGguf(path, [{ name: "x", type, shape, data: new Uint8Array(bytes) }])
  await write("Q8_0", [4, 64], 4 * 2 * 34)
  const { offset, length } = (await openCheckpoint(path)).tensors.get("x")!
  await truncate(path, offset + 100)
  const cut = await refusal(openCheckpoint(path))
  assert.equal(cut.code, "model_invalid")
  assert.ok(
    cut.message.includes(
      `truncated: tensor x ends at byte ${offset + length}, and the file has ${offset + 100} bytes`,
    ),
  )
  await truncate(path, 30)
  assert.match((await refusal(openCheckpoint(path))).message, /is not a usable GGUF file/)
  await write("IQ4_NL", [4, 64], 4 * 2 * 18)
  const unsupported = await refusal(openCheckpoint(path))
  assert.equal(unsupported.code, "unsupported")
  assert.match(unsupported.message, /Tensor x of .* is stored as IQ4_NL, which is not supported/)
  await write("Q8_0", [64, 4], 64 * 34)
  assert.match(
    (await refusal(openCheckpoint(path))).message,
    /Tensor x .* has the shape \[64, 4\], and Q8_0 needs rows of a multiple of 32/,
  )
  await writeFile(path, "this is not a model, whatever its name says")
  assert.match((await refusal(openCheckpoint(path))).message, /not starting with GGUF magic number/)
  assert.equal((await refusal(openCheckpoint(join(folder.path, "none.gguf")))).code, "file_not_found")
})

test("the shards of a split GGUF file are opened together", async () => {
  await using folder = await scratch()
  const path = (i: number) => join(folder.path, `m-0000${i}-of-00002.gguf`)
  for (const i of [1, 2]) await writeGguf(path(i), floats([[`blocks.${i}.mod.lin`, [6]]]))
  const checkpoint = await openCheckpoint(path(1))
  assert.deepEqual([...checkpoint.tensors.keys()], ["blocks.1.mod.lin", "blocks.2.mod.lin"])
  assert.deepEqual(checkpoint.files, [path(1), path(2)])
})

test("the original shape that ComfyUI's converter notes is restored, unless it does not fit", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "a.gguf")
  const tensors = floats([["last.modulation.lin", [8, 16]], ["first.bias", [8]]]) // biome-ignore format: pairs
  await writeGguf(path, tensors, {
    "comfy.gguf.orig_shape.last.modulation.lin": [2, 64],
    "comfy.gguf.orig_shape.first.bias": [9],
  })
  const checkpoint = await openCheckpoint(path)
  assert.deepEqual(checkpoint.tensors.get("last.modulation.lin")!.shape, [2, 64])
  assert.deepEqual(checkpoint.tensors.get("first.bias")!.shape, [8])
})
