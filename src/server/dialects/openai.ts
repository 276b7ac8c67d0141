// The OpenAI Images dialect under /v1.
import { streamSSE } from "hono/streaming"
import { z } from "zod"
import { isEnd, type Job } from "../../jobs/index.ts"
import {
  ASPECTS,
  AtelierError,
  CREATIVITY,
  type ErrorCode,
  type GenerationInput,
} from "../../request/index.ts"
import { publicNames } from "../../request/names.ts"
import { type Asset, previewKey } from "../../store/index.ts"
import { beat } from "../beat.ts"
import { parseJson, statusOf } from "../http.ts"
import { storeAsset } from "../ingest.ts"
import type { Draft, Service } from "../service.ts"
import {
  type Asked,
  completed,
  type Door,
  type Failure,
  type FieldNames,
  fieldIn,
  finalStatus,
  idempotency,
  LEVELS,
  nearestSize,
  readBody,
  readJson,
  seedOf,
  sizeOf,
  submitAndWait,
  toldHere,
  waitHeld,
} from "./door.ts"
import { KREA_FIELDS } from "./krea.ts"

/** The clients give up after ten minutes. */
const WAIT_SECONDS = 590

/** Absent and null are the same here; form parts are texts, so numbers and booleans may be spelled out. */
const opt = <T extends z.ZodType>(type: T) =>
  z.preprocess((v) => (v === null || v === "" ? undefined : v), type.optional())
const number = (min: number, max: number) => opt(z.coerce.number().min(min).max(max))
const whole = (min: number, max: number) => opt(z.coerce.number().int().min(min).max(max))
/** A number of a list's member, spelled out in a form. */
const spelled = (min: number, max: number) =>
  z.preprocess((v) => (typeof v === "string" && v !== "" ? Number(v) : v), z.number().min(min).max(max))
