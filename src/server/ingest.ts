// Pictures on their way in: any spelling (URL, data URI, base64, asset or picture id, bytes) becomes a checked,
// stored asset. Nothing is decoded that was not measured first.
import { fetchUntrusted, MAX_REMOTE_BYTES } from "../image/fetch-untrusted.ts"
import { IMAGE_LIMITS } from "../image/limits.ts"
import { isUuid, type Jobs } from "../jobs/index.ts"
import { AtelierError, checkBoardSize } from "../request/index.ts"
import {
  type Asset,
  addAsset,
  type BlobStore,
  type BoardPicture,
  confirmContent,
  findAsset,
  putContent,
} from "../store/index.ts"
import { MAX_PIXELS, withDecoder } from "./decoder.ts"

export const MAX_PICTURE_BYTES = MAX_REMOTE_BYTES
const MIME: Record<string, string> = { png: "image/png", jpeg: "image/jpeg", webp: "image/webp" }

const invalid = (message: string, field?: string): AtelierError =>
  new AtelierError("image_invalid", message, field === undefined ? {} : { field })

/** PNG, JPEG or WebP by content, whatever the name says. */
function sniff(bytes: Uint8Array): string | null {
  const b = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 12))
  if (b.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))) return "png"
  if (b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff) return "jpeg"
  if (b.toString("latin1", 0, 4) === "RIFF" && b.toString("latin1", 8, 12) === "WEBP") return "webp"
  return null
}

/** Measures and fully decodes a picture. Throws `image_invalid` unless it is whole, of a known kind and within limits. */
export async function inspectPicture(
  bytes: Uint8Array,
  field?: string,
): Promise<{ mime: string; width: number; height: number }> {
  if (bytes.byteLength > MAX_PICTURE_BYTES) {
    throw invalid(`The picture has ${bytes.byteLength} bytes; the limit is ${MAX_PICTURE_BYTES}.`, field)
  }
  const kind = sniff(bytes)
  if (!kind) throw invalid("The picture is not PNG, JPEG or WebP.", field)
  return withDecoder(bytes, async (open) => {
    try {
      // As it is seen: a photograph may be stored lying.
      const { autoOrient, format } = await open().metadata()
      const { width, height } = autoOrient
      if (format !== kind) throw invalid(`The picture says ${kind} but holds ${format}.`, field)
      const [least, most] = IMAGE_LIMITS.side
      if (Math.min(width, height) < least || Math.max(width, height) > most) {
        throw invalid(
          `The picture has ${width} x ${height} pixels; sides go from ${least} to ${most}.`,
          field,
        )
      }
      if (width * height > MAX_PIXELS) {
        throw invalid(`The picture has ${width} x ${height} pixels; the limit is ${MAX_PIXELS}.`, field)
      }
      // The smallest output that still reads every input pixel: finds truncation without holding the pixels.
      await open().resize(16, 16, { fit: "fill" }).raw().toBuffer()
      return { mime: MIME[kind]!, width, height }
    } catch (thrown) {
      if (thrown instanceof AtelierError) throw thrown
      const why = thrown instanceof Error ? thrown.message.split("\n")[0] : "unreadable"
      throw new AtelierError("image_invalid", `The picture cannot be read: ${why}.`, {
        ...(field === undefined ? {} : { field }),
        cause: thrown,
      })
    }
  })
}

export interface IngestContext {
  jobs: Jobs
  blobs: BlobStore
  keyId: string
  allowPrivate: boolean
  /** Addresses that are this server's own: their pictures are read from the store. */
  bases: readonly string[]
}

export interface Ingested {
  asset: Asset
  /** The earlier picture this one is, for lineage. */
  picture: string | null
}

/** Checks and stores bytes; the same bytes inside requests are one asset. */
export async function storeAsset(
  bytes: Uint8Array,
  about: {
    kind: Asset["kind"]
    id?: string
    name?: string | null
    description?: string | null
    field?: string
  },
  context: Pick<IngestContext, "jobs" | "blobs" | "keyId">,
): Promise<Asset> {
  const { mime, width, height } = await inspectPicture(bytes, about.field)
  const hash = await putContent(context.blobs, bytes)
  const asset = await addAsset(
    context.jobs.db,
    {
      ...(about.id === undefined ? {} : { id: about.id }),
      keyId: context.keyId,
      kind: about.kind,
      hash,
      mime,
      width,
      height,
      bytes: bytes.byteLength,
      name: about.name ?? null,
      description: about.description ?? null,
    },
    context.jobs.clock(),
  )
  await confirmContent(context.blobs, hash, bytes)
  return asset
}

