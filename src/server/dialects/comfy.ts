// The Comfy Router dialect: Krea's own body in its older form, held open until the picture is there.
import { z } from "zod"
import { isEnd, isQueueFull, isWaiting, type Job } from "../../jobs/index.ts"
import type { AtelierError, ErrorCode, ErrorData } from "../../request/index.ts"
import { type Call, statusOf } from "../http.ts"
import type { Service } from "../service.ts"
import {
  completed,
  type Door,
  type Failure,
  idempotency,
  issuesOf,
  otherwise,
  readJson,
  submitAndWait,
} from "./door.ts"
import { KREA_FIELDS, kreaBody, kreaJob, kreaRequest } from "./krea.ts"

const WAIT_SECONDS = 600

export const Body = kreaBody({
  creativity: "medium",
  reference: z.number().min(-2).max(2),
  board: z.number().min(-0.5).max(1.5).default(0.35),
})

const TYPES: Partial<Record<ErrorCode, string>> = {
  content_policy: "content_policy_violation",
  model_not_found: "model_not_found",
  unauthorized: "unauthorized",
  forbidden: "forbidden",
  timeout: "deadline_exceeded",
  cancelled: "client_disconnected",
  unavailable: "service_unavailable",
  invalid_request: "invalid_input",
  out_of_range: "invalid_input",
  unsupported: "invalid_input",
  image_invalid: "invalid_input",
  conflict: "invalid_input",
  internal: "internal_error",
  worker_lost: "provider_error",
}
/** A full backlog clears when a job of the caller's is over, a spent rate only with time. */
const typeOf = (e: Pick<ErrorData, "code" | "field" | "details">): string => {
  // A thing that the body names and that is not there is a wrong body.
  if (e.code === "not_found") return e.field === undefined ? "request_not_found" : "invalid_input"
  if (e.code === "rate_limited") return isQueueFull(e) ? "concurrency_limit_exceeded" : "rate_limited"
  return TYPES[e.code] ?? "provider_error"
}
export const comfyFailure = (e: AtelierError): Failure => {
  const type = typeOf(e)
  const headers = { "x-comfy-error-type": type }
  if (type !== "invalid_input" || e.code === "conflict") {
    return { status: statusOf(e.code), body: { detail: e.message, error_type: type }, headers }
  }
  const detail = issuesOf(e, KREA_FIELDS).map((i) => ({
    loc: ["body", ...i.path],
    msg: i.message,
    type: i.type,
  }))
  return { status: 422, body: { detail, error_type: type }, headers }
}
export const comfyHeaders = (c: Call): Record<string, string> => ({
  "x-comfy-request-id": c.get("requestId"),
})

const status = (job: Job): string =>
  isEnd(job.state) ? "COMPLETED" : isWaiting(job.state) ? "IN_QUEUE" : "IN_PROGRESS"

export function comfy(door: Door, s: Service): void {
  const MODEL = "/v2/models/krea/:model{(?:krea-2-medium|krea-2-large|krea-2-medium-turbo|krea-2)}"
  const variant = (model: string): string => (model === "krea-2" ? "medium" : model.replace("krea-2-", ""))

  door.on(
    "POST",
    MODEL,
    async (asked) => {
      const { c, params } = asked
      const body = await readJson(c, Body)
      const draft = {
        request: kreaRequest(body, variant(params.model!)),
        dialect: "comfy",
        ...idempotency(c, body),
      }
      return kreaJob(completed(await submitAndWait(asked, draft, WAIT_SECONDS)), s)
    },
    { counts: true },
  )
  door.on(
    "POST",
    `${MODEL}/requests`,
    async ({ c, key, params }) => {
      const body = await readJson(c, Body)
      const draft = {
        request: kreaRequest(body, variant(params.model!)),
        dialect: "comfy",
        ...idempotency(c, body),
      }
      const job = await s.submit(key, draft)
      const url = `${s.base}/v2/models/krea/${params.model}/requests/${job.id}`
      const urls = { response_url: url, status_url: `${url}/status`, cancel_url: `${url}/cancel` }
      return c.json({ request_id: job.id, status: status(job), ...urls }, 201)
    },
    { counts: true },
  )
  door.on("GET", `${MODEL}/requests/:id/status`, async ({ key, params }) => {
    const job = await s.jobs.get(params.id!, key.id)
    return {
      request_id: job.id,
      status: status(job),
      ...(job.error ? { error_type: typeOf(job.error) } : {}),
    }
  })
  door.on("GET", `${MODEL}/requests/:id`, async ({ c, key, params }) => {
    const job = await s.jobs.get(params.id!, key.id)
    if (!isEnd(job.state)) return c.json({ request_id: job.id, status: status(job) }, 202)
    return kreaJob(completed(job), s)
  })
  door.on("PUT", `${MODEL}/requests/:id/cancel`, async ({ c, key, params }) =>
    (await s.jobs.cancel(params.id!, key.id))
      ? c.json({ status: "CANCELLATION_REQUESTED" }, 202)
      : c.json({ status: "ALREADY_COMPLETED" }, 409),
  )
  door.on("GET", `${MODEL}/openapi.json`, async ({ params }) => {
    await s.model(`krea-2/${variant(params.model!)}`)
    const { $schema: _, ...schema } = z.toJSONSchema(Body, { io: "input", unrepresentable: "any" })
    return {
      openapi: "3.1.0",
      info: { title: params.model, version: "1" },
      paths: {
        [`/v2/models/krea/${params.model}`]: {
          post: {
            requestBody: { required: true, content: { "application/json": { schema } } },
            responses: { 200: { description: "The finished job" } },
          },
        },
      },
    }
  })
  otherwise(door, s, ["/v2/models/*"], (path) => /^\/v2\/models\/([^/]+\/[^/]+)/.exec(path)?.[1])
}
