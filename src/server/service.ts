// What every door of the server has in common: from a caller's words to a stored job, and from a job to
// addresses. Dialects translate; this decides.
import { randomInt } from "node:crypto"
import type { Seal } from "../image/credentials.ts"
import { checkMaskShape } from "../image/mask.ts"
import { ENVELOPES, type Job, type Jobs, type PictureRecord, type Webhook } from "../jobs/index.ts"
import {
  AtelierError,
  type Engine,
  type GenerationInput,
  type GenerationRequest,
  LIMITS,
  type ModelInfo,
  parseRequest,
  picturesOf,
  promptOf,
  seedsOf,
  withPictures,
} from "../request/index.ts"
import { resolveModel } from "../request/names.ts"
import {
  type Asset,
  type BlobStore,
  type Board,
  blobKey,
  boardById,
  findAsset,
  findBoard,
  type Key,
  type Store,
  WORKERS,
} from "../store/index.ts"
import { Conversions } from "./conversions.ts"
import { type ContentFilter, enforce } from "./filter.ts"
import { type IngestContext, ingest } from "./ingest.ts"
import type { Log } from "./log.ts"
import type { Metrics } from "./metrics.ts"
import type { FullOptions } from "./options.ts"

/** What a door hands in: the canonical request with pictures still as the caller spelled them. */
export interface Draft {
  request: GenerationInput
  dialect: string
  raw?: unknown
  clientId?: string | undefined
  bodyHash?: string
  priority?: number
  deadlineSeconds?: number
  keepSeconds?: number
  webhook?: Webhook | undefined
  /** The picture it is a variation of, when no input says so. */
  parent?: string
}

/** Workers unseen for this long do not count as installed models. */
const WORKER_SECONDS = 30

/** Throws `expired`. */
export function checkExpiry({ id, expired }: Pick<PictureRecord, "id" | "expired">): void {
  if (expired) throw new AtelierError("expired", `The picture ${id} has expired.`)
}

export class Service {
  readonly options: FullOptions
  readonly store: Store
  readonly jobs: Jobs
  readonly metrics: Metrics
  readonly log: Log
  /** Signs what leaves in another format than it is stored in. */
  readonly seal: Seal
  readonly conversions = new Conversions()
  readonly #engine: Engine | null
  readonly #filter: ContentFilter | null
  /** Known once the server listens. */
  origin = ""
  readonly #closing = new AbortController()
  #models: { at: number; models: Promise<ModelInfo[]> } | null = null

  constructor(parts: {
    options: FullOptions
    store: Store
    jobs: Jobs
    metrics: Metrics
    log: Log
    engine: Engine | null
    filter: ContentFilter | null
    seal: Seal
  }) {
    this.options = parts.options
    this.store = parts.store
    this.jobs = parts.jobs
    this.metrics = parts.metrics
    this.log = parts.log
    this.seal = parts.seal
    this.#engine = parts.engine
    this.#filter = parts.filter
  }

  /** Aborted when the server shuts down: long answers end themselves. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  close(): void {
    this.#closing.abort()
  }

  get blobs(): BlobStore {
    return this.store.blobs
  }

  /** What is installed: on this machine's engine, or on the workers seen lately. */
  async models(): Promise<ModelInfo[]> {
    // The promise is kept, not the list: a crowd that comes at once asks once.
    if (!this.#models || performance.now() - this.#models.at > 2000) {
      const models = this.#engine ? this.#engine.models() : this.#workerModels()
      this.#models = { at: performance.now(), models }
      const forget = (): void => {
        this.#models = null
      }
      // A worker that comes up is seen at once where there was none.
      models.then((list) => list.length === 0 && forget(), forget)
    }
    return this.#models.models
  }

