// The database port: Postgres, whether it runs inside this process (PGlite) or elsewhere. Imports nothing.

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
