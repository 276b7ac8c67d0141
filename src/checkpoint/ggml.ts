// GGUF blocks to float32, one function per type (architecture.md 6; ggml-quants.c is the reference).
// Blocks are little-endian; d and m are halves. Imports only number formats.
import { halfTable } from "./numbers.ts"
import { type StoredType, storedTypes } from "./tensor.ts"

/** Decodes the block that begins at byte `b` into the values from index `o`. */
type BlockDecoder = (bytes: Uint8Array, b: number, out: Float32Array, o: number) => void

const half = (bytes: Uint8Array, at: number): number => halfTable[bytes[at]! | (bytes[at + 1]! << 8)]!
const signed = (byte: number): number => (byte << 24) >> 24
const word = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)

/** {d, 16 bytes}: d * (n - 8); low nibbles are values 0..15, high nibbles 16..31. */
const q4_0: BlockDecoder = (bytes, b, out, o) => {
  const d = half(bytes, b)
  for (let i = 0; i < 16; i++) {
    const pair = bytes[b + 2 + i]!
    out[o + i] = d * ((pair & 15) - 8)
    out[o + 16 + i] = d * ((pair >> 4) - 8)
  }
}

/** {d, m, 16 bytes}: d * n + m. */
const q4_1: BlockDecoder = (bytes, b, out, o) => {
  const d = half(bytes, b)
  const m = half(bytes, b + 2)
  for (let i = 0; i < 16; i++) {
    const pair = bytes[b + 4 + i]!
    out[o + i] = d * (pair & 15) + m
    out[o + 16 + i] = d * (pair >> 4) + m
  }
}

/** {d, 32 fifth bits, 16 bytes}: d * (n - 16). */
const q5_0: BlockDecoder = (bytes, b, out, o) => {
  const d = half(bytes, b)
  const high = word(bytes, b + 2)
  for (let i = 0; i < 16; i++) {
    const pair = bytes[b + 6 + i]!
    out[o + i] = d * (((pair & 15) | (((high >>> i) & 1) << 4)) - 16)
    out[o + 16 + i] = d * (((pair >> 4) | (((high >>> (i + 16)) & 1) << 4)) - 16)
  }
}

/** {d, m, 32 fifth bits, 16 bytes}: d * n + m. */
const q5_1: BlockDecoder = (bytes, b, out, o) => {
  const d = half(bytes, b)
  const m = half(bytes, b + 2)
  const high = word(bytes, b + 4)
  for (let i = 0; i < 16; i++) {
    const pair = bytes[b + 8 + i]!
    out[o + i] = d * ((pair & 15) | (((high >>> i) & 1) << 4)) + m
    out[o + 16 + i] = d * ((pair >> 4) | (((high >>> (i + 16)) & 1) << 4)) + m
  }
}

/** {d, 32 signed bytes}: d * q. */
const q8_0: BlockDecoder = (bytes, b, out, o) => {
  const d = half(bytes, b)
  for (let i = 0; i < 32; i++) out[o + i] = d * signed(bytes[b + 2 + i]!)
}

/** 16 sub-blocks of 16: {16 bytes of 4-bit scale and min, 64 bytes of 2-bit n, d, dmin}. */
const q2_k: BlockDecoder = (bytes, b, out, o) => {
  const d = half(bytes, b + 80)
  const dmin = half(bytes, b + 82)
  for (let s = 0; s < 16; s++) {
    const pack = bytes[b + s]!
    const scale = d * (pack & 15)
    const min = dmin * (pack >> 4)
    const from = b + 16 + (s >> 3) * 32 + (s & 1) * 16
    const shift = ((s & 7) >> 1) * 2
    for (let i = 0; i < 16; i++) out[o + s * 16 + i] = scale * ((bytes[from + i]! >> shift) & 3) - min
  }
}

/** 16 sub-blocks of 16: {32 bytes of third bits, 64 bytes of 2-bit n, 12 bytes of 6-bit scales, d}. */
const q3_k: BlockDecoder = (bytes, b, out, o) => {
  const d = half(bytes, b + 108)
  for (let s = 0; s < 16; s++) {
    const low = s < 8 ? bytes[b + 96 + s]! & 15 : bytes[b + 88 + s]! >> 4
    const high = (bytes[b + 104 + (s & 3)]! >> ((s >> 2) * 2)) & 3
    const scale = d * ((low | (high << 4)) - 32)
    const from = b + 32 + (s >> 3) * 32 + (s & 1) * 16
    const shift = ((s & 7) >> 1) * 2
    const bit = s >> 1
    for (let i = 0; i < 16; i++) {
      const third = (bytes[b + (s & 1) * 16 + i]! >> bit) & 1
      out[o + s * 16 + i] = scale * (((bytes[from + i]! >> shift) & 3) - (third ? 0 : 4))
    }
  }
}

