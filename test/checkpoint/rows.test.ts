// Weights with one scale per output: written, checked, read back by rows, copied, and refused when they do not fit.
import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import {
  checkDit,
  convertCheckpoint,
  ditConfig,
  ditTensors,
  needsConversion,
  openCheckpoint,
  packIntegers,
  quantiseCheckpoint,
  readBytes,
  readRows,
  readTensor,
  splitComponents,
  writeSafetensors,
} from "../../src/checkpoint/index.ts"
import { noise } from "../support/run.ts"
import { largestError, randomEntries, refusal, scratch } from "./helpers.ts"
import { tinyDit } from "./tiny.ts"

const large = /^blocks\.\d+\.(attn|mlp)\.[^.]+\.weight$/

for (const bits of [8, 4] as const)
  test(`a model quantised to ${bits} bits with a scale per output passes the same check and is close`, async () => {
    await using folder = await scratch()
    const path = join(folder.path, "source.safetensors")
    await writeSafetensors(path, randomEntries(ditTensors(tinyDit)))
    const source = splitComponents(await openCheckpoint(path)).dit!
    const target = join(folder.path, "rows.safetensors")
    await quantiseCheckpoint(source, target, { bits, blockSize: "row" })
    const dit = splitComponents(await openCheckpoint(target)).dit!
    assert.deepEqual(ditConfig(dit), tinyDit)
    checkDit(dit, tinyDit)
    assert.equal(needsConversion(dit), false)
    for (const [name, tensor] of dit.tensors) {
      const [before, after] = [await readTensor(source, name), await readTensor(dit, name)]
      if (!large.test(name)) {
        assert.deepEqual(after, before, name)
        continue
      }
      assert.equal(tensor.perOutput?.bits, bits, name)
      const most = before.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
      assert.ok(largestError(after, before) <= most * (bits === 8 ? 0.51 / 127 : 0.7), name)
      const square = (x: Float32Array): number => x.reduce((sum, v) => sum + v * v, 0)
      const error = Math.sqrt(square(after.map((v, i) => v - before[i]!)) / square(before))
      assert.ok(error < (bits === 8 ? 0.01 : 0.15), `${name}: ${error}`)
      const rows = tensor.shape[0]!
      assert.deepEqual(await readRows(tensor, 3, rows - 3), after.slice(3 * tensor.shape[1]!), name)
    }
    const copy = join(folder.path, "copy.safetensors")
    await convertCheckpoint(dit, copy)
    const again = await openCheckpoint(copy)
    for (const [name, tensor] of dit.tensors)
      assert.deepEqual(await readBytes(again.tensors.get(name)!), await readBytes(tensor), name)
  })

test("half of the 4-bit inputs are read as whole bytes and are as near as those read as nibbles", () => {
  const [n, k] = [64, 512]
  const weight = noise(n * k, 5)
  const packed = packIntegers(weight, n, k, 4)
  const bytes = new Int8Array(packed.data.buffer)
  const error = (side: 0 | 1): number => {
    let sum = 0
    for (let row = 0; row < n; row++)
      for (let j = 0; j < k / 2; j++) {
        const byte = bytes[j * n + row]!
        const steps = side === 0 ? (byte & 15) - 8 : byte / 16
        sum += (steps * packed.scales[side * n + row]! - weight[row * k + (side * k) / 2 + j]!) ** 2
      }
    return Math.sqrt(sum / ((n * k) / 2))
  }
  // Rounding to 16 levels over -1..1 errs by a level's width over the root of twelve.
  for (const side of [0, 1] as const)
    assert.ok(error(side) < 1.1 * (2 / 15 / Math.sqrt(12)), `${error(side)}`)
})

test("4-bit rows of another version's layout are refused, with the command that makes new ones", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "old.safetensors")
  const entries = [
    { name: "blocks.0.attn.wq.weight", type: "I8", shape: [8, 4], data: new Uint8Array(32) },
    { name: "blocks.0.attn.wq.weight_scale", type: "F32", shape: [2, 4], data: new Float32Array(8) },
  ] as const
  const record = { bits: 4, blockSize: 32 }
  await writeSafetensors(path, entries, { "atelier.quantisation": JSON.stringify(record) })
  const error = await refusal(openCheckpoint(path))
  assert.equal(error.code, "model_invalid")
  assert.match(
    error.message,
    /layout 1 of another version, and this one reads 2; .*`atelier models quantize`/,
  )
  await writeSafetensors(path, entries, {
    "atelier.quantisation": JSON.stringify({ ...record, rowLayout: 2 }),
  })
  assert.deepEqual((await openCheckpoint(path)).tensors.get(entries[0].name)?.shape, [4, 16])
})

test("integers whose scales do not fit are refused by name", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "wrong.safetensors")
  await writeSafetensors(
    path,
    [
      { name: "blocks.0.attn.wq.weight", type: "I8", shape: [8, 4], data: new Uint8Array(32) },
      { name: "blocks.0.attn.wq.weight_scale", type: "F32", shape: [5], data: new Float32Array(5) },
    ],
    { "atelier.quantisation": JSON.stringify({ bits: 8, blockSize: 32 }) },
  )
  const error = await refusal(openCheckpoint(path))
  assert.equal(error.code, "model_invalid")
  assert.match(
    error.message,
    /blocks\.0\.attn\.wq\.weight \[8, 4\] and its \S+_scale \[5\] are not integers with a scale per output/,
  )
})
