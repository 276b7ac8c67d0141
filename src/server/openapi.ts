// The OpenAPI document, made from the routes that are served and the schemas that they check with.
import { z } from "zod"
import { VERSION } from "./native/about.ts"
import { ErrorView } from "./native/views.ts"
import type { Described } from "./route.ts"

type Json = Record<string, unknown>

/** Named schemas move to components; `io` says whether defaults may be left out. */
function schemaOf(schema: z.ZodType, io: "input" | "output", components: Json): Json {
  const json = z.toJSONSchema(schema, { io, target: "draft-2020-12", unrepresentable: "any" }) as Json
  const { $schema: _, $defs, ...rest } = json
  const keep = (name: string, { $id: _id, id: _own, ...body }: Json): void => {
    components[name] ??= body
  }
  for (const [name, def] of Object.entries(($defs ?? {}) as Json)) keep(name, def as Json)
  if (typeof rest.id !== "string") return fixRefs(rest) as Json
  keep(rest.id, rest)
  return { $ref: `#/components/schemas/${rest.id}` }
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

const ANSWERS = { picture: "image/png", events: "text/event-stream" } as const
const BYTES = { type: "string", format: "binary" }

interface Parameter {
  name: string
  in: "path" | "query" | "header"
  required: boolean
  description?: string
  schema: unknown
}

function parametersOf(r: Described, components: Json): Parameter[] {
  const path = [...r.path.matchAll(/\{(\w+)\}/g)].map(
    ([, name]): Parameter => ({ name: name!, in: "path", required: true, schema: { type: "string" } }),
  )
  const { properties = {}, required = [] } = r.query ? schemaOf(r.query, "input", components) : {}
  const query = Object.entries(properties as Json).map(
    ([name, schema]): Parameter => ({
      name,
      in: "query",
      required: (required as string[]).includes(name),
      schema,
    }),
  )
  const header = Object.entries(r.headers ?? {}).map(
    ([name, description]): Parameter => ({
      name,
      in: "header",
      required: false,
      description,
      schema: { type: "string" },
    }),
  )
  return [...path, ...query, ...header]
}

/** JSON; with a file a form, which holds the JSON's members beside it, or the bytes alone where that is all. */
function contentOf(r: Described, components: Json): Json | null {
  const body = r.body ? schemaOf(r.body, "input", components) : null
  if (r.upload === undefined) return body && { "application/json": { schema: body } }
  const { properties = {}, required = [] } = body ?? {}
  const schema = {
    type: "object",
    properties: { [r.upload]: BYTES, ...(properties as Json) },
    required: [r.upload, ...(required as string[])],
  }
  return {
    "multipart/form-data": { schema },
    ...(body ? {} : { "image/*": { schema: BYTES } }),
  }
}

function operation(r: Described, components: Json): Json {
  const parameters = parametersOf(r, components)
  const content = contentOf(r, components)
  const answer =
    r.answer === undefined
      ? {}
      : typeof r.answer === "string"
        ? { content: { [ANSWERS[r.answer]]: { schema: { type: "string" } } } }
        : { content: { "application/json": { schema: schemaOf(r.answer, "output", components) } } }
  const statuses = typeof r.status === "number" ? [r.status] : (r.status ?? [200])
  return {
    tags: [r.tag],
    summary: r.summary,
    operationId: `${r.method}${r.path.replace(/[^a-zA-Z]+(\w)/g, (_, c: string) => c.toUpperCase()).replace(/\W/g, "")}`,
    ...(parameters.length ? { parameters } : {}),
    ...(content ? { requestBody: { required: true, content } } : {}),
    ...(r.open ? { security: [] } : {}),
    responses: {
      ...Object.fromEntries(statuses.map((status) => [status, { description: "Done", ...answer }])),
      default: r.isForeign
        ? { description: "What went wrong, in this service's own words" }
        : { $ref: "#/components/responses/Error" },
    },
  }
}

/** The whole document for `/openapi.json`. */
export function openapi(routes: readonly Described[], base: string): Json {
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
    paths,
    components: {
      schemas: fixRefs(components),
      responses: {
        Error: { description: "What went wrong", content: { "application/json": { schema: error } } },
      },
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
    },
  }
}
