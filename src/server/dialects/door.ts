// The frame of an HTTP dialect: key before body, body before work, every failure in the dialect's own words.
import type { Hono } from "hono"
import { z } from "zod"
import { isEnd, type Job } from "../../jobs/index.ts"
import { AtelierError, asAtelierError, nearestAspect, SIZES } from "../../request/index.ts"
import { type Key, sha256 } from "../../store/index.ts"
import {
  type Call,
  type Callers,
  canonicalJson,
  type Env,
  headerOf,
  jsonBody,
  retryAfter,
  secretOf,
  toldOf,
} from "../http.ts"
import type { Draft, Service } from "../service.ts"

/** How a dialect tells a failure. */
export interface Failure {
  status: number
  body: unknown
  headers?: Record<string, string>
}

export interface Asked {
  c: Call
  s: Service
  key: Key
  /** Asks for the key once more: an answer that goes on for long outlives it otherwise. Throws `unauthorized`. */
  askAgain: () => Promise<Key>
  /** Path parameters. */
  params: Record<string, string>
}

export interface DoorOptions {
  failure: (error: AtelierError, c: Call) => Failure
  secret?: (c: Call) => string | null
  /** Headers on every answer. */
  headers?: (c: Call) => Record<string, string>
}

export type Handler = (asked: Asked) => Promise<Response | object>
export interface Door {
  on(method: string, path: string | string[], handler: Handler, options?: { counts?: boolean }): void
}

/** What was thrown as the caller is told it; the words of what broke inside go to the log. */
export function toldHere(thrown: unknown, c: Call, s: Service): AtelierError {
  const error = asAtelierError(thrown)
  const requestId = c.get("requestId")
  if (error.code === "internal") s.log.error({ requestId, err: thrown }, error.message)
  return toldOf(error, requestId)
}

/** Adds one dialect's routes to the app. Paths are Hono's: `:id`, `:file{.+}`. */
export function openDoor(app: Hono<Env>, s: Service, callers: Callers, options: DoorOptions): Door {
  const secret = options.secret ?? ((c: Call) => secretOf(c.req.header("authorization")))
  return {
    on(method, path, handler, { counts = false } = {}) {
      app.on(method, Array.isArray(path) ? path : [path], async (call) => {
        const c = call as Call
        try {
          const given = secret(c)
          const askAgain = (): Promise<Key> => callers.key(given)
          const key = await askAgain()
          if (counts) callers.take(key)
          const params = c.req.param() as Record<string, string>
          const answer = await handler({ c, s, key, askAgain, params })
          const response = answer instanceof Response ? answer : c.json(answer)
          for (const [name, value] of Object.entries(options.headers?.(c) ?? {}))
            response.headers.set(name, value)
          return response
        } catch (thrown) {
          const error = toldHere(thrown, c, s)
          const { status, body, headers } = options.failure(error, c)
          const wait = retryAfter(error)
          return c.json(body as object, status as 400, {
            ...(wait === null ? {} : { "retry-after": String(wait) }),
            ...options.headers?.(c),
            ...headers,
          })
        }
      })
    },
  }
}

/**
 * What else is asked below these paths: that there is no such model, or nothing at all, in the dialect's own words. Comes after
 * all other routes. `modelIn` finds a model's name in a path.
 */
export function otherwise(
  door: Door,
  s: Service,
  paths: string[],
  modelIn: (path: string) => string | undefined,
): void {
  door.on("ALL", paths, async ({ c }) => {
    const name = modelIn(c.req.path)
    if (name !== undefined) await s.model(name)
    throw new AtelierError("not_found", `There is nothing at ${c.req.method} ${c.req.path}.`)
  })
}

/** One thing wrong with a foreign body. */
export interface Issue {
  path: (string | number)[]
  message: string
  type: string
}

/** Checks a foreign body. Throws `invalid_request` whose `details.issues` are the dialect's to show. */
export function readBody<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.flatMap((i): Issue[] => {
    const path = i.path.map((p) => (typeof p === "number" ? p : String(p)))
    if (i.code === "unrecognized_keys") {
      return i.keys.map((k) => ({ path: [...path, k], message: `Unknown field ${k}`, type: "unknown_field" }))
    }
    return [{ path, message: i.message, type: i.code }]
  })
  const first = issues[0]!
  const field = first.path.join(".")
  throw new AtelierError("invalid_request", `${field || "body"}: ${first.message}.`, {
    field,
    details: { issues },
  })
}

/** How fields of the canonical request are called in a dialect, indices kept: `references[1].weight`. */
export type FieldNames = readonly (readonly [canonical: RegExp, own: string])[]

/** The field of an error in a dialect's words; undefined where it has none. */
export function fieldIn(names: FieldNames, field: string | undefined): string | undefined {
  if (!field) return undefined
  const found = names.find(([canonical]) => canonical.test(field))
  return found ? field.replace(...found) : field
}

