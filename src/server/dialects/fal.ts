// The fal dialect. fal.run, queue.fal.run and rest.fal.ai are the folders /fal/run, /fal/queue and /fal/rest here;
// /krea/v2/... without a folder is the queue.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto"
import type { Hono } from "hono"
import { streamSSE } from "hono/streaming"
import { z } from "zod"
import { isEnd, isWaiting, type Job } from "../../jobs/index.ts"
import {
  ASPECTS,
  AtelierError,
  CREATIVITY,
  type ErrorCode,
  type GenerationInput,
} from "../../request/index.ts"
import { findAsset, liveKeyById } from "../../store/index.ts"
import { beat } from "../beat.ts"
import { type Call, type Env, headerOf, statusOf } from "../http.ts"
import { storeAsset } from "../ingest.ts"
import type { Draft, Service } from "../service.ts"
import {
  completed,
  type Door,
  type Failure,
  type FieldNames,
  finalStatus,
  issuesOf,
  LEVELS,
  nearestSize,
  otherwise,
  readBody,
  readJson,
  seedOf,
  sizeOf,
  submitAndWait,
} from "./door.ts"

const Size = z.union([z.object({ width: z.number().positive(), height: z.number().positive() }), z.string()])
/** `image_size` by name, as @ai-sdk/fal may send it. */
const NAMED = new Map<string, (typeof ASPECTS)[number]>([
  ["square", "1:1"],
  ["square_hd", "1:1"],
  ["portrait_4_3", "3:4"],
  ["portrait_16_9", "9:16"],
  ["landscape_4_3", "4:3"],
  ["landscape_16_9", "16:9"],
])

/** fal's hosts as our folders. */
const FOLDERS = new Map([
  ["queue.fal.run", "/fal/queue"],
  ["fal.run", "/fal/run"],
  ["rest.fal.ai", "/fal/rest"],
  ["rest.alpha.fal.ai", "/fal/rest"],
])

/** Unknown members are tolerated, as there. */
export const Body = z.object({
  prompt: z.string().min(1),
  aspect_ratio: z.enum(ASPECTS).nullish(),
  image_size: Size.nullish(),
  creativity: LEVELS.nullish(),
  seed: z.number().nullish(),
  num_images: z.number().int().min(1).max(4).nullish(),
  image_style_references: z
    .array(z.object({ image_url: z.string().min(1), strength: z.number().min(-2).max(2).default(1) }))
    .max(10)
    .nullish(),
})

function request(b: z.output<typeof Body>, variant: string): GenerationInput {
  const named = typeof b.image_size === "string" ? NAMED.get(b.image_size) : undefined
  const size =
    b.image_size && typeof b.image_size !== "string" && !b.aspect_ratio
      ? nearestSize(b.image_size.width, b.image_size.height)
      : sizeOf(b.aspect_ratio ?? named ?? "1:1")
  return {
    model: `krea-2/${variant}`,
    prompt: b.prompt,
    ...size,
    creativity: CREATIVITY[b.creativity ?? "medium"],
    seed: seedOf(b.seed),
    count: b.num_images ?? 1,
    references: (b.image_style_references ?? []).map((r) => ({ image: r.image_url, weight: r.strength })),
  }
}

/** What the client's `storageSettings` come to; who may read a result is not up to them here. */
const Lifecycle = z.object({
  expiration_duration_seconds: z
    .number()
    .min(1)
    .max(10 * 365 * 86_400)
    .nullish(),
})
const Headers = z.object({
  "x-fal-queue-priority": z.string().optional(),
  "x-fal-request-timeout": z.coerce
    .number()
    .positive()
    .max(7 * 86_400)
    .optional(),
  "x-fal-object-lifecycle-preference": z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        context.addIssue("is not JSON")
        return z.NEVER
      }
    })
    .pipe(Lifecycle)
    .optional(),
})
/** What a call asks for beside its pictures. */
function wishesOf(c: Call): Pick<Draft, "priority" | "deadlineSeconds" | "keepSeconds"> {
  const given = Headers.keyof().options.map((name) => [name, headerOf(c, name)])
  const headers = readBody(Headers, Object.fromEntries(given))
  const deadlineSeconds = headers["x-fal-request-timeout"]
  const keepSeconds = headers["x-fal-object-lifecycle-preference"]?.expiration_duration_seconds ?? undefined
  return {
    ...(headers["x-fal-queue-priority"] === "low" ? { priority: -10 } : {}),
    ...(deadlineSeconds === undefined ? {} : { deadlineSeconds }),
    ...(keepSeconds === undefined ? {} : { keepSeconds }),
  }
}

