// R3: whichever call to the disk or the database fails while a job is sent, made and stored, row and file agree.
import assert from "node:assert/strict"
import * as nodeFs from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { Jobs, scrub, sweep, Worker } from "../../src/jobs/index.ts"
import { createApp } from "../../src/server/app.ts"
import { openLog } from "../../src/server/log.ts"
import { Metrics } from "../../src/server/metrics.ts"
import { fillOptions } from "../../src/server/options.ts"
import { Service } from "../../src/server/service.ts"
import {
  blobKey,
  type Database,
  diskBlobs,
  ensureLocalKey,
  migrate,
  openEmbedded,
  type Store,
  sha256,
} from "../../src/store/index.ts"
import { testEngine } from "../support/engine.ts"
import { amount, figure } from "../support/figures.ts"
import { until } from "../support/service.ts"

let store: Store & { directory: string }
const metrics = new Metrics()
before(async () => {
  // What the database does with its own disk is not asked here: in memory it is quicker.
  const db = await openEmbedded(null)
  await migrate(db)
  const directory = await nodeFs.mkdtemp(join(tmpdir(), "atelier-faults-"))
  store = { db, directory, blobs: diskBlobs(join(directory, "blobs")), close: () => db.close() }
  const { localLimits } = fillOptions({})
  await ensureLocalKey(store.db, localLimits, new Date())
})
after(async () => {
  metrics.close()
  await store.close()
  await nodeFs.rm(store.directory, { recursive: true })
})

interface Faults {
  /** Throws where the call is one that fails; `true` when it is to fail after it was done. */
  strike(): boolean
  readonly calls: number
  readonly struck: number
  /** What is broken works again. */
  end(): void
}
/** The n-th call fails, or with `lasting` every one from the n-th on; with `unheard` it is done and nobody learns of it. */
function faultsAt(n: number, error: Error, { lasting = false, unheard = false } = {}): Faults {
  let calls = 0
  let struck = 0
  let ended = false
  return {
    strike() {
      calls++
      if (ended || (lasting ? calls < n : calls !== n)) return false
      struck++
      if (!unheard) throw error
      return true
    },
    get calls() {
      return calls
    },
    get struck() {
      return struck
    },
    end() {
      ended = true
    },
  }
}

/** All that the blob store asks of the disk, as a full or dying one does it. */
function faultyDisk(faults: Faults): typeof nodeFs {
  // biome-ignore lint/suspicious/noExplicitAny: the calls are passed on as they came.
  const faulty = (call: (...args: any[]) => Promise<any>) =>
    (async (...args: unknown[]) => {
      faults.strike()
      return call(...args)
    }) as never
  return {
    ...nodeFs,
    mkdir: faulty(nodeFs.mkdir),
    rename: faulty(nodeFs.rename),
    rm: faulty(nodeFs.rm),
    readFile: faulty(nodeFs.readFile),
    open: faulty(async (path: string, flags: string, mode?: number) => {
      const handle = await nodeFs.open(path, flags, mode)
      return {
        writeFile: faulty(handle.writeFile.bind(handle)),
        // No power is cut here, and a sync costs a real disk its time.
        sync: faulty(async () => {}),
        close: () => handle.close(),
      }
    }),
  }
}

function faultyDatabase(db: Database, faults: Faults): Database {
  const error = new Error("the connection is lost")
  return {
    ...db,
    async query<T extends object>(sql: string, params?: readonly unknown[]): Promise<T[]> {
      const isUnheard = faults.strike()
      const rows = await db.query<T>(sql, params)
      if (isUnheard) throw error
      return rows
    },
  }
}

const reference = (n: number): Promise<Buffer> =>
  sharp({ create: { width: 24, height: 24, channels: 3, background: { r: n % 256, g: n >> 8, b: 60 } } })
    .png()
    .toBuffer()

interface Outcome {
  /** Null where no submit was acknowledged. */
  state: "completed" | "failed" | null
  tries: number
}

