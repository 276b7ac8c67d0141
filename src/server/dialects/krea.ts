// Krea's own REST dialect: https://api.krea.ai without a version prefix.
import { z } from "zod"
import { isEnd, JOB_STATES, type Job, type JobFilter } from "../../jobs/index.ts"
import {
  ASPECTS,
  AtelierError,
  CREATIVITY,
  type ErrorCode,
  type GenerationInput,
} from "../../request/index.ts"
import { variantOf } from "../../request/names.ts"
import {
  type Asset,
  addBoard,
  findAsset,
  findBoard,
  listAssets,
  listBoards,
  removeAsset,
  removeBoard,
} from "../../store/index.ts"
import { statusOf } from "../http.ts"
import { ingestBoard, storeAsset } from "../ingest.ts"
import { uploadedFile } from "../native/library.ts"
import type { FullOptions } from "../options.ts"
import type { Service } from "../service.ts"
import {
  type Door,
  type Failure,
  type FieldNames,
  idempotency,
  issuesOf,
  LEVELS,
  otherwise,
  readBody,
  readJson,
  seedOf,
  sizeOf,
} from "./door.ts"

/** The limit on addresses is one on http(s): data URIs are longer and allowed. */
const picture = z
  .string()
  .min(1)
  .refine((u) => !/^https?:/i.test(u) || u.length <= 1024, "URL is longer than 1024 characters")
const slider = z.number().int().min(-100).max(100).default(0)

/** Strengths that the newest schema would refuse. */
const beyondNewest = (b: KreaBody): number[] =>
  [...b.image_style_references, ...b.moodboards].map((r) => r.strength).filter((n) => n < 0 || n > 1)

/** `creativity`, reference and board defaults differ between Krea and Comfy's older copy of this schema. */
interface Defaults {
  creativity: keyof typeof CREATIVITY
  reference: z.ZodType<number, number | undefined>
  board: z.ZodType<number, number | undefined>
}

export const kreaBody = (d: Defaults) =>
  z.strictObject({
    prompt: z.string().min(1),
    aspect_ratio: z.enum(ASPECTS),
    resolution: z.enum(["1K"]),
    seed: z.number().nullable().optional(),
    creativity: LEVELS.default(d.creativity),
    intensity: slider,
    complexity: slider,
    movement: slider,
    image_style_references: z
      .array(z.object({ url: picture, strength: d.reference }))
      .max(10)
      .default([]),
    moodboards: z
      .array(z.object({ id: z.guid(), strength: d.board }))
      .max(1)
      .default([]),
    styles: z.array(z.object({ id: z.string().min(1), strength: z.number().min(-2).max(2) })).default([]),
    image_url: picture.nullable().optional(),
    strength: z.number().min(0).max(1).default(0.99),
  })
type KreaBody = z.output<ReturnType<typeof kreaBody>>

/** The newest schema says 0..1, the older one and the prose -2..2: logged, and refused where `strictStrengths` is on. */
export const ownBody = (o: FullOptions) =>
  kreaBody({
    creativity: "low",
    reference: (o.strictStrengths ? z.number().min(0).max(1) : z.number().min(-2).max(2)).default(0.5),
    board: (o.strictStrengths ? z.number().min(0).max(1) : z.number().min(-0.5).max(1.5)).default(0.23),
  })

export const kreaRequest = (b: KreaBody, variant: string): GenerationInput => ({
  model: `krea-2/${variant}`,
  prompt: b.prompt,
  ...sizeOf(b.aspect_ratio),
  creativity: CREATIVITY[b.creativity],
  seed: seedOf(b.seed),
  references: b.image_style_references.map((r) => ({ image: r.url, weight: r.strength })),
  board: b.moodboards[0] ?? null,
  loras: b.styles.map((s) => ({ name: s.id, weight: s.strength })),
  start: b.image_url ? { image: b.image_url, strength: b.strength } : null,
  intensity: b.intensity,
  complexity: b.complexity,
  movement: b.movement,
})

/** Newest schema: the error at the top; the prose: inside the result. Both are there. */
export const kreaJob = (job: Job, s: Service): Record<string, unknown> => ({
  job_id: job.id,
  status: job.state,
  created_at: job.createdAt.toISOString(),
  completed_at: job.finishedAt?.toISOString() ?? null,
  result:
    job.state === "completed"
      ? { urls: job.pictures.map((p) => s.url(p)) }
      : job.error
        ? { error: job.error }
        : null,
  ...(job.error ? { error: { code: job.error.code, message: job.error.message } } : {}),
})

