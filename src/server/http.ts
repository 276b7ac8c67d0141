// What all HTTP doors share: the caller's key, rate limits, statuses of error codes, ids of requests.
import { randomUUID } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import type { Context, MiddlewareHandler } from "hono"
import { AtelierError, type ErrorCode } from "../request/index.ts"
import { findKey, type Key, keyById, sha256 } from "../store/index.ts"
import type { Service } from "./service.ts"

export interface Env {
  Variables: { requestId: string; key: Key }
  /** What Node has of the request and the answer, where it came over a socket. */
  Bindings: {
    incoming?: { headers: IncomingHttpHeaders }
    outgoing?: { setHeader(name: string, value: string): unknown }
  }
}
export type Call = Context<Env>

/**
 * A header of the call, undefined where it has none. Node's own are asked: to build the web's `Headers` takes as long as to
 * check the body. `name` in lower case; of a header that came twice only what Node keeps of it.
 */
export function headerOf(c: Call, name: Lowercase<string>): string | undefined {
  const { incoming } = c.env ?? {}
  if (!incoming) return c.req.header(name)
  const value = incoming.headers[name]
  return Array.isArray(value) ? value.join(", ") : value
}

const STATUS: Record<ErrorCode, number> = {
  invalid_request: 400,
  out_of_range: 400,
  unsupported: 400,
  model_not_found: 404,
  model_invalid: 400,
  image_invalid: 400,
  file_not_found: 404,
  file_write: 507,
  device_unavailable: 503,
  out_of_memory: 503,
  worker_lost: 503,
  cancelled: 409,
  timeout: 504,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  expired: 410,
  conflict: 409,
  rate_limited: 429,
  content_policy: 400,
  unavailable: 503,
  internal: 500,
}
/** HTTP status of an error code, the same in every dialect unless its own rules differ. */
export const statusOf = (code: ErrorCode): number => STATUS[code]

/** Seconds after which a refused caller may come again; null when waiting does not help. */
export function retryAfter(error: AtelierError): number | null {
  const told = error.details?.retryAfterSeconds
  if (typeof told === "number") return Math.max(1, Math.ceil(told))
  return error.code === "rate_limited" || error.code === "unavailable" ? 5 : null
}

/**
 * An error as its caller is told it. The words of what broke inside are for the log; the caller gets the id under which
 * they stand there.
 */
export const toldOf = (error: AtelierError, id: string): AtelierError =>
  error.code === "internal" && error.cause !== undefined
    ? new AtelierError("internal", `Something failed here. Its log entry is ${id}.`)
    : error

/** `Bearer x`, `Key x` (fal), `Token x` (Replicate's older form): the x. */
export function secretOf(header: string | undefined): string | null {
  return /^(?:bearer|key|token)\s+(\S+)\s*$/i.exec(header ?? "")?.[1] ?? null
}

const unauthorized = (): AtelierError =>
  new AtelierError("unauthorized", "This needs an API key: Authorization: Bearer <key>.")

/** Who calls: the key of the secret, or the local one where no key is asked for. */
export class Callers {
  readonly #service: Service
  readonly needsKey: boolean
  /** Found keys by hash of their secret, for two seconds: a revoked key stops working within that. */
  readonly #known = new Map<string, { key: Key; until: number }>()
  #local: Key | null = null
  readonly #buckets = new Map<string, { tokens: number; at: number }>()

  constructor(service: Service, needsKey: boolean) {
    this.#service = service
    this.needsKey = needsKey
  }

  /** Throws `unauthorized`. A wrong key is refused even where none is needed: better a word than a surprise. */
  async key(secret: string | null): Promise<Key> {
    const { db } = this.#service.store
    if (secret === null) {
      if (this.needsKey) throw unauthorized()
      return this.#localKey()
    }
    const hash = sha256(secret)
    const known = this.#known.get(hash)
    const now = performance.now()
    if (known && known.until > now) return known.key
    const key = await findKey(db, secret)
    if (!key) {
      this.#known.delete(hash)
      // Clients insist on sending some key; on an open loopback server any will do.
      if (!this.needsKey && !secret.startsWith("atl_")) return this.#localKey()
      throw unauthorized()
    }
    this.#known.set(hash, { key, until: now + 2000 })
    return key
  }

  async #localKey(): Promise<Key> {
    this.#local ??= (await keyById(this.#service.store.db, "local"))!
    return this.#local
  }

  /** Takes one of the key's submits of this minute, or throws `rate_limited` with the time to wait. */
  take(key: Key): void {
    const now = this.#service.jobs.clock().getTime() / 1000
    const bucket = this.#buckets.get(key.id) ?? { tokens: key.rate, at: now }
    // A clock that was set back takes nothing away.
    bucket.tokens = Math.min(key.rate, bucket.tokens + (Math.max(0, now - bucket.at) * key.rate) / 60)
    bucket.at = now
    this.#buckets.set(key.id, bucket)
    if (bucket.tokens < 1) {
      const seconds = ((1 - bucket.tokens) * 60) / key.rate
      throw new AtelierError("rate_limited", `This key may submit ${key.rate} requests per minute.`, {
        details: { retryAfterSeconds: seconds },
      })
    }
    bucket.tokens--
  }
}

const LOOPBACK = /^(localhost|127(?:\.\d+){3}|\[::1\]|::1)$/
export const isLoopback = (host: string): boolean => LOOPBACK.test(host)

