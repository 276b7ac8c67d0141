// The embedded database: PGlite on a thread of its own behind the database port. Nothing to install.
import { once } from "node:events"
import { mkdirSync } from "node:fs"
import { setFlagsFromString } from "node:v8"
import { Worker } from "node:worker_threads"
import { asCallersMistake, type Database, type Queryable } from "./database.ts"
import type { EmbeddedAnswer, EmbeddedRequest } from "./embedded-worker.ts"

export interface EmbeddedDatabase extends Database {
  /** fsync calls that the database has made since it was opened. */
  fsyncs(): number
}

/**
 * V8 compiles PostgreSQL quickly and leaves it at that. To optimise its SQL parser, one function, takes 2 to 4 s of a
 * processor and 600 MB, in the middle of the first picture, and after that nothing is parsed any more: statements are
 * prepared. A process could not end before it was done either.
 */
export function compileOnce(): void {
  for (const flag of ["--no-wasm-dynamic-tiering", "--no-wasm-tier-up"]) setFlagsFromString(flag)
}

/**
 * Opens the database in `directory` (created when absent; null keeps it in memory). One process at a time
 * may hold a directory: the caller keeps the lock (src/server/lock.ts).
 */
export async function openEmbedded(directory: string | null): Promise<EmbeddedDatabase> {
  if (directory !== null) mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = import.meta.url.endsWith(".ts") ? "./embedded-worker.ts" : "./embedded-worker.js"
  compileOnce()
  const worker = new Worker(new URL(file, import.meta.url), { workerData: { directory } })
  const waiting = new Map<number, { resolve: (rows: object[]) => void; reject: (e: Error) => void }>()
  const handlers = new Map<string, Set<(payload: string) => void>>()
  let next = 1
  let fsyncs = 0
  let dead: Error | null = null

  worker.on("message", (m: EmbeddedAnswer) => {
    if ("channel" in m) {
      for (const handler of handlers.get(m.channel) ?? []) handler(m.payload)
      return
    }
    const entry = waiting.get(m.id)!
    waiting.delete(m.id)
    if ("error" in m) {
      entry.reject(
        asCallersMistake(Object.assign(new Error(m.error.message), { code: m.error.code })) as Error,
      )
    } else {
      fsyncs = m.fsyncs
      entry.resolve(m.rows)
    }
  })
  const fail = (error: Error): void => {
    dead = error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  worker.on("error", fail)
  worker.on("exit", () => fail(new Error("The embedded database has stopped.")))

  const send = (request: Omit<EmbeddedRequest, "id">): Promise<object[]> =>
    new Promise((resolve, reject) => {
      if (dead) return reject(dead)
      const id = next++
      waiting.set(id, { resolve, reject })
      worker.postMessage({ ...request, id })
    })

  // A transaction holds the only connection; statements from elsewhere wait for its end.
  let turn: Promise<unknown> = Promise.resolve()
  const exclusive = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => {})
    return mine
  }
  const direct: Queryable = {
    query: <T extends object>(sql: string, params: readonly unknown[] = []) =>
      send({ sql, params }) as Promise<T[]>,
    script: async (sql) => void (await send({ sql, script: true })),
  }

  return {
    kind: "embedded",
    query: (sql, params) => exclusive(() => direct.query(sql, params)),
    script: (sql) => exclusive(() => direct.script(sql)),
    transaction: (work) =>
      exclusive(async () => {
        await direct.query("begin")
        try {
          const result = await work(direct)
          await direct.query("commit")
          return result
        } catch (thrown) {
          await direct.query("rollback")
          throw thrown
        }
      }),
    async listen(channel, handler) {
      const set = handlers.get(channel) ?? new Set()
      if (!handlers.has(channel)) {
        handlers.set(channel, set)
        await exclusive(() => send({ sql: "", listen: channel }))
      }
      set.add(handler)
      return async () => void set.delete(handler)
    },
    fsyncs: () => fsyncs,
    async close() {
      if (dead) return
      const ended = once(worker, "exit")
      await exclusive(() => send({ sql: "", close: true }))
      await ended
    },
  }
}
