// One declaration per native route: from it come the check of what arrives, the handler and what the documents say.
import type { Hono } from "hono"
import { z } from "zod"
import { AtelierError } from "../request/index.ts"
import type { Key } from "../store/index.ts"
import { type Call, type Callers, type Env, jsonBody, openBody } from "./http.ts"

/** What the documents say of a route, a native one or a dialect's. */
export interface Described {
  method: "get" | "post" | "patch" | "put" | "delete"
  /** `{id}` is the only kind of parameter. */
  path: string
  summary: string
  tag: string
  query?: z.ZodType
  body?: z.ZodType
  /** The member of a multipart form that holds a file; a native route takes the bytes alone too. */
  upload?: string
  /** Request headers that mean something here, and what. */
  headers?: Record<string, string>
  /** Schema of the JSON answer, or the kind of any other; absent where a dialect's answers are not described. */
  answer?: z.ZodType | "picture" | "events"
  /** Of answers that are no errors; 200 unless given. */
  status?: number | readonly number[]
  /** Known to whoever knows the address. */
  open?: boolean
  /** A dialect's: its errors are told in that service's words. */
  isForeign?: boolean
}

/** What a handler gets: checked input and who asks. */
export interface Asked<Query, Body> {
  c: Call
  key: Key
  /** Asks for the key once more: an answer that goes on for long outlives it otherwise. Throws `unauthorized`. */
  askAgain: () => Promise<Key>
  id: string
  query: Query
  body: Body
}

export interface Route extends Described {
  answer: z.ZodType | "picture" | "events"
  status?: 200 | 201
  /** Costs one of the key's submits. */
  counts?: boolean
  run: (asked: Asked<unknown, unknown>) => Promise<Response | object>
}

/** Types a route's handler by its schemas. */
export function route<Q extends z.ZodType, B extends z.ZodType>(
  declared: Omit<Route, "query" | "body" | "run"> & {
    query?: Q
    body?: B
    run: (asked: Asked<z.output<Q>, z.output<B>>) => Promise<Response | object>
  },
): Route {
  return declared as unknown as Route
}

/** Checks with a schema and throws the first issue as `invalid_request` with its field. */
export function check<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const field = issue.path.join(".")
  throw new AtelierError("invalid_request", `${field || "body"}: ${issue.message}.`, { field })
}

/** Adds the routes to an app. The key is asked for before anything is read or checked. */
export function mount(
  app: Hono<Env>,
  routes: readonly Route[],
  callers: Callers,
  secret: (c: Call) => string | null,
): void {
  for (const r of routes) {
    app.on(r.method.toUpperCase(), r.path.replace(/\{(\w+)\}/g, ":$1"), async (c) => {
      const given = r.open ? null : secret(c)
      const askAgain = (): Promise<Key> => callers.key(given)
      const key = r.open ? (undefined as unknown as Key) : await askAgain()
      if (r.counts) callers.take(key)
      const query = r.query ? check(r.query, c.req.query()) : {}
      const body = r.body ? check(r.body, await (r.open ? openBody(c) : jsonBody(c))) : undefined
      const answer = await r.run({ c, key, askAgain, id: c.req.param("id") ?? "", query, body })
      return answer instanceof Response ? answer : c.json(answer, r.status)
    })
  }
}

/** `true`, `false` and their absence in a query string. */
export const flag = z.enum(["true", "false"]).transform((v) => v === "true")
export const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d{1,9}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    // As the documents tell it: a query string holds texts, but what is meant is a number.
    .meta({ type: "integer", pattern: undefined, minimum: min, maximum: max })
export const time = z.iso.datetime({ offset: true }).transform((v) => new Date(v))
