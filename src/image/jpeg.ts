// JPEG segments: XMP that is too long for one of them (XMP specification, part 3, 1.1.3.1). Imports nothing but crypto.
import { createHash } from "node:crypto"

const SIGNATURE = Buffer.from("http://ns.adobe.com/xmp/extension/\0", "latin1")
/** Signature, the digest in 32 digits, the whole length, and where the part belongs. */
const HEAD = SIGNATURE.length + 32 + 8
/** Bytes of XMP that one segment takes beside its own signature. */
export const MOST_XMP = 65_502
const MOST_PART = 65_400

export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8

/** The name under which a packet says that an extension belongs to it. */
export const extensionName = (extension: string): string =>
  createHash("md5").update(extension, "utf8").digest("hex").toUpperCase()

/** Segments before the picture's data: their marker, and where what they hold begins and ends. */
function* segments(file: Buffer): Generator<{ marker: number; start: number; end: number }> {
  for (let at = 2; at + 4 <= file.length && file[at] === 0xff; ) {
    const marker = file[at + 1]!
    const end = at + 2 + file.readUInt16BE(at + 2)
    if (marker === 0xda || end > file.length) return
    yield { marker, start: at + 4, end }
    at = end
  }
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The file with an extension of its XMP, in as many segments as it takes, behind its other application segments. */
export function withExtension(jpeg: Uint8Array, extension: string): Uint8Array {
  const data = Buffer.from(extension, "utf8")
  const name = extensionName(extension) // of all of it, which may be a whole picture
  const added: Buffer[] = []
  for (let at = 0; at < data.length; at += MOST_PART) {
    const part = data.subarray(at, at + MOST_PART)
    const head = Buffer.alloc(4 + HEAD)
    head.writeUInt16BE(0xffe1, 0)
    head.writeUInt16BE(2 + HEAD + part.length, 2)
    SIGNATURE.copy(head, 4)
    head.write(name, 4 + SIGNATURE.length, "latin1")
    head.writeUInt32BE(data.length, 4 + HEAD - 8)
    head.writeUInt32BE(at, 4 + HEAD - 4)
    added.push(head, part)
  }
  const file = bufferOf(jpeg)
  let place = 2
  for (const { marker, end } of segments(file)) {
    if (marker < 0xe0 || marker > 0xef) break
    place = end
  }
  return Buffer.concat([file.subarray(0, place), ...added, file.subarray(place)])
}

/** The extension of a file's XMP, its parts in order; undefined where it has none. */
export function extensionOf(jpeg: Uint8Array): string | undefined {
  const file = bufferOf(jpeg)
  const parts: { at: number; data: Buffer }[] = []
  for (const { marker, start, end } of segments(file)) {
    const held = file.subarray(start, end)
    if (marker !== 0xe1 || held.length < HEAD || !held.subarray(0, SIGNATURE.length).equals(SIGNATURE))
      continue
    parts.push({ at: held.readUInt32BE(HEAD - 4), data: held.subarray(HEAD) })
  }
  if (parts.length === 0) return undefined
  return Buffer.concat(parts.sort((a, b) => a.at - b.at).map(({ data }) => data)).toString("utf8")
}
