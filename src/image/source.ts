// Picture bytes from where a request says: a file, an address, or the request itself.
import { readFile, stat } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { AtelierError, asAtelierError, type ErrorCode } from "../request/errors.ts"
import { fetchUntrusted } from "./fetch-untrusted.ts"
import { IMAGE_LIMITS, megabytes } from "./limits.ts"

/** Gives the bytes of a picture source. A server brings its own, which opens no files and only public addresses. */
export type ImageResolver = (source: string, field: string) => Promise<Uint8Array>

const shown = (source: string): string => (source.length > 80 ? `${source.slice(0, 77)}...` : source)
/** Paths are told whole, unless one is a picture that lacks its "data:". */
const pathShown = (path: string): string => (path.length > 1000 ? shown(path) : path)

const tooLarge = (source: string, field: string, bytes: number): AtelierError =>
  new AtelierError(
    "image_invalid",
    `The picture ${shown(source)} has ${megabytes(bytes)}, and ${IMAGE_LIMITS.bytes / 1e6} MB is the limit; make it smaller.`,
    { field },
  )

/**
 * For the command line and for programs on this machine: files, data URIs and http addresses. Addresses in private
 * networks, this machine's own among them, are read only with `allowPrivateNetwork`.
 */
export function imageReader(options: { allowPrivateNetwork?: boolean } = {}): ImageResolver {
  const allowPrivate = options.allowPrivateNetwork ?? false
  return async (source, field) => {
    if (source.startsWith("data:")) return decodeDataUri(source, field)
    if (/^https?:/i.test(source)) return await fetchImage(source, field, allowPrivate)
    return await readFromDisk(source, field)
  }
}

/** The reader that asks no more than public addresses. */
export const readImage: ImageResolver = imageReader()

async function readFromDisk(source: string, field: string): Promise<Uint8Array> {
  let path = source
  try {
    if (source.startsWith("file:")) path = fileURLToPath(source)
    const { size } = await stat(path)
    if (size > IMAGE_LIMITS.bytes) throw tooLarge(source, field, size)
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof AtelierError) throw cause
    throw new AtelierError(
      "file_not_found",
      `The picture ${pathShown(path)} cannot be opened; check the path.`,
      {
        field,
        cause,
      },
    )
  }
}

export function decodeDataUri(source: string, field: string): Uint8Array {
  const match = /^data:[^,]*?(;base64)?,/.exec(source)
  if (!match)
    throw new AtelierError("image_invalid", `${field} is not a whole data URI; it has no comma.`, { field })
  const body = source.slice(match[0].length)
  if (body.length * 0.75 > IMAGE_LIMITS.bytes) throw tooLarge(source, field, body.length * 0.75)
  if (match[1]) return Buffer.from(body, "base64")
  const bytes = body.replace(/%([0-9a-f]{2})/gi, (_, byte: string) =>
    String.fromCharCode(Number.parseInt(byte, 16)),
  )
  return Buffer.from(bytes, "latin1")
}

async function fetchImage(source: string, field: string, allowPrivate: boolean): Promise<Uint8Array> {
  const failed = (code: ErrorCode, reason: string, cause?: unknown): AtelierError =>
    new AtelierError(code, `The picture ${shown(source)} cannot be fetched: ${reason}`, { field, cause })
  const rules = { seconds: 30, allowPrivate }
  const answer = await fetchUntrusted(source, rules).catch((thrown: unknown) => {
    const { code, message, cause } = asAtelierError(thrown)
    // Here the caller is who runs the program, and may know why a host was not reached.
    throw failed(code, cause instanceof Error ? `${message} (${cause.message})` : message, thrown)
  })
  if (answer.status !== 200) throw failed("image_invalid", `the answer was ${answer.status}.`)
  return answer.bytes
}
