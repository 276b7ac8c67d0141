// A request as it would be written elsewhere: curl, TypeScript, command line. Only what differs from the defaults.
import type { Board, Submit } from "../api/types.ts"

const DEFAULTS: Record<string, unknown> = {
  negativePrompt: "",
  creativity: 50,
  count: 1,
  intensity: 0,
  complexity: 0,
  movement: 0,
  priority: 0,
}

/** The request without what would be filled in anyway. */
export const short = (request: Submit): Partial<Submit> =>
  Object.fromEntries(
    Object.entries(request).filter(
      ([key, value]) =>
        value !== null &&
        value !== undefined &&
        DEFAULTS[key] !== value &&
        !(Array.isArray(value) && value.length === 0) &&
        !(key === "output" && JSON.stringify(value) === '{"format":"png","quality":95}'),
    ),
  ) as Partial<Submit>

/** For a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

export const curlOf = (request: Submit, origin = location.origin): string =>
  `curl -s ${quoted(`${origin}/api/jobs?wait=120`)} \\\n  -H 'content-type: application/json' \\\n  -d ${quoted(JSON.stringify(short(request)))}`

export const typescriptOf = (request: Submit, origin = location.origin): string =>
  `import { AtelierClient } from "atelier"

const atelier = new AtelierClient({ baseUrl: ${JSON.stringify(origin)} })
const job = await atelier.generate(${JSON.stringify(short(request), null, 2)})
console.log(job.pictures.map((picture) => picture.url))`

/** The command line works without the server: pictures by their addresses, a moodboard brought over before. */
export function commandOf(request: Submit, boards: readonly Board[], origin = location.origin): string {
  const r = short(request)
  let isFetched = false
  const address = (image: string): string => {
    if (!/^[0-9a-f-]{36}$/.test(image)) return image
    isFetched = true
    return `${origin}/files/assets/${image}`
  }
  const board = boards.find((b) => b.id === r.board?.id)
  const before = board
    ? `curl -s ${quoted(`${origin}/api/boards/${board.id}/export`)} -o board.json && npx atelier board import board.json\n`
    : ""
  // A prompt that begins like an option has to say that it is none.
  const isLast = r.prompt?.startsWith("-") ?? false
  const words = ["npx atelier generate", ...(isLast ? [] : [quoted(r.prompt ?? "")])]
  const add = (name: string, value: unknown): void => {
    if (value !== undefined && value !== null) words.push(`--${name} ${value}`)
  }
  if (r.alternatives) words.push("--alternatives")
  add("model", r.model === "medium" ? undefined : r.model)
  add("size", r.width && r.height ? `${r.width}x${r.height}` : undefined)
  add("creativity", r.creativity)
  add("seed", r.seed)
  for (const { seed, strength } of r.variationOf ?? []) add("variation-of", `${seed}:${strength ?? 0.3}`)
  add("count", r.count)
  add("negative", r.negativePrompt && quoted(r.negativePrompt))
  for (const reference of r.references ?? [])
    add("reference", quoted(`${address(reference.image)}:${reference.weight ?? 0.6}`))
  if (r.board) add("board", quoted(`${board?.name ?? r.board.id}:${r.board.strength ?? 0.35}`))
  if (r.start) {
    add("image", quoted(address(r.start.image)))
    add("mask", r.start.mask && quoted(address(r.start.mask)))
    add("strength", r.start.strength)
  }
  for (const name of ["intensity", "complexity", "movement", "steps", "guidance", "candidates"] as const)
    add(name, r[name])
  for (const { name, weight } of r.loras ?? []) add("lora", quoted(`${name}:${weight ?? 1}`))
  add("format", r.output?.format)
  add("quality", r.output?.quality)
  // This server is a private address, as a rule, which pictures are not fetched from unasked.
  if (isFetched) words.push("--allow-private-network")
  if (isLast) words.push("--", quoted(r.prompt!))
  return before + words.join(" ")
}
