// How Runware tasks run, the same over HTTP and WebSocket: each task emits frames of items or throws.
import { randomUUID } from "node:crypto"
import type { Webhook } from "../../jobs/index.ts"
import { AtelierError, asAtelierError, type ModelInfo } from "../../request/index.ts"
import { publicNames } from "../../request/names.ts"
import { findAsset, type Key, removeAsset } from "../../store/index.ts"
import { enhance } from "../enhance.ts"
import { type Callers, toldOf } from "../http.ts"
import { ingest, storeAsset } from "../ingest.ts"
import type { Service } from "../service.ts"
import { completed, readBody, waitHeld } from "./door.ts"
import {
  Enhance,
  type Inference,
  type Item,
  isPending,
  Named,
  pendingItems,
  pictureItem,
  readInference,
  runwareRequest,
  Search,
  Storage,
  Upload,
} from "./runware.ts"

export interface TaskContext {
  s: Service
  callers: Callers
  key: Key
  /** Sends items of one task as one frame. */
  emit: (items: Item[]) => void
  /** Aborted when nobody waits any more. */
  signal: AbortSignal
}

type Task = (task: Record<string, unknown>, context: TaskContext) => Promise<void>

/** The hosted service's own bound for a held answer. */
const SYNC_SECONDS = 590

async function imageInference(task: Record<string, unknown>, x: TaskContext): Promise<void> {
  const t = readInference(task)
  const { s, key } = x
  const webhook = webhookOf(t)
  const { outputType, includeCost, checkNSFW, safety, deliveryMethod } = t
  x.callers.take(key)
  const submitted = await s.submit(key, {
    request: runwareRequest(t, s.options.snapDimensions),
    dialect: "runware",
    raw: { ...task, outputType, includeCost, checkNSFW, safety, deliveryMethod },
    // The same UUID again attaches to the running task, whatever else the client changed: SDKs re-send so.
    clientId: t.taskUUID,
    // It is the address that lives so long; of bytes in the answer there is none.
    ...(t.ttl === undefined || (outputType ?? "URL") !== "URL" ? {} : { keepSeconds: t.ttl }),
    ...(webhook && { webhook }),
  })
  if (deliveryMethod === "async") {
    x.emit([{ taskType: "imageInference", taskUUID: t.taskUUID }])
    return
  }
  // Who is told elsewhere need not stay: without a webhook the job ends with its caller.
  const job = webhook
    ? await s.jobs.wait(submitted.id, key.id, { seconds: SYNC_SECONDS, signal: x.signal })
    : await waitHeld(s, submitted, SYNC_SECONDS, x.signal)
  if (x.signal.aborted && isPending(job)) return
  // One frame per picture: clients count items, and take a whole frame for one task's.
  for (const p of completed(job).pictures) x.emit([await pictureItem(job, p, s)])
}

/** Whom to tell of each picture, and where to put its file: both are the job's own, so that they outlive this server. */
function webhookOf({ webhookURL, uploadEndpoint }: Inference): Webhook | undefined {
  const url = webhookURL ?? uploadEndpoint
  if (url === undefined) return undefined
  return {
    url,
    envelope: "runware",
    events: webhookURL === undefined ? [] : ["completed"],
    ...(uploadEndpoint === undefined ? {} : { put: uploadEndpoint }),
  }
}

async function getResponse(task: Record<string, unknown>, { s, key, emit }: TaskContext): Promise<void> {
  const { taskUUID } = readBody(Named, task)
  const id = await s.jobs.byClientId(key.id, taskUUID)
  if (!id) throw new AtelierError("not_found", `There is no task ${taskUUID}.`)
  const job = await s.jobs.get(id, key.id)
  if (isPending(job)) emit(pendingItems(job, s.jobs.events.step(id)))
  else {
    const items = await Promise.all(completed(job).pictures.map((p) => pictureItem(job, p, s)))
    // Who asks later waits for this word, however the task was sent.
    emit(items.map((item) => ({ ...item, status: "success" })))
  }
}

async function taskDetails(task: Record<string, unknown>, { s, key, emit }: TaskContext): Promise<void> {
  const { taskUUID } = readBody(Named, task)
  const id = await s.jobs.byClientId(key.id, taskUUID)
  if (!id) throw new AtelierError("not_found", `There is no task ${taskUUID}.`)
  const job = await s.jobs.get(id, key.id)
  const data = await Promise.all(job.pictures.map((p) => pictureItem(job, p, s)))
  const response = [{ data, ...(job.error ? { error: job.error } : {}) }]
  emit([{ taskType: "getTaskDetails", taskUUID, request: [job.raw], response }])
}