/** False for a foreign Host (DNS rebinding) or Origin (another site's page). */
export function isSameMachine(host: string | undefined, origin: string | undefined): boolean {
  const name = (host ?? "localhost").replace(/:\d+$/, "")
  const isForeign = origin !== undefined && (!URL.canParse(origin) || !isLoopback(new URL(origin).hostname))
  return isLoopback(name) && !isForeign
}

/**
 * Without keys anybody on this machine may call, and so could any web page in its browser: by DNS rebinding,
 * which the Host header betrays, or by a plain form post, which the Origin header betrays.
 */
export const sameMachine: MiddlewareHandler<Env> = (c, next) => {
  if (!isSameMachine(headerOf(c, "host"), headerOf(c, "origin"))) {
    throw new AtelierError(
      "forbidden",
      "Without keys this server answers only pages and programs of this machine.",
    )
  }
  return next()
}

/** Gives each request an id, taken over from the caller when it is a sane one. */
export const requestIds: MiddlewareHandler<Env> = async (c, next) => {
  const given = headerOf(c, "x-request-id")
  const id = given && /^[\w-]{8,64}$/.test(given) ? given : randomUUID()
  c.set("requestId", id)
  const { outgoing } = c.env ?? {}
  outgoing?.setHeader("x-request-id", id)
  await next()
  if (!outgoing) c.res.headers.set("x-request-id", id)
}

/**
 * Refuses bodies of more than `most` bytes when they are read, which is after the key was asked for; until then nothing
 * of them is. A length that was declared is believed, for Node reads no further than that, and such a body stays as it
 * is: counting would take Node's stream through the web's.
 */
export function limitBody(most: number): MiddlewareHandler<Env> {
  return (c, next) => {
    if (c.req.method === "GET" || c.req.method === "HEAD") return next()
    const isCounted = headerOf(c, "transfer-encoding") !== undefined
    const declared = isCounted ? undefined : headerOf(c, "content-length")
    if (declared !== undefined && Number(declared) <= most) return next()
    const given = c.req.raw.body
    if (!given) return next()
    const body = limited(given.getReader(), most, declared !== undefined)
    c.req.raw = new Request(c.req.raw, { body, duplex: "half" } as RequestInit)
    return next()
  }
}

/** What `reader` has, up to `most` bytes; nothing of it where it is known to be more. */
function limited(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  most: number,
  isMore: boolean,
): ReadableStream<Uint8Array> {
  let size = 0
  const pull = async (out: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    const { value } = isMore ? {} : await reader.read()
    size += value?.byteLength ?? 0
    if (isMore || size > most) {
      throw new AtelierError("invalid_request", `The body is larger than ${most} bytes.`)
    }
    if (value) out.enqueue(value)
    else out.close()
  }
  return new ReadableStream({ pull }, { highWaterMark: 0 })
}

/** JSON with members in one order, so that a body's hash does not depend on how it was written. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, v: unknown) =>
    v !== null && typeof v === "object" && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  )

/** Deeper than any request of ours; a few thousand levels would exhaust the stack of whatever walks through them. */
const MAX_DEPTH = 64

const isDeeper = (value: unknown, levels: number): boolean =>
  value !== null &&
  typeof value === "object" &&
  (levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1)))

/** More than any request of ours has: a hundred megabytes of empty objects would come to gigabytes. */
const MAX_VALUES = 100_000
/** Texts below this cannot hold enough values to matter. */
const SHORT = 200_000

/** How many values a JSON text has at most, its strings skipped: they may be whole pictures, and are one value each. */
function valuesIn(text: string): number {
  let values = 1
  for (let i = 0; i < text.length; i++) {
    const sign = text.charCodeAt(i)
    if (sign === 0x2c || sign === 0x5b || sign === 0x7b) values++ // , [ {
    if (sign !== 0x22) continue
    for (;;) {
      i = text.indexOf('"', i + 1)
      if (i < 0) return values
      let escapes = 0
      while (text.charCodeAt(i - 1 - escapes) === 0x5c) escapes++
      if (escapes % 2 === 0) break
    }
  }
  return values
}

/** What a caller's JSON text says. Throws `invalid_request`. */
export function parseJson(text: string): unknown {
  if (text.length > SHORT && valuesIn(text) > MAX_VALUES)
    throw new AtelierError("invalid_request", `The body holds more than ${MAX_VALUES} values.`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new AtelierError("invalid_request", "The body is not JSON.")
  }
  if (isDeeper(value, MAX_DEPTH))
    throw new AtelierError("invalid_request", `The body is nested deeper than ${MAX_DEPTH} levels.`)
  return value
}

/** What anybody may send who has not said yet who he is. */
const OPEN_BYTES = 4096

/** Reads the short JSON body of a route that asks for no key. Throws `invalid_request`. */
export async function openBody(c: Call): Promise<unknown> {
  const { body } = c.req.raw
  const isMore = Number(headerOf(c, "content-length") ?? 0) > OPEN_BYTES
  return parseJson(body ? await new Response(limited(body.getReader(), OPEN_BYTES, isMore)).text() : "")
}

/** Reads a JSON body. Throws `invalid_request`. */
export const jsonBody = async (c: Call): Promise<unknown> => parseJson(await c.req.text())
