// What has to happen when nothing else does: lost workers, deadlines, expiry, purging, orphaned files.
import type { BlobStore } from "../store/index.ts"
import { blobKey, JOBS, jobOfPreview, PICTURES, sha256, WORKERS } from "../store/index.ts"
import { hookPlaces, type Jobs } from "./jobs.ts"
import type { JobRow } from "./rows.ts"
import { isEnd } from "./types.ts"

/** A worker unseen for this long has died. Workers report every third of it. */
export const LEASE_SECONDS = 15
/** Deleted jobs can be restored for this long. */
export const UNDO_SECONDS = 24 * 3600

const ago = (now: Date, seconds: number): Date => new Date(now.getTime() - seconds * 1000)

/**
 * Jobs of dead workers go back to the queue; those that have used both tries fail. `everyone` treats all
 * workers as dead, which is true when the only process that may hold the database has just started.
 */
export async function reclaim(jobs: Jobs, everyone = false): Promise<void> {
  const now = jobs.clock()
  const unseenSince = everyone ? new Date(now.getTime() + 3_600_000) : ago(now, LEASE_SECONDS)
  const lost = await jobs.db.query<{ id: string; tries: number }>(JOBS.lost, [null, unseenSince])
  for (const { id, tries } of lost) {
    await jobs.end(id, "failed", {
      error: {
        code: "worker_lost",
        message: `Failed after ${tries} tries: the worker died both times while making this picture.`,
      },
      hookPlaces: [null],
    })
  }
  await jobs.db.query(JOBS.handBack, [null, unseenSince, now, true, null])
  await jobs.db.query(WORKERS.forget, [ago(now, 60)])
}

/**
 * One round; called every second by every node, harmless when several do. `judges` says whether workers that have not been
 * seen are dead.
 */
export async function sweep(jobs: Jobs, blobs: BlobStore, judges = true): Promise<void> {
  const now = jobs.clock()
  if (judges) await reclaim(jobs)
  for (const { id } of await jobs.db.query<{ id: string }>(JOBS.overdue, [now])) {
    const [row] = await jobs.db.query<JobRow>(JOBS.get, [id, null])
    await jobs.end(id, "failed", {
      error: { code: "timeout", message: "The job was not finished by its deadline." },
      hookPlaces: hookPlaces(row!).slice(0, 1),
    })
  }
  const expired = await jobs.db.query<{ hash: string }>(PICTURES.expire, [now])
  await dropFiles(jobs, blobs, expired)
}

/** The slow part; once in a while is enough. */
export async function purge(jobs: Jobs, blobs: BlobStore): Promise<void> {
  const now = jobs.clock()
  await jobs.db.query(JOBS.forgetIdempotency, [now])
  const since = ago(now, UNDO_SECONDS)
  const pictures = await jobs.db.query<{ hash: string }>(JOBS.purge, [since])
  await dropFiles(jobs, blobs, pictures)
  await jobs.db.query(JOBS.purgeJobs, [since])
  // A PostgreSQL server does this by itself; the embedded one has no process for it, and what waits is counted in an
  // index that keeps every job that ever waited: after 20,000 of them a count took 8 ms instead of 2.
  if (jobs.db.kind === "embedded") await jobs.db.query("vacuum")
}

async function dropFiles(jobs: Jobs, blobs: BlobStore, rows: { hash: string }[]): Promise<void> {
  // Asked for each just before: while others are deleted, the same picture may be made again.
  for (const { hash } of rows) {
    const [free] = await jobs.db.query(PICTURES.unreferenced, [[hash]])
    if (free) await blobs.delete(blobKey(hash))
  }
}

export interface Scrub {
  pictures: number
  /** Picture ids whose file is absent. */
  missing: string[]
  /** Picture ids whose file does not have its hash. */
  damaged: string[]
  /** Older files that no row mentions, and previews of jobs that are over; removed when `remove` is set. */
  orphans: string[]
}

/** Files come before their rows: what was written within this time may be of a picture or an upload that is being stored. */
const STORING_MS = 3_600_000

/** Reads every picture again and compares it with its row. Of files without one those are told that were written by `until`. */
export async function scrub(
  jobs: Jobs,
  blobs: BlobStore,
  remove = false,
  until = new Date(Date.now() - STORING_MS),
): Promise<Scrub> {
  const rows = await jobs.db.query<{ id: string; hash: string }>(PICTURES.all)
  const result: Scrub = { pictures: rows.length, missing: [], damaged: [], orphans: [] }
  for (const row of rows) {
    const bytes = await blobs.get(blobKey(row.hash))
    if (!bytes) result.missing.push(row.id)
    else if (sha256(bytes) !== row.hash) result.damaged.push(row.id)
  }
  const found = async (orphan: string): Promise<void> => {
    result.orphans.push(orphan)
    if (remove) await blobs.delete(orphan)
  }
  for await (const { key, written } of blobs.list("sha256")) {
    if (written > until) continue
    const hash = key.split("/").at(-1)!
    const isFile = /^[0-9a-f]{64}$/.test(hash)
    const free = isFile
      ? (await jobs.db.query(PICTURES.unreferenced, [[hash]])).length > 0
      : key.endsWith(".part")
    if (!free) continue
    await found(key)
  }
  for await (const { key, written } of blobs.list("previews")) {
    if (written > until) continue
    const job = await jobs.get(jobOfPreview(key), null).catch(() => null)
    if (!job || isEnd(job.state)) await found(key)
  }
  return result
}
