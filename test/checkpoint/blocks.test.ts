// Blockwise integers: the errors their formulas promise, lossless repacking, and ONNX Runtime's own reading.
import assert from "node:assert/strict"
import { test } from "node:test"
import onnxProto from "onnx-proto"
import * as ort from "onnxruntime-node"
import {
  type BlockFormat,
  dequantiseRows,
  quantiseRows,
  repackQ4,
  repackQ8,
} from "../../src/checkpoint/blocks.ts"
import { decodeBlocks } from "../../src/checkpoint/ggml.ts"
import { blockBytes, largestError, randomValues } from "./helpers.ts"

const formats: BlockFormat[] = [4, 8].flatMap((bits) =>
  [16, 32, 64, 128, 256].map((blockSize) => ({ bits: bits as 4 | 8, blockSize })),
)

for (const format of formats)
  test(`${format.bits}-bit blocks of ${format.blockSize} keep every value within their step`, () => {
    const [n, k] = [24, 512]
    const weight = randomValues(n * k, 5, 3)
    const rows = quantiseRows(weight, n, k, format)
    assert.equal(rows.quantised.length, (n * k * format.bits) / 8)
    assert.equal(rows.scales.length, (n * k) / format.blockSize)
    const back = dequantiseRows(rows, n, k, format)
    for (let block = 0; block < rows.scales.length; block++) {
      const part = weight.subarray(block * format.blockSize, (block + 1) * format.blockSize)
      const largest = part.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
      // 8 bits: half a step of max/127. 4 bits: +8 does not exist, so up to a whole step of max/8, and the
      // least-squares scale moves the step by a few per cent.
      const bound = format.bits === 8 ? (largest / 127) * 0.5001 : (largest / 8) * 1.15
      const error = largestError(
        part,
        back.subarray(block * format.blockSize, (block + 1) * format.blockSize),
      )
      assert.ok(error <= bound, `block ${block}: ${error} > ${bound}`)
    }
  })

test("the least-squares scale of 4-bit blocks has a lower squared error than max/8", () => {
  const [n, k] = [64, 512]
  const weight = randomValues(n * k, 6)
  const format = { bits: 4, blockSize: 32 } as const
  const rows = quantiseRows(weight, n, k, format)
  const plain = rows.scales.map((_, block) => {
    const part = [...weight.subarray(block * 32, block * 32 + 32)]
    return part.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a)) / -8
  })
  const squared = (scales: Float32Array) =>
    dequantiseRows({ ...rows, scales }, n, k, format).reduce(
      (sum, value, i) => sum + (value - weight[i]!) ** 2,
      0,
    )
  assert.ok(squared(rows.scales) < squared(plain))
})

test("blocks of zeros stay zero, and one large value keeps its sign and size", () => {
  for (const format of formats) {
    const weight = new Float32Array(512)
    weight[3] = -40
    const back = dequantiseRows(quantiseRows(weight, 1, 512, format), 1, 512, format)
    assert.ok(Math.abs(back[3]! + 40) < 1e-4)
    assert.ok(back.every((value, i) => i === 3 || value === 0))
  }
})

test("Q4_0 and Q8_0 blocks are repacked to exactly the values they had", () => {
  for (const [type, size, bits, repack] of [
    ["Q4_0", 18, 4, repackQ4],
    ["Q8_0", 34, 8, repackQ8],
  ] as const) {
    const blocks = blockBytes(60, size, [0])
    const expected = new Float32Array(60 * 32)
    decodeBlocks(type, blocks, expected)
    assert.deepEqual(dequantiseRows(repack(blocks), 10, 192, { bits, blockSize: 32 }), expected)
  }
})

test("bits and block sizes that do not exist are out of range", () => {
  const weight = new Float32Array(96)
  for (const [format, sentence] of [
    [{ bits: 5, blockSize: 32 }, /Quantisation to 5 bits is not possible/],
    [{ bits: 4, blockSize: 24 }, /Block size 24 is not possible/],
    [{ bits: 4, blockSize: 8 }, /Block size 8 is not possible/],
    [{ bits: 8, blockSize: 64 }, /Rows of 96 values do not divide into blocks of 64/],
  ] as const)
    assert.throws(() => quantiseRows(weight, 1, 96, format as BlockFormat), {
      code: "out_of_range",
      message: sentence,
    })
})

for (const format of [
  { bits: 4, blockSize: 32 },
  { bits: 8, blockSize: 32 },
  { bits: 8, blockSize: 128 },
] as const)
  test(`ONNX Runtime's MatMulNBits reads ${format.bits}-bit blocks of ${format.blockSize} as we do`, async () => {
    const [m, n, k] = [3, 20, 256]
    const rows = quantiseRows(randomValues(n * k, 7), n, k, format)
    const x = randomValues(m * k, 8)
    const weight = dequantiseRows(rows, n, k, format)
    const expected = Array.from({ length: m * n }, (_, i) => {
      let sum = 0
      for (let j = 0; j < k; j++) sum += x[Math.floor(i / n) * k + j]! * weight[(i % n) * k + j]!
      return sum
    })
    const session = await ort.InferenceSession.create(matMulNBits(m, n, k, format))
    const { y } = await session.run({
      x: new ort.Tensor("float32", x, [m, k]),
      b: new ort.Tensor("uint8", rows.quantised, [
        n,
        k / format.blockSize,
        (format.blockSize * format.bits) / 8,
      ]),
      scales: new ort.Tensor("float32", rows.scales, [n, k / format.blockSize]),
    })
    await session.release()
    assert.ok(largestError(y!.data as Float32Array, expected) < 1e-4)
  })

/** A model of one MatMulNBits node that computes in float32 (accuracy level 1). */
function matMulNBits(m: number, n: number, k: number, { bits, blockSize }: BlockFormat): Uint8Array {
  const { onnx } = onnxProto
  const value = (name: string, elemType: number, shape: number[]) => ({
    name,
    type: { tensorType: { elemType, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  })
  const integer = (name: string, i: number) => ({ name, type: onnx.AttributeProto.AttributeType.INT, i })
  return onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [
      { domain: "", version: 17 },
      { domain: "com.microsoft", version: 1 },
    ],
    graph: {
      name: "one",
      input: [
        value("x", 1, [m, k]),
        value("b", 2, [n, k / blockSize, (blockSize * bits) / 8]),
        value("scales", 1, [n, k / blockSize]),
      ],
      output: [value("y", 1, [m, n])],
      node: [
        {
          opType: "MatMulNBits",
          domain: "com.microsoft",
          input: ["x", "b", "scales"],
          output: ["y"],
          attribute: [
            integer("K", k),
            integer("N", n),
            integer("bits", bits),
            integer("block_size", blockSize),
            integer("accuracy_level", 1),
          ],
        },
      ],
    },
  }).finish()
}
