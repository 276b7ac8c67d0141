// atelier serve: the engine as a service, until it is told to stop. atelier studio: the same, and its page opened.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Command } from "commander"
import { createEngine } from "../../controls/engine.ts"
import { decodeDataUri } from "../../image/source.ts"
import { AtelierError } from "../../request/errors.ts"
import type { ServeOptions } from "../../server/index.ts"
import { type CommonOptions, type Context, run } from "../context.ts"

interface ServeFlags extends CommonOptions {
  host?: string
  port?: string
  directory?: string
  role?: "all" | "api" | "worker"
  publicUrl?: string
  requireKey?: boolean
  allowPrivateNetwork?: boolean
  name?: string[]
  keep?: string
  filter?: boolean
  threads?: string
  log?: string
}

const list = (value: string, earlier: string[] = []): string[] => [...earlier, value]

function wholeNumber(text: string | undefined, flag: string, most: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value <= most) return value
  throw new AtelierError(
    "out_of_range",
    `${flag} is a whole number from 0 to ${most}, and ${text} was given.`,
    {
      field: flag,
    },
  )
}

function optionsOf(flags: ServeFlags): ServeOptions {
  const names = Object.fromEntries(
    (flags.name ?? []).map((pair) => {
      const [known, installed] = pair.split("=")
      if (known && installed) return [known, installed]
      throw new AtelierError("invalid_request", `--name wants public=installed, and ${pair} was given.`)
    }),
  )
  const role = flags.role
  if (role !== undefined && !["all", "api", "worker"].includes(role))
    throw new AtelierError("invalid_request", `--role is all, api or worker, and ${String(role)} was given.`)
  const port = wholeNumber(flags.port, "--port", 65_535)
  const keepHours = wholeNumber(flags.keep, "--keep", 1_000_000)
  return {
    names,
    ...(flags.host !== undefined && { host: flags.host }),
    ...(port !== undefined && { port }),
    ...(flags.directory !== undefined && { directory: flags.directory }),
    ...(role !== undefined && { role }),
    ...(flags.publicUrl !== undefined && { publicUrl: flags.publicUrl }),
    ...(flags.requireKey && { requireKey: true }),
    ...(flags.allowPrivateNetwork && { allowPrivateNetwork: true }),
    ...(keepHours !== undefined && { keepSeconds: keepHours * 3600 }),
    ...(flags.filter === false && { filter: "off" as const }),
    logLevel: flags.log ?? "warn",
  }
}

/** Serves until the command is stopped; running jobs are handed back to the queue. */
async function serveUntilStopped(
  flags: ServeFlags,
  context: Context,
  open: boolean,
): Promise<{ url: string }> {
  const options = optionsOf(flags)
  // The service has a database and much else to load; commands that make one picture should not wait for it.
  const { serve } = await import("../../server/index.ts")
  const threads = wholeNumber(flags.threads, "--threads", 1024)
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

function withOptions(command: Command): Command {
  return command
    .option("--host <address>", "where to listen; beyond this machine a key is needed (default 127.0.0.1)")
    .option("-p, --port <n>", "port, 0 for a free one (default 4700)")
    .option("--directory <folder>", "where jobs and pictures are kept (default ~/.atelier)")
    .option("--role <role>", "all, or api and worker apart with DATABASE_URL")
    .option("--public-url <url>", "how clients reach this server")
    .option("--require-key", "ask for a key on this machine too")
    .option("--allow-private-network", "let remote pictures and webhooks point into private networks")
    .option("--name <public=installed>", "a public model name for an installed model; repeatable", list)
    .option("--keep <hours>", "hours that finished pictures are kept; for good unless given")
    .option("--no-filter", "no content filter, for models whose licence allows that")
    .option("--threads <n>", "processor threads")
    .option("--log <level>", "fatal, error, warn, info, debug (default warn)")
    .option("--json", "print as JSON")
}

export function registerServe(program: Command, context: Context): void {
  for (const [name, description, open] of [
    ["serve", "serve the API and the studio page", false],
    ["studio", "serve, and open the studio page", true],
  ] as const)
    withOptions(program.command(name).description(description)).action((flags: ServeFlags) =>
      run(
        context,
        flags,
        () => serveUntilStopped(flags, context, open),
        () => "Stopped.",
      ),
    )
}
