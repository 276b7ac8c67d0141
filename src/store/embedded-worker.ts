// The thread that runs PGlite, so that SQL never blocks the server's event loop. Imports PGlite and its statements only.
//
// PGlite ships with fsync off and a file layer without fsync. A 2xx of ours means "on disk", so this thread
// turns fsync on and gives the file layer one; test/store/blobs.test.ts counts the calls.
import { fsyncSync } from "node:fs"
import { parentPort, workerData } from "node:worker_threads"
import { PGlite } from "@electric-sql/pglite"
import { openStatements } from "./embedded-statements.ts"

export interface EmbeddedRequest {
  id: number
  sql: string
  params?: readonly unknown[]
  /** `sql` may hold several statements. */
  script?: boolean
  listen?: string
  close?: boolean
}
export type EmbeddedAnswer =
  | { id: number; rows: object[]; fsyncs: number }
  | { id: number; error: { message: string; code?: string } }
  | { channel: string; payload: string }

interface FileStream {
  nfd: number
}
interface FileNode {
  stream_ops: { fsync?: (stream: FileStream) => number }
}
interface EmscriptenModule {
  FS: { lookupPath(path: string): { node: FileNode } }
}

const { directory } = workerData as { directory: string | null }
const port = parentPort!
let fsyncs = 0

const start = (PGlite as unknown as { defaultStartParams: string[] }).defaultStartParams
const settings = [
  // fdatasync is a stub in the WebAssembly build; fsync reaches the file layer.
  "fsync=on",
  "wal_sync_method=fsync",
  // All of it is written to at every start. 128 MB, the file's setting, take 0.4 s more and read a history of 100,000
  // jobs no faster: what is not here is in the system's cache of files.
  "shared_buffers=32MB",
]
const db =
  directory === null
    ? await PGlite.create("memory://")
    : await PGlite.create(directory, {
        startParams: [...start.filter((p) => p !== "-F"), ...settings.flatMap((s) => ["-c", s])],
      })
if (directory !== null) {
  const module = (db as unknown as { Module: EmscriptenModule }).Module
  module.FS.lookupPath("/pglite/data/PG_VERSION").node.stream_ops.fsync = (stream) => {
    fsyncs++
    fsyncSync(stream.nfd)
    return 0
  }
}

// A plan is kept while tables grow: one that was made when they were empty would walk over all of history.
await db.exec("set enable_seqscan = off")
const statement = openStatements(db)

async function answer(request: EmbeddedRequest): Promise<object[]> {
  if (request.close) {
    await db.close()
    return []
  }
  if (request.listen !== undefined) {
    const channel = request.listen
    await db.listen(channel, (payload) => port.postMessage({ channel, payload } satisfies EmbeddedAnswer))
    return []
  }
  if (request.script) {
    await db.exec(request.sql)
    return []
  }
  return statement(request.sql, request.params ?? [])
}

// One at a time and in order: PGlite has a single connection, and BEGIN ... COMMIT spans messages.
let last: Promise<void> = Promise.resolve()
port.on("message", (request: EmbeddedRequest) => {
  last = last.then(async () => {
    try {
      port.postMessage({ id: request.id, rows: await answer(request), fsyncs } satisfies EmbeddedAnswer)
    } catch (thrown) {
      const { message, code } = thrown as { message: string; code?: string }
      port.postMessage({ id: request.id, error: { message, code } } satisfies EmbeddedAnswer)
    }
    if (request.close) port.close()
  })
})
