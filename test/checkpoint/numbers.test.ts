// Number formats: every bit pattern against its definition, every rounding to the nearest neighbour.
import assert from "node:assert/strict"
import { test } from "node:test"
import { decodeBlocks } from "../../src/checkpoint/ggml.ts"
import { decodeNumbers, encodeFloats, toBrain, toE4m3, toHalf } from "../../src/checkpoint/numbers.ts"
import { type StoredType, storedTypes } from "../../src/checkpoint/tensor.ts"
import { blockBytes, randomValues } from "./helpers.ts"

function decode(type: StoredType, bytes: Uint8Array): Float32Array {
  const { values, bytes: size } = storedTypes[type]
  const target = new Float32Array((bytes.length / size) * values)
  decodeNumbers(type, bytes, target)
  return target
}

/** All values of a format whose patterns are 0..count-1, in the order of their patterns. */
function allValues(type: StoredType, count: number): Float32Array {
  const patterns =
    count > 256
      ? Uint16Array.from({ length: count }, (_, i) => i)
      : Uint8Array.from({ length: count }, (_, i) => i)
  return decode(type, new Uint8Array(patterns.buffer))
}

test("known half, brain and fp8 patterns have their values", () => {
  const half = allValues("F16", 65536)
  assert.deepEqual(
    [0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0x3555].map((bits) => half[bits]),
    [1, -2, 65504, 2 ** -24, 2 ** -14, Number.POSITIVE_INFINITY, 0.333251953125],
  )
  assert.ok(Number.isNaN(half[0x7e00]))
  const e4m3 = allValues("F8_E4M3", 256)
  assert.deepEqual(
    [0x38, 0x7e, 0x01, 0x08, 0xb8, 0x00].map((bits) => e4m3[bits]),
    [1, 448, 2 ** -9, 2 ** -6, -1, 0],
  )
  assert.ok(Number.isNaN(e4m3[0x7f]) && Number.isNaN(e4m3[0xff]))
  assert.deepEqual([...decode("F8_E5M2", Uint8Array.of(0x3c, 0x7b, 0xbc))], [1, 57344, -1])
  assert.deepEqual([...decode("BF16", Uint8Array.of(0x80, 0x3f, 0x49, 0x40))], [1, 3.140625])
})

test("every half, brain and fp8 value encodes back to its own pattern", () => {
  for (const [type, count, encode] of [
    ["F16", 65536, toHalf],
    ["BF16", 65536, toBrain],
    ["F8_E4M3", 256, toE4m3],
  ] as const) {
    const values = allValues(type, count)
    for (let bits = 0; bits < count; bits++)
      if (!Number.isNaN(values[bits])) assert.equal(encode(values[bits]!), bits, `${type} ${bits}`)
    assert.ok(Number.isNaN(values[encode(Number.NaN)]), `${type} NaN`)
  }
})

test("floats round to the nearest value, ties to the even pattern", () => {
  for (const [type, count, encode] of [
    ["F16", 0x7c00, toHalf],
    ["F8_E4M3", 0x7f, toE4m3],
  ] as const) {
    const values = allValues(type, count)
    for (let bits = 0; bits + 1 < count; bits += type === "F16" ? 37 : 1) {
      const [low, high] = [values[bits]!, values[bits + 1]!]
      const middle = (low + high) / 2
      assert.equal(encode(middle), bits & 1 ? bits + 1 : bits, `${type}: the middle after ${low}`)
      assert.equal(encode(middle - (high - low) / 1000), bits, `${type}: below the middle after ${low}`)
      assert.equal(encode(middle + (high - low) / 1000), bits + 1, `${type}: above the middle after ${low}`)
    }
  }
  assert.equal(toBrain(1.00390625), 0x3f80) // the middle between 1 and 1.0078125
  assert.equal(toBrain(1.01171875), 0x3f82)
})

test("half overflows to infinity and fp8 saturates at 448", () => {
  assert.equal(toHalf(65519), 0x7bff)
  assert.equal(toHalf(65520), 0x7c00)
  assert.equal(toHalf(-1e30), 0xfc00)
  assert.equal(toE4m3(1e6), 0x7e)
  assert.equal(toE4m3(-1e6), 0xfe)
})

