// Native routes about the server itself: what it can do, which models it has, who asks.
import { totalmem } from "node:os"
import { z } from "zod"
import { ASPECTS, CREATIVITY, LIMITS, SIZES } from "../../request/index.ts"
import { version } from "../../version.ts"
import { type Route, route } from "../route.ts"
import type { Service } from "../service.ts"
import { ModelView, modelView } from "./views.ts"

export const CapabilitiesView = z
  .object({
    version: z.string(),
    models: z.array(ModelView),
    aspects: z.array(z.object({ name: z.string(), width: z.number(), height: z.number() })),
    creativity: z.record(z.string(), z.number()),
    limits: z.record(z.string(), z.unknown()),
    formats: z.array(z.string()),
    dialects: z.array(z.string()),
    filter: z.boolean(),
    keyNeeded: z.boolean(),
  })
  .meta({ id: "Capabilities" })

export const MemoryView = z
  .object({
    used: z.number().int().describe("Bytes of memory that this server holds, its models among them"),
    total: z.number().int().describe("Bytes that it may hold: the machine's, or the container's limit"),
  })
  .meta({ id: "Memory" })

/** A container's limit where there is one; without one Node answers 0 or more than the machine has. */
function memoryLimit(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

export { version as VERSION } from "../../version.ts"

export function aboutRoutes(s: Service, keyNeeded: boolean): Route[] {
  const capabilities = (path: string): Route =>
    route({
      method: "get",
      path,
      tag: "about",
      summary: "What this server can do: models, limits, shapes. Forms show only this",
      answer: CapabilitiesView,
      run: async () => ({
        version,
        models: (await s.models()).map(modelView),
        aspects: ASPECTS.map((name) => ({ name, width: SIZES[name][0], height: SIZES[name][1] })),
        creativity: { ...CREATIVITY },
        limits: { ...LIMITS },
        formats: ["png", "jpg", "webp"],
        dialects: ["native", "krea", "runware", "openai", "fal", "replicate", "comfy"],
        filter: s.options.filter !== "off",
        keyNeeded,
      }),
    })
  return [
    capabilities("/capabilities"),
    capabilities("/api/capabilities"),
    route({
      method: "get",
      path: "/api/models",
      tag: "about",
      summary: "Installed models",
      answer: z.object({ items: z.array(ModelView) }),
      run: async () => ({ items: (await s.models()).map(modelView) }),
    }),
    route({
      method: "get",
      path: "/api/memory",
      tag: "about",
      summary: "Memory in use by this server process; workers of other processes count their own",
      answer: MemoryView,
      run: async () => ({ used: process.memoryUsage.rss(), total: memoryLimit() }),
    }),
    route({
      method: "get",
      path: "/api/me",
      tag: "about",
      summary: "Whose key this is, its limits, and the secret that signs its webhooks",
      answer: z.object({
        id: z.string(),
        name: z.string(),
        concurrency: z.number(),
        backlog: z.number(),
        rate: z.number(),
        webhookSecret: z.string(),
      }),
      run: async ({ key }) => ({ ...key }),
    }),
  ]
}
