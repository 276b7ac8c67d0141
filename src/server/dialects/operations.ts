// What the documents say of the dialects' routes. Which routes there are is read off the app itself.
import { z } from "zod"
import { JOB_STATES } from "../../jobs/index.ts"
import { IDEMPOTENCY } from "../native/jobs.ts"
import type { FullOptions } from "../options.ts"
import type { Described } from "../route.ts"
import { Body as ComfyBody } from "./comfy.ts"
import { Body as FalBody } from "./fal.ts"
import { Moodboard, ownBody, Page } from "./krea.ts"
import { Body as OpenaiBody } from "./openai.ts"
import { Body as ReplicateBody } from "./replicate.ts"
import { Enhance, Inference, Named, Search, Storage, Upload } from "./runware.ts"

type About = Omit<Described, "method" | "path" | "isForeign">
/** Method, path and what is said of the routes that have both. */
type Entry = [method: Described["method"], path: RegExp, about: About]

const when = z.iso.datetime()
const KreaJob = z
  .object({
    job_id: z.uuid(),
    status: z.enum(JOB_STATES),
    created_at: when,
    completed_at: when.nullable(),
    result: z.object({ urls: z.array(z.string()).optional() }).nullable(),
  })
  .meta({ id: "KreaJob" })

const task = <T extends z.ZodObject>(taskType: string, schema: T) =>
  schema.extend({ taskType: z.literal(taskType) })
const Authentication = z.object({
  taskType: z.literal("authentication"),
  apiKey: z.string().describe("The first task of a WebSocket; over HTTP a header does as well"),
})
/** One POST, or one frame of the WebSocket at the same address, is an array of these. */
const RunwareTasks = z
  .array(
    z.union([
      Inference,
      task("imageUpload", Upload),
      task("mediaStorage", Storage),
      task("promptEnhance", Enhance),
      task("modelSearch", Search),
      task("getResponse", Named),
      task("getTaskDetails", Named),
      task("accountManagement", Named),
      z.object({ taskType: z.literal("ping") }),
      Authentication,
    ]),
  )
  .min(1)
  .max(100)

const saying =
  (tag: string) =>
  (summary: string, rest: Partial<About> = {}): About => ({ tag, summary, ...rest })
const once = { "Idempotency-Key": IDEMPOTENCY }

