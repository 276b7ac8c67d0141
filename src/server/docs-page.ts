// The OpenAPI document as a page for people, without scripts: every route with the fields of its request.
type Json = Record<string, unknown>

interface Schema {
  $ref?: string
  type?: string | string[]
  format?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  multipleOf?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  default?: unknown
  description?: string
}

interface Operation {
  tags: string[]
  summary: string
  parameters?: { name: string; in: string; required: boolean; description?: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>
}

/** One line of a table. */
interface Field {
  name: string
  type: string
  range: string
  fallback: string
  about: string
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!)

type Named = Record<string, Schema>

const resolved = (schema: Schema, named: Named): Schema =>
  schema.$ref ? { ...named[schema.$ref.split("/").at(-1)!], ...schema } : schema

/** What is left of `a or null`; null where there are more choices than that. */
const onlyChoice = (schema: Schema): Schema | null => {
  const real = (schema.anyOf ?? []).filter((s) => s.type !== "null")
  return real.length === 1 ? real[0]! : null
}

function typeOf(schema: Schema): string {
  if (schema.$ref) return schema.$ref.split("/").at(-1)!
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(", ")
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ")
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`
  return schema.format ?? [schema.type ?? "anything"].flat().join(" or ")
}

function rangeOf(schema: Schema): string {
  const s = onlyChoice(schema) ?? schema
  const span = (least: number | undefined, most: number | undefined, unit: string): string[] => {
    if (least === undefined && (most === undefined || most === Number.MAX_SAFE_INTEGER)) return []
    const from = least === undefined || least === Number.MIN_SAFE_INTEGER ? "" : `${least}`
    const to = most === undefined || most === Number.MAX_SAFE_INTEGER ? "" : `${most}`
    const words = from && to ? `${from} to ${to}` : from ? `at least ${from}` : to ? `at most ${to}` : ""
    return words ? [`${words}${unit}`] : []
  }
  return [
    ...span(s.minimum, s.maximum, ""),
    ...(s.exclusiveMinimum === undefined ? [] : [`over ${s.exclusiveMinimum}`]),
    ...(s.multipleOf === undefined ? [] : [`multiples of ${s.multipleOf}`]),
    ...span(s.minLength, s.maxLength, " characters"),
    ...span(s.minItems, s.maxItems, " items"),
  ].join(", ")
}

/** The schema's members by dotted path, those of members inside it too: `references[].weight`. */
function fieldsOf(given: Schema, named: Named, prefix = ""): Field[] {
  const schema = resolved(given, named)
  const inside = onlyChoice(schema)
  if (inside) return fieldsOf(inside, named, prefix)
  if (schema.anyOf) return schema.anyOf.flatMap((s) => fieldsOf(s, named, prefix))
  if (schema.items) return fieldsOf(schema.items, named, `${prefix}[]`)
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = prefix ? `${prefix}.${key}` : key
    const isNeeded = schema.required?.includes(key) && value.default === undefined
    const fallback = value.default === undefined ? (isNeeded ? "needed" : "") : JSON.stringify(value.default)
    const about = value.description ?? ""
    const field = { name, type: typeOf(value), range: rangeOf(value), fallback, about }
    // A named schema has a table of its own.
    return [field, ...(value.$ref ? [] : fieldsOf(value, named, name))]
  })
}

function table(fields: Field[]): string {
  if (fields.length === 0) return ""
  const cell = (text: string): string => `<td>${escaped(text)}</td>`
  const rows = fields.map(
    (f) =>
      `<tr><td><code>${escaped(f.name)}</code></td>${[f.type, f.range, f.fallback, f.about].map(cell).join("")}</tr>`,
  )
  const head = "<tr><th>field</th><th>type</th><th>range</th><th>default</th><th>what it is</th></tr>"
  return `<table>${head}${rows.join("\n")}</table>`
}

function operationHtml(paths: string[], method: string, o: Operation, named: Named): string {
  const parameters = (o.parameters ?? [])
    .filter((p) => p.in !== "path")
    .map((p): Field => {
      const about = p.description ?? p.schema.description ?? ""
      const fallback = p.required ? "needed" : ""
      const name = p.in === "query" ? `?${p.name}` : `${p.name}:`
      return { name, type: typeOf(p.schema), range: rangeOf(p.schema), fallback, about }
    })
  const [body] = Object.values(o.requestBody?.content ?? {})
  const fields = [...parameters, ...(body ? fieldsOf(body.schema, named) : [])]
  const answers = Object.entries(o.responses).filter(([status]) => status !== "default")
  const told = answers.map(([status, { content }]) => {
    const [kind, inside] = Object.entries(content ?? {})[0] ?? []
    return `${status} ${kind === "application/json" && inside ? typeOf(inside.schema) : (kind ?? "")}`.trim()
  })
  const heads = paths.map((path) => `<code>${method.toUpperCase()} ${escaped(path)}</code>`).join("<br>")
  const says = told.length > 0 ? ` Answers ${escaped(told.join(", "))}.` : ""
  return `<h3>${heads}</h3><p>${escaped(o.summary)}.${says}</p>${table(fields)}`
}

/** The page at /docs. Routes that are the same under several addresses are told once. */
export function docsPage(document: Json): string {
  const { paths, components } = document as {
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Named }
  }
  const told = new Map<string, { tag: string; method: string; paths: string[]; operation: Operation }>()
  for (const [path, methods] of Object.entries(paths))
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0]!
      const key = `${tag} ${method} ${operation.summary}`
      const earlier = told.get(key)
      if (earlier) earlier.paths.push(path)
      else told.set(key, { tag, method, paths: [path], operation })
    }
  const tags = [...new Set([...told.values()].map((t) => t.tag))]
  const sections = tags.map((tag) => {
    const own = [...told.values()].filter((t) => t.tag === tag)
    const html = own.map((t) => operationHtml(t.paths, t.method, t.operation, components.schemas))
    return `<h2 id="${tag}">${tag}</h2>${html.join("\n")}`
  })
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `<h3 id="${name}">${name}</h3>${table(fieldsOf(schema, components.schemas))}`,
  )
  const links = [...tags, "schemas"].map((tag) => `<a href="#${tag}">${tag}</a>`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Atelier API</title>
<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui;margin:2rem auto;max-width:72rem;padding:0 1rem}
h2{margin:3rem 0 0}h3{margin:2rem 0 0;font-size:1rem}h3+p{margin:.2rem 0 .6rem;color:color-mix(in srgb,currentColor 70%,transparent)}
code{font:600 .87em ui-monospace,monospace}td code{font-weight:400}
table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:600;font-size:.85em}
th,td{padding:.3rem .9rem .3rem 0;vertical-align:top;border-top:1px solid #8883}td:first-child{white-space:nowrap}
td:last-child,th:last-child{width:45%;padding-right:0}</style>
<h1>Atelier API</h1><p>The same for programs: <a href="/openapi.json">/openapi.json</a>. Errors of the native routes are
<code>{"error":{"code","message","field?"}}</code>. Keys: <code>Authorization: Bearer &lt;key&gt;</code>.</p>
<p>${links.join(" · ")}</p>
${sections.join("\n")}<h2 id="schemas">schemas</h2>${schemas.join("\n")}</html>`
}