/** The issues of an error in a dialect's words, made up from its field when it has none of its own. */
export function issuesOf(error: AtelierError, names: FieldNames = []): Issue[] {
  const issues = error.details?.issues
  if (Array.isArray(issues)) return issues as Issue[]
  const parts = fieldIn(names, error.field)?.split(/[.[\]]+/) ?? []
  const path = parts.filter(Boolean).map((part) => (/^\d+$/.test(part) ? Number(part) : part))
  return [{ path, message: error.message, type: error.code }]
}

/** JSON body, checked. */
export const readJson = async <T extends z.ZodType>(c: Call, schema: T): Promise<z.output<T>> =>
  readBody(schema, await jsonBody(c))

/** Members that carry an `Idempotency-Key` into a draft. */
export function idempotency(c: Call, body: unknown): Pick<Draft, "clientId" | "bodyHash"> {
  const given = headerOf(c, "idempotency-key")
  if (!given) return {}
  if (given.length > 255) {
    throw new AtelierError("invalid_request", "Idempotency-Key is longer than 255 characters.")
  }
  return { clientId: given, bodyHash: sha256(`${c.req.method} ${c.req.path}\n${canonicalJson(body)}`) }
}

const hungUp = {
  code: "cancelled" as const,
  message: "The caller hung up before the picture was there.",
  details: { hungUp: true },
}
/** Cancelled for no other reason than that its caller hung up, and not deleted since. */
const isDropped = (job: Job): boolean =>
  job.state === "cancelled" && job.error?.details?.hungUp === true && job.deletedAt === null

/** Submits and waits for the end, for `seconds` at most, as long as the caller is there. */
export async function submitAndWait(asked: Asked, draft: Draft, seconds: number): Promise<Job> {
  const { c, s, key } = asked
  return waitHeld(s, await s.submit(key, draft), seconds, c.req.raw.signal)
}

/**
 * Waits for the end of a job that was submitted just now, for `seconds` at most. A caller who hangs up, which aborts
 * `signal`, takes the job along, and one who comes again under the same id, as clients do when the network failed
 * them, has it started over. Whoever aborts it with an AtelierError ends the wait alone.
 */
export async function waitHeld(
  s: Service,
  submitted: Job,
  seconds: number,
  signal: AbortSignal,
): Promise<Job> {
  const end = performance.now() + seconds * 1000
  let job = submitted
  for (;;) {
    if (isDropped(job) && !signal.aborted) job = await startedOver(job, s)
    job = await s.jobs.wait(job.id, job.keyId, { seconds: (end - performance.now()) / 1000, signal })
    // The first of two calls under one id may be noticed to be gone when the second already waits.
    if (!isDropped(job) || signal.aborted) break
  }
  // A server that shuts down hangs up by itself: its jobs go on when it is there again.
  const isHungUp = signal.aborted && !(signal.reason instanceof AtelierError) && !s.closing.aborted
  if (isHungUp && !isEnd(job.state))
    await s.jobs.end(job.id, "cancelled", { error: hungUp, keyId: job.keyId })
  return job
}

/** The job as it is now where somebody else was quicker. */
const startedOver = (job: Job, s: Service): Promise<Job> =>
  s.jobs.retry(job.id, job.keyId).catch((thrown: unknown) => {
    if (asAtelierError(thrown).code !== "conflict") throw thrown
    return s.jobs.get(job.id, job.keyId)
  })

/** Failures after which the same call again would only make another job. */
const finals = new WeakSet<AtelierError>()

/**
 * Throws the failure of a job that is over and did not complete; `timeout` for one that still runs. Where the same call
 * again would only make another job, `finalStatus` knows the error.
 */
export function completed(job: Job): Job {
  if (job.state === "completed") return job
  if (!isEnd(job.state)) {
    const message = `The picture takes longer than this call may wait, and is still being made: GET /api/jobs/${job.id}.`
    // Under an id of the caller's the next call waits for this same job.
    const error = new AtelierError("timeout", message)
    if (job.clientId === null) finals.add(error)
    throw error
  }
  const { code, message, ...rest } = job.error ?? { code: "internal" as const, message: "The job failed." }
  const error = new AtelierError(code, message, rest)
  finals.add(error)
  throw error
}

/** A status that clients do not take for a reason to try again, where trying again makes no sense. */
export const finalStatus = (error: AtelierError, status: number, instead: number): number =>
  finals.has(error) && (status >= 500 || [408, 409, 429].includes(status)) ? instead : status

/** Any number as a canonical seed: 32 bits of its whole part. */
export const seedOf = (seed: number | null | undefined): number | null =>
  seed === null || seed === undefined ? null : Number(BigInt(Math.floor(Math.abs(seed))) % 2n ** 32n)

export const LEVELS = z.enum(["raw", "low", "medium", "high"])
export const sizeOf = (aspect: keyof typeof SIZES): { width: number; height: number } => ({
  width: SIZES[aspect][0],
  height: SIZES[aspect][1],
})
/** The model's own size with the nearest shape. */
export const nearestSize = (width: number, height: number): { width: number; height: number } =>
  sizeOf(nearestAspect(width, height))
