// atelier replay: a picture made here is made again, pixel for pixel, from the request inside it.
import { readFile } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import type { Command } from "commander"
import { readExpandedPrompt, readRequest } from "../../image/metadata.ts"
import { AtelierError } from "../../request/errors.ts"
import { type GenerationRequest, parseRequest } from "../../request/request.ts"
import { type Context, run } from "../context.ts"
import { wholeFrom } from "../request.ts"
import { generateFiles, type RunFlags, sayGenerated } from "./generate.ts"

export function registerReplay(program: Command, context: Context): void {
  program
    .command("replay")
    .description("make a picture again from the request stored inside it")
    .argument("<picture>", "a picture made by atelier")
    .option("-o, --out <path>", "file or folder to write to")
    .option("-d, --device <device>", "device", "auto")
    .option("--threads <n>", "processor threads")
    .option("--allow-private-network", "let picture addresses point into private networks")
    .option("--json", "print the result as JSON")
    .action(async (picture: string, flags: RunFlags) => {
      await run(
        context,
        flags,
        async () => {
          const { request, read } = await storedRequest(picture)
          // As it was read then: an endpoint, or a later expander, may write another prompt today.
          return await generateFiles(request, flags, context, async () => ({ prompt: read }))
        },
        sayGenerated,
      )
    })
}

/**
 * The request inside a picture, and the prompt that the model read. Throws file_not_found, or image_invalid when it
 * holds none.
 */
async function storedRequest(path: string): Promise<{ request: GenerationRequest; read: string }> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw new AtelierError("file_not_found", `The picture ${path} cannot be opened; check the path.`, {
      cause,
    })
  }
  const stored = await readRequest(bytes).catch(() => undefined)
  if (stored === undefined)
    throw new AtelierError(
      "image_invalid",
      `The picture ${path} holds no request; only pictures made by atelier, with their metadata kept, can be replayed.`,
    )
  const request = wholeFrom(dirname(resolve(path)), parseRequest(stored))
  return { request, read: (await readExpandedPrompt(bytes)) ?? request.prompt }
}
