// The OpenAPI document, made from the routes that are served: it cannot say something else than they do.
import { z } from "zod"
import { VERSION } from "./native/about.ts"
import { ErrorView } from "./native/views.ts"
import type { Route } from "./route.ts"

type Json = Record<string, unknown>

/** A dialect's own operations, written as OpenAPI path items. */
export type Paths = Record<string, Json>

/** Named schemas move to components; `io` says whether defaults may be left out. */
function schemaOf(schema: z.ZodType, io: "input" | "output", components: Json): Json {
  const json = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
  }) as Json
  const { $schema: _, $defs, ...rest } = json
  for (const [name, def] of Object.entries(($defs ?? {}) as Json)) {
    const { $id: _id, id: _own, ...body } = def as Json
    components[name] ??= body
  }
  return fixRefs(rest) as Json
}

const fixRefs = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(fixRefs)
  if (value === null || typeof value !== "object") return value
  return Object.fromEntries(
    Object.entries(value).map(([k, v]) =>
      k === "$ref" && typeof v === "string"
        ? [k, v.replace("#/$defs/", "#/components/schemas/")]
        : [k, fixRefs(v)],
    ),
  )
}

const ANSWERS = { picture: "image/png", events: "text/event-stream", form: "multipart/form-data" } as const

function operation(r: Route, components: Json): Json {
  const params = [...r.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }))
  const query = r.query ? schemaOf(r.query, "input", components) : {}
  for (const [name, schema] of Object.entries((query.properties ?? {}) as Json)) {
    params.push({ name, in: "query", required: false, schema } as never)
  }
  const content =
    typeof r.answer === "string"
      ? { [ANSWERS[r.answer]]: { schema: { type: "string" } } }
      : { "application/json": { schema: schemaOf(r.answer, "output", components) } }
  const error = { $ref: "#/components/responses/Error" }
  return {
    tags: [r.tag],
    summary: r.summary,
    operationId: `${r.method}${r.path.replace(/[^a-zA-Z]+(\w)/g, (_, c: string) => c.toUpperCase()).replace(/\W/g, "")}`,
    ...(params.length ? { parameters: params } : {}),
    ...(r.body
      ? {
          requestBody: {
            required: true,
            content: { "application/json": { schema: schemaOf(r.body, "input", components) } },
          },
        }
      : {}),
    ...(r.open ? { security: [] } : {}),
    responses: { 200: { description: "Done", content }, default: error },
  }
}

/** The whole document for `/openapi.json`. */
export function openapi(routes: readonly Route[], dialects: Paths, base: string): Json {
  const components: Json = {}
  const paths: Record<string, Json> = {}
  for (const r of routes) {
    paths[r.path] ??= {}
    paths[r.path]![r.method] = operation(r, components)
  }
  const error = schemaOf(z.object({ error: ErrorView }), "output", components)
  return {
    openapi: "3.1.0",
    info: {
      title: "Atelier",
      version: VERSION,
      description:
        "Text to image with creativity, weighted references and moodboards. A 2xx means the job is on disk. " +
        "Work may run more than once after a crash; its results appear exactly once.",
    },
    servers: [{ url: base }],
    security: [{ key: [] }],
    paths: { ...paths, ...dialects },
    components: {
      schemas: fixRefs(components),
      responses: {
        Error: { description: "What went wrong", content: { "application/json": { schema: error } } },
      },
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
    },
  }
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!)

/** A readable page of the same, without scripts. */
export function docsPage(routes: readonly Route[]): string {
  const rows = routes.map(
    (r) =>
      `<tr><td><code>${r.method.toUpperCase()}</code></td><td><code>${escaped(r.path)}</code></td><td>${escaped(r.summary)}</td></tr>`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Atelier API</title>
<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:70rem;padding:0 1rem}td{padding:.3rem .6rem;vertical-align:top;border-top:1px solid #8884}code{white-space:nowrap}:root{color-scheme:light dark}</style>
<h1>Atelier API</h1><p>Every field with its limits: <a href="/openapi.json">/openapi.json</a>. Errors are
<code>{"error":{"code","message","field?"}}</code>. Keys: <code>Authorization: Bearer &lt;key&gt;</code>.</p>
<table>${rows.join("\n")}</table></html>`
}
