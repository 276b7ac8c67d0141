// Native routes of pictures: facts, favourites, and the files themselves in any format.
import { z } from "zod"
import { encodeAgain, encodeBare, type Output } from "../../image/encode.ts"
import { AtelierError } from "../../request/index.ts"
import { blobKey, findAsset, previewKey } from "../../store/index.ts"
import { withDecoder } from "../decoder.ts"
import { completed } from "../dialects/door.ts"
import { type Route, route, whole } from "../route.ts"
import { checkExpiry, type Service } from "../service.ts"
import { IDEMPOTENCY, SubmitBody, submit } from "./jobs.ts"
import { PictureView, pictureView } from "./views.ts"

const MIME = { png: "image/png", jpg: "image/jpeg", webp: "image/webp" } as const
type Format = keyof typeof MIME

const FileQuery = z.object({
  format: z.enum(["png", "jpg", "webp"]).optional(),
  quality: whole(1, 100).optional(),
  width: whole(16, 2048).optional().describe("Scaled down to this width"),
  metadata: z
    .enum(["none"])
    .optional()
    .describe(
      "Without its request, which with whole pictures inside weighs more than a small picture: for pages",
    ),
  download: z.string().optional().describe("Any value: offer as a file to save"),
})

type FileQuery = z.output<typeof FileQuery>

/** Files never change under their address. */
const FOREVER = "public, max-age=31536000, immutable"

const file = (bytes: Uint8Array, mime: string, headers: Record<string, string> = {}): Response =>
  new Response(new Uint8Array(bytes), {
    headers: {
      "content-type": mime,
      "content-length": String(bytes.byteLength),
      "x-content-type-options": "nosniff",
      // The studio may run elsewhere; a picture's address is its permission anyway.
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
      ...headers,
    },
  })

/** Conversions that may wait: anybody who knows an address may ask for as many as there are widths. */
const MOST_WAITING = 200

const convert = (
  picture: () => Promise<Uint8Array>,
  output: Output,
  { width, metadata }: FileQuery,
): Promise<Uint8Array> =>
  withDecoder(
    picture,
    (open, bytes) => {
      const image = open().resize(width === undefined ? undefined : { width, withoutEnlargement: true })
      return metadata === "none" ? encodeBare(image, output) : encodeAgain(bytes, image, output)
    },
    MOST_WAITING,
  )

/** Files never change under their address, but those that expire are not to be kept for longer than they are here. */
const cacheControl = (expiresAt: Date | null, now: Date): string =>
  expiresAt === null
    ? FOREVER
    : `public, max-age=${Math.max(0, Math.floor((expiresAt.getTime() - now.getTime()) / 1000))}`

/** As long as a client's own patience usually lasts. */
const HOLD_SECONDS = 600

export const pictureRoutes = (s: Service): Route[] => [
  route({
    method: "post",
    path: "/api/pictures",
    tag: "pictures",
    summary:
      "Make one picture and answer with its file, for a single line of curl. X-Job-Id names the job, which goes on " +
      "when the caller hangs up",
    body: SubmitBody,
    headers: { "Idempotency-Key": IDEMPOTENCY },
    answer: "picture",
    counts: true,
    run: async ({ c, key, body }) => {
      const { id } = await submit(s, c, key, { ...body, count: 1 })
      const job = completed(
        await s.jobs.wait(id, key.id, { seconds: HOLD_SECONDS, signal: c.req.raw.signal }),
      )
      const [picture] = job.pictures
      if (!picture) throw new AtelierError("not_found", `The picture of job ${id} was deleted.`)
      return file(await s.bytesOf(picture), MIME[picture.format], { "x-job-id": id })
    },
  }),
  route({
    method: "get",
    path: "/api/pictures/{id}",
    tag: "pictures",
    summary: "Facts of one picture",
    answer: PictureView,
    run: async ({ key, id }) => pictureView(await s.jobs.picture(id, key.id), s),
  }),
  route({
    method: "patch",
    path: "/api/pictures/{id}",
    tag: "pictures",
    summary: "Mark as favourite; delete and restore",
    body: z.strictObject({ favourite: z.boolean().optional(), deleted: z.boolean().optional() }),
    answer: z.object({ id: z.uuid() }),
    run: async ({ key, id, body }) => {
      await s.jobs.markPicture(id, key.id, body)
      return { id }
    },
  }),
]

