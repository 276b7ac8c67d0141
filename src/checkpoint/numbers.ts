// Number formats: F16, BF16, F8_E4M3, F8_E5M2 and the integers to and from float32. Imports only the errors.
import { AtelierError } from "../request/errors.ts"
import type { StoredType } from "./tensor.ts"

const one = new Float32Array(1)
const oneBits = new Uint32Array(one.buffer)

/** IEEE half: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction
}

/** OCP 8-bit E4M3: bias 7, no infinities, NaN only at S.1111.111, largest 448. */
function e4m3Value(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1
  const exponent = (bits >> 3) & 15
  const fraction = bits & 7
  if (exponent === 15 && fraction === 7) return Number.NaN
  return exponent ? sign * 2 ** (exponent - 7) * (1 + fraction / 8) : sign * 2 ** -9 * fraction
}

// Looking a value up is several times faster than assembling it; 256 KiB stay in the second-level cache.
/** The value of every half-precision bit pattern. */
export const halfTable = Float32Array.from({ length: 65536 }, (_, bits) => halfValue(bits))
/** The value of every F8_E4M3 bit pattern. */
export const e4m3Table = Float32Array.from({ length: 256 }, (_, bits) => e4m3Value(bits))
const e5m2Table = Float32Array.from({ length: 256 }, (_, bits) => halfValue(bits << 8))

/** float32 to the nearest half, ties to even; overflow becomes infinity. */
export function toHalf(value: number): number {
  one[0] = value
  const bits = oneBits[0]!
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00)
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // rounds to 65536 or more
  if (magnitude >= 0x38800000)
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  // Subnormal: float addition of 0.5 does the shift and the rounding to even (0.5 has unit 2^-24).
  one[0] = Math.abs(value) + 0.5
  return sign | (oneBits[0]! - 0x3f000000)
}

/** float32 to the nearest BF16, ties to even. */
export function toBrain(value: number): number {
  one[0] = value
  const bits = oneBits[0]!
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40 // stays NaN
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}

/** float32 to the nearest F8_E4M3, ties to even; beyond 448 saturates, as torch's scaled casts expect. */
export function toE4m3(value: number): number {
  if (Number.isNaN(value)) return 0x7f
  const sign = value < 0 || Object.is(value, -0) ? 0x80 : 0
  const magnitude = Math.abs(value)
  if (magnitude >= 448) return sign | 0x7e
  one[0] = magnitude
  const exponent = Math.max(-6, (oneBits[0]! >>> 23) - 127)
  const scaled = magnitude * 2 ** (3 - exponent) // units in the last place, 0..16
  const floor = Math.floor(scaled)
  const rest = scaled - floor
  const units = rest > 0.5 || (rest === 0.5 && floor & 1) ? floor + 1 : floor
  return sign | (units + (exponent + 6) * 8) // a carry into the exponent is the right code too
}

/** Plain number types as float32; bytes may start at any address. Throws unsupported for others. */
export function decodeNumbers(type: StoredType, bytes: Uint8Array, target: Float32Array): void {
  switch (type) {
    case "F32":
      new Uint8Array(target.buffer, target.byteOffset, bytes.length).set(bytes)
      return
    case "BF16": {
      const words = aligned(bytes, Uint16Array)
      const bits = new Uint32Array(target.buffer, target.byteOffset, words.length)
      for (let i = 0; i < words.length; i++) bits[i] = words[i]! << 16
      return
    }
    case "F16": {
      const words = aligned(bytes, Uint16Array)
      for (let i = 0; i < words.length; i++) target[i] = halfTable[words[i]!]!
      return
    }
    case "F8_E4M3":
      for (let i = 0; i < bytes.length; i++) target[i] = e4m3Table[bytes[i]!]!
      return
    case "F8_E5M2":
      for (let i = 0; i < bytes.length; i++) target[i] = e5m2Table[bytes[i]!]!
      return
    case "F64":
      target.set(aligned(bytes, Float64Array))
      return
    case "I8":
      target.set(aligned(bytes, Int8Array))
      return
    case "U8":
    case "BOOL":
      target.set(bytes)
      return
    case "I16":
      target.set(aligned(bytes, Int16Array))
      return
    case "U16":
      target.set(aligned(bytes, Uint16Array))
      return
    case "I32":
      target.set(aligned(bytes, Int32Array))
      return
    case "U32":
      target.set(aligned(bytes, Uint32Array))
      return
    case "I64":
      aligned(bytes, BigInt64Array).forEach((value, i) => {
        target[i] = Number(value)
      })
      return
    case "U64":
      aligned(bytes, BigUint64Array).forEach((value, i) => {
        target[i] = Number(value)
      })
      return
    default:
      throw new AtelierError("unsupported", `Numbers of the type ${type} cannot be read.`)
  }
}

/** float32 values in `type` (F32, F16, BF16, F8_E4M3), little-endian. Throws unsupported for others. */
export function encodeFloats(type: StoredType, values: Float32Array): Uint8Array {
  switch (type) {
    case "F32":
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    case "F16":
      return new Uint8Array(mapInto(new Uint16Array(values.length), values, toHalf).buffer)
    case "BF16":
      return new Uint8Array(mapInto(new Uint16Array(values.length), values, toBrain).buffer)
    case "F8_E4M3":
      return mapInto(new Uint8Array(values.length), values, toE4m3)
    default:
      throw new AtelierError(
        "unsupported",
        `Floats cannot be written as ${type}; F32, F16, BF16 and F8_E4M3 can.`,
      )
  }
}

// A plain loop: TypedArray.from goes through the iterator protocol and is twenty times slower.
function mapInto<T extends Uint8Array | Uint16Array>(
  target: T,
  values: Float32Array,
  encode: (value: number) => number,
): T {
  for (let i = 0; i < values.length; i++) target[i] = encode(values[i]!)
  return target
}

interface ArrayView<T> {
  new (buffer: ArrayBufferLike, offset: number, length: number): T
  readonly BYTES_PER_ELEMENT: number
}

/** The same bytes as another typed array; copies only when the address is not a multiple of the width. */
export function aligned<T>(bytes: Uint8Array, view: ArrayView<T>): T {
  const width = view.BYTES_PER_ELEMENT
  const source = bytes.byteOffset % width === 0 ? bytes : bytes.slice()
  return new view(source.buffer, source.byteOffset, bytes.length / width)
}
