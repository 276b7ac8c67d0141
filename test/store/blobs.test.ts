// Pictures on disk: all or nothing, whatever fails in between.
import assert from "node:assert/strict"
import * as nodeFs from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { scrub, sweep } from "../../src/jobs/index.ts"
import type { AtelierError } from "../../src/request/index.ts"
import { storeAsset } from "../../src/server/ingest.ts"
import type { openEmbedded } from "../../src/store/embedded.ts"
import { type BlobStore, blobKey, diskBlobs, previewKey, sha256 } from "../../src/store/index.ts"
import { migrate } from "../../src/store/migrations.ts"
import { testQueue } from "../support/queue.ts"
import { type TestStore, testStore } from "../support/service.ts"

let store: TestStore
before(async () => {
  store = await testStore()
})
after(() => store.drop())

const { mkdir, open, rename } = nodeFs
const real = { mkdir, open, rename }

/** A file system whose n-th call fails, as a full or dying disk does. */
function failing(n: number) {
  let calls = 0
  const strike = (): void => {
    calls++
    if (calls === n) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" })
  }
  const wrap = (name: "mkdir" | "rename" | "open") =>
    (async (...args: unknown[]) => {
      strike()
      const result = await (real[name] as (...a: unknown[]) => Promise<unknown>)(...args)
      if (name !== "open") return result
      const handle = result as nodeFs.FileHandle
      for (const method of ["writeFile", "sync"] as const) {
        const original = handle[method].bind(handle) as (...a: unknown[]) => Promise<void>
        handle[method] = (async (...a: unknown[]) => {
          strike()
          return original(...a)
        }) as never
      }
      return handle
    }) as never
  return {
    fs: { ...nodeFs, mkdir: wrap("mkdir"), rename: wrap("rename"), open: wrap("open") },
    calls: () => calls,
  }
}

test("whichever call of a put fails, the name has all bytes or none", async () => {
  const folder = await nodeFs.mkdtemp(join(tmpdir(), "atelier-blobs-"))
  const bytes = Buffer.alloc(100_000, 7)
  let n = 1
  for (; ; n++) {
    const root = join(folder, String(n))
    const { fs, calls } = failing(n)
    const failed = await diskBlobs(root, fs)
      .put("sha256/aa/x", bytes)
      .then(
        () => null,
        (e: AtelierError) => e,
      )
    if (failed) assert.equal(failed.code, "file_write")
    const found = await diskBlobs(root).get("sha256/aa/x")
    assert.ok(found === null || bytes.equals(found))
    if (!failed) assert.ok(found)
    if (calls() < n) break
  }
  assert.ok(n >= 8, `${n} calls were tried`)
  await nodeFs.rm(folder, { recursive: true })
})

test("scrub names missing and damaged files, and files that no row mentions and previews of what is over", async () => {
  const blobs = diskBlobs(join(store.directory, "scrubbed"))
  const q = await testQueue({ ...store, blobs })
  const key = await q.key("scrub")
  const worker = await q.worker()
  const hashes: string[] = []
  for (let seed = 0; seed < 3; seed++) {
    const job = await q.jobs.wait(await q.submit(key, { prompt: "scrub", seed }), key, { seconds: 60 })
    hashes.push(job.pictures[0]!.hash)
  }
  await worker.stop()
  await blobs.delete(blobKey(hashes[0]!))
  await blobs.put(blobKey(hashes[1]!), Buffer.from("damaged"))
  await blobs.put(blobKey(sha256("nobody's")), Buffer.from("nobody's"))
  const [over] = await store.db.query<{ id: string }>("select id from jobs where prompt = 'scrub' limit 1")
  await blobs.put(previewKey(over!.id, 0), Buffer.from("left by a worker that died"))
  const waiting = previewKey(await q.submit(key, { prompt: "held" }), 0)
  await blobs.put(waiting, Buffer.from("of a job that is not over"))
  // All of it may be about to get its row.
  assert.deepEqual((await scrub(q.jobs, blobs, true)).orphans, [])
  const found = await scrub(q.jobs, blobs, true, new Date())
  assert.equal(found.missing.length, 1)
  assert.equal(found.damaged.length, 1)
  assert.deepEqual(found.orphans, [blobKey(sha256("nobody's")), previewKey(over!.id, 0)])
  assert.ok(await blobs.has(waiting))
  assert.deepEqual((await scrub(q.jobs, blobs, false, new Date())).orphans, [])
  await q.close()
})

