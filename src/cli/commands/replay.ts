// atelier replay: a picture made here is made again, bit for bit, from the request inside it.
import { readFile } from "node:fs/promises"
import type { Command } from "commander"
import { readRequest } from "../../image/metadata.ts"
import { AtelierError } from "../../request/errors.ts"
import { type GenerationInput, parseRequest } from "../../request/request.ts"
import { type Context, run } from "../context.ts"
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
        async () => generateFiles(await storedRequest(picture), flags, context),
        sayGenerated,
      )
    })
}

/** The request inside a picture. Throws file_not_found, or image_invalid when it holds none. */
export async function storedRequest(path: string): Promise<GenerationInput> {
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
  return parseRequest(stored)
}