// Q4_K and Q5_K pack eight 6-bit scales and eight 6-bit mins into 12 bytes.
const scale6 = (bytes: Uint8Array, at: number, j: number): number =>
  j < 4 ? bytes[at + j]! & 63 : (bytes[at + j + 4]! & 15) | ((bytes[at + j - 4]! >> 6) << 4)
const min6 = (bytes: Uint8Array, at: number, j: number): number =>
  j < 4 ? bytes[at + j + 4]! & 63 : (bytes[at + j + 4]! >> 4) | ((bytes[at + j]! >> 6) << 4)

/** 8 sub-blocks of 32: {d, dmin, 12 bytes of scales, 128 bytes}: d * sc * n - dmin * mn. */
const q4_k: BlockDecoder = (bytes, b, out, o) => {
  const d = half(bytes, b)
  const dmin = half(bytes, b + 2)
  for (let s = 0; s < 8; s++) {
    const scale = d * scale6(bytes, b + 4, s)
    const min = dmin * min6(bytes, b + 4, s)
    const from = b + 16 + (s >> 1) * 32
    const shift = (s & 1) * 4
    for (let i = 0; i < 32; i++) out[o + s * 32 + i] = scale * ((bytes[from + i]! >> shift) & 15) - min
  }
}

/** As Q4_K with 32 bytes of fifth bits before the nibbles: sub-block s uses bit s of each. */
const q5_k: BlockDecoder = (bytes, b, out, o) => {
  const d = half(bytes, b)
  const dmin = half(bytes, b + 2)
  for (let s = 0; s < 8; s++) {
    const scale = d * scale6(bytes, b + 4, s)
    const min = dmin * min6(bytes, b + 4, s)
    const from = b + 48 + (s >> 1) * 32
    const shift = (s & 1) * 4
    for (let i = 0; i < 32; i++) {
      const fifth = (bytes[b + 16 + i]! >> s) & 1
      out[o + s * 32 + i] = scale * (((bytes[from + i]! >> shift) & 15) | (fifth << 4)) - min
    }
  }
}

/** 16 sub-blocks of 16: {128 bytes of low nibbles, 64 bytes of 2 high bits, 16 signed scales, d}: d * sc * (q - 32). */
const q6_k: BlockDecoder = (bytes, b, out, o) => {
  const d = half(bytes, b + 208)
  for (let s = 0; s < 16; s++) {
    const scale = d * signed(bytes[b + 192 + s]!)
    const part = s & 7 // within a half of 128 values
    const low = b + (s >> 3) * 64 + ((part >> 1) & 1) * 32 + (part & 1) * 16
    const high = b + 128 + (s >> 3) * 32 + (part & 1) * 16
    const lowShift = (part >> 2) * 4
    const highShift = (part >> 1) * 2
    for (let i = 0; i < 16; i++) {
      const q = ((bytes[low + i]! >> lowShift) & 15) | (((bytes[high + i]! >> highShift) & 3) << 4)
      out[o + s * 16 + i] = scale * (q - 32)
    }
  }
}

const decoders: Partial<Record<StoredType, BlockDecoder>> = {
  Q4_0: q4_0,
  Q4_1: q4_1,
  Q5_0: q5_0,
  Q5_1: q5_1,
  Q8_0: q8_0,
  Q2_K: q2_k,
  Q3_K: q3_k,
  Q4_K: q4_k,
  Q5_K: q5_k,
  Q6_K: q6_k,
}

/** Whether a stored type is a GGUF block. */
export function isBlockType(type: StoredType): boolean {
  return decoders[type] !== undefined
}

/** Decodes whole blocks of a GGUF type into float32; `bytes` must hold exactly target.length values. */
export function decodeBlocks(type: StoredType, bytes: Uint8Array, target: Float32Array): void {
  const decode = decoders[type]!
  const block = storedTypes[type]
  for (let b = 0, o = 0; b < bytes.length; b += block.bytes, o += block.values) decode(bytes, b, target, o)
}
