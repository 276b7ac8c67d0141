// Runware over HTTP: one POST holds an array of tasks, one answer holds all their items.
import type { Hono } from "hono"
import { AtelierError, asAtelierError } from "../../request/index.ts"
import {
  type Call,
  type Callers,
  type Env,
  jsonBody,
  retryAfter,
  secretOf,
  statusOf,
  toldOf,
} from "../http.ts"
import type { Service } from "../service.ts"
import { errorItem, type Item } from "./runware.ts"
import { runTask } from "./runware-tasks.ts"

const MAX_TASKS = 100

/** The first error again under `error`: two of the official clients look only there. */
export const allFailed = (errors: Item[]): object => ({ errors, error: errors[0] })

function failed(c: Call, error: AtelierError, items: Item[]): Response {
  const wait = retryAfter(error)
  return c.json(
    allFailed(items),
    statusOf(error.code) as 400,
    wait === null ? {} : { "retry-after": String(wait) },
  )
}

export function runwareHttp(app: Hono<Env>, s: Service, callers: Callers): void {
  app.post("/v1", async (call) => {
    const c = call as Call
    try {
      const header = secretOf(c.req.header("authorization"))
      // The key may be in the body, but a header that is wrong is refused before the body is read.
      if (header !== null) await callers.key(header)
      const body = await jsonBody(c).catch(async (thrown: unknown) => {
        if (header === null) await callers.key(null)
        throw thrown
      })
      const all = (Array.isArray(body) ? body : [body]) as unknown[]
      const auth = all[0] as { taskType?: unknown; apiKey?: unknown } | null
      const isAuth = auth?.taskType === "authentication"
      const key = await callers.key(isAuth ? String(auth.apiKey) : header)
      const tasks = (isAuth ? all.slice(1) : all) as Record<string, unknown>[]
      if (
        tasks.length === 0 ||
        tasks.length > MAX_TASKS ||
        tasks.some((t) => t === null || typeof t !== "object")
      ) {
        throw new AtelierError("invalid_request", `The body is an array of 1 to ${MAX_TASKS} tasks.`)
      }
      const data: Item[][] = tasks.map(() => [])
      const errors: { item: Item; error: AtelierError }[] = []
      await Promise.all(
        tasks.map((task, i) =>
          runTask(task, {
            s,
            callers,
            key,
            emit: (items) => data[i]!.push(...items),
            signal: c.req.raw.signal,
          }).catch((thrown: unknown) => {
            const error = asAtelierError(thrown)
            errors.push({ item: errorItem(error, task), error })
          }),
        ),
      )
      const items = data.flat()
      if (items.length === 0 && errors.length > 0)
        return failed(
          c,
          errors[0]!.error,
          errors.map((e) => e.item),
        )
      return c.json({ data: items, ...(errors.length ? { errors: errors.map((e) => e.item) } : {}) })
    } catch (thrown) {
      const error = asAtelierError(thrown)
      if (error.code === "internal")
        s.log.error({ requestId: c.get("requestId"), err: thrown }, error.message)
      const told = toldOf(error, c.get("requestId"))
      return failed(c, told, [errorItem(told, {})])
    }
  })
}
