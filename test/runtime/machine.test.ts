// Devices, memory and weights: what is missing is said, what does not fit is refused.
import assert from "node:assert/strict"
import { test } from "node:test"
import type { Checkpoint } from "../../src/checkpoint/index.ts"
import { ditTensors } from "../../src/checkpoint/index.ts"
import { AtelierError } from "../../src/request/errors.ts"
import { type DEVICES, probe, providersOf } from "../../src/runtime/device.ts"
import { physicalCores } from "../../src/runtime/machine.ts"
import { describePlan, planMemory, refuseIfTooLarge } from "../../src/runtime/memory.ts"
import { localRunner } from "../../src/runtime/runner.ts"
import { weightFiles } from "../../src/runtime/weights.ts"
import { TINY_DIT } from "../support/model.ts"

const plain = { os: "linux", arch: "x64", cuda: false } as const

test("a device that is not there says what is missing", () => {
  const missing = (
    device: (typeof DEVICES)[number],
    platform: Parameters<typeof providersOf>[1],
    words: RegExp,
  ) =>
    assert.throws(
      () => providersOf(device, platform),
      (error) => {
        assert.ok(error instanceof AtelierError)
        assert.equal(error.code, "device_unavailable")
        assert.match(error.message, words)
        return true
      },
    )
  missing("cuda", plain, /ONNX Runtime's CUDA library is missing/)
  missing("cuda", { ...plain, os: "darwin" }, /CUDA needs Linux on x64, and this is darwin/)
  missing("coreml", plain, /Core ML needs macOS/)
  missing("dml", plain, /DirectML needs Windows/)
})

test("auto takes CUDA where its library is, else the processor", () => {
  assert.deepEqual(providersOf("auto", plain), ["cpu"])
  assert.deepEqual(providersOf("auto", { ...plain, cuda: true }), ["cuda", "cpu"])
  assert.deepEqual(providersOf("coreml", { os: "darwin", arch: "arm64", cuda: false }), ["coreml", "cpu"])
})

test("a provider that fails to start is device_unavailable with its own words", {
  skip: process.platform !== "linux" && "the provider library looked for is Linux's",
}, async () => {
  const runner = localRunner({ threads: 1, providers: ["tensorrt"] })
  await assert.rejects(probe("webgpu", runner), (error) => {
    assert.ok(error instanceof AtelierError)
    assert.equal(error.code, "device_unavailable")
    assert.match(error.message, /^The device webgpu cannot be used: .*; use --device cpu\.$/)
    return true
  })
  await probe("cpu", localRunner({ threads: 1 }))
})

test("at least one physical core is found, and no more than there are threads", () => {
  assert.ok(physicalCores() >= 1 && physicalCores() <= navigator.hardwareConcurrency)
})

/** A checkpoint of the given table that has no file: enough for planning. */
const imagined = (table: Iterable<[string, readonly number[]]>): Checkpoint => ({
  path: "/nowhere/large.safetensors",
  files: [],
  metadata: {},
  tensors: new Map(
    [...table].map(([name, shape]) => {
      const length = 2 * shape.reduce((a, b) => a * b, 1)
      return [name, { name, type: "BF16" as const, shape, file: "", offset: 0, length }]
    }),
  ),
})

test("a plan that cannot fit is refused with both numbers and a next step", () => {
  const huge = { ...TINY_DIT, features: 1 << 14, heads: 1 << 10, mlpDim: 1 << 17, layers: 100 }
  const plan = planMemory([imagined(ditTensors(huge))], 1e9)
  assert.throws(
    () => refuseIfTooLarge("giant", plan),
    (error) => {
      assert.ok(error instanceof AtelierError)
      assert.equal(error.code, "out_of_memory")
      assert.match(
        error.message,
        /^The model giant needs \d+\.\d GB, \d+\.\d GB free: quantise it \(`atelier models quantize giant --bits 4 --block row`\), and free memory or ask for a smaller picture\.$/,
      )
      return true
    },
  )
  const large = { weights: 1e9, quantised: 5e8, activations: 20e9, overhead: 0, needed: 21e9, free: 8e9 }
  assert.throws(() => refuseIfTooLarge("m", large), /: ask for a smaller picture\.$/)
  const half = { ...large, weights: 12e9, quantised: 3e9, activations: 3e9, needed: 15e9 }
  assert.throws(() => refuseIfTooLarge("m", half), /--block row`\) or free memory\.$/)
  // What is in four bits already cannot be quantised once more.
  const small = { ...large, weights: 12e9, quantised: 11e9, needed: 32e9 }
  assert.throws(() => refuseIfTooLarge("m", small), /free: free memory, or /)
  assert.equal(describePlan(large), "needs 21.0 GB, 8.0 GB free")
})

test("a weight of the wrong size or in a form that does not run is refused by name", () => {
  const checkpoint = imagined([["first.weight", [4, 4]]])
  const { weights } = weightFiles(checkpoint)
  assert.throws(() => weights("first.weight", [4, 8]), /first\.weight .* should be \[4, 8\], and is \[4, 4\]/)
  assert.throws(() => weights("other", [1]), /has no tensor other \[1\]/)
  const blocks = imagined([])
  const q8 = { name: "w", type: "Q8_0" as const, shape: [32, 32], file: "", offset: 0, length: 0 }
  assert.throws(() => weightFiles({ ...blocks, tensors: new Map([["w", q8]]) }).weights("w", [32, 32]), {
    code: "unsupported",
    message: /stored as Q8_0.*`atelier models add`/,
  })
})