function kreaEntries(options: FullOptions): Entry[] {
  const say = saying("krea")
  const hook = { "X-Webhook-URL": "Address that is told when the job is over", ...once }
  const submit = { body: ownBody(options), headers: hook, answer: KreaJob }
  return [
    ["post", /^\/generate\/image\//, say("Submit a picture", submit)],
    ["get", /^\/jobs$/, say("Jobs, newest first", { query: Page })],
    ["get", /^\/jobs\//, say("One job", { answer: KreaJob })],
    ["delete", /^\/jobs\//, say("Cancel a job, or delete it when it is over")],
    ["post", /^\/assets$/, say("Upload a picture", { upload: "file" })],
    ["get", /^\/assets$/, say("Uploaded pictures", { query: Page })],
    ["get", /^\/assets\//, say("One asset")],
    ["delete", /^\/assets\//, say("Delete an asset")],
    ["get", /^\/styles$/, say("Styles; none are kept here")],
    ["post", /^\/styles\/train$/, say("Refused: this server trains no styles", { status: [] })],
    ["get", /^\/styles\/\{/, say("Refused: there is no style", { status: [] })],
    ["patch", /^\/styles\/\{/, say("Refused: there is no style", { status: [] })],
    ["post", /^\/styles\/\{/, say("Refused: there is no style", { status: [] })],
    ["delete", /^\/styles\/\{/, say("Refused: there is no style", { status: [] })],
    [
      "post",
      /^\/moodboards$/,
      say("Make a moodboard (the hosted service has no such call)", { body: Moodboard }),
    ],
    ["get", /^\/moodboards$/, say("Moodboards")],
    ["get", /^\/moodboards\//, say("One moodboard")],
    ["delete", /^\/moodboards\//, say("Delete a moodboard")],
  ]
}

function openaiEntries(): Entry[] {
  const say = saying("openai")
  const generate = { body: OpenaiBody, headers: once }
  return [
    [
      "post",
      /^\/v1\/images\/generations$/,
      say("Make pictures; with `stream` as server-sent events", generate),
    ],
    [
      "post",
      /^\/v1\/images\/edits$/,
      say("Make pictures from pictures", { body: OpenaiBody, upload: "image" }),
    ],
    ["get", /^\/v1\/models$/, say("Names of models")],
    ["get", /^\/v1\/models\/\{id\}$/, say("One model")],
  ]
}

function runwareEntries(): Entry[] {
  const summary = "Run tasks; the same address takes a WebSocket whose frames are such arrays"
  return [["post", /^\/v1$/, { tag: "runware", summary, body: RunwareTasks }]]
}

function replicateEntries(): Entry[] {
  const say = saying("replicate")
  const headers = { Prefer: "`wait` holds the answer for up to 60 seconds, `wait=n` for n", ...once }
  const create = { body: ReplicateBody, headers, status: 201 }
  return [
    ["post", /^\/v1\/(models\/.*\/)?predictions$/, say("Submit a prediction", create)],
    ["get", /^\/v1\/predictions$/, say("Predictions, newest first")],
    ["get", /^\/v1\/predictions\//, say("One prediction")],
    ["post", /^\/v1\/predictions\/.*\/cancel$/, say("Cancel a prediction")],
    ["get", /^\/replicate\/v1\/models$/, say("Models")],
    ["get", /^\/v1\/models\/\{owner\}\/\{name\}$/, say("One model")],
    ["post", /^\/v1\/files$/, say("Upload a picture", { upload: "content", status: 201 })],
    ["get", /^\/v1\/webhooks\/default\/secret$/, say("The secret that signs this key's webhooks")],
  ]
}

function falEntries(): Entry[] {
  const say = saying("fal")
  const query = z.object({ fal_webhook: z.string().optional().describe("Told when the request is over") })
  const headers = {
    "X-Fal-Queue-Priority": "`low` goes behind the others",
    "X-Fal-Request-Timeout": "Seconds within which the request must begin, or it fails",
    "X-Fal-Object-Lifecycle-Preference":
      "JSON; `expiration_duration_seconds` is how long the pictures are kept",
  }
  const is = (end: string): RegExp => new RegExp(`^(/fal/queue)?(/fal-ai)?/krea(/v2)?/${end}$`)
  const id = "requests/\\{id\\}"
  return [
    ["post", /^\/fal\/run\//, say("Make pictures and wait for them", { headers, body: FalBody })],
    ["post", is("[\\w-]+/text-to-image"), say("Submit to the queue", { query, headers, body: FalBody })],
    ["get", is(`${id}/status`), say("Where a request stands", { status: [200, 202] })],
    ["get", is(`${id}/status/stream`), say("The same, as it changes", { answer: "events" })],
    ["get", is(id), say("The pictures of a request that is over")],
    ["put", is(`${id}/cancel`), say("Cancel a request", { status: 202 })],
    ["post", /\/storage\/upload\/initiate$/, say("An address to which a picture is put, and its later one")],
  ]
}

function comfyEntries(): Entry[] {
  const say = saying("comfy")
  const is = (end = ""): RegExp => new RegExp(`^/v2/models/krea/[\\w-]+${end}$`)
  const submit = { body: ComfyBody, headers: once }
  const id = "/requests/\\{id\\}"
  return [
    ["post", is(), say("Make pictures and wait for them", { ...submit, answer: KreaJob })],
    ["post", is("/requests"), say("Submit a picture", { ...submit, status: 201 })],
    ["get", is(`${id}/status`), say("Where a request stands")],
    ["get", is(id), say("The job of a request; 202 until it is over", { status: [200, 202] })],
    ["put", is(`${id}/cancel`), say("Cancel a request", { status: 202 })],
    ["get", is("/openapi\\.json"), say("This call as an OpenAPI document")],
  ]
}

/** `/a/:v{(?:x|y)}/:id` -> `/a/x/{id}` and `/a/y/{id}`. */
function spelledOut(path: string): string[] {
  const [whole, choices] = /:\w+\{\(\?:([^)]+)\)\}/.exec(path) ?? []
  if (whole && choices) return choices.split("|").flatMap((c) => spelledOut(path.replace(whole, c)))
  return [path.replace(/:(\w+)/g, "{$1}")]
}

/** The routes of an app that a dialect serves, described. */
export function operations(
  routes: readonly { method: string; path: string }[],
  options: FullOptions,
): Described[] {
  const entries = [
    ...kreaEntries(options),
    ...runwareEntries(),
    ...openaiEntries(),
    ...falEntries(),
    ...replicateEntries(),
    ...comfyEntries(),
  ]
  return routes.flatMap(({ method, path }) =>
    spelledOut(path).flatMap((at): Described[] => {
      const entry = entries.find(([m, pattern]) => m.toUpperCase() === method && pattern.test(at))
      return entry ? [{ method: entry[0], path: at, isForeign: true, ...entry[2] }] : []
    }),
  )
}
