// The HTTP application: every door, health, metrics and the page, put together.
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { Hono } from "hono"
import { AtelierError, asAtelierError } from "../request/index.ts"
import { AtelierClient } from "../sdk/index.ts"
import { JOBS } from "../store/index.ts"
import { dialects } from "./dialects/index.ts"
import { docsPage } from "./docs-page.ts"
import {
  type Call,
  Callers,
  type Env,
  headerOf,
  limitBody,
  requestIds,
  retryAfter,
  sameMachine,
  secretOf,
  statusOf,
} from "./http.ts"
import { aboutRoutes } from "./native/about.ts"
import { jobRoutes } from "./native/jobs.ts"
import { assetRoutes, boardRoutes } from "./native/library.ts"
import { fileRoutes, pictureRoutes } from "./native/pictures.ts"
import { queueRoutes } from "./native/queue.ts"
import { secretOfSession, sessionRoutes } from "./native/session.ts"
import { openapi } from "./openapi.ts"
import { mount, type Route } from "./route.ts"
import type { Service } from "./service.ts"
import { studioFile } from "./studio.ts"

/** JSON bodies may hold a 75 MB picture in base64, and a little more. */
const MAX_BODY = 110_000_000

const secretOfCall = (c: Call): string | null => secretOf(headerOf(c, "authorization")) ?? secretOfSession(c)

function onError(thrown: Error, c: Call, s: Service): Response {
  const error = asAtelierError(thrown)
  const status = statusOf(error.code)
  if (status >= 500)
    s.log.error({ requestId: c.get("requestId"), err: thrown, code: error.code }, error.message)
  const wait = retryAfter(error)
  // What went wrong inside is for the log; the caller gets the id under which it stands there.
  const told =
    error.code === "internal"
      ? { code: error.code, message: `Something failed here. Its log entry is ${c.get("requestId")}.` }
      : error.toJSON()
  return c.json({ error: told }, status as 500, wait === null ? {} : { "retry-after": String(wait) })
}

export interface App {
  app: Hono<Env>
  routes: Route[]
  /** For WebSocket dialects. */
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

/** `needsKey` is settled at start: asked for by the operator, or by an address that others can reach. */
export function createApp(s: Service, needsKey: boolean): App {
  const app = new Hono<Env>()
  const callers = new Callers(s, needsKey)
  const routes = [
    ...jobRoutes(s),
    ...queueRoutes(s),
    ...pictureRoutes(s),
    ...fileRoutes(s),
    ...assetRoutes(s),
    ...boardRoutes(s),
    ...aboutRoutes(s, needsKey),
    ...sessionRoutes(callers),
  ]

  app.use(requestIds)
  app.use(async (c, next) => {
    const began = performance.now()
    await next()
    const milliseconds = performance.now() - began
    s.metrics.requests.inc({ status: String(c.res.status) })
    if (c.req.method === "POST" && c.res.status < 300) s.metrics.submit.observe(milliseconds / 1000)
    const { method, path } = c.req
    s.log.info(
      { requestId: c.get("requestId"), method, path, status: c.res.status, milliseconds },
      "answered",
    )
  })
  app.onError((thrown, c) => onError(thrown, c as Call, s))
  if (!needsKey) app.use(sameMachine)
  app.use(limitBody(MAX_BODY))

  app.get("/healthz", (c) => c.text("ok"))
  app.get("/readyz", async (c) => {
    const isReady =
      !s.closing.aborted &&
      (await s.store.db.query("select 1").then(
        () => true,
        () => false,
      ))
    const models = isReady ? (await s.models().catch(() => [])).length : 0
    return c.json({ ready: isReady && models > 0, models }, isReady && models > 0 ? 200 : 503)
  })
  app.get("/metrics", async (c) => {
    if (needsKey) await callers.key(secretOfCall(c))
    const queue = await s.store.db.query<{ state: string; n: number }>(JOBS.stats)
    return c.text(s.metrics.text(queue), 200, { "content-type": "text/plain; version=0.0.4" })
  })

  // A worker node answers for its health and nothing else.
  if (s.options.role === "worker") return { app, routes: [], upgrade: (_request, socket) => socket.destroy() }
  mount(app, routes, callers, secretOfCall)
  const { described, upgrade } = dialects(app, s, callers)
  app.all("/mcp", async (c) => {
    const key = secretOfCall(c)
    await callers.key(key)
    // Through this very app, so that a tool can do what its caller's key may do and nothing more.
    const client = new AtelierClient({
      baseUrl: s.origin,
      ...(key ? { key } : {}),
      fetch: async (input, init) => app.fetch(new Request(input, init)),
    })
    // Loaded at the first question: every start of a server would wait a tenth of a second for the protocol's library.
    const { answerMcp } = await import("./mcp.ts")
    return answerMcp(c.req.raw, client, s.closing)
  })
  const all = [...routes, ...described]
  app.get("/openapi.json", (c) => c.json(openapi(all, s.base)))
  app.get("/docs", (c) => c.html(docsPage(openapi(all, s.base))))
  app.notFound(async (c) => {
    const page = c.req.method === "GET" ? await studioFile(s.options.studioDirectory, c.req.path) : null
    if (page) return page
    throw new AtelierError("not_found", `There is nothing at ${c.req.method} ${c.req.path}.`)
  })
  return { app, routes, upgrade }
}
