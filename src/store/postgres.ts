// PostgreSQL elsewhere behind the database port: a pool for statements, one connection for LISTEN.
import { setTimeout as after } from "node:timers/promises"
import pg from "pg"
import { AtelierError } from "../request/index.ts"
import { asAway, asCallersMistake, type Database, type Queryable } from "./database.ts"

const names = new Map<string, string>()
function nameOf(sql: string): string {
  const name = names.get(sql) ?? `s${names.size}`
  names.set(sql, name)
  return name
}

const queryable = (client: pg.Pool | pg.PoolClient): Queryable => ({
  query: async <T extends object>(sql: string, params: readonly unknown[] = []) => {
    try {
      // Named: planned once per connection. The claim takes longer to plan than to run.
      return (await client.query({ name: nameOf(sql), text: sql, values: params as unknown[] })).rows as T[]
    } catch (thrown) {
      throw asCallersMistake(asAway(thrown))
    }
  },
  // A new schema may take its time over a long history.
  script: async (sql) => void (await client.query({ text: sql, query_timeout: SCRIPT_MS } as pg.QueryConfig)),
})

const SCRIPT_MS = 3_600_000

/** How long after a fault LISTEN tries again. */
const RECONNECT_MS = 500

/** So often LISTEN's connection is asked whether it lives: a network that went away says nothing, and neither do events. */
const PROBE_MS = 15_000
const PROBE_ANSWER_MS = 10_000
/** How long closing waits for the other end of LISTEN's connection. */
const FAREWELL_MS = 2_000

/**
 * Opens a pool of `connections` on a `postgres://` address. LISTEN reconnects by itself after a fault. Throws
 * `unavailable` when nobody answers there now.
 */
export async function openPostgres(url: string, connections = 8): Promise<Database> {
  // A server that is silent instead of away must not hold a request, or a stop, for ever.
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 10_000,
    query_timeout: 30_000,
    keepAlive: true,
  })
  // An idle connection that dies is replaced on next use; without a handler Node would exit.
  pool.on("error", () => {})
  await pool.query("select 1").catch(async (cause: Error) => {
    await pool.end()
    throw new AtelierError(
      "unavailable",
      `The database of DATABASE_URL does not answer (${cause.message || (cause as NodeJS.ErrnoException).code}); check the address, or start again when it is up.`,
      { cause },
    )
  })
  const handlers = new Map<string, Set<(payload: string) => void>>()
  let listener: pg.Client | null = null
  let connecting: Promise<void> | null = null
  let retry: NodeJS.Timeout | undefined
  let closed = false

  const connect = (): Promise<void> => {
    connecting ??= connectListener().finally(() => {
      connecting = null
    })
    return connecting
  }
  const connectLater = (): void => {
    clearTimeout(retry)
    if (closed) return
    retry = setTimeout(() => void connect().catch(connectLater), RECONNECT_MS)
    retry.unref()
  }
  const connectListener = async (): Promise<void> => {
    const client = new pg.Client({
      connectionString: url,
      keepAlive: true,
      connectionTimeoutMillis: PROBE_ANSWER_MS,
      query_timeout: PROBE_ANSWER_MS,
    })
    client.on("notification", (n) => {
      for (const handler of handlers.get(n.channel) ?? []) handler(n.payload ?? "")
    })
    // A server that ends a connection says so, and then the socket is closed: two errors of one fault.
    const lost = (): void => {
      if (listener !== client) return
      listener = null
      connectLater()
    }
    client.on("error", lost)
    try {
      await client.connect()
      for (const channel of handlers.keys()) await client.query(`listen ${pg.escapeIdentifier(channel)}`)
      if (closed) throw new Error("The database was closed.")
    } catch (thrown) {
      void client.end().catch(() => {}) // of one that never stood this may not resolve
      throw thrown
    }
    listener = client
    const probe = setInterval(() => {
      client.query("select 1").catch(() => {
        client.connection.stream.destroy()
        lost()
      })
    }, PROBE_MS)
    probe.unref()
    client.once("end", () => clearInterval(probe))
    // What was missed while away is unknown: wake everybody once, they look for themselves.
    for (const set of handlers.values()) for (const handler of set) handler("")
  }

  return {
    kind: "postgres",
    ...queryable(pool),
    async transaction(work) {
      const client = await pool.connect()
      try {
        await client.query("begin")
        const result = await work(queryable(client))
        await client.query("commit")
        client.release()
        return result
      } catch (thrown) {
        await client.query("rollback").then(
          () => client.release(),
          () => client.release(true),
        )
        throw thrown
      }
    },
    async listen(channel, handler) {
      const set = handlers.get(channel) ?? new Set()
      const isNew = !handlers.has(channel)
      handlers.set(channel, set)
      set.add(handler)
      if (!listener) await connect()
      else if (isNew) await (listener as pg.Client).query(`listen ${pg.escapeIdentifier(channel)}`)
      return async () => void set.delete(handler)
    },
    async close() {
      closed = true
      clearTimeout(retry)
      const last = listener as pg.Client | null
      if (last) {
        await Promise.race([last.end(), after(FAREWELL_MS, undefined, { ref: false })])
        last.connection.stream.destroy()
      }
      await pool.end()
    },
  }
}
