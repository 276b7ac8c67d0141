// The pictures under judgement: generated once per request and kept on disk, so that a judge run can be resumed.
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import type { IdeaList } from "../../controls/creativity/ideas.ts"
import { expandPrompt } from "../../controls/creativity/index.ts"
import type { Engine } from "../../request/engine.ts"
import {
  CREATIVITY,
  type GenerationInput,
  type GenerationRequest,
  parseRequest,
} from "../../request/request.ts"
import { type Bitmap, decodeBitmap, encodePng } from "./pixels.ts"

/** Longer side of kept pictures: enough for every measure and network that looks at them. */
export const KEPT_SIDE = 256

/**
 * Names and sizes and times of a model's files but its card, those that its manifest names elsewhere among them: another
 * model under the same name has another fingerprint.
 */
export async function fingerprint(folder: string): Promise<string> {
  const hash = createHash("sha256")
  const within = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((e) => e.isFile() && !e.name.endsWith(".md"))
    .map((e) => join(e.parentPath, e.name))
  const manifest = JSON.parse(await readFile(join(folder, "model.json"), "utf8")) as { files: object }
  const named = Object.values(manifest.files)
    .flat()
    .map((file) => join(folder, String(file)))
  for (const name of [...new Set([...within, ...named])].sort()) {
    const { size, mtimeMs } = await stat(name)
    hash.update(`${name} ${size} ${mtimeMs}\n`)
  }
  return hash.digest("hex").slice(0, 16)
}

/** A file of a cache: complete or absent, whenever the process ends. */
function keep(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.${process.pid}.part`, bytes)
  renameSync(`${path}.${process.pid}.part`, path)
}

export interface Studio {
  /** The picture of a request, from the cache or the engine. */
  picture: (input: GenerationInput) => Promise<Bitmap>
  /** Requests answered by the engine so far, and its seconds. */
  made: () => { count: number; seconds: number }
}

/**
 * One picture per request; `identity` tells models apart whose requests look the same. Prompts are expanded here, by
 * `ideas`, so that kept pictures of another list of ideas are not taken for this one's.
 */
export function openStudio(
  engine: Pick<Engine, "generate">,
  identity: string,
  folder: string,
  ideas: IdeaList,
): Studio {
  mkdirSync(folder, { recursive: true })
  const made = { count: 0, seconds: 0 }
  return {
    made: () => ({ ...made }),
    picture: async (input) => {
      const asked = parseRequest({ ...input, count: 1 })
      const { prompt } = expandPrompt({ ...asked, seed: asked.seed ?? 0 }, ideas)
      const request: GenerationRequest = { ...asked, prompt, creativity: CREATIVITY.raw }
      const key = createHash("sha256")
        .update(JSON.stringify([identity, request]))
        .digest("hex")
        .slice(0, 32)
      const path = join(folder, `${key}.png`)
      if (existsSync(path)) return await decodeBitmap(readFileSync(path))
      const began = performance.now()
      const { pictures } = await engine.generate(request)
      made.count++
      made.seconds += (performance.now() - began) / 1000
      const small = await decodeBitmap(pictures[0]!.bytes, KEPT_SIDE)
      keep(path, await encodePng(small))
      return small
    },
  }
}

/** Any other picture that is worth keeping, by name. */
export async function kept(path: string, make: () => Promise<Bitmap>): Promise<Bitmap> {
  if (existsSync(path)) return await decodeBitmap(readFileSync(path))
  const picture = await make()
  mkdirSync(join(path, ".."), { recursive: true })
  keep(path, await encodePng(picture))
  return picture
}
