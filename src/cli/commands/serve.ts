// atelier serve: the engine as a service, until it is told to stop. atelier studio: the same, and its page opened.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Command } from "commander"
import { createEngine } from "../../controls/engine.ts"
import { decodeDataUri } from "../../image/source.ts"
import { type Context, run } from "../context.ts"
import { optionsOf, type ServeFlags, threadsOf, withServeOptions } from "./serve-options.ts"

/** Serves until the command is stopped; running jobs are handed back to the queue. */
async function serveUntilStopped(
  flags: ServeFlags,
  context: Context,
  open: boolean,
): Promise<{ url: string }> {
  const options = optionsOf(flags)
  const threads = threadsOf(flags)
  // The service has a database and much else to load; commands that make one picture should not wait for it.
  const { serve } = await import("../../server/index.ts")
  const engine =
    options.role === "api"
      ? null
      : createEngine({
          // Stored jobs hold their pictures inside; a request from outside must never name a file or an address here.
          readImage: async (source, field) => decodeDataUri(source, field),
          log: context.tell,
          ...(threads !== undefined && { threads }),
        })
  const page = options.role === "worker" ? {} : { studioDirectory: await studioFolder(context) }
  const running = await serve({ ...options, ...page }, engine)
  context.tell(`Atelier is at ${running.url}; stop it with Ctrl-C.`)
  if (open) openBrowser(running.url)
  await new Promise<void>((resolve) => {
    if (context.signal.aborted) resolve()
    context.signal.addEventListener("abort", () => resolve(), { once: true })
  })
  await running.close()
  await engine?.close()
  return { url: running.url }
}

/**
 * The folder of the built page. A package brings it; a checkout builds it when its sources have changed, and goes
 * without (the API serves on) where the build's packages are not installed.
 */
async function studioFolder(context: Context): Promise<string> {
  const root = new URL("../../../studio/", import.meta.url)
  const builder = new URL("build.ts", root)
  if (existsSync(builder)) {
    try {
      const { buildStudio } = (await import(builder.href)) as { buildStudio: () => Promise<string> }
      return await buildStudio()
    } catch (thrown) {
      context.tell(
        `The studio page could not be built: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      )
    }
  }
  return fileURLToPath(new URL("dist", root))
}

/** Asks the desktop to show an address; where there is none, the printed address serves. */
function openBrowser(url: string): void {
  const [command, ...words] =
    process.platform === "darwin"
      ? ["open"]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", ""]
        : ["xdg-open"]
  const child = spawn(command!, [...words, url], { stdio: "ignore", detached: true })
  child.on("error", () => {})
  child.unref()
}

export function registerServe(program: Command, context: Context): void {
  for (const [name, description, open] of [
    ["serve", "serve the API and the studio page", false],
    ["studio", "serve, and open the studio page", true],
  ] as const)
    withServeOptions(program.command(name).description(description)).action((flags: ServeFlags) =>
      run(
        context,
        flags,
        () => serveUntilStopped(flags, context, open),
        () => "Stopped.",
      ),
    )
}