export const KREA_FIELDS: FieldNames = [
  [/^references\[(\d+)\]\.image/, "image_style_references[$1].url"],
  [/^references\[(\d+)\]\.weight/, "image_style_references[$1].strength"],
  [/^references/, "image_style_references"],
  [/^board\b/, "moodboards[0]"],
  [/^loras\b/, "styles"],
  [/^start\.strength/, "strength"],
  [/^start\b.*/, "image_url"],
]
const STATUS: Partial<Record<ErrorCode, number>> = { expired: 404, forbidden: 403 }
export const kreaFailure = (e: AtelierError): Failure => ({
  status: STATUS[e.code] ?? statusOf(e.code),
  body: {
    error: e.message,
    message: e.message,
    details: issuesOf(e, KREA_FIELDS).map(({ path, message }) => ({ path, message })),
  },
})

const asset = (a: Asset, s: Service): Record<string, unknown> => ({
  id: a.id,
  image_url: s.assetUrl(a.id),
  uploaded_at: a.createdAt.toISOString(),
  width: a.width,
  height: a.height,
  size_bytes: a.bytes,
  mime_type: a.mime,
  ...(a.description === null ? {} : { description: a.description }),
})

export const Page = z.object({
  cursor: z.iso.datetime({ offset: true }).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  types: z.string().optional(),
  status: z.enum([...JOB_STATES, "intermediate-complete"]).optional(),
})
export const Moodboard = z.object({
  name: z.string().min(1).max(120),
  images: z
    .array(z.union([picture, z.object({ url: picture, strength: z.number().min(-2).max(2).default(1) })]))
    .min(1)
    .max(100),
})
const none = (what: string, id: string): AtelierError =>
  new AtelierError("not_found", `There is no ${what} ${id}.`)

