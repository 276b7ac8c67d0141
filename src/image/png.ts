// PNG chunks: text put in before the picture's data, and read back. Imports nothing but zlib and buffers.
import { isUtf8 } from "node:buffer"
import { crc32, inflateSync } from "node:zlib"

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

interface Chunk {
  type: string
  data: Buffer
  start: number
  end: number
}

export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.equals(bytes.subarray(0, 8))

function* chunks(bytes: Uint8Array): Generator<Chunk> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at)
    const end = at + 12 + length
    if (end > file.length) return
    yield {
      type: file.toString("latin1", at + 4, at + 8),
      data: file.subarray(at + 8, at + 8 + length),
      start: at,
      end,
    }
    at = end
  }
}

/** An iTXt chunk: UTF-8 text, not compressed. */
function textChunk(keyword: string, text: string): Buffer {
  const data = Buffer.concat([
    Buffer.from(keyword, "latin1"),
    Buffer.from([0, 0, 0, 0, 0]),
    Buffer.from(text, "utf8"),
  ])
  const chunk = Buffer.alloc(12 + data.length)
  chunk.writeUInt32BE(data.length, 0)
  chunk.write("iTXt", 4, "latin1")
  data.copy(chunk, 8)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length)
  return chunk
}

const TEXTS = ["iTXt", "tEXt", "zTXt"]

/** The file with text chunks after its header, in place of those that it had under the same keywords. */
export function withTexts(png: Uint8Array, texts: Readonly<Record<string, string>>): Uint8Array {
  const [header, ...others] = chunks(png)
  if (!header) throw new Error("Not a PNG file.")
  const isOld = ({ type, data }: Chunk): boolean =>
    TEXTS.includes(type) && Object.hasOwn(texts, data.toString("latin1", 0, data.indexOf(0)))
  return Buffer.concat([
    png.subarray(0, header.end),
    ...Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text)),
    ...others.filter((chunk) => !isOld(chunk)).map(({ start, end }) => png.subarray(start, end)),
  ])
}

/** Whole pictures may be in a request: as many bytes as one may have over HTTP, and some for what surrounds them. */
const MOST_TEXT = 128_000_000

/** The first text of a keyword that can be read, of any kind of text chunk. */
export function textOf(png: Uint8Array, keyword: string): string | undefined {
  for (const { type, data } of chunks(png)) {
    const end = data.indexOf(0)
    if (!TEXTS.includes(type) || data.toString("latin1", 0, end) !== keyword) continue
    try {
      return textIn(type, data.subarray(end + 1))
    } catch {
      // damaged or too long: passed over
    }
  }
  return undefined
}

/** What follows the keyword, read. */
function textIn(type: string, data: Buffer): string {
  const inflated = (from: number): Buffer => inflateSync(data.subarray(from), { maxOutputLength: MOST_TEXT })
  if (type === "tEXt") return decoded(data)
  if (type === "zTXt") return decoded(inflated(1))
  const language = data.indexOf(0, 2)
  const translated = data.indexOf(0, language + 1)
  if (language < 0 || translated < 0) throw new Error("The chunk is cut off.")
  return (data[0] === 1 ? inflated(translated + 1) : data.subarray(translated + 1)).toString("utf8")
}

/** The standard says Latin-1, and libvips writes UTF-8. */
const decoded = (text: Buffer): string => text.toString(isUtf8(text) ? "utf8" : "latin1")