const boolean = opt(z.preprocess((v) => (v === "true" ? true : v === "false" ? false : v), z.boolean()))
const parsed = <T extends z.ZodType>(type: T) =>
  opt(z.preprocess((v) => (typeof v === "string" && /^[[{]/.test(v) ? safeJson(v) : v), type))
const safeJson = (text: string): unknown => {
  try {
    return parseJson(text)
  } catch {
    return text
  }
}

/** Unknown members are ignored: clients add new ones often. */
export const Body = z.object({
  prompt: z.string().min(1),
  model: opt(z.string()),
  n: whole(1, 10),
  size: opt(z.string().regex(/^(auto|\d{2,4}x\d{2,4})$/, "must be auto or WIDTHxHEIGHT")),
  quality: opt(z.string()),
  output_format: opt(z.enum(["png", "jpeg", "webp"])),
  output_compression: whole(0, 100),
  background: opt(z.enum(["opaque", "auto"], { message: "transparent is not possible with this model" })),
  response_format: opt(z.enum(["b64_json", "url"])),
  stream: boolean,
  partial_images: whole(0, 3),
  // Krea's own, as extensions
  creativity: opt(z.union([LEVELS, z.coerce.number().min(0).max(100)])),
  seed: opt(z.coerce.number()),
  aspect_ratio: opt(z.enum(ASPECTS)),
  image_style_references: parsed(
    z.array(z.object({ url: z.string(), strength: spelled(-2, 2).default(0.5) })).max(10),
  ),
  moodboards: parsed(
    z.array(z.object({ id: z.string(), strength: spelled(-0.5, 1.5).default(0.35) })).max(1),
  ),
  styles: parsed(z.array(z.object({ id: z.string(), strength: spelled(-2, 2).default(1) }))),
  intensity: whole(-100, 100),
  // OpenAI's own `complexity` is a word and means something else.
  complexity: z.preprocess(
    (v) => (Number.isFinite(Number(v)) && v !== null && v !== "" ? v : undefined),
    whole(-100, 100),
  ),
  movement: whole(-100, 100),
  strength: number(0, 1),
  input_fidelity: opt(z.string()),
  image_role: opt(z.enum(["start", "style"])),
})
type Body = z.output<typeof Body>

function request(b: Body): GenerationInput {
  const [w, h] = (b.size ?? "auto").split("x").map(Number)
  const size = b.aspect_ratio ? sizeOf(b.aspect_ratio) : h ? nearestSize(w!, h) : sizeOf("1:1")
  const level = b.creativity ?? "medium"
  return {
    // gpt-image names are asked for by clients that batch only under those.
    model: !b.model || /^(gpt-image|dall-e|chatgpt-image)/.test(b.model) ? "krea-2-medium" : b.model,
    prompt: b.prompt,
    ...size,
    count: b.n ?? 1,
    creativity: typeof level === "number" ? level : CREATIVITY[level],
    seed: seedOf(b.seed),
    references: (b.image_style_references ?? []).map((r) => ({ image: r.url, weight: r.strength })),
    board: b.moodboards?.[0] ?? null,
    loras: (b.styles ?? []).map((l) => ({ name: l.id, weight: l.strength })),
    intensity: b.intensity ?? 0,
    complexity: b.complexity ?? 0,
    movement: b.movement ?? 0,
    output: {
      format: b.output_format === "jpeg" ? "jpg" : (b.output_format ?? "png"),
      quality: Math.max(1, b.output_compression ?? 100),
    },
  }
}

const FORMAT = { png: "png", jpg: "jpeg", webp: "webp" } as const
const QUALITIES = ["low", "medium", "high"]
const about = (job: Job, b: Body) => ({
  background: "opaque",
  output_format: FORMAT[job.request.output.format],
  quality: QUALITIES.includes(b.quality ?? "") ? b.quality : "medium",
  size: `${job.request.width}x${job.request.height}`,
})
const usage = (job: Job) => {
  const text = Math.ceil(job.request.prompt.length / 4)
  const made = job.pictures.reduce((n, p) => n + (p.width * p.height) / 256, 0)
  return {
    input_tokens: text,
    output_tokens: made,
    total_tokens: text + made,
    input_tokens_details: { text_tokens: text, image_tokens: 0 },
  }
}
const seconds = (date: Date): number => Math.floor(date.getTime() / 1000)
const base64 = async (s: Service, picture: Job["pictures"][number]): Promise<string> =>
  Buffer.from(await s.bytesOf(picture)).toString("base64")

async function answer(job: Job, b: Body, s: Service): Promise<object> {
  const data = await Promise.all(
    job.pictures.map(async (p, i) => ({
      ...(b.response_format === "url" ? { url: s.url(p) } : { b64_json: await base64(s, p) }),
      ...(job.outcome?.expandedPrompts[i] ? { revised_prompt: job.outcome.expandedPrompts[i] } : {}),
    })),
  )
  return { created: seconds(job.createdAt), data, ...about(job, b), usage: usage(job) }
}

/** Krea's extensions have Krea's names. */
const FIELDS: FieldNames = [
  [/^start\.mask/, "mask"],
  [/^start\b(?!\.strength).*/, "image"],
  [/^count/, "n"],
  ...KREA_FIELDS,
]
const TYPES: Partial<Record<ErrorCode, [status: number, type: string, code: string | null]>> = {
  unauthorized: [401, "invalid_request_error", "invalid_api_key"],
  content_policy: [400, "image_generation_user_error", "moderation_blocked"],
  rate_limited: [429, "rate_limit_error", "rate_limit_exceeded"],
  model_not_found: [404, "invalid_request_error", "model_not_found"],
}
const failure = (e: AtelierError): Failure => {
  const status = statusOf(e.code)
  const [plain, type, code] = TYPES[e.code] ?? [
    status,
    status >= 500 ? "server_error" : "invalid_request_error",
    null,
  ]
  const own = finalStatus(e, plain, 422)
  // Clients try 408, 409, 429 and 5xx again by themselves, some whatever the header says; these would only fail again.
  const isFinal = own !== plain || own === 409 || own === 500
  return {
    status: own,
    body: { error: { message: e.message, type, param: fieldIn(FIELDS, e.field) ?? null, code } },
    ...(isFinal ? { headers: { "x-should-retry": "false" } } : {}),
  }
}
export const openaiFailure = failure

/**
 * A form's texts as the object that was put into it: `a[]`, `a[b]` and `a[][b]` are how the official client writes lists and
 * objects. In a list of objects a member that is there already begins the next one.
 */
export function unfolded(entries: Iterable<readonly [name: string, value: string]>): Record<string, unknown> {
  type Node = Record<string, unknown> | unknown[]
  const root: Record<string, unknown> = Object.create(null)
  for (const [name, value] of entries) {
    const [, head, rest] = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name) ?? [null, name, ""]
    const keys = [head!, ...[...rest!.matchAll(/\[([^[\]]*)\]/g)].map((m) => m[1]!)]
    let node: Node = root
    for (const [i, key] of keys.entries()) {
      const next = keys[i + 1]
      const fresh = (): Node => (next === "" ? [] : Object.create(null))
      if (Array.isArray(node)) {
        if (next === undefined) node.push(value)
        else {
          const last = node.at(-1)
          const isObject = typeof last === "object" && last !== null && !Array.isArray(last)
          if (!isObject || next in last) node.push(fresh())
          node = node.at(-1) as Node
        }
      } else if (next === undefined) node[key] = value
      else {
        if (typeof node[key] !== "object") node[key] = fresh()
        node = node[key] as Node
      }
    }
  }
  return root
}

/** The pictures of an edit: the first is the start, the others are styles. `hashes` are of their bytes, in order. */
async function editRequest({
  c,
  key,
  s,
}: Asked): Promise<{ body: Body; request: GenerationInput; hashes: string[] }> {
  const form = await c.req.raw.formData().catch(() => {
    throw new AtelierError("invalid_request", "The form cannot be read.")
  })
  const files = [...form.getAll("image"), ...form.getAll("image[]")].filter((f) => f instanceof File)
  const texts = [...form.entries()].filter((entry): entry is [string, string] => typeof entry[1] === "string")
  const body = readBody(Body, unfolded(texts))
  if (form.get("markup") instanceof File)
    throw new AtelierError(
      "unsupported",
      "markup is not possible with this model; a mask says what to paint.",
      {
        field: "markup",
      },
    )
  if (files.length === 0)
    throw new AtelierError("invalid_request", "image: a file is needed.", { field: "image" })
  if (files.length > 11)
    throw new AtelierError("out_of_range", "image: at most 11 files.", { field: "image" })
  const store = async (file: File, field: string): Promise<Asset> => {
    const bytes = new Uint8Array(await file.arrayBuffer())
    return storeAsset(bytes, { kind: "input", field }, s.ingestContext(key.id))
  }
  const assets: Asset[] = []
  for (const file of files) assets.push(await store(file, "image"))
  const maskFile = form.get("mask")
  if (typeof maskFile === "string" && maskFile !== "")
    throw new AtelierError("invalid_request", "mask: a file is needed.", { field: "mask" })
  if (maskFile instanceof File && body.image_role === "style")
    throw new AtelierError("invalid_request", "mask: it lies on a start image, and image_role is style.", {
      field: "mask",
    })
  const mask = maskFile instanceof File ? await store(maskFile, "mask") : undefined
  const ids = assets.map((a) => a.id)
  const styles = body.image_role === "style" ? ids : ids.slice(1)
  const base = request(body)
  // What a mask opens is replaced; without one the whole picture is changed.
  const strength = body.strength ?? (!mask && body.input_fidelity === "high" ? 0.6 : undefined)
  return {
    body,
    hashes: [...assets, ...(mask ? [mask] : [])].map((a) => a.hash),
    request: {
      ...base,
      references: [...(base.references ?? []), ...styles.map((image) => ({ image, weight: 0.5 }))],
      start: body.image_role === "style" ? null : { image: ids[0]!, strength, mask: mask?.id },
    },
  }
}

export function openai(door: Door, s: Service): void {
  const run = async (asked: Asked, b: Body, draft: Draft, name: "image_generation" | "image_edit") => {
    if (b.stream) return stream(asked, b, draft, name)
    return answer(completed(await submitAndWait(asked, draft, WAIT_SECONDS)), b, s)
  }
  door.on(
    "POST",
    "/v1/images/generations",
    async (asked) => {
      const b = await readJson(asked.c, Body)
      return run(
        asked,
        b,
        { request: request(b), dialect: "openai", ...idempotency(asked.c, b) },
        "image_generation",
      )
    },
    { counts: true },
  )
  door.on(
    "POST",
    "/v1/images/edits",
    async (asked) => {
      const { body, request, hashes } = await editRequest(asked)
      const draft = { request, dialect: "openai", ...idempotency(asked.c, { body, hashes }) }
      return run(asked, body, draft, "image_edit")
    },
    { counts: true },
  )
  const entry = (id: string) => ({ id, object: "model", created: 1_767_225_600, owned_by: "atelier" })
  door.on("GET", "/v1/models", async () => ({
    object: "list",
    data: (await s.models()).flatMap((m) => [...publicNames(m), m.name]).map(entry),
  }))
  door.on("GET", "/v1/models/:id", async ({ params }) => {
    await s.model(params.id!)
    return entry(params.id!)
  })
}

/**
 * Previews as partial images, then one completed event per picture. A closed connection cancels the job; a revoked key
 * ends the stream with its error, and not the job.
 */
async function stream(
  { c, key, askAgain, s }: Asked,
  b: Body,
  draft: Draft,
  name: string,
): Promise<Response> {
  const job = await s.submit(key, draft)
  const partials = b.partial_images ?? 0
  c.header("content-type", "text/event-stream")
  return streamSSE(c, async (out) => {
    const send = (event: string, data: object) =>
      out.writeSSE({ event, data: JSON.stringify({ type: event, ...data }) }).catch(() => {})
    let sent = 0
    let newest = 0
    let sending = Promise.resolve()
    const gone = new AbortController()
    out.onAbort(() => gone.abort())
    const stop = s.jobs.events.onStep((step) => {
      if (step.jobId !== job.id || sent >= partials || step.preview === newest) return
      newest = step.preview
      const index = sent++
      const preview = async (): Promise<void> => {
        const bytes = await s.blobs.get(previewKey(job.id, 0))
        if (!bytes) return
        const b64_json = Buffer.from(bytes).toString("base64")
        await send(`${name}.partial_image`, {
          b64_json,
          partial_image_index: index,
          created_at: seconds(new Date()),
          ...about(job, b),
        })
      }
      sending = sending.then(preview).catch((thrown: unknown) => {
        s.log.warn({ err: thrown, job: job.id }, "a preview could not be read")
      })
    })
    const stopBeat = beat(out, s.options.heartbeatSeconds, askAgain, (refusal) => gone.abort(refusal))
    try {
      const done = await waitHeld(s, job, WAIT_SECONDS, gone.signal)
      await sending
      if (gone.signal.reason instanceof AtelierError) throw gone.signal.reason
      if (gone.signal.aborted && !isEnd(done.state)) return
      for (const p of completed(done).pictures) {
        const b64_json = await base64(s, p)
        await send(`${name}.completed`, {
          b64_json,
          created_at: seconds(p.createdAt),
          ...about(done, b),
          usage: usage(done),
        })
      }
    } catch (thrown) {
      await send("error", failure(toldHere(thrown, c, s)).body as object)
    } finally {
      stopBeat()
      stop()
    }
  })
}
