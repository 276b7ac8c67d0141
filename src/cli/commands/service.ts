// atelier keys, webhooks, doctor, mcp: what is done to a service from beside it.
import type { Command } from "commander"
import { AtelierError } from "../../request/errors.ts"
import type { KeyListing } from "../../store/index.ts"
import { type CommonOptions, type Context, run, runUnheeding } from "../context.ts"
import { wholeNumber } from "../whole-number.ts"

interface ServiceFlags extends CommonOptions {
  directory?: string
}
interface KeyFlags extends ServiceFlags {
  concurrency?: string
  backlog?: string
  rate?: string
}

/** Limits that were named; the others keep their defaults. */
function limitsOf({ concurrency, backlog, rate }: KeyFlags): { [limit: string]: number } {
  const numbers = Object.entries({ concurrency, backlog, rate }).map(
    ([name, text]) => [name, wholeNumber(`--${name}`, text, 1, 1_000_000, name)] as const,
  )
  return Object.fromEntries(numbers.filter((entry): entry is [string, number] => entry[1] !== undefined))
}

const at = ({ directory }: ServiceFlags): { directory?: string } =>
  directory === undefined ? {} : { directory }
const server = () => import("../../server/index.ts")

const noneOf = (what: string, list: string): AtelierError =>
  new AtelierError("not_found", `There is no ${what}; \`${list}\` shows those that there are.`)

const sayKey = ({ id, name, concurrency, backlog, rate, createdAt, revokedAt }: KeyListing): string => {
  const limits = `${concurrency} at once, ${backlog} waiting, ${rate} a minute`
  const until = revokedAt ? `, revoked ${revokedAt.toISOString()}` : ""
  return `${id}  ${name}  ${limits}  made ${createdAt.toISOString()}${until}`
}

function command(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option("--directory <folder>", "the service's folder (default ~/.atelier)")
    .option("--json", "print as JSON")
}

export function registerService(program: Command, context: Context): void {
  const keys = program.command("keys").description("who may use the service")
  command(keys, "add", "make a key; its secret is shown once")
    .argument("<name>")
    .option("--concurrency <n>", "jobs at once (default 16)")
    .option("--backlog <n>", "jobs waiting (default 1000)")
    .option("--rate <n>", "submits per minute (default 600)")
    .action((name: string, flags: KeyFlags) =>
      runUnheeding(
        context,
        flags,
        async () => (await server()).keysAdd(at(flags), name, limitsOf(flags)),
        (key) => `${key.secret}\nits id is ${key.id}\nwebhooks are signed with ${key.webhookSecret}`,
      ),
    )
  command(keys, "list", "all keys").action((flags: ServiceFlags) =>
    runUnheeding(
      context,
      flags,
      async () => (await server()).keysList(at(flags)),
      (all) => all.map(sayKey).join("\n") || "There is no key.",
    ),
  )
  command(keys, "revoke", "end a key")
    .argument("<key>", "id or name")
    .action((key: string, flags: ServiceFlags) =>
      runUnheeding(
        context,
        flags,
        async () => {
          const revoked = await (await server()).keysRevoke(at(flags), key)
          if (!revoked) throw noneOf(`key ${key} in force`, "atelier keys list")
          return { revoked }
        },
        () => `${key} is revoked.`,
      ),
    )
  const webhooks = program.command("webhooks").description("events sent to others")
  command(webhooks, "list", "the newest events: what became of them").action((flags: ServiceFlags) =>
    runUnheeding(
      context,
      flags,
      async () => (await server()).webhooksList(at(flags)),
      (all) =>
        all.map((e) => [e.id, e.state, e.attempts, e.last_status ?? "", e.url].join("  ")).join("\n") ||
        "There is no event.",
    ),
  )
  command(webhooks, "replay", "send an event again, or all that were given up")
    .argument("[event]")
    .action((event: string | undefined, flags: ServiceFlags) =>
      runUnheeding(
        context,
        flags,
        async () => {
          const replayed = await (await server()).webhooksReplay(at(flags), event ?? null)
          if (event !== undefined && replayed === 0) throw noneOf(`event ${event}`, "atelier webhooks list")
          return { replayed }
        },
        ({ replayed }) => `${replayed} to be sent again.`,
      ),
    )
  command(program, "doctor", "compare every stored picture with its row")
    .option("--remove", "delete files that no row mentions, once they are an hour old")
    .action((flags: ServiceFlags & { remove?: boolean }) =>
      runUnheeding(
        context,
        flags,
        async () => (await server()).scrubStore(at(flags), flags.remove ?? false),
        (found) =>
          Object.entries(found)
            .map(([what, n]) => `${what}: ${Array.isArray(n) ? n.length : String(n)}`)
            .join("\n"),
      ),
    )
  program
    .command("mcp")
    .description("offer a running service's tools over standard input and output (Model Context Protocol)")
    .option("--url <url>", "the service", "http://127.0.0.1:4700")
    .option("--key <key>", "its key")
    .option("--json", "print as JSON")
    .action((flags: CommonOptions & { url: string; key?: string }) =>
      run(
        { ...context, print: context.tell }, // standard output is the protocol's
        flags,
        async () => {
          await (await import("../../server/mcp.ts")).serveMcpOnStdio({
            baseUrl: flags.url,
            signal: context.signal,
            ...(flags.key && { key: flags.key }),
          })
          return { url: flags.url }
        },
        () => "",
      ),
    )
}
