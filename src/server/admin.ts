// What the operator does from the command line: keys and webhooks. Works beside a running server, by asking it,
// and without one, by opening the store.
import type { RequestListener } from "node:http"
import { type Jobs, Jobs as JobsClass, purge, replayWebhooks, type Scrub, scrub } from "../jobs/index.ts"
import { AtelierError, asAtelierError } from "../request/index.ts"
import {
  addKey,
  type BlobStore,
  type KeyLimits,
  type KeyListing,
  listKeys,
  openStore,
  revokeKey,
  WEBHOOKS,
} from "../store/index.ts"
import { answerBusy, askHolder, lockDirectory } from "./lock.ts"
import { fillOptions, type ServeOptions } from "./options.ts"

interface Commands {
  "keys-add": {
    asked: { name: string; limits?: Partial<KeyLimits> }
    result: { id: string; secret: string; webhookSecret: string }
  }
  "keys-list": { asked: object; result: KeyListing[] }
  "keys-revoke": { asked: { key: string }; result: boolean }
  "webhooks-list": { asked: object; result: WebhookListing[] }
  "webhooks-replay": { asked: { event: string | null }; result: number }
  scrub: { asked: { remove: boolean }; result: Scrub }
}

/** One stored event; times are ISO strings when a running server answered. */
export interface WebhookListing {
  id: string
  job_id: string
  url: string
  envelope: string
  state: "pending" | "delivered" | "given-up"
  attempts: number
  last_status: number | null
  last_error: string | null
}
const LISTED = 1000
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Runs one command on an open store. */
async function run(command: string, asked: unknown, jobs: Jobs, blobs: BlobStore): Promise<unknown> {
  const now = jobs.clock()
  switch (command as keyof Commands) {
    case "keys-add": {
      const { name, limits } = asked as Commands["keys-add"]["asked"]
      if (!/^[\w .@-]{1,60}$/.test(name)) {
        throw new AtelierError("invalid_request", "A key's name has 1 to 60 letters, digits, spaces or ._@-.")
      }
      if (name === "local") {
        throw new AtelierError("conflict", "local is the service's own key; choose another name.")
      }
      const isTaken = ({ id, name: own, revokedAt }: KeyListing) => !revokedAt && [id, own].includes(name)
      if ((await listKeys(jobs.db)).some(isTaken)) {
        const revoke = `end that one first with \`atelier keys revoke ${name}\``
        throw new AtelierError("conflict", `A key ${name} is in force; choose another name, or ${revoke}.`)
      }
      return addKey(jobs.db, name, limits ?? {}, now)
    }
    case "keys-list":
      return listKeys(jobs.db)
    case "keys-revoke":
      return revokeKey(jobs.db, (asked as Commands["keys-revoke"]["asked"]).key, now)
    case "webhooks-list":
      return jobs.db.query<WebhookListing>(WEBHOOKS.list, [null, LISTED])
    case "webhooks-replay": {
      const { event } = asked as Commands["webhooks-replay"]["asked"]
      return event === null || UUID.test(event) ? replayWebhooks(jobs, event) : 0
    }
    case "scrub":
      await purge(jobs, blobs)
      return scrub(jobs, blobs, (asked as Commands["scrub"]["asked"]).remove)
    default:
      throw new AtelierError("not_found", `There is no command ${command}.`)
  }
}

/** Answers other processes of the same user over the folder's socket. */
export const adminListener =
  (jobs: Jobs, blobs: BlobStore): RequestListener =>
  (request, response) => {
    const parts: Buffer[] = []
    request.on("data", (part: Buffer) => parts.push(part))
    request.on("end", () => {
      const answer = async (): Promise<unknown> =>
        run((request.url ?? "/").slice(1), JSON.parse(Buffer.concat(parts).toString() || "{}"), jobs, blobs)
      answer().then(
        (result) => response.end(JSON.stringify({ result })),
        (thrown: unknown) => {
          response.statusCode = 400
          response.end(JSON.stringify({ error: asAtelierError(thrown) }))
        },
      )
    })
  }

async function ask<C extends keyof Commands>(
  options: ServeOptions,
  command: C,
  asked: Commands[C]["asked"],
): Promise<Commands[C]["result"]> {
  const full = fillOptions(options)
  let lock: Awaited<ReturnType<typeof lockDirectory>> | null = null
  while (!full.databaseUrl && !lock) {
    const told = await askHolder(full.directory, command, asked)
    if (told !== null) return told as Commands[C]["result"]
    lock = await lockDirectory(full.directory, answerBusy).catch((thrown: unknown) => {
      // Another was quicker; now it can be asked.
      if (thrown instanceof AtelierError && thrown.code === "conflict") return null
      throw thrown
    })
  }
  const store = await openStore(full)
  try {
    return (await run(command, asked, new JobsClass({ db: store.db }), store.blobs)) as Commands[C]["result"]
  } finally {
    await store.close()
    await lock?.release()
  }
}

/** `atelier keys add <name>`. The secret in the answer is its only copy. Throws `conflict` while a key of that name is in force. */
export const keysAdd = (options: ServeOptions, name: string, limits?: Partial<KeyLimits>) =>
  ask(options, "keys-add", { name, ...(limits ? { limits } : {}) })
/** `atelier keys list`. */
export const keysList = async (options: ServeOptions): Promise<KeyListing[]> =>
  // A running server's answer has dates as strings.
  (await ask(options, "keys-list", {})).map(({ createdAt, revokedAt, ...key }) => ({
    ...key,
    createdAt: new Date(createdAt),
    revokedAt: revokedAt && new Date(revokedAt),
  }))
/** `atelier keys revoke <id or name>`; false when there was none. A running server obeys within two seconds. */
export const keysRevoke = (options: ServeOptions, key: string) => ask(options, "keys-revoke", { key })
/** `atelier webhooks list`: the newest events of all keys. */
export const webhooksList = (options: ServeOptions) => ask(options, "webhooks-list", {})
/** `atelier webhooks replay [event]`: that event, or all that were given up; returns their number. */
export const webhooksReplay = (options: ServeOptions, event: string | null = null) =>
  ask(options, "webhooks-replay", { event })
/** `atelier doctor`: compares every stored picture with its row; `remove` deletes what no row mentions. */
export const scrubStore = (options: ServeOptions, remove = false) => ask(options, "scrub", { remove })
