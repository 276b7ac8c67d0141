// The database port: Postgres, whether it runs inside this process (PGlite) or elsewhere.
import { AtelierError } from "../request/index.ts"

/** Runs SQL with `$1` parameters. Rows come back as plain objects; jsonb parsed, timestamptz as Date. */
export interface Queryable {
  query<T extends object>(sql: string, params?: readonly unknown[]): Promise<T[]>
  /** Several statements without parameters. */
  script(sql: string): Promise<void>
}

export interface Database extends Queryable {
  readonly kind: "embedded" | "postgres"
  /** Commits when `work` resolves, rolls back when it rejects. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>
  /** Calls `handler` with the payload of every NOTIFY on the channel, from this process or another. */
  listen(channel: string, handler: (payload: string) => void): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** SQLSTATEs of texts that no column can hold: NUL, half a surrogate pair, a malformed id, a time before or after all calendars. */
const UNSTORABLE = ["22P05", "22021", "22P02", "22003", "22007", "22008"]

/** What Node and PostgreSQL say when there is no connection, or no longer. */
const AWAY = /^(08...|57P0.|ECONN.*|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)$/

/** What the driver says where there is no code: nobody answered in time, or the connection went. */
const SILENT = /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect)/

/** A connection that could not be had or was lost as `unavailable`: the caller may try again. */
export function asAway(thrown: unknown): unknown {
  const { code, message } = thrown as { code?: unknown; message?: unknown }
  const isAway = AWAY.test(String(code)) || SILENT.test(String(message))
  if (!isAway) return thrown
  return new AtelierError("unavailable", "The database cannot be reached. Try again in a moment.", {
    cause: thrown,
  })
}

/** What a caller's odd text makes the database say, as the caller's mistake that it is. */
export function asCallersMistake(thrown: unknown): unknown {
  const { code } = thrown as { code?: unknown }
  if (typeof code !== "string" || !UNSTORABLE.includes(code)) return thrown
  return new AtelierError("invalid_request", "The request holds a text or number that cannot be stored.", {
    cause: thrown,
  })
}
