// The Replicate predictions dialect under /v1 (and /replicate/v1 for its model list).
import { z } from "zod"
import { isEnd, type Job } from "../../jobs/index.ts"
import { ASPECTS, AtelierError, CREATIVITY, type GenerationInput } from "../../request/index.ts"
import { variantOf } from "../../request/names.ts"
import { statusOf } from "../http.ts"
import { storeAsset } from "../ingest.ts"
import { uploadedFile } from "../native/library.ts"
import type { Service } from "../service.ts"
import {
  type Door,
  type Failure,
  idempotency,
  LEVELS,
  nearestSize,
  readJson,
  seedOf,
  sizeOf,
} from "./door.ts"

/** Unknown inputs are tolerated, as there; null is the same as absent. */
const Input = z.object({
  prompt: z.string().min(1),
  aspect_ratio: z.enum(ASPECTS).nullish(),
  size: z.string().nullish(),
  creativity: LEVELS.nullish(),
  style_reference_images: z.array(z.string().min(1)).max(10).nullish(),
  style_reference_strength: z.number().min(0).max(1).nullish(),
  moodboard_id: z.string().nullish(),
  moodboard_strength: z.number().min(0).max(1).nullish(),
  seed: z.number().nullish(),
  num_outputs: z.number().int().min(1).max(10).nullish(),
})
export const Body = z.object({
  input: Input,
  version: z.string().optional(),
  model: z.string().optional(),
  webhook: z.string().nullish(),
  webhook_events_filter: z.array(z.enum(["start", "output", "logs", "completed"])).nullish(),
})

/** A job writes no logs, so there is never one to tell. */
const EVENTS = ["start", "output", "completed"] as const
/** Without a filter Replicate tells of pictures and of the end. */
const UNASKED: readonly string[] = ["output", "completed"]
const eventsOf = ({ webhook_events_filter: wanted }: z.output<typeof Body>) =>
  EVENTS.filter((event) => (wanted ?? UNASKED).includes(event))

function request(b: z.output<typeof Input>, model: string): GenerationInput {
  const [, w, h] = /^(\d+)x(\d+)$/.exec(b.size ?? "") ?? []
  const size = w && h && !b.aspect_ratio ? nearestSize(Number(w), Number(h)) : sizeOf(b.aspect_ratio ?? "1:1")
  const weight = b.style_reference_strength ?? 0.5
  return {
    model,
    prompt: b.prompt,
    ...size,
    creativity: CREATIVITY[b.creativity ?? "low"],
    seed: seedOf(b.seed),
    count: b.num_outputs ?? 1,
    references: (b.style_reference_images ?? []).map((image) => ({ image, weight })),
    board: b.moodboard_id ? { id: b.moodboard_id, strength: b.moodboard_strength ?? 0.35 } : null,
  }
}

/** A model has one version, named after it: clients run the newest version of a model by that alone. */
const versionOf = (model: string): string => `atelier-${variantOf(model) ?? model.replace(/^.*\//, "")}`
/** What `versionOf` was made of; "atelier" was everybody's version once. */
function modelOfVersion(name: string): string {
  if (name === "atelier") return "krea/krea-2-medium"
  const own = /^atelier-(.+)$/.exec(name)?.[1]
  return own === undefined ? name : variantOf(`krea-2-${own}`) ? `krea/krea-2-${own}` : own
}

const STATUS: Record<Job["state"], string> = {
  backlogged: "starting",
  queued: "starting",
  scheduled: "starting",
  processing: "processing",
  sampling: "processing",
  completed: "succeeded",
  failed: "failed",
  cancelled: "canceled",
}

/** `created` marks the create call's answer: clients wait further only on `starting`. */
export function prediction(job: Job, s: Service, created = false) {
  const raw = job.raw as { input?: unknown; model?: string } | null
  const urls = job.pictures.map((p) => s.url(p))
  const base = `${s.base}/v1/predictions/${job.id}`
  return {
    id: job.id,
    model: raw?.model ?? `krea/krea-2-${job.model}`,
    version: versionOf(raw?.model ?? job.model),
    input: raw?.input ?? { prompt: job.request.prompt },
    output: job.state === "completed" ? (urls.length === 1 ? urls[0] : urls) : null,
    logs: "",
    error: job.state === "failed" ? (job.error?.message ?? "failed") : null,
    status: created && !isEnd(job.state) ? "starting" : STATUS[job.state],
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    completed_at: job.finishedAt?.toISOString() ?? null,
    ...(job.outcome ? { metrics: { predict_time: job.outcome.seconds.total ?? 0 } } : {}),
    urls: { get: base, cancel: `${base}/cancel` },
  }
}