/** One picture of a request as an asset. `field` names it in errors. */
export async function ingest(source: string, field: string, context: IngestContext): Promise<Ingested> {
  const own = ownId(source, context.bases)
  if (own !== null) return fromStore(own, field, context)
  const bytes = await bytesOf(source, field, context)
  const asset = await storeAsset(bytes, { kind: "input", field }, context)
  return { asset, picture: null }
}

/** The pictures of a board as assets, up to the bytes that a board holds. Errors name them `pictures[0].image`. */
export async function ingestBoard(
  pictures: readonly BoardPicture[],
  [list, member]: readonly [list: string, member: string],
  context: IngestContext,
): Promise<BoardPicture[]> {
  const stored: BoardPicture[] = []
  let bytes = 0
  for (const [i, { image, weight }] of pictures.entries()) {
    const { asset } = await ingest(image, `${list}[${i}]${member}`, context)
    stored.push({ image: asset.id, weight })
    bytes += asset.bytes
    checkBoardSize(pictures.length, bytes, list)
  }
  return stored
}

/** `<uuid>`, or an address of ours that ends in one: `/files/<uuid>.png`. */
function ownId(source: string, bases: readonly string[]): string | null {
  if (isUuid(source)) return source
  if (source.length > 2048 || !/^(https?:|\/files\/)/.test(source)) return null
  const path = source.startsWith("/") ? source : ownPath(source, bases)
  return path === null ? null : (/^\/files\/(?:assets\/)?([0-9a-f-]{36})(?:\.\w+)?$/i.exec(path)?.[1] ?? null)
}
/** Below which of our addresses it is: behind a proxy that may be a folder of another host. */
function ownPath(address: string, bases: readonly string[]): string | null {
  if (!URL.canParse(address)) return null
  const { origin, pathname } = new URL(address)
  for (const base of bases.map((text) => new URL(text))) {
    const folder = base.pathname.replace(/\/$/, "")
    if (origin === base.origin && pathname.startsWith(`${folder}/`)) return pathname.slice(folder.length)
  }
  return null
}

async function fromStore(id: string, field: string, context: IngestContext): Promise<Ingested> {
  const { jobs, keyId } = context
  const asset = await findAsset(jobs.db, id, keyId)
  if (asset && !(asset.deletedAt && asset.kind === "upload")) return { asset, picture: null }
  const picture = await jobs.picture(id, keyId).catch(() => null)
  if (!picture || picture.expired) throw invalid(`There is no picture ${id}.`, field)
  const { hash, width, height, bytes, format } = picture
  const mime = MIME[format === "jpg" ? "jpeg" : format]!
  const copy = {
    keyId,
    kind: "input" as const,
    hash,
    mime,
    width,
    height,
    bytes,
    name: null,
    description: null,
  }
  return { asset: await addAsset(jobs.db, copy, jobs.clock()), picture: id }
}

async function bytesOf(source: string, field: string, context: IngestContext): Promise<Uint8Array> {
  if (/^https?:/i.test(source)) {
    const answer = await fetchUntrusted(source, { allowPrivate: context.allowPrivate }).catch(
      (thrown: unknown) => {
        if (thrown instanceof AtelierError) throw new AtelierError(thrown.code, thrown.message, { field })
        throw thrown
      },
    )
    if (answer.status !== 200) throw invalid(`The picture's address answered ${answer.status}.`, field)
    return answer.bytes
  }
  const text = /^data:[\w.+-]+\/[\w.+-]+(?:;[\w=.+-]+)*;base64,/i.test(source.slice(0, 200))
    ? source.slice(source.indexOf(",") + 1)
    : source
  // Short words are names of something that is not here, not base64.
  if (text.length < 60 || !/^[A-Za-z0-9+/_-]+={0,2}\s*$/.test(text.slice(0, 1000).replace(/\s/g, ""))) {
    throw invalid("The picture is neither an address, a data URI, base64 nor the id of an asset.", field)
  }
  return Buffer.from(text, "base64")
}