test("encoding loses at most half a unit in the last place", () => {
  const values = randomValues(10_000, 3)
  for (const [type, unit] of [
    ["F16", 2 ** -11],
    ["BF16", 2 ** -8],
    ["F8_E4M3", 2 ** -4],
  ] as const) {
    const back = decode(type, encodeFloats(type, values))
    for (let i = 0; i < values.length; i++)
      assert.ok(
        Math.abs(back[i]! - values[i]!) <= Math.max(Math.abs(values[i]!) * unit, 2 ** -10),
        `${type} ${values[i]}`,
      )
  }
})

test("integers and doubles decode from unaligned bytes", () => {
  const shifted = (source: ArrayBufferView) => {
    const bytes = new Uint8Array(source.byteLength + 1)
    bytes.set(new Uint8Array(source.buffer), 1)
    return bytes.subarray(1)
  }
  assert.deepEqual([...decode("F64", shifted(Float64Array.of(1.5, -2)))], [1.5, -2])
  assert.deepEqual([...decode("I64", shifted(BigInt64Array.of(-5n, 7n)))], [-5, 7])
  assert.deepEqual([...decode("I32", shifted(Int32Array.of(-5, 7)))], [-5, 7])
  assert.deepEqual([...decode("U16", shifted(Uint16Array.of(65535)))], [65535])
  assert.deepEqual([...decode("I8", shifted(Int8Array.of(-128, 127)))], [-128, 127])
  assert.deepEqual([...decode("BF16", shifted(Uint16Array.of(0x3f80)))], [1])
  assert.deepEqual([...decode("F32", shifted(Float32Array.of(0.1)))], [Math.fround(0.1)])
})

// What the gguf Python package 0.19.0 (ggml's own reference) makes of the same four blocks: the sum of
// value i times (7919 i mod 1009), value 17 and the last value.
const reference = {
  Q4_0: { halves: [0], weighted: -357.3304138183594, at17: 0.06280517578125, last: -0.06939697265625 },
  Q4_1: { halves: [0, 2], weighted: -13672.690338134766, at17: -0.01971435546875, last: -0.13446044921875 },
  Q5_0: { halves: [0], weighted: -4261.854705810547, at17: -0.251220703125, last: 0.2298583984375 },
  Q5_1: { halves: [0, 2], weighted: -5312.846343994141, at17: 0.828155517578125, last: 0.01300048828125 },
  Q8_0: { halves: [0], weighted: 7352.659240722656, at17: -0.408233642578125, last: -2.248870849609375 },
  Q2_K: { halves: [80, 82], weighted: -2809.7890014648438, at17: -0.364501953125, last: -0.79193115234375 },
  Q3_K: { halves: [108], weighted: 70961.61853027344, at17: -1.408721923828125, last: 0.56915283203125 },
  Q4_K: { halves: [0, 2], weighted: -51159.615234375, at17: 13.787841796875, last: -18.03472900390625 },
  Q5_K: { halves: [0, 2], weighted: 9606489.127746582, at17: 12.53173828125, last: 69.27413940429688 },
  Q6_K: { halves: [208], weighted: -642417.9133911133, at17: 137.3895263671875, last: 3.289794921875 },
} as const

for (const [type, expected] of Object.entries(reference))
  test(`${type} blocks decode to the reference's values`, () => {
    const { values, bytes } = storedTypes[type as StoredType]
    const target = new Float32Array(4 * values)
    decodeBlocks(type as StoredType, blockBytes(4, bytes, [...expected.halves]), target)
    let weighted = 0
    for (let i = 0; i < target.length; i++) weighted += target[i]! * ((i * 7919) % 1009)
    assert.ok(
      Math.abs(weighted - expected.weighted) <= 2e-6 * Math.max(1e4, Math.abs(expected.weighted)),
      `${weighted}`,
    )
    assert.ok(Math.abs(target[17]! - expected.at17) < 1e-5, `${target[17]}`)
    assert.ok(Math.abs(target.at(-1)! - expected.last) < 1e-5, `${target.at(-1)}`)
  })