/** As `completed`; of a deadline that the caller set the client must know that it was his, or it tries again. */
function finished(job: Job): Job {
  const isDue = job.deadlineAt !== null && job.finishedAt !== null && job.finishedAt >= job.deadlineAt
  if (job.error?.code !== "timeout" || !isDue) return completed(job)
  throw new AtelierError("timeout", job.error.message, { details: { isCallers: true } })
}

const MIME = { png: "image/png", jpg: "image/jpeg", webp: "image/webp" } as const
export const falOutput = (job: Job, s: Service) => ({
  images: job.pictures.map((p) => ({
    url: s.url(p),
    content_type: MIME[p.format],
    file_name: `${p.id}.${p.format}`,
    file_size: p.bytes,
    width: p.width,
    height: p.height,
  })),
  seed: job.request.seed,
  prompt: job.request.prompt,
})

/** Validation is 422 with FastAPI's list; everything else a plain detail. */
const INVALID: readonly ErrorCode[] = [
  "invalid_request",
  "out_of_range",
  "unsupported",
  "image_invalid",
  "content_policy",
]
const FIELDS: FieldNames = [
  [/^references\[(\d+)\]\.image/, "image_style_references[$1].image_url"],
  [/^references\[(\d+)\]\.weight/, "image_style_references[$1].strength"],
  [/^references/, "image_style_references"],
  [/^count/, "num_images"],
]
const CALLERS_TIMEOUT = { "x-fal-request-timeout-type": "user" }
export const falFailure = (e: AtelierError): Failure => {
  if (!INVALID.includes(e.code)) {
    // The client tries 502 to 504 again by itself.
    const told = { status: finalStatus(e, statusOf(e.code), 500), body: { detail: e.message } }
    return e.details?.isCallers === true ? { ...told, headers: CALLERS_TIMEOUT } : told
  }
  const type = (own: string): string => (e.code === "content_policy" ? "content_policy_violation" : own)
  const detail = issuesOf(e, FIELDS).map((i) => ({
    loc: ["body", ...i.path],
    msg: i.message,
    type: type(i.type),
  }))
  return { status: 422, body: { detail } }
}

const statusWord = (job: Job) =>
  isEnd(job.state) ? "COMPLETED" : isWaiting(job.state) ? "IN_QUEUE" : "IN_PROGRESS"

export const falWebhook = (job: Job, s: Service) => ({
  request_id: job.id,
  gateway_request_id: job.id,
  ...(job.state === "completed"
    ? { status: "OK", payload: falOutput(job, s) }
    : { status: "ERROR", error: job.error?.message ?? job.state, payload: null }),
})

const uploadSignature = (id: string, secret: string): string =>
  createHmac("sha256", secret).update(`upload ${id}`).digest("hex")