async function imageUpload(
  task: Record<string, unknown>,
  { s, key, callers, emit }: TaskContext,
): Promise<void> {
  const { taskUUID, image } = readBody(Upload, task)
  callers.take(key)
  const { asset } = await ingest(image, "image", s.ingestContext(key.id))
  emit([{ taskType: "imageUpload", taskUUID, imageUUID: asset.id, imageURL: s.assetUrl(asset.id) }])
}

async function mediaStorage(
  task: Record<string, unknown>,
  { s, key, callers, emit }: TaskContext,
): Promise<void> {
  const { taskUUID, operation, media, mediaUUID } = readBody(Storage, task)
  if (operation === "delete") {
    const id = mediaUUID ?? media
    const found = id === undefined ? null : await findAsset(s.store.db, id, key.id).catch(() => null)
    if (!found || !(await removeAsset(s.store.db, found.id, key.id, s.jobs.clock()))) {
      throw new AtelierError("invalid_request", `There is no media ${id}.`, { field: "mediaUUID" })
    }
    emit([{ taskType: "mediaStorage", taskUUID, mediaUUID: found.id }])
    return
  }
  if (media === undefined) throw new AtelierError("invalid_request", "media is needed.", { field: "media" })
  callers.take(key)
  const context = s.ingestContext(key.id)
  const { asset: taken } = await ingest(media, "media", context)
  const bytes = await s.assetBytes(taken)
  const asset = await storeAsset(bytes, { kind: "upload", field: "media" }, context)
  emit([{ taskType: "mediaStorage", taskUUID, mediaUUID: asset.id, mediaURL: s.assetUrl(asset.id) }])
}

async function promptEnhance(task: Record<string, unknown>, { emit }: TaskContext): Promise<void> {
  const t = readBody(Enhance, task)
  emit(
    Array.from({ length: t.promptVersions }, (_, version) => ({
      taskType: "promptEnhance",
      taskUUID: t.taskUUID,
      text: enhance(t.prompt, version, t.promptMaxLength),
      ...(t.includeCost ? { cost: 0 } : {}),
    })),
  )
}

const CATEGORY = "checkpoint"
const ARCHITECTURE = "krea2"

async function modelSearch(task: Record<string, unknown>, { s, emit }: TaskContext): Promise<void> {
  const t = readBody(Search, task)
  const wanted = (t.search ?? "").toLowerCase()
  const is = (asked: string | undefined, own: string): boolean =>
    asked === undefined || asked.toLowerCase() === own
  const isAsked =
    is(t.category, CATEGORY) && is(t.type, "base") && is(t.architecture, ARCHITECTURE) && !t.tags?.length
  const airs = (m: ModelInfo): string[] => [
    ...new Set([...publicNames(m).filter((name) => name.includes("@")), `krea:krea@2-${m.variant}`]),
  ]
  const found = (isAsked ? await s.models() : [])
    .flatMap((m) => airs(m).map((air) => ({ air, m })))
    .filter(({ air, m }) => `${air} ${m.title} ${m.name}`.toLowerCase().includes(wanted))
  const results = found.slice(t.offset, t.offset + t.limit).map(({ air, m }) => ({
    air,
    name: m.title,
    version: "1",
    category: CATEGORY,
    architecture: ARCHITECTURE,
    tags: [],
    private: false,
    comment: "",
  }))
  emit([{ taskType: "modelSearch", taskUUID: t.taskUUID, results, totalResults: found.length }])
}

async function accountManagement(task: Record<string, unknown>, { key, emit }: TaskContext): Promise<void> {
  const { taskUUID } = readBody(Named, task)
  emit([{ taskType: "accountManagement", taskUUID, organizationName: "atelier", apiKeyName: key.name }])
}

const TASKS: Record<string, Task> = {
  imageInference,
  getResponse,
  getTaskDetails: taskDetails,
  imageUpload,
  mediaStorage,
  promptEnhance,
  modelSearch,
  accountManagement,
}

/** Runs one task. Throws AtelierError; an unknown kind is `unsupported`. */
export async function runTask(task: Record<string, unknown>, context: TaskContext): Promise<void> {
  const kind = String(task.taskType)
  if (kind === "ping") {
    context.emit([{ taskType: "ping", pong: true }])
    return
  }
  const run = Object.hasOwn(TASKS, kind) ? TASKS[kind] : undefined
  if (!run) throw new AtelierError("unsupported", `There is no task type ${kind}.`, { field: "taskType" })
  try {
    await run(task, context)
  } catch (thrown) {
    const error = asAtelierError(thrown)
    const requestId = randomUUID()
    if (error.code === "internal") context.s.log.error({ requestId, err: thrown }, error.message)
    throw toldOf(error, requestId)
  }
}