test("a picture that is made or sent again keeps its file, though it expires elsewhere at that moment", async () => {
  const disk = diskBlobs(join(store.directory, "again"))
  let onDelete: ((key: string) => Promise<unknown>) | null = null
  let onPut: (() => Promise<unknown>) | null = null
  const blobs: BlobStore = {
    ...disk,
    async delete(key) {
      const then = onDelete
      if (key.startsWith("sha256")) onDelete = null
      if (key.startsWith("sha256")) await then?.(key)
      await disk.delete(key)
    },
    async put(key, bytes) {
      await disk.put(key, bytes)
      const then = onPut
      onPut = null
      await then?.()
    },
  }
  const q = await testQueue({ ...store, blobs }, { side: 64 })
  const keyId = await q.key("again")
  await q.worker({ previewEvery: 0 })
  const make = async (seed: number, keep = {}) => {
    const id = await q.submit(keyId, { prompt: "again", seed }, keep)
    return (await q.jobs.wait(id, keyId, { seconds: 60 })).pictures[0]!.hash
  }
  const hashes: string[] = []
  for (const seed of [0, 1, 2, 3]) hashes.push(await make(seed, { keepSeconds: 60 * (seed + 1) }))
  const before = (await scrub(q.jobs, blobs)).missing.length // of other tests
  const lost = async () => (await scrub(q.jobs, blobs)).missing.length - before
  q.now.time += 121_000
  // While the one is deleted the other is made again.
  onDelete = (key) => make(1 - hashes.findIndex((hash) => key === blobKey(hash)))
  await sweep(q.jobs, blobs)
  assert.equal(await lost(), 0)
  // Between a file and its row.
  q.now.time += 60_000
  onPut = () => sweep(q.jobs, blobs)
  await make(2)
  assert.equal(await lost(), 0)
  const bytes = (await disk.get(blobKey(hashes[3]!)))!
  q.now.time += 60_000
  onPut = () => sweep(q.jobs, blobs)
  const { hash } = await storeAsset(bytes, { kind: "input" }, { jobs: q.jobs, blobs, keyId })
  assert.equal(hash, hashes[3])
  assert.ok(await disk.has(blobKey(hash)))
  await q.close()
})

test("every commit of the embedded database reaches the disk before it is answered", async () => {
  const db = store.db as Awaited<ReturnType<typeof openEmbedded>>
  assert.deepEqual(await db.query("show fsync"), [{ fsync: "on" }])
  const before = db.fsyncs()
  for (let i = 0; i < 10; i++) await db.query("insert into settings values ($1, 'true')", [`sync-${i}`])
  assert.ok(db.fsyncs() - before >= 10)
})

test("a database of a newer version is refused, and migrating twice changes nothing", async () => {
  const version = await migrate(store.db)
  assert.equal(await migrate(store.db), version)
  await store.db.query("insert into schema_version values (999)")
  await assert.rejects(migrate(store.db), /schema 999; this program knows/)
  await store.db.query("delete from schema_version where version = 999")
})

test("a transaction that throws leaves nothing behind", async () => {
  await assert.rejects(
    store.db.transaction(async (tx) => {
      await tx.query("insert into settings values ('half', 'true')")
      throw new Error("stop")
    }),
    /stop/,
  )
  assert.deepEqual(await store.db.query("select * from settings where name = 'half'"), [])
})