let made = 0
/** Uploads a picture, submits a job that refers to it and sees it to its end; callers send again what got no answer. */
async function wholeJob(faults: Faults, disk: boolean): Promise<Outcome> {
  const n = made++
  const db = disk ? store.db : faultyDatabase(store.db, faults)
  const root = join(store.directory, "blobs")
  const blobs = disk ? diskBlobs(root, faultyDisk(faults)) : diskBlobs(root)
  const jobs = new Jobs({ db })
  const healthy = new Jobs({ db: store.db })
  const engine = testEngine({ side: 16 })
  const options = fillOptions({ directory: store.directory, logLevel: "silent" })
  const seal = async (bytes: Uint8Array) => bytes
  const parts = { options, store: { ...store, db, blobs }, jobs, metrics, engine, filter: null, seal }
  const service = new Service({ ...parts, log: openLog("silent") })
  const { app } = createApp(service, false)
  const call = async (path: string, init: RequestInit): Promise<{ id: string } | null> => {
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = await app.request(`http://127.0.0.1${path}`, { method: "POST", ...init })
      const body = (await answer.json()) as { id: string; error: { code: string } }
      if (answer.status === 201) return body
      assert.ok(answer.status >= 500, `${path} answered ${answer.status}: ${JSON.stringify(body)}`)
      assert.match(body.error.code, /^(file_write|internal|unavailable)$/)
    }
    return null
  }
  const prompt = `fault ${n}`
  const outcome = async (): Promise<Outcome> => {
    const form = new FormData()
    form.set("file", new Blob([new Uint8Array(await reference(n))]), "reference.png")
    const asset = await call("/api/assets", { body: form })
    if (!asset) return { state: null, tries: 0 }
    const request = { prompt, seed: n, count: 2, steps: 2, references: [{ image: asset.id }] }
    const headers = { "idempotency-key": prompt, "content-type": "application/json" }
    const job = await call("/api/jobs", { body: JSON.stringify(request), headers })
    if (!job) return { state: null, tries: 0 }
    const worker = new Worker({
      jobs,
      blobs,
      engine,
      previewEvery: 2,
      prepare: (r) => service.prepare(r),
    })
    await worker.start().catch(() => worker.start())
    await until(async () => {
      if (["completed", "failed"].includes((await healthy.get(job.id, null)).state)) return true
      // What a service does every few seconds, once there is something to put right.
      if (!disk && faults.struck > 0) {
        await worker.seen()
        await sweep(jobs, blobs)
        worker.wake()
      }
      return false
    })
    await until(() => worker.inFlight === 0)
    faults.end()
    await worker.stop()
    const { state, tries, error, pictures } = await healthy.get(job.id, null)
    if (state === "failed") assert.match(error!.message, /^Failed after 2 tries: ./)
    assert.equal(pictures.length, state === "completed" ? 2 : 0)
    return { state: state as "completed" | "failed", tries }
  }
  const result = await outcome()
  faults.end()
  const stored = await store.db.query("select 1 from jobs where prompt = $1", [prompt])
  assert.equal(stored.length, result.state === null ? 0 : 1, `${stored.length} jobs after one submit`)
  await checkFiles(healthy)
  // The next one is looked at alone.
  const rows = ["pictures", "lineage", "idempotency", "job_events", "jobs", "assets"]
  await store.db.script(rows.map((table) => `delete from ${table}`).join(";"))
  await nodeFs.rm(root, { recursive: true, force: true })
  return result
}

/** No row without its file, and after a scrub no file without a row. */
async function checkFiles(jobs: Jobs): Promise<void> {
  const blobs = diskBlobs(join(store.directory, "blobs"))
  const { missing, damaged } = await scrub(jobs, blobs, true, new Date())
  assert.deepEqual({ missing, damaged }, { missing: [], damaged: [] })
  for (const { hash } of await store.db.query<{ hash: string }>("select hash from assets"))
    assert.equal(sha256((await blobs.get(blobKey(hash)))!), hash)
  const rows = await store.db.query<{ hash: string }>(
    "select hash from assets union select hash from pictures",
  )
  const known = new Set(rows.map(({ hash }) => blobKey(hash)))
  const nobodys: string[] = []
  for await (const { key } of blobs.list("")) if (!known.has(key)) nobodys.push(key)
  assert.deepEqual(nobodys, [])
}

const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" })

for (const lasting of [false, true])
  test(`whichever file operation of a whole job fails${lasting ? ", and all that follow" : ""}, row and file agree`, async (t) => {
    const ends = { completed: 0, failed: 0, refused: 0 }
    let n = 1
    for (; ; n += lasting ? amount(3, 1) : 1) {
      const faults = faultsAt(n, full, { lasting })
      const { state, tries } = await wholeJob(faults, true)
      ends[state ?? "refused"]++
      if (!lasting) assert.equal(state, "completed", `call ${n}`)
      if (faults.struck === 0) {
        assert.deepEqual({ state, tries }, { state: "completed", tries: 1 })
        break
      }
    }
    figure(t, lasting ? "R3-disk-full" : "R3-file-operation", {
      n: n - 1,
      ...ends,
      rows_without_file: 0,
      files_without_row: 0,
    })
    assert.ok(n > 30, `${n} calls were tried`)
    if (lasting) assert.ok(ends.failed > 5 && ends.refused > 2)
  })

for (const unheard of [false, true])
  test(`whichever statement of a whole job ${unheard ? "is done and not heard of" : "fails"}, it is one job and completes`, async (t) => {
    let n = 1
    for (; ; n++) {
      const faults = faultsAt(n, new Error("the connection is lost"), { unheard })
      const { state } = await wholeJob(faults, false)
      assert.equal(state, "completed", `statement ${n}`)
      if (faults.struck === 0) break
    }
    figure(t, unheard ? "R3-statement-unheard" : "R3-statement", { n: n - 1, lost: 0, doubled: 0 })
    assert.ok(n > 8, `${n} statements were tried`)
  })