export function fal(door: Door, s: Service, app: Hono<Env>): void {
  const MODEL = ":variant{(?:medium|large|medium-turbo)}/text-to-image"
  const heads = (queue: string[]) => queue.flatMap((q) => [`${q}/krea/v2`, `${q}/fal-ai/krea/v2`])
  const QUEUE = heads(["", "/fal/queue"])
  // Of an id the client keeps the first two parts, whatever they are.
  const REQUESTS = [...QUEUE, "/fal-ai/krea", "/fal/queue/fal-ai/krea"].map((h) => `${h}/requests/:id`)
  const result = (c: Call, job: Job): Response =>
    c.json(falOutput(finished(job), s), 200, { "x-fal-request-id": job.id })

  door.on(
    "POST",
    heads(["/fal/run"]).map((h) => `${h}/${MODEL}`),
    async (asked) => {
      const { c, params } = asked
      const body = await readJson(c, Body)
      const draft = { request: request(body, params.variant!), dialect: "fal", ...wishesOf(c) }
      return result(c, await submitAndWait(asked, draft, 590))
    },
    { counts: true },
  )

  const place = async (job: Job): Promise<number> => {
    const waiting = (await s.jobs.queue(job.keyId)).filter((j) => isWaiting(j.state))
    return Math.max(
      0,
      waiting.findIndex((j) => j.id === job.id),
    )
  }
  const addresses = (c: { req: { path: string } }, id: string) => {
    const head = c.req.path.replace(/\/(?:requests|[\w-]+\/text-to-image)(?:\/.*)?$/, "")
    const url = `${s.base}${head}/requests/${id}`
    return { response_url: url, status_url: `${url}/status`, cancel_url: `${url}/cancel` }
  }
  door.on(
    "POST",
    QUEUE.map((h) => `${h}/${MODEL}`),
    async ({ c, key, params }) => {
      const body = await readJson(c, Body)
      const url = c.req.query("fal_webhook")
      const job = await s.submit(key, {
        request: request(body, params.variant!),
        dialect: "fal",
        webhook: url ? { url, envelope: "fal" } : undefined,
        ...wishesOf(c),
      })
      return {
        status: "IN_QUEUE",
        request_id: job.id,
        ...addresses(c, job.id),
        queue_position: await place(job),
      }
    },
    { counts: true },
  )

  const status = async (c: { req: { path: string } }, job: Job) => ({
    status: statusWord(job),
    request_id: job.id,
    ...addresses(c, job.id),
    ...(isWaiting(job.state) ? { queue_position: await place(job) } : { logs: [] }),
    ...(job.state === "completed" ? { metrics: { inference_time: job.outcome?.seconds.total ?? 0 } } : {}),
  })
  door.on(
    "GET",
    REQUESTS.map((r) => `${r}/status`),
    async ({ c, key, params }) => {
      const job = await s.jobs.get(params.id!, key.id)
      return c.json(await status(c, job), isEnd(job.state) ? 200 : 202)
    },
  )
  door.on(
    "GET",
    REQUESTS.map((r) => `${r}/status/stream`),
    async ({ c, key, askAgain, params }) => {
      await s.jobs.get(params.id!, key.id)
      return streamSSE(c, async (out) => {
        const over = Promise.withResolvers<void>()
        const close = (): void => over.resolve()
        out.onAbort(close)
        let sending = Promise.resolve()
        const tell = (): void => {
          sending = sending
            .then(async () => {
              const job = await s.jobs.get(params.id!, key.id)
              await out.writeSSE({ data: JSON.stringify(await status(c, job)) })
              if (isEnd(job.state)) close()
            })
            .catch(close)
        }
        const stop = s.jobs.events.follow(key.id, null, (event) => event.jobId === params.id && tell())
        const stopBeat = beat(out, s.options.heartbeatSeconds, askAgain, close)
        tell()
        await over.promise
        stopBeat()
        stop()
      })
    },
  )
  door.on("GET", REQUESTS, async ({ c, key, params }) => {
    const job = await s.jobs.get(params.id!, key.id)
    if (!isEnd(job.state)) return c.json({ detail: "Request is still in progress" }, 400)
    return result(c, job)
  })
  door.on(
    "PUT",
    REQUESTS.map((r) => `${r}/cancel`),
    async ({ c, key, params }) => {
      const isCancelled = await s.jobs.cancel(params.id!, key.id)
      return isCancelled
        ? c.json({ status: "CANCELLATION_REQUESTED" }, 202)
        : c.json({ status: "ALREADY_COMPLETED" }, 400)
    },
  )

  door.on(
    "POST",
    ["/fal/rest/storage/upload/initiate", "/storage/upload/initiate"],
    async ({ key }) => {
      const id = randomUUID()
      const signature = uploadSignature(id, key.webhookSecret)
      // In the query, which the access log leaves out.
      const address = `${s.base}/fal/upload/${key.id}/${id}?signature=${signature}`
      return { upload_url: address, file_url: s.assetUrl(id) }
    },
    { counts: true },
  )
  // Signed instead of keyed: the client sends the bytes without its key, as to a storage service.
  app.put("/fal/upload/:key/:id", async (c) => {
    const { key: keyId, id } = c.req.param()
    const key = await liveKeyById(s.store.db, keyId)
    const wanted = Buffer.from(uploadSignature(id, key?.webhookSecret ?? randomUUID()))
    const given = Buffer.from(c.req.query("signature") ?? "")
    if (!key || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new AtelierError("forbidden", "This upload address is not ours.")
    }
    // The same upload again is not an error.
    if (await findAsset(s.store.db, id, key.id)) return c.body(null, 200)
    const bytes = new Uint8Array(await c.req.arrayBuffer())
    await storeAsset(bytes, { kind: "upload", id, field: "file" }, s.ingestContext(key.id))
    return c.body(null, 200)
  })

  // `proxyUrl` clients send everything to one address and name the real one in a header.
  door.on("ALL", "/fal/proxy", async ({ c }) => {
    const { target } = readBody(z.object({ target: z.url() }), { target: c.req.header("x-fal-target-url") })
    const url = new URL(target)
    const folder = FOLDERS.get(url.hostname)
    if (!folder) throw new AtelierError("invalid_request", `${url.hostname} is not an address of fal.`)
    // With its signal: who hangs up on the proxy hangs up on the call.
    const { method, headers, signal } = c.req.raw
    const body = method === "GET" || method === "HEAD" ? undefined : await c.req.arrayBuffer()
    return app.fetch(
      new Request(`${s.origin}${folder}${url.pathname}${url.search}`, { method, headers, signal, body }),
    )
  })

  const heres = ["/fal/run/*", "/fal/queue/*", "/krea/v2/*", "/fal-ai/*"]
  otherwise(door, s, heres, (path) => /((?:fal-ai\/)?krea\/v2\/[\w-]+\/text-to-image)/.exec(path)?.[1])
}
