// What the native API answers with: schemas first, then how records become them.
import { z } from "zod"
import { END_STATES, JOB_STATES, type Job, type PictureRecord } from "../../jobs/index.ts"
import { GenerationRequest, type ModelInfo } from "../../request/index.ts"
import type { Asset, Board } from "../../store/index.ts"
import type { Service } from "../service.ts"

const when = z.iso.datetime().describe("ISO 8601, UTC")
const id = z.uuid()

export const ErrorView = z
  .object({
    code: z.string().describe("Stable word"),
    message: z.string(),
    field: z.string().optional().describe("Path in the request"),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: "Error" })

export const NoteView = z
  .object({
    code: z.string().describe("Stable word"),
    message: z.string(),
    details: z.record(z.string(), z.unknown()).optional().describe("The values in the message"),
  })
  .meta({ id: "Note" })

export const PictureView = z
  .object({
    id,
    job: id,
    place: z.number().int().describe("0-based place in the job"),
    seed: z.number().int(),
    width: z.number().int(),
    height: z.number().int(),
    format: z.enum(["png", "jpg", "webp"]),
    bytes: z.number().int(),
    url: z
      .string()
      .describe(
        "Readable without a key; ?format=png|jpg|webp, ?quality=1..100, ?width=16..2048, ?metadata=none, ?download=1",
      ),
    favourite: z.boolean(),
    expired: z.boolean().describe("Its time is over; the address answers 410"),
    expiresAt: when.nullable(),
    createdAt: when,
  })
  .meta({ id: "Picture" })

export const ProgressView = z
  .object({
    step: z.number().int(),
    steps: z.number().int(),
    secondsLeft: z.number().nullable(),
    previews: z.array(z.string()).describe("Addresses of the newest previews, one per picture"),
  })
  .meta({ id: "Progress" })

export const JobView = z
  .object({
    id,
    state: z.enum(JOB_STATES),
    request: GenerationRequest.describe("Complete; pictures as asset ids, seed drawn"),
    dialect: z.string().describe("The door it came through"),
    priority: z.number().int(),
    tries: z.number().int(),
    progress: ProgressView.nullable(),
    pictures: z.array(PictureView),
    expandedPrompts: z.array(z.string()).describe("What the model read, per picture"),
    seconds: z.record(z.string(), z.number()).describe("Time by stage"),
    notes: z.array(NoteView).describe("What went another way than asked"),
    error: ErrorView.nullable(),
    favourite: z.boolean(),
    createdAt: when,
    startedAt: when.nullable(),
    finishedAt: when.nullable(),
    deadlineAt: when.nullable(),
    deletedAt: when.nullable(),
  })
  .meta({ id: "Job" })
export type JobView = z.output<typeof JobView>

export const AssetView = z
  .object({
    id,
    url: z.string(),
    mime: z.string(),
    width: z.number().int(),
    height: z.number().int(),
    bytes: z.number().int(),
    name: z.string().nullable(),
    description: z.string().nullable(),
    createdAt: when,
  })
  .meta({ id: "Asset" })

export const BoardView = z
  .object({
    id,
    name: z.string(),
    code: z.string().describe("Share code"),
    pictures: z.array(z.object({ image: z.string(), weight: z.number(), url: z.string() })),
    createdAt: when,
    updatedAt: when,
  })
  .meta({ id: "Board" })

export const EventView = z
  .object({
    job: id.nullable(),
    kind: z.string(),
    state: z.enum(JOB_STATES).nullable(),
    data: z.record(z.string(), z.unknown()),
    at: when,
  })
  .meta({ id: "Event" })

export const isEndState = (state: string): boolean => (END_STATES as readonly string[]).includes(state)
const iso = (date: Date | null): string | null => date?.toISOString() ?? null

export const pictureView = (p: PictureRecord, s: Service): z.output<typeof PictureView> => ({
  id: p.id,
  job: p.jobId,
  place: p.place,
  seed: p.seed,
  width: p.width,
  height: p.height,
  format: p.format,
  bytes: p.bytes,
  url: s.url(p),
  favourite: p.favourite,
  expired: p.expired,
  expiresAt: iso(p.expiresAt),
  createdAt: p.createdAt.toISOString(),
})

export function progressOf(
  job: Pick<Job, "id" | "request">,
  s: Service,
): z.output<typeof ProgressView> | null {
  const step = s.jobs.events.step(job.id)
  if (!step) return null
  const places = step.preview > 0 ? Array.from({ length: job.request.count }, (_, i) => i) : []
  return {
    step: step.step,
    steps: step.steps,
    secondsLeft: step.secondsLeft,
    // The number in the address makes a new preview a new address, so that no cache shows an old one.
    previews: places.map((i) => `${s.base}/files/previews/${job.id}/${i}?preview=${step.preview}`),
  }
}

export const jobView = (job: Job, s: Service): JobView => ({
  id: job.id,
  state: job.state,
  request: job.outcome?.request ?? job.request,
  dialect: job.dialect,
  priority: job.priority,
  tries: job.tries,
  progress: isEndState(job.state) ? null : progressOf(job, s),
  pictures: job.pictures.map((p) => pictureView(p, s)),
  expandedPrompts: job.outcome?.expandedPrompts ?? [],
  seconds: job.outcome?.seconds ?? {},
  notes: job.outcome?.notes ?? [],
  error: job.error,
  favourite: job.favourite,
  createdAt: job.createdAt.toISOString(),
  startedAt: iso(job.startedAt),
  finishedAt: iso(job.finishedAt),
  deadlineAt: iso(job.deadlineAt),
  deletedAt: iso(job.deletedAt),
})

export const assetView = (a: Asset, s: Service): z.output<typeof AssetView> => ({
  id: a.id,
  url: s.assetUrl(a.id),
  mime: a.mime,
  width: a.width,
  height: a.height,
  bytes: a.bytes,
  name: a.name,
  description: a.description,
  createdAt: a.createdAt.toISOString(),
})

export const boardView = (b: Board, s: Service): z.output<typeof BoardView> => ({
  id: b.id,
  name: b.name,
  code: b.code,
  pictures: b.pictures.map((p) => ({ ...p, url: s.assetUrl(p.image) })),
  createdAt: b.createdAt.toISOString(),
  updatedAt: b.updatedAt.toISOString(),
})

export const ModelView = z
  .object({
    name: z.string(),
    aliases: z.array(z.string()),
    title: z.string(),
    variant: z.enum(["medium", "large", "medium-turbo"]),
    weights: z.enum(["embedded", "open"]).describe("Trained here, or the official open weights"),
    supports: z.record(z.string(), z.boolean()),
    defaults: z.object({
      steps: z.number(),
      guidance: z.number(),
      candidates: z.number(),
      width: z.number(),
      height: z.number(),
    }),
    batch: z.number().int().describe("Pictures at once"),
    parameters: z.number(),
  })
  .meta({ id: "Model" })
export const modelView = (m: ModelInfo): z.output<typeof ModelView> => ({ ...m, supports: { ...m.supports } })