/** As it was when the job started, whatever has become of it since. */
export const startedPrediction = (job: Job, s: Service) =>
  prediction({ ...job, state: "processing", error: null, outcome: null, finishedAt: null }, s)
/** As it was when the pictures were there and the job not over yet. */
export const paintedPrediction = (job: Job, s: Service) => ({
  ...prediction({ ...job, outcome: null, finishedAt: null }, s),
  status: STATUS.processing,
})

const CODES: Record<number, number> = { 400: 422 }
export const replicateFailure = (e: AtelierError): Failure => {
  const status = CODES[statusOf(e.code)] ?? statusOf(e.code)
  return { status, body: { title: e.code, detail: e.message, status } }
}

/** `Prefer: wait` holds for 60 seconds, as there; `wait=n` for n. */
const preferred = (header: string | undefined): number => {
  const [, n] = /(?:^|[,;\s])wait(?:=(\d+))?/.exec(header ?? "") ?? [null, null]
  return header && /(?:^|[,;\s])wait/.test(header) ? Math.min(60, Math.max(1, Number(n ?? 60))) : 0
}

export function replicate(door: Door, s: Service): void {
  const create = (
    path: string,
    modelOf: (params: Record<string, string>, b: z.output<typeof Body>) => string,
  ) =>
    door.on(
      "POST",
      path,
      async ({ c, key, params }) => {
        const body = await readJson(c, Body)
        const model = modelOf(params, body)
        const job = await s.submit(key, {
          request: request(body.input, model),
          dialect: "replicate",
          raw: { input: body.input, model },
          ...idempotency(c, body),
          webhook: body.webhook
            ? { url: body.webhook, envelope: "replicate", events: eventsOf(body) }
            : undefined,
        })
        const seconds = preferred(c.req.header("prefer"))
        const done = seconds ? await s.jobs.wait(job.id, key.id, { seconds, signal: c.req.raw.signal }) : job
        return c.json(prediction(done, s, true), 201)
      },
      { counts: true },
    )
  create("/v1/models/:owner/:name/predictions", (p) => `${p.owner}/${p.name}`)
  create("/v1/predictions", (_, b) => {
    const name = b.model ?? b.version?.split(":")[0]
    if (!name) throw new AtelierError("invalid_request", "version: a model is needed.", { field: "version" })
    return modelOfVersion(name)
  })

  door.on("GET", "/v1/predictions", async ({ key, c }) => {
    const cursor = c.req.query("cursor")
    const page = await s.jobs.list(key.id, { limit: 100, ...(cursor ? { cursor } : {}) })
    const next = page.nextCursor && `${s.base}/v1/predictions?cursor=${page.nextCursor}`
    return { results: page.jobs.map((j) => prediction(j, s)), next, previous: null }
  })
  door.on("GET", "/v1/predictions/:id", async ({ key, params }) =>
    prediction(await s.jobs.get(params.id!, key.id), s),
  )
  door.on("POST", "/v1/predictions/:id/cancel", async ({ key, params }) => {
    await s.jobs.cancel(params.id!, key.id)
    return prediction(await s.jobs.get(params.id!, key.id), s)
  })

  const model = (owner: string, name: string) => ({
    url: `${s.base}/v1/models/${owner}/${name}`,
    owner,
    name,
    description: "Served by Atelier",
    visibility: "public",
    run_count: 0,
    latest_version: { id: versionOf(name), created_at: "2026-01-01T00:00:00Z" },
  })
  door.on("GET", "/replicate/v1/models", async () => ({
    results: (await s.models()).map((m) => model("krea", `krea-2-${m.variant}`)),
    next: null,
    previous: null,
  }))
  door.on("GET", "/v1/models/:owner/:name", async ({ params }) => {
    await s.model(`${params.owner}/${params.name}`)
    return model(params.owner!, params.name!)
  })

  door.on(
    "POST",
    "/v1/files",
    async ({ c, key }) => {
      const { bytes, name } = await uploadedFile(c.req.raw, "content")
      const asset = await storeAsset(
        bytes,
        { kind: "upload", name, field: "content" },
        s.ingestContext(key.id),
      )
      const body = {
        id: asset.id,
        name,
        content_type: asset.mime,
        size: asset.bytes,
        created_at: asset.createdAt.toISOString(),
        urls: { get: s.assetUrl(asset.id) },
      }
      return c.json(body, 201)
    },
    { counts: true },
  )
  door.on("GET", "/v1/webhooks/default/secret", async ({ key }) => ({ key: key.webhookSecret }))
}
