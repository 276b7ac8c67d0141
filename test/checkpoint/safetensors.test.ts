// Safetensors: what is written can be read, what is wrong gets one sentence, what is unfinished has no name.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { open, readdir, readFile, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { test } from "node:test"
import { readTensor } from "../../src/checkpoint/read.ts"
import { openSafetensors } from "../../src/checkpoint/safetensors.ts"
import { writeSafetensors } from "../../src/checkpoint/write.ts"
import { randomValues, refusal, scratch, writeRaw } from "./helpers.ts"

const f32 = (shape: number[], start: number, end: number) => ({
  dtype: "F32",
  shape,
  data_offsets: [start, end],
})

test("tensors written to safetensors are read back at their byte ranges, with metadata", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "a.safetensors")
  const values = randomValues(12)
  const written = await writeSafetensors(
    path,
    [
      { name: "floats", type: "F32", shape: [3, 4], data: values },
      { name: "scalar", type: "F32", shape: [], data: Float32Array.of(7) },
      { name: "bytes", type: "U8", shape: [5], data: Uint8Array.of(1, 2, 3, 4, 5) },
      { name: "empty", type: "F16", shape: [0, 4], data: new Uint8Array(0) },
    ],
    { origin: "test", ünïcode: "✓" },
  )
  const checkpoint = await openSafetensors(path)
  const file = await readFile(path)
  assert.deepEqual([...checkpoint.tensors.keys()], ["floats", "scalar", "bytes", "empty"])
  assert.deepEqual(checkpoint.metadata, { origin: "test", ünïcode: "✓" })
  const floats = checkpoint.tensors.get("floats")!
  assert.equal(floats.offset % 64, 0)
  const bytes = file.subarray(floats.offset, floats.offset + floats.length)
  assert.deepEqual(new Float32Array(Uint8Array.from(bytes).buffer), values)
  assert.equal(written.bytes, file.length)
  assert.equal(written.sha256, createHash("sha256").update(file).digest("hex"))
})

test("floats are encoded into the stored type while writing", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "a.safetensors")
  const data = Float32Array.of(1, -2, 0.5)
  await writeSafetensors(path, [
    { name: "half", type: "F16", shape: [3], data },
    { name: "brain", type: "BF16", shape: [3], data },
  ])
  const file = await readFile(path)
  const half = (await openSafetensors(path)).tensors.get("half")!
  assert.deepEqual([...file.subarray(half.offset)], [0, 0x3c, 0, 0xc0, 0, 0x38, 0x80, 0x3f, 0, 0xc0, 0, 0x3f])
})

test("an asynchronous list of entries with data made on demand is written in order", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "a.safetensors")
  const order: string[] = []
  async function* entries() {
    for (const name of ["b", "a"]) {
      const data = function* () {
        order.push(name)
        yield new Uint8Array(3_000_000).fill(name.charCodeAt(0))
        yield new Uint8Array(1).fill(9)
      }
      yield { name, type: "U8" as const, shape: [3_000_001], data }
    }
  }
  await writeSafetensors(path, entries())
  assert.deepEqual(order, ["b", "a"])
  const { tensors } = await openSafetensors(path)
  const file = await readFile(path)
  assert.equal(file[tensors.get("a")!.offset + 2_999_999], 97)
  assert.equal(file[tensors.get("a")!.offset + 3_000_000], 9)
})

test("data that does not fill its shape is refused and leaves no file", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "a.safetensors")
  const data = () => [new Uint8Array(7)]
  await assert.rejects(writeSafetensors(path, [{ name: "short", type: "F32", shape: [2], data }]), {
    code: "out_of_range",
    message: "Tensor short (F32 [2]) needs 8 bytes, and its data gave 7.",
  })
  assert.deepEqual(await readdir(folder.path), [])
})

test("a full disk is a file_write error, the part is removed and the old file stays", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "a.safetensors")
  await writeFile(path, "old")
  const data = function* () {
    yield new Uint8Array(4)
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })
  }
  await assert.rejects(writeSafetensors(path, [{ name: "x", type: "F32", shape: [2], data }]), {
    code: "file_write",
    message: `The file ${path} was not written: the disk is full; free some space and start again.`,
  })
  assert.deepEqual(await readdir(folder.path), ["a.safetensors"])
  assert.equal(await readFile(path, "utf8"), "old")
})

test("an aborted write is a file_write error and leaves nothing", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "a.safetensors")
  const abort = new AbortController()
  const data = function* () {
    yield new Uint8Array(4)
    abort.abort()
    yield new Uint8Array(4)
  }
  await assert.rejects(
    writeSafetensors(path, [{ name: "x", type: "F32", shape: [2], data }], {}, abort.signal),
    {
      code: "file_write",
      message: /was not written: the work was cancelled/,
    },
  )
  assert.deepEqual(await readdir(folder.path), [])
})

test("two tensors of one name are refused before anything is written", async () => {
  await using folder = await scratch()
  const entry = { name: "twice", type: "U8" as const, shape: [1], data: new Uint8Array(1) }
  await assert.rejects(
    writeSafetensors(join(folder.path, "a.safetensors"), [entry, entry]),
    /have the name twice/,
  )
  assert.deepEqual(await readdir(folder.path), [])
})