  async #workerModels(): Promise<ModelInfo[]> {
    const since = new Date(this.jobs.clock().getTime() - WORKER_SECONDS * 1000)
    const rows = await this.store.db.query<{ models: ModelInfo[] }>(WORKERS.live, [since])
    const byName = new Map(rows.flatMap((r) => r.models).map((m) => [m.name, m]))
    return [...byName.values()]
  }

  async model(name: string): Promise<ModelInfo> {
    const models = await this.models()
    // Models are the workers': without one it cannot be told whether there is such a model.
    if (!this.#engine && models.length === 0)
      throw new AtelierError("unavailable", "No worker is up; try again in a moment.")
    return resolveModel(name, models, this.options.names)
  }

  ingestContext(keyId: string): IngestContext {
    return {
      jobs: this.jobs,
      blobs: this.blobs,
      keyId,
      allowPrivate: this.options.allowPrivateNetwork,
      bases: [this.base, this.origin],
    }
  }

  /**
   * Checks a draft, stores its pictures and then the job. Resolves when the job is on disk. The seed is drawn
   * here, so that a second try after a crash makes the same picture.
   */
  async submit(key: Key, draft: Draft): Promise<Job> {
    const request = parseRequest(draft.request)
    const model = await this.model(request.model)
    checkSupport(request, model)
    const seed = request.seed ?? randomInt(0, LIMITS.seed[1])
    await this.#checkPrompts({ ...request, seed })
    if (draft.webhook) checkWebhook(draft.webhook)
    const lineage: { picture: string; role: string }[] = []
    const context = this.ingestContext(key.id)
    const assets: Asset[] = []
    for (const { field, role, source } of picturesOf(request)) {
      const { asset, picture } = await ingest(source, field, context)
      if (picture) lineage.push({ picture, role })
      assets.push(asset)
      // A mask comes after the picture that it lies on.
      if (role === "mask") checkMaskShape(asset, assets.at(-2)!)
    }
    if (draft.parent) {
      const parent = await this.jobs.picture(draft.parent, key.id)
      lineage.push({ picture: parent.id, role: "variation" })
    }
    const board = request.board && { ...request.board, id: await this.#boardId(key.id, request.board.id) }
    const keepSeconds = draft.keepSeconds ?? this.options.keepSeconds
    const ids = assets.map((a) => a.id)
    const stored = { ...withPictures(request, ids), model: model.name, seed, board }
    const raw = draft.raw === undefined ? null : shortened(draft.raw)
    const submitted = await this.jobs.submit({
      keyId: key.id,
      request: stored,
      dialect: draft.dialect,
      raw,
      ...(draft.clientId === undefined ? {} : { clientId: draft.clientId }),
      ...(draft.bodyHash === undefined ? {} : { bodyHash: draft.bodyHash }),
      ...(draft.priority === undefined ? {} : { priority: draft.priority }),
      ...(draft.deadlineSeconds === undefined ? {} : { deadlineSeconds: draft.deadlineSeconds }),
      ...(keepSeconds === undefined ? {} : { keepSeconds }),
      ...(draft.webhook ? { webhook: draft.webhook } : {}),
      lineage,
    })
    // A repeated id is looked up; a new job is known without asking the database again.
    if (!submitted.stored) return this.jobs.get(submitted.jobId, key.id)
    this.metrics.submitted.inc({ dialect: draft.dialect })
    const { state, createdAt } = submitted.stored
    return {
      id: submitted.jobId,
      keyId: key.id,
      state,
      createdAt,
      model: model.name,
      request: stored,
      dialect: draft.dialect,
      raw,
      clientId: draft.clientId ?? null,
      priority: draft.priority ?? 0,
      tries: 0,
      error: null,
      outcome: null,
      favourite: false,
      startedAt: null,
      finishedAt: null,
      deadlineAt:
        draft.deadlineSeconds === undefined
          ? null
          : new Date(createdAt.getTime() + draft.deadlineSeconds * 1000),
      deletedAt: null,
      pictures: [],
    }
  }

  /** The filter sees what is read: between the signs of alternatives words could hide. */
  async #checkPrompts(request: GenerationRequest & { seed: number }): Promise<void> {
    const prompts = new Set(seedsOf(request).map((seed) => promptOf(request, seed)))
    for (const prompt of this.#filter ? prompts : [])
      enforce(await this.#filter!.checkPrompt({ ...request, prompt }), "prompt")
  }

  async #boardId(keyId: string, name: string): Promise<string> {
    // Longer than any name or code: a whole board in the request is for the command line and the SDK's own engine.
    if (name.length > 200)
      throw new AtelierError("not_found", "board.id is neither the id, name nor share code of a moodboard.", {
        field: "board.id",
      })
    const board = await findBoard(this.store.db, keyId, name)
    if (!board) throw new AtelierError("not_found", `There is no board ${name}.`, { field: "board.id" })
    return board.id
  }

  /** A stored request as the engine reads it: every picture as a data URI. */
  async prepare(request: GenerationRequest): Promise<GenerationRequest> {
    const pictures = await Promise.all(picturesOf(request).map(({ source }) => this.dataUri(source)))
    return {
      ...withPictures(request, pictures),
      board: request.board && { ...request.board, id: await this.#boardUri(request.board.id) },
    }
  }

  /** A board as the engine reads it: its export as a data URI, pictures and weights inside. */
  async #boardUri(id: string): Promise<string> {
    const board = await boardById(this.store.db, id)
    if (!board) throw new AtelierError("not_found", `The board ${id} was deleted.`, { field: "board.id" })
    const json = JSON.stringify(await this.exportBoard(board))
    return `data:application/json;base64,${Buffer.from(json).toString("base64")}`
  }

  async exportBoard(
    board: Board,
  ): Promise<{ atelier: "board/1"; name: string; pictures: Board["pictures"] }> {
    const pictures = []
    for (const p of board.pictures) pictures.push({ image: await this.dataUri(p.image), weight: p.weight })
    return { atelier: "board/1", name: board.name, pictures }
  }

  async dataUri(assetId: string): Promise<string> {
    const asset = await findAsset(this.store.db, assetId, null)
    if (!asset) throw new AtelierError("image_invalid", `The picture ${assetId} is no longer stored.`)
    return `data:${asset.mime};base64,${Buffer.from(await this.assetBytes(asset)).toString("base64")}`
  }

  async assetBytes(asset: Asset): Promise<Uint8Array> {
    const bytes = await this.blobs.get(blobKey(asset.hash))
    if (!bytes) throw new AtelierError("image_invalid", `The picture ${asset.id} is no longer stored.`)
    return bytes
  }

  /** Bytes of a finished picture. Throws `expired` when its time is over. */
  async bytesOf(picture: PictureRecord): Promise<Uint8Array> {
    checkExpiry(picture)
    const bytes = await this.blobs.get(blobKey(picture.hash))
    if (!bytes) throw new AtelierError("internal", `The file of picture ${picture.id} is missing.`)
    return bytes
  }

  /** Base of addresses in answers. */
  get base(): string {
    return (this.options.publicUrl ?? this.origin).replace(/\/$/, "")
  }

  /** Address of a finished picture; whoever knows it may read it, so that clients can without a key. */
  url(picture: Pick<PictureRecord, "id" | "format">): string {
    return `${this.base}/files/${picture.id}.${picture.format}`
  }

  assetUrl(id: string): string {
    return `${this.base}/files/assets/${id}`
  }
}

/** A foreign body worth keeping: pictures inside it are stored elsewhere. */
const shortened = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, v: unknown) =>
      typeof v === "string" && v.length > 4096 ? `${v.slice(0, 64)}...` : v,
    ),
  )