/** `/files`: readable by whoever knows the address, as the hosted services' results are. */
export const fileRoutes = (s: Service): Route[] => [
  route({
    method: "get",
    path: "/files/{file}",
    tag: "files",
    summary: "A finished picture, `<id>.<format>`; converted and scaled on request",
    query: FileQuery,
    answer: "picture",
    open: true,
    run: async ({ c, query }) => {
      const [, id, ending] = /^([0-9a-f-]{36})(?:\.(\w+))?$/i.exec(c.req.param("file") ?? "") ?? []
      const picture = await s.jobs.picture(id ?? "", null)
      checkExpiry(picture)
      const asked = query.format ?? (ending as Format | undefined) ?? picture.format
      if (!Object.hasOwn(MIME, asked)) throw new AtelierError("not_found", `There is no format ${asked}.`)
      const { quality, width, metadata } = query
      const told = `${picture.hash.slice(0, 16)}-${asked}-${quality ?? ""}-${width ?? ""}-${metadata ?? ""}`
      const tag = `"${told}"`
      if (c.req.header("if-none-match") === tag)
        return new Response(null, { status: 304, headers: { etag: tag } })
      const isSame = asked === picture.format && [quality, width, metadata].every((v) => v === undefined)
      const output = { format: asked, quality: quality ?? 95 }
      const bytes = isSame
        ? await s.bytesOf(picture)
        : await s.conversions.of(told, async () =>
            s.seal(await convert(() => s.bytesOf(picture), output, query)),
          )
      const name = `atelier-${picture.seed}-${picture.id.slice(0, 8)}.${asked}`
      const disposition = query.download === undefined ? "inline" : "attachment"
      return file(bytes, MIME[asked], {
        "cache-control": cacheControl(picture.expiresAt, s.jobs.clock()),
        etag: tag,
        "content-disposition": `${disposition}; filename="${name}"`,
      })
    },
  }),
  route({
    method: "get",
    path: "/files/assets/{id}",
    tag: "files",
    summary: "An uploaded picture; scaled with ?width=",
    query: z.object({ width: whole(16, 2048).optional() }),
    answer: "picture",
    open: true,
    run: async ({ id, query }) => {
      const asset = /^[0-9a-f-]{36}$/i.test(id) ? await findAsset(s.store.db, id, null) : null
      const isGone = !asset || (asset.deletedAt !== null && asset.kind === "upload")
      const whole = async (): Promise<Uint8Array> => {
        const bytes = isGone ? null : await s.blobs.get(blobKey(asset.hash))
        if (!bytes) throw new AtelierError("not_found", `There is no asset ${id}.`)
        return bytes
      }
      const { width } = query
      if (isGone || width === undefined) return file(await whole(), asset!.mime, { "cache-control": FOREVER })
      const small = await s.conversions.of(`asset-${asset.hash.slice(0, 16)}-${width}`, () =>
        withDecoder(
          whole,
          (open) => open().rotate().resize({ width, withoutEnlargement: true }).webp().toBuffer(),
          MOST_WAITING,
        ),
      )
      return file(small, "image/webp", { "cache-control": FOREVER })
    },
  }),
  route({
    method: "get",
    path: "/files/previews/{job}/{place}",
    tag: "files",
    summary: "The newest preview of a running job's picture; of a completed one, the way to the picture",
    query: z.object({
      preview: z.string().optional().describe("Its number: a new preview has a new address"),
    }),
    answer: "picture",
    open: true,
    run: async ({ c }) => {
      const [job, place] = [c.req.param("job") ?? "", c.req.param("place") ?? ""]
      const isSane = /^[0-9a-f-]{36}$/i.test(job) && /^\d{1,2}$/.test(place)
      const bytes = isSane ? await s.blobs.get(previewKey(job, Number(place))) : null
      if (bytes) return file(bytes, "image/png", { "cache-control": "no-store" })
      // A watcher hears of a preview a moment before it asks for it, and the picture may come in between.
      const pictures = isSane ? (await s.jobs.get(job, null)).pictures : []
      const done = pictures.find((p) => p.place === Number(place))
      if (!done) throw new AtelierError("not_found", "There is no preview; the job is over or has not begun.")
      const headers = { location: `../../${done.id}.${done.format}`, "cache-control": "no-store" }
      return new Response(null, { status: 302, headers })
    },
  }),
]