test("a missing file says so", async () => {
  const error = await refusal(openSafetensors("/nowhere/model.safetensors"))
  assert.equal(error.code, "file_not_found")
  assert.equal(error.message, "The file /nowhere/model.safetensors does not exist; check the path.")
})

const badFiles: [string, unknown, number, RegExp][] = [
  [
    "data_offsets that do not fit the shape",
    { x: f32([2, 2], 0, 12) },
    12,
    /tensor x \(F32 \[2, 2\]\) needs 16 bytes, and its data_offsets \[0, 12\] hold 12/,
  ],
  [
    "overlapping tensors",
    { x: f32([2], 0, 8), y: f32([2], 4, 12) },
    12,
    /tensor y begins at byte 4 and overlaps tensor x, which ends at 8/,
  ],
  [
    "a hole between tensors",
    { x: f32([2], 0, 8), y: f32([1], 12, 16) },
    16,
    /tensor y begins at byte 12, 4 bytes after the end of tensor x/,
  ],
  [
    "bytes after the last tensor",
    { x: f32([2], 0, 8) },
    9,
    /tensor x ends at byte \d+, and the file goes on to/,
  ],
  ["an unknown type", { x: { ...f32([2], 0, 8), dtype: "F31" } }, 8, /tensor x has the type "F31"/],
  [
    "the name of an inherited property as type",
    { x: { ...f32([2], 0, 8), dtype: "toString" } },
    8,
    /tensor x has the type "toString"/,
  ],
  ["a negative dimension", { x: f32([-2], 0, 8) }, 8, /tensor x has the shape \[-2\]/],
  ["a fractional offset", { x: f32([2], 0.5, 8.5) }, 9, /tensor x has the data_offsets \[0.5,8.5\]/],
  ["an entry that is no object", { x: 3 }, 0, /header entry of tensor x is not an object/],
  ["metadata that is not strings", { __metadata__: { a: 1 } }, 0, /__metadata__ entry a is not a string/],
  ["a header that is no JSON", "{nonsense", 0, /its header is not JSON/],
  ["a header that is a list", [], 0, /its header is not a JSON object/],
]

for (const [what, header, bytes, sentence] of badFiles)
  test(`a file with ${what} is refused in one sentence`, async () => {
    await using folder = await scratch()
    const path = join(folder.path, "bad.safetensors")
    await writeRaw(path, header, bytes)
    const error = await refusal(openSafetensors(path))
    assert.equal(error.code, "model_invalid")
    assert.match(error.message, sentence)
    assert.ok(error.message.startsWith(path) && error.message.endsWith("."))
  })

test("a truncated file names the tensor, the byte it should reach and the bytes it has", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "a.safetensors")
  await writeSafetensors(path, [
    { name: "whole", type: "U8", shape: [100], data: new Uint8Array(100) },
    { name: "cut", type: "U8", shape: [100], data: new Uint8Array(100) },
  ])
  const { tensors } = await openSafetensors(path)
  const { offset } = tensors.get("cut")!
  await truncate(path, offset + 60)
  assert.match(
    (await refusal(openSafetensors(path))).message,
    new RegExp(`truncated: tensor cut ends at byte ${offset + 100}, and the file has ${offset + 60} bytes`),
  )
  await truncate(path, 20)
  assert.match(
    (await refusal(openSafetensors(path))).message,
    /truncated: the header needs \d+ bytes, and the file has 20/,
  )
  await truncate(path, 5)
  assert.match((await refusal(openSafetensors(path))).message, /it has 5 bytes/)
})

test("a header that claims more than the format allows is refused without reading it", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "a.safetensors")
  await writeFile(path, Buffer.alloc(100, 0xff))
  assert.match((await refusal(openSafetensors(path))).message, /its header claims 18446744073709551615 bytes/)
})

test("a folder that cannot be written to is a file_write error", async () => {
  await using folder = await scratch()
  const blocked = join(folder.path, "file")
  await writeFile(blocked, "")
  const path = join(blocked, "a.safetensors")
  await assert.rejects(writeSafetensors(path, []), { code: "file_write" })
  assert.equal(existsSync(path), false)
})

test("tensors beyond 4 GiB are placed and read exactly", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "large.safetensors")
  const start = 5_000_000_000
  const header = {
    large: { dtype: "U8", shape: [start], data_offsets: [0, start] },
    last: { dtype: "F32", shape: [1, 2], data_offsets: [start, start + 8] },
  }
  await writeRaw(path, header, 0)
  const file = await open(path, "r+")
  const { size } = await file.stat()
  await file.truncate(size + start + 8) // a sparse file: it takes no space on the disk
  await file.write(new Uint8Array(Float32Array.of(3.5, -7).buffer), 0, 8, size + start)
  await file.close()
  const checkpoint = await openSafetensors(path)
  assert.equal(checkpoint.tensors.get("last")!.offset, size + start)
  assert.deepEqual([...(await readTensor(checkpoint, "last"))], [3.5, -7])
  await truncate(path, size + start + 4)
  assert.match((await refusal(openSafetensors(path))).message, /truncated: tensor last ends at byte 50000/)
})
