// The Runware dialect's words: tasks in, result items out, error codes. How tasks run: runware-tasks.ts.
import { z } from "zod"
import { isEnd, type Job, type PictureRecord, type StepEvent } from "../../jobs/index.ts"
import {
  AtelierError,
  CREATIVITY,
  type ErrorCode,
  type ErrorData,
  type GenerationInput,
  SIZES,
} from "../../request/index.ts"
import type { Service } from "../service.ts"
import { type Issue, LEVELS, nearestSize, readBody, seedOf } from "./door.ts"

export type Item = Record<string, unknown>

const uuid = z.guid()
const lower = (v: unknown): unknown => (typeof v === "string" ? v.toLowerCase() : v)
const absentNull = (v: unknown): unknown => (v === null ? undefined : v)
const optional = <T extends z.ZodType>(type: T) => z.preprocess(absentNull, type.optional())
const slider = optional(z.number().int().min(-100).max(100))

export const Inference = z.object({
  taskType: z.literal("imageInference"),
  taskUUID: uuid,
  model: z.string().min(1),
  positivePrompt: z.string().min(2).max(3000),
  negativePrompt: optional(z.string().max(3000)),
  width: optional(z.number().int().positive()),
  height: optional(z.number().int().positive()),
  numberResults: optional(z.number().int().min(1).max(20)),
  seed: optional(z.number().min(0)),
  seedImage: optional(z.string().min(1)),
  maskImage: optional(z.string().min(1)),
  strength: optional(z.number().min(0).max(1)),
  inputs: optional(
    z.object({
      referenceImages: optional(
        z
          .array(
            z.union([
              z
                .string()
                .min(1)
                .transform((image) => ({ image, strength: 0.5 })),
              z.object({ image: z.string().min(1), strength: z.number().min(-2).max(2).default(0.5) }),
            ]),
          )
          .max(10),
      ),
    }),
  ),
  settings: optional(
    z.object({
      creativity: optional(LEVELS),
      moodboards: optional(
        z
          .array(z.object({ id: z.string().min(1), strength: z.number().min(-0.5).max(1.5).default(0.35) }))
          .max(1),
      ),
      intensity: slider,
      complexity: slider,
      movement: slider,
    }),
  ),
  lora: optional(
    z.array(z.object({ model: z.string().min(1), weight: z.number().min(-2).max(2).default(1) })),
  ),
  outputType: optional(
    z.preprocess((v) => (Array.isArray(v) ? v[0] : v), z.enum(["URL", "base64Data", "dataURI"])),
  ),
  outputFormat: optional(z.preprocess(lower, z.enum(["jpg", "png", "webp"]))),
  outputQuality: optional(z.number().int().min(20).max(99)),
  deliveryMethod: optional(z.enum(["sync", "async"])),
  webhookURL: optional(z.url()),
  uploadEndpoint: optional(z.url({ protocol: /^https?$/ }).max(2048)),
  ttl: optional(
    z
      .number()
      .min(60)
      .max(10 * 365 * 86_400),
  ),
  includeCost: optional(z.boolean()),
  checkNSFW: optional(z.boolean()),
  safety: optional(
    z.object({ checkContent: optional(z.boolean()), mode: optional(z.enum(["none", "fast", "full"])) }),
  ),
})
export type Inference = z.output<typeof Inference>

/** Parameters of other models, and words of the official clients to themselves. */
const IGNORED = [
  "CFGScale",
  "acceleration",
  "acceleratorOptions",
  "acePlusPlus",
  "advancedFeatures",
  "clipSkip",
  "controlNet",
  "customTaskUUID",
  "embeddings",
  "includeGenerationTime",
  "includePayload",
  "instantID",
  "ipAdapters",
  "lycoris",
  "maskMargin",
  "outpaint",
  "photoMaker",
  "promptWeighting",
  "providerSettings",
  "puLID",
  "referenceImages",
  "refiner",
  "resolution",
  "retry",
  "scheduler",
  "skipResponse",
  "steps",
  "ultralytics",
  "useCache",
  "usePromptWeighting",
  "vae",
]
const KNOWN = new Set([...Object.keys(Inference.shape), ...IGNORED])

/**
 * Checks an imageInference task. What Runware has for other models is ignored, for clients send their defaults
 * unasked; a name it does not have at all is somebody's mistake and `unsupported`.
 */
