// The client of a running server: `new AtelierClient({ baseUrl })`, typed by the server's own schemas.
import { setTimeout as after } from "node:timers/promises"
import type { BoardFile } from "../controls/board-file.ts"
import { AtelierError, type ErrorData, type GenerationInput } from "../request/index.ts"
import type { JobView as ServerJob } from "../server/native/views.ts"
import { readEvents, type ServerEvent } from "./events.ts"

export type RemoteJob = ServerJob
export type RemotePicture = RemoteJob["pictures"][number]

export interface AtelierClientOptions {
  /** `http://127.0.0.1:4700` unless given. */
  baseUrl?: string
  key?: string
  /** Takes the place of the global fetch. */
  fetch?: typeof fetch
  /** A connection on which nothing comes for this long, not even a heartbeat, is dead; 40 unless given. */
  silenceSeconds?: number
}

/** How a job is to be treated, beside what it shows. */
export interface SubmitOptions {
  /** -100..100, higher first. */
  priority?: number
  deadlineSeconds?: number
  keepSeconds?: number
  /** Address that is told at the end. */
  webhook?: string
  /** Picture that this is a variation of. */
  parent?: string
  /** The same id and request within 24 hours is the same job. */
  idempotencyKey?: string
}

export interface WaitOptions {
  /** Aborting cancels the job; where no server can be told of it within `silenceSeconds`, waiting ends all the same. */
  signal?: AbortSignal
  onProgress?: (progress: NonNullable<RemoteJob["progress"]>) => void
  /** Aborting ends the waiting alone, and gives the job as it then is. */
  until?: AbortSignal
}

export interface ListOptions {
  search?: string
  state?: string
  favourite?: boolean
  model?: string
  references?: boolean
  from?: string
  until?: string
  cursor?: string
  limit?: number
}

export interface RemoteBoard {
  id: string
  name: string
  code: string
  pictures: { image: string; weight: number; url: string }[]
}

export interface RemoteQueue {
  paused: boolean
  running: RemoteJob[]
  waiting: { job: RemoteJob; place: number; secondsLeft: number | null }[]
}

const END = ["completed", "failed", "cancelled"]

/** Throws what the job failed with. */
function unlessFailed(job: RemoteJob): RemoteJob {
  if (job.state !== "completed" && END.includes(job.state))
    throw AtelierError.from((job.error as ErrorData | null) ?? cancelled(job.id))
  return job
}

/**
 * Every method throws AtelierError with the server's code; `unavailable` when it cannot be reached.
 * @example
 * const client = new AtelierClient({ baseUrl: "http://127.0.0.1:4700" })
 * const job = await client.generate({ prompt: "a fox in the snow", seed: 7 })
 * const png = await client.download(job.pictures[0])
 */
export class AtelierClient {
  readonly #base: string
  readonly #headers: Record<string, string>
  readonly #fetch: typeof fetch
  readonly #silenceMs: number

  constructor(options: AtelierClientOptions = {}) {
    this.#base = (options.baseUrl ?? "http://127.0.0.1:4700").replace(/\/$/, "")
    this.#headers = options.key ? { authorization: `Bearer ${options.key}` } : {}
    this.#fetch = options.fetch ?? fetch
    this.#silenceMs = (options.silenceSeconds ?? 40) * 1000
  }

  /** Stores a job and returns it; when this resolves it is on the server's disk. */
  submit(request: GenerationInput, options: SubmitOptions = {}): Promise<RemoteJob> {
    const { idempotencyKey, ...rest } = options
    const headers: Record<string, string> = idempotencyKey ? { "idempotency-key": idempotencyKey } : {}
    return this.#json("POST", "/api/jobs", { ...request, ...rest }, headers)
  }

  /** Submits, waits and returns the completed job, with `until` perhaps one that still runs. Throws what the job failed with. */
  async generate(request: GenerationInput, options: SubmitOptions & WaitOptions = {}): Promise<RemoteJob> {
    const { signal: _s, onProgress: _p, until: _u, ...rest } = options
    const job = await this.submit(request, rest)
    return this.wait(job.id, options)
  }