/** Refuses what the model cannot do, by field, instead of quietly leaving it out. */
function checkSupport(request: GenerationRequest, model: ModelInfo): void {
  const { supports } = model
  const asked: [boolean, boolean, string][] = [
    [request.references.some((r) => r.weight !== 0), supports.references, "references"],
    [request.board !== null && request.board.strength !== 0, supports.boards, "board"],
    [request.start !== null, supports.start, "start"],
    [request.loras.length > 0, supports.loras, "loras"],
    [request.guidance !== null && request.guidance !== 0, supports.guidance, "guidance"],
    [request.intensity !== 0, supports.sliders, "intensity"],
    [request.complexity !== 0, supports.sliders, "complexity"],
    [request.movement !== 0, supports.sliders, "movement"],
  ]
  const missing = asked.find(([isAsked, can]) => isAsked && !can)
  if (missing)
    throw new AtelierError("unsupported", `${model.title} does not support ${missing[2]}.`, {
      field: missing[2],
    })
}

function checkWebhook(webhook: { url: string; envelope: string }): void {
  const bad =
    !URL.canParse(webhook.url) ||
    !/^https?:$/.test(new URL(webhook.url).protocol) ||
    webhook.url.length > 2048
  if (bad)
    throw new AtelierError("invalid_request", "The webhook address is not an http or https URL.", {
      field: "webhook",
    })
  if (!(ENVELOPES as readonly string[]).includes(webhook.envelope)) {
    throw new AtelierError("invalid_request", `There is no envelope ${webhook.envelope}.`, {
      field: "webhook",
    })
  }
}