export function readInference(task: Record<string, unknown>): Inference {
  const unknown = Object.keys(task).find((name) => !KNOWN.has(name))
  if (unknown !== undefined) {
    throw new AtelierError("unsupported", `imageInference has no parameter ${unknown}; check its spelling.`, {
      field: unknown,
      details: { parameter: unknown },
    })
  }
  // Pictures that are given must not be left out in silence.
  if (Array.isArray(task.referenceImages) && task.referenceImages.length > 0) {
    const message = "referenceImages is a parameter of other models; this one takes inputs.referenceImages."
    throw new AtelierError("unsupported", message, {
      field: "referenceImages",
      details: { parameter: "referenceImages" },
    })
  }
  return readBody(Inference, task)
}

export const Upload = z.object({ taskUUID: uuid, image: z.string().min(1) })
export const Storage = z.object({
  taskUUID: uuid,
  operation: z.enum(["upload", "delete"]).default("upload"),
  media: optional(z.string().min(1)),
  mediaUUID: optional(z.string().min(1)),
})
export const Enhance = z.object({
  taskUUID: uuid,
  prompt: z.string().min(1).max(300),
  promptMaxLength: z.number().int().min(12).max(400).default(380),
  promptVersions: z.number().int().min(1).max(5).default(1),
  includeCost: optional(z.boolean()),
})
export const Search = z.object({
  taskUUID: uuid,
  search: optional(z.string()),
  category: optional(z.string()),
  type: optional(z.string()),
  architecture: optional(z.string()),
  tags: optional(z.array(z.string())),
  limit: z.number().int().min(1).max(100).default(20),
  offset: z.number().int().min(0).default(0),
})
export const Named = z.object({ taskUUID: uuid })

/** Sizes of the table only, unless the operator lets others snap to the nearest. */
function sizeFor(t: Inference, snap: boolean): { width: number; height: number } {
  const { width, height } = t
  if (width === undefined && height === undefined) return { width: SIZES["1:1"][0], height: SIZES["1:1"][1] }
  if (width === undefined || height === undefined) {
    const field = width === undefined ? "width" : "height"
    throw new AtelierError("invalid_request", `${field} is missing; give both or neither.`, { field })
  }
  const isListed = Object.values(SIZES).some(([w, h]) => w === width && h === height)
  if (isListed) return { width, height }
  if (snap) return nearestSize(width, height)
  const list = Object.values(SIZES).map(([w, h]) => `${w}x${h}`)
  throw new AtelierError(
    "invalid_request",
    `${width} x ${height} is not a size of this model: ${list.join(", ")}.`,
    {
      field: "width",
    },
  )
}

function startFor({ seedImage, maskImage, strength }: Inference): GenerationInput["start"] {
  if (seedImage) return { image: seedImage, strength, mask: maskImage }
  if (!maskImage) return null
  throw new AtelierError(
    "invalid_request",
    "maskImage says which part of seedImage to paint; send seedImage.",
    {
      field: "maskImage",
    },
  )
}

export const runwareRequest = (t: Inference, snapDimensions: boolean): GenerationInput => ({
  model: t.model,
  prompt: t.positivePrompt === "__BLANK__" ? "" : t.positivePrompt,
  negativePrompt: t.negativePrompt ?? "",
  ...sizeFor(t, snapDimensions),
  creativity: CREATIVITY[t.settings?.creativity ?? "medium"],
  seed: seedOf(t.seed),
  count: t.numberResults ?? 1,
  references: (t.inputs?.referenceImages ?? []).map((r) => ({ image: r.image, weight: r.strength })),
  board: t.settings?.moodboards?.[0] ?? null,
  loras: (t.lora ?? []).map((l) => ({ name: l.model, weight: l.weight })),
  start: startFor(t),
  intensity: t.settings?.intensity ?? 0,
  complexity: t.settings?.complexity ?? 0,
  movement: t.settings?.movement ?? 0,
  output: { format: t.outputFormat ?? "jpg", quality: t.outputQuality ?? 95 },
})

/** Parts of the task that shape its answer; kept with the job. */
export type Wishes = Partial<
  Pick<Inference, "outputType" | "includeCost" | "checkNSFW" | "safety" | "deliveryMethod">
>

const MIME = { png: "image/png", jpg: "image/jpeg", webp: "image/webp" } as const