  /** Resolves with the completed job, over lost connections and restarts of the server; with `until` perhaps the job as it is. */
  async wait(id: string, options: WaitOptions = {}): Promise<RemoteJob> {
    /** The step that a look has told: until the stream has come so far, it tells nothing new. */
    let least = 0
    const stop = new AbortController()
    const late = new AtelierError("timeout", `Job ${id} is still being made.`)
    const leave = (): void => stop.abort(late)
    options.until?.addEventListener("abort", leave, { once: true })
    const cancel = (): void => void this.#cancelOrStop(id, stop)
    options.signal?.addEventListener("abort", cancel, { once: true })
    try {
      if (options.signal?.aborted) cancel()
      if (options.until?.aborted) leave()
      for await (const event of this.events({ job: id, signal: stop.signal })) {
        if (event.progress && event.progress.step >= least) {
          least = 0
          options.onProgress?.(event.progress)
        }
        const mayBeOver = event.kind === "hello" || (event.state && END.includes(event.state))
        if (!mayBeOver) continue
        const job = unlessFailed(await this.#look(id, stop.signal))
        if (job.state === "completed") return job
        // Steps that were taken before the stream stood are told by none of its events.
        if (job.progress) {
          least = job.progress.step
          options.onProgress?.(job.progress)
        }
      }
      stop.signal.throwIfAborted()
      throw new AtelierError("unavailable", "The event stream ended.")
    } catch (thrown) {
      if (stop.signal.reason === late) return unlessFailed(await this.job(id))
      throw thrown
    } finally {
      options.until?.removeEventListener("abort", leave)
      stop.abort()
      options.signal?.removeEventListener("abort", cancel)
    }
  }

  /** Tells the server to cancel, over a restart too; a server that is gone for good stops the waiting instead. */
  async #cancelOrStop(id: string, stop: AbortController): Promise<void> {
    const giveUp = AbortSignal.timeout(this.#silenceMs)
    for (let pause = 100; !stop.signal.aborted; pause = Math.min(5000, pause * 2)) {
      try {
        await this.#send("POST", `/api/jobs/${id}/cancel`, { signal: giveUp })
        return
      } catch (thrown) {
        // Over already, or gone: the stream of events tells.
        if (thrown instanceof AtelierError && thrown.code !== "unavailable") return
        if (giveUp.aborted) {
          const message = `No server answers at ${this.#base}, so job ${id} may still run; cancel it there.`
          stop.abort(new AtelierError("unavailable", message, { cause: thrown }))
        }
        await after(pause, undefined, { signal: AbortSignal.any([stop.signal, giveUp]) }).catch(() => {})
      }
    }
  }

  /** The job as it is now, however often the connection is lost on the way, until `stop` aborts. */
  async #look(id: string, stop: AbortSignal): Promise<RemoteJob> {
    for (let pause = 100; ; pause = Math.min(5000, pause * 2)) {
      stop.throwIfAborted()
      try {
        const signal = AbortSignal.timeout(this.#silenceMs)
        return (await (await this.#send("GET", `/api/jobs/${id}`, { signal })).json()) as RemoteJob
      } catch (thrown) {
        if (thrown instanceof AtelierError && thrown.code !== "unavailable") throw thrown
        await after(pause, undefined, { signal: stop }).catch(() => {})
      }
    }
  }

  job(id: string): Promise<RemoteJob> {
    return this.#json("GET", `/api/jobs/${id}`)
  }
  jobs(options: ListOptions = {}): Promise<{ items: RemoteJob[]; nextCursor: string | null; total: number }> {
    const query = new URLSearchParams()
    for (const [k, v] of Object.entries(options)) if (v !== undefined) query.set(k, String(v))
    return this.#json("GET", `/api/jobs?${query}`)
  }
  cancel(id: string): Promise<RemoteJob> {
    return this.#json("POST", `/api/jobs/${id}/cancel`)
  }
  retry(id: string): Promise<RemoteJob> {
    return this.#json("POST", `/api/jobs/${id}/retry`)
  }
  move(
    id: string,
    to: { to: "front" | "back" } | { before: string } | { after: string },
  ): Promise<RemoteJob> {
    return this.#json("POST", `/api/jobs/${id}/move`, to)
  }
  remove(id: string): Promise<RemoteJob> {
    return this.#json("DELETE", `/api/jobs/${id}`)
  }
  restore(id: string): Promise<RemoteJob> {
    return this.#json("POST", `/api/jobs/${id}/restore`)
  }
  mark(id: string, favourite: boolean): Promise<RemoteJob> {
    return this.#json("PATCH", `/api/jobs/${id}`, { favourite })
  }

  queue(): Promise<RemoteQueue> {
    return this.#json("GET", "/api/queue")
  }
  pause(): Promise<RemoteQueue> {
    return this.#json("POST", "/api/queue/pause")
  }
  resume(): Promise<RemoteQueue> {
    return this.#json("POST", "/api/queue/resume")
  }

  boards(): Promise<{ items: RemoteBoard[] }> {
    return this.#json("GET", "/api/boards")
  }
  createBoard(board: { name: string; pictures: { image: string; weight?: number }[] }): Promise<RemoteBoard> {
    return this.#json("POST", "/api/boards", board)
  }
  /** One board by id, name or share code. */
  board(name: string): Promise<RemoteBoard> {
    return this.#json("GET", `/api/boards/${encodeURIComponent(name)}`)
  }
  /** Renames a board or gives it other pictures. */
  changeBoard(
    name: string,
    change: { name?: string; pictures?: { image: string; weight?: number }[] },
  ): Promise<RemoteBoard> {
    return this.#json("PATCH", `/api/boards/${encodeURIComponent(name)}`, change)
  }
  /** Undoes a delete; `id` is what it gave. */
  restoreBoard(id: string): Promise<RemoteBoard> {
    return this.#json("POST", `/api/boards/${encodeURIComponent(id)}/restore`)
  }
  deleteBoard(name: string): Promise<{ id: string }> {
    return this.#json("DELETE", `/api/boards/${encodeURIComponent(name)}`)
  }
  /** A board with its pictures inside, to be kept as a file. */
  exportBoard(name: string): Promise<BoardFile> {
    return this.#json("GET", `/api/boards/${encodeURIComponent(name)}/export`)
  }
  /** From a share code, or from an export. */
  importBoard(from: string | BoardFile): Promise<RemoteBoard> {
    return this.#json("POST", "/api/boards/import", typeof from === "string" ? { code: from } : from)
  }

  /** Uploads a picture; its id may stand wherever a request takes a picture. */
  async upload(bytes: Uint8Array): Promise<{ id: string; url: string; width: number; height: number }> {
    return this.#json("POST", "/api/assets", undefined, {}, new Uint8Array(bytes))
  }

  /** The file of a picture, converted when another format is asked for. */
  async download(
    picture: Pick<RemotePicture, "id" | "format">,
    options: { format?: "png" | "jpg" | "webp"; width?: number } = {},
  ): Promise<Uint8Array> {
    const width = options.width === undefined ? "" : `?width=${options.width}`
    const path = `/files/${picture.id}.${options.format ?? picture.format}${width}`
    return new Uint8Array(await (await this.#send("GET", path)).arrayBuffer())
  }

  capabilities(): Promise<{ models: { name: string; title: string }[]; version: string }> {
    return this.#json("GET", "/capabilities")
  }

  /** Events from now on (or after a cursor), reconnecting by itself and missing none, until `signal` aborts. */
  events(options: { after?: string; job?: string; signal?: AbortSignal } = {}): AsyncGenerator<ServerEvent> {
    const open = (query: URLSearchParams, signal: AbortSignal) =>
      this.#send("GET", `/api/events?${query}`, { signal })
    return readEvents(open, this.#silenceMs, options)
  }

  async #json<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    bytes?: Uint8Array<ArrayBuffer>,
  ): Promise<T> {
    const payload = bytes ?? (body === undefined ? undefined : JSON.stringify(body))
    const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" }
    const response = await this.#send(method, path, {
      headers: { ...type, ...headers },
      ...(payload === undefined ? {} : { body: payload }),
    })
    return (await response.json()) as T
  }

  async #send(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response
    try {
      const headers = { ...this.#headers, ...(init.headers as Record<string, string>) }
      response = await this.#fetch(`${this.#base}${path}`, { ...init, method, headers })
    } catch (thrown) {
      if (init.signal?.aborted) throw thrown
      throw new AtelierError("unavailable", `No server answers at ${this.#base}.`, { cause: thrown })
    }
    if (response.ok) return response
    const told = (await response.json().catch(() => null)) as { error?: ErrorData } | null
    // A proxy in front of a server that is away answers in its own words.
    const code = [502, 503, 504].includes(response.status) ? "unavailable" : "internal"
    throw AtelierError.from(told?.error ?? { code, message: `The server answered ${response.status}.` })
  }
}

const cancelled = (id: string): ErrorData => ({ code: "cancelled", message: `Job ${id} was cancelled.` })