export function krea(door: Door, s: Service): void {
  const Body = ownBody(s.options)

  door.on(
    "POST",
    "/generate/image/krea/krea-2/:variant{(?:medium|large|medium-turbo)}",
    async ({ c, key, params }) => {
      const body = await readJson(c, Body)
      const strengths = beyondNewest(body)
      if (strengths.length > 0) {
        const note = { requestId: c.get("requestId"), strengths }
        s.log.warn(note, "strengths outside 0..1, which Krea's newest schema refuses")
      }
      const url = c.req.header("x-webhook-url")
      const job = await s.submit(key, {
        request: kreaRequest(body, params.variant!),
        dialect: "krea",
        ...idempotency(c, body),
        webhook: url ? { url, envelope: "krea" } : undefined,
      })
      return kreaJob(job, s)
    },
    { counts: true },
  )

  door.on("GET", "/jobs", async ({ c, key }) => {
    const { cursor, limit, types, status } = readBody(Page, c.req.query())
    const model = await modelsOfTypes(types, s)
    if (model?.length === 0 || status === "intermediate-complete") return { items: [], next_cursor: null }
    const filter = { ...(model ? { model } : {}), ...(status ? { states: [status] } : {}) }
    const { jobs, next } = await pageBefore(s, key.id, cursor, limit, filter)
    return { items: jobs.map((j) => kreaJob(j, s)), next_cursor: next }
  })
  door.on("GET", "/jobs/:id", async ({ key, params }) => {
    const job = await s.jobs.get(params.id!, key.id)
    if (job.deletedAt) throw none("job", params.id!)
    return kreaJob(job, s)
  })
  door.on("DELETE", "/jobs/:id", async ({ key, params }) => {
    const job = await s.jobs.get(params.id!, key.id)
    if (job.deletedAt) throw none("job", params.id!)
    if (!isEnd(job.state) && (await s.jobs.cancel(job.id, key.id)))
      return { success: true, message: "Job cancelled" }
    await s.jobs.remove(job.id, key.id)
    return { success: true, message: "Job deleted" }
  })

  door.on(
    "POST",
    "/assets",
    async ({ c, key }) => {
      const { bytes, name, description } = await uploadedFile(c.req.raw)
      const context = s.ingestContext(key.id)
      return asset(await storeAsset(bytes, { kind: "upload", name, description, field: "file" }, context), s)
    },
    { counts: true },
  )
  door.on("GET", "/assets", async ({ c, key }) => {
    const { cursor, limit } = readBody(Page, c.req.query())
    const items = await listAssets(s.store.db, key.id, cursor ? new Date(cursor) : null, limit)
    const next = items.length === limit ? items.at(-1)!.createdAt.toISOString() : null
    return { items: items.map((a) => asset(a, s)), next_cursor: next }
  })
  const ownAsset = async (id: string, keyId: string): Promise<Asset> => {
    const found = z.guid().safeParse(id).success ? await findAsset(s.store.db, id, keyId) : null
    if (!found || found.deletedAt) throw none("asset", id)
    return found
  }
  door.on("GET", "/assets/:id", async ({ key, params }) => asset(await ownAsset(params.id!, key.id), s))
  door.on("DELETE", "/assets/:id", async ({ key, params }) => {
    const { id } = await ownAsset(params.id!, key.id)
    await removeAsset(s.store.db, id, key.id, s.jobs.clock())
    return { success: true, message: "Asset deleted" }
  })

  // Trained styles live with the hosted service; this server loads LoRA files by name and lists none.
  door.on("GET", "/styles", async () => ({ items: [], next_cursor: null }))
  door.on("POST", "/styles/train", async () => {
    throw new AtelierError("forbidden", "This server does not train styles.")
  })
  for (const [method, end] of [
    ["GET", ""],
    ["PATCH", ""],
    ["GET", "/share/link"],
    ["POST", "/share/workspace"],
    ["DELETE", "/share/workspace"],
  ] as const) {
    door.on(method, `/styles/:id${end}`, async ({ params }) => {
      throw none("style", params.id!)
    })
  }

  // Ours: the hosted service makes moodboards in its web page only.
  const board = (b: Awaited<ReturnType<typeof addBoard>>) => ({
    id: b.id,
    name: b.name,
    share_code: b.code,
    images: b.pictures.map((p) => ({ url: s.assetUrl(p.image), strength: p.weight })),
    created_at: b.createdAt.toISOString(),
  })
  door.on(
    "POST",
    "/moodboards",
    async ({ c, key }) => {
      const body = await readJson(c, Moodboard)
      const images = body.images.map((image) =>
        typeof image === "string" ? { image, weight: 1 } : { image: image.url, weight: image.strength },
      )
      const pictures = await ingestBoard(images, ["images", ""], s.ingestContext(key.id))
      return board(await addBoard(s.store.db, key.id, { name: body.name, pictures }, s.jobs.clock()))
    },
    { counts: true },
  )
  door.on("GET", "/moodboards", async ({ key }) => ({
    items: (await listBoards(s.store.db, key.id)).map(board),
    next_cursor: null,
  }))
  door.on("GET", "/moodboards/:id", async ({ key, params }) => {
    const found = await findBoard(s.store.db, key.id, params.id!)
    if (!found) throw none("moodboard", params.id!)
    return board(found)
  })
  door.on("DELETE", "/moodboards/:id", async ({ key, params }) => {
    const isGone = z.guid().safeParse(params.id).success
      ? await removeBoard(s.store.db, params.id!, key.id, s.jobs.clock())
      : false
    if (!isGone) throw none("moodboard", params.id!)
    return { success: true, message: "Moodboard deleted" }
  })

  otherwise(door, s, ["/generate/*"], (path) => /^\/generate\/image\/(.+)$/.exec(path)?.[1])
}

/** The models whose jobs have one of the types, which are models' names; undefined for all, as every job is an `image`. */
async function modelsOfTypes(list: string | undefined, s: Service): Promise<string[] | undefined> {
  const types = list?.split(",")
  if (!types || types.includes("image")) return undefined
  const variants = types.map(variantOf)
  const models = await s.models()
  return models.filter((m) => types.includes(m.name) || variants.includes(m.variant)).map((m) => m.name)
}

/** A page of jobs created before a time; never cuts between two jobs of the same millisecond. */
async function pageBefore(
  s: Service,
  keyId: string,
  cursor: string | undefined,
  limit: number,
  wanted: Pick<JobFilter, "model" | "states">,
): Promise<{ jobs: Job[]; next: string | null }> {
  const filter = { ...(cursor ? { until: new Date(cursor) } : {}), ...wanted }
  const { jobs, nextCursor } = await s.jobs.list(keyId, { ...filter, limit })
  let more = nextCursor
  while (more) {
    const one = await s.jobs.list(keyId, { ...filter, cursor: more, limit: 1 })
    const job = one.jobs[0]
    if (!job) return { jobs, next: null }
    if (job.createdAt.getTime() !== jobs.at(-1)!.createdAt.getTime()) break
    jobs.push(job)
    more = one.nextCursor
  }
  return { jobs, next: more ? jobs.at(-1)!.createdAt.toISOString() : null }
}