/** One finished picture. Absent members are left out: a null fails the clients' own checks. */
export async function pictureItem(job: Job, p: PictureRecord, s: Service): Promise<Item> {
  const w = (job.raw ?? {}) as Wishes
  const base64 = async (): Promise<string> => Buffer.from(await s.bytesOf(p)).toString("base64")
  const mode = w.safety?.mode ?? (w.safety?.checkContent ? "fast" : "none")
  const isChecked = w.checkNSFW || mode !== "none"
  return {
    taskType: "imageInference",
    taskUUID: job.clientId ?? job.id,
    imageUUID: p.id,
    seed: p.seed,
    ...(w.deliveryMethod === "async" ? { status: "success" } : {}),
    ...(w.outputType === "base64Data"
      ? { imageBase64Data: await base64() }
      : w.outputType === "dataURI"
        ? { imageDataURI: `data:${MIME[p.format]};base64,${await base64()}` }
        : { imageURL: s.url(p) }),
    // What the picture stage of the filter refuses is not delivered at all.
    ...(isChecked ? { NSFWContent: false } : {}),
    ...(w.includeCost ? { cost: 0 } : {}),
  }
}

/** Items of a task that still runs: one per picture, in stable order. */
export const pendingItems = (job: Job, step: StepEvent | undefined): Item[] =>
  Array.from({ length: job.request.count }, () => ({
    taskType: "imageInference",
    taskUUID: job.clientId ?? job.id,
    status: "processing",
    progress: step ? Math.floor((100 * step.step) / step.steps) : 0,
  }))

const CODES: Partial<Record<ErrorCode, string>> = {
  unauthorized: "invalidApiKey",
  forbidden: "forbidden",
  rate_limited: "rateLimitExceeded",
  content_policy: "contentPolicyViolation",
  model_not_found: "invalidModel",
  timeout: "requestTimeout",
  cancelled: "taskCancelled",
  not_found: "taskFailedOrNotFound",
  expired: "resultExpired",
  conflict: "duplicateTaskUUID",
  unavailable: "serviceUnavailable",
  internal: "internalServerError",
  unsupported: "unsupportedParameter",
}
const FIELDS: [RegExp, string][] = [
  [/^prompt\b|positivePrompt/, "positivePrompt"],
  [/^references|referenceImages/, "inputs.referenceImages"],
  [/^start\.mask|maskImage/, "maskImage"],
  [/^start|seedImage/, "seedImage"],
  [/^(width|height)/, "width"],
  [/creativity/, "settings.creativity"],
  [/^board|moodboards/, "settings.moodboards"],
]
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

function codeOf(e: ErrorData, parameter: string | undefined): string {
  if (e.code === "unsupported" && parameter === "taskType") return "unsupportedTaskType"
  const known = CODES[e.code]
  if (known) return known
  if (!["invalid_request", "out_of_range", "image_invalid"].includes(e.code)) return "inferenceError"
  if (!parameter) return "invalidRequest"
  if (parameter === "width") return "invalidDimensions"
  const issue = (e.details?.issues as Issue[] | undefined)?.[0]
  const isMissing = Array.isArray(e.details?.issues) && /undefined/.test(issue?.message ?? "")
  return `${isMissing ? "missing" : "invalid"}${capital(parameter.split(".").at(-1)!)}`
}

/** An error item; authentication's has no taskUUID, or the client would not know it for its own. */
export function errorItem(e: ErrorData, task: { taskType?: unknown; taskUUID?: unknown }): Item {
  const field = e.field?.replace(/\[(\d+)\]/g, "") || undefined
  const mapped = field && (FIELDS.find(([pattern]) => pattern.test(field))?.[1] ?? field)
  const parameter = typeof e.details?.parameter === "string" ? e.details.parameter : mapped
  return {
    code: codeOf(e, parameter),
    message: e.message,
    ...(parameter ? { parameter } : {}),
    ...(typeof task.taskType === "string" ? { taskType: task.taskType } : {}),
    ...(typeof task.taskUUID === "string" && task.taskType !== "authentication"
      ? { taskUUID: task.taskUUID }
      : {}),
    status: "error",
    documentation: "/docs",
  }
}

/** A flat item per picture, without a `data` member around it. */
export async function runwareWebhook(job: Job, place: number | null, s: Service): Promise<Item> {
  const picture = job.pictures[place ?? 0]
  if (job.state !== "completed" || !picture) {
    const error = job.error ?? { code: "internal" as const, message: `The job is ${job.state}.` }
    return errorItem(error, { taskType: "imageInference", taskUUID: job.clientId ?? job.id })
  }
  return pictureItem(job, picture, s)
}

export const isPending = (job: Job): boolean => !isEnd(job.state)
