// The flags of atelier serve, and the options that they stand for.
import type { Command } from "commander"
import { AtelierError } from "../../request/errors.ts"
import type { ServeOptions } from "../../server/index.ts"
import type { CommonOptions } from "../context.ts"
import { wholeNumber } from "../whole-number.ts"

export interface ServeFlags extends CommonOptions {
  host?: string
  port?: string
  directory?: string
  role?: string
  publicUrl?: string
  requireKey?: boolean
  allowPrivateNetwork?: boolean
  name?: string[]
  keep?: string
  queueCap?: string
  trySeconds?: string
  previewEvery?: string
  snapDimensions?: boolean
  strictStrengths?: boolean
  filter?: boolean
  threads?: string
  log?: string
}

const ROLES = ["all", "api", "worker"] as const
const LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"]

const list = (value: string, earlier: string[] = []): string[] => [...earlier, value]

export function withServeOptions(command: Command): Command {
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
    .option("--queue-cap <n>", "unfinished jobs of all keys together (default 10000)")
    .option("--try-seconds <n>", "give up a try that makes no step for so long (default 900)")
    .option("--preview-every <n>", "steps between previews, 0 for none (default 3)")
    .option(
      "--snap-dimensions",
      "Runware's sizes go to the nearest one of the model instead of being refused",
    )
    .option("--strict-strengths", "Krea's strengths are 0 to 1, as its newest schema says")
    .option("--no-filter", "no content filter, for models whose licence allows that")
    .option("--threads <n>", "processor threads")
    .option("--log <level>", "silent, fatal, error, warn, info (every request), debug, trace", "warn")
    .option("--json", "print as JSON")
}

function oneOf<T extends string>(
  flag: string,
  text: T | string | undefined,
  all: readonly T[],
): T | undefined {
  if (text === undefined) return undefined
  const found = all.find((word) => word === text)
  if (found) return found
  throw new AtelierError("invalid_request", `${flag} is ${all.join(", ")}, and ${text} was given.`, {
    field: flag,
  })
}

function publicUrl(text: string | undefined): string | undefined {
  if (text === undefined || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))) return text
  throw new AtelierError(
    "invalid_request",
    `--public-url is an http or https address, and ${text} was given.`,
    {
      field: "--public-url",
    },
  )
}

const nameOf = (pair: string): [string, string] => {
  const [known, installed] = pair.split("=")
  if (known && installed) return [known, installed]
  throw new AtelierError("invalid_request", `--name wants public=installed, and ${pair} was given.`)
}

export const threadsOf = ({ threads }: ServeFlags): number | undefined =>
  wholeNumber("--threads", threads, 1, 1024)

/** Flags that were not given leave their option to its default. Throws `out_of_range` and `invalid_request`. */
export function optionsOf(flags: ServeFlags): ServeOptions {
  const keepHours = wholeNumber("--keep", flags.keep, 1, 87_600)
  const options = {
    names: Object.fromEntries((flags.name ?? []).map(nameOf)),
    host: flags.host,
    port: wholeNumber("--port", flags.port, 0, 65_535),
    directory: flags.directory,
    role: oneOf("--role", flags.role, ROLES),
    publicUrl: publicUrl(flags.publicUrl),
    requireKey: flags.requireKey,
    allowPrivateNetwork: flags.allowPrivateNetwork,
    keepSeconds: keepHours === undefined ? undefined : keepHours * 3600,
    queueCap: wholeNumber("--queue-cap", flags.queueCap, 1, 1_000_000),
    trySeconds: wholeNumber("--try-seconds", flags.trySeconds, 1, 86_400),
    previewEvery: wholeNumber("--preview-every", flags.previewEvery, 0, 100),
    snapDimensions: flags.snapDimensions,
    strictStrengths: flags.strictStrengths,
    filter: flags.filter === false ? ("off" as const) : undefined,
    logLevel: oneOf("--log", flags.log, LEVELS),
  }
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as ServeOptions
}
