// The dialects that are served.
import type { Hono } from "hono"
import type { Callers, Env } from "../http.ts"
import type { Paths } from "../openapi.ts"
import type { Service } from "../service.ts"

/** Adds every dialect's routes; returns those that the OpenAPI document lists. */
export function dialects(_app: Hono<Env>, _s: Service, _callers: Callers): Paths {
  return {}
}
