// R16: a database as every earlier schema left it opens with the same jobs, and its work goes on.
import assert from "node:assert/strict"
import { readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { type TestContext, test } from "node:test"
import { Jobs, reclaim } from "../../src/jobs/index.ts"
import { type EmbeddedDatabase, openEmbedded } from "../../src/store/embedded.ts"
import { findBoard, findKey, type Queryable } from "../../src/store/index.ts"
import { MIGRATIONS, migrate } from "../../src/store/migrations.ts"
import { figure } from "../support/figures.ts"
import { dataFolder } from "../support/folder.ts"

/** As notes were kept before they had codes: a sentence each. */
const SENTENCE = "The prompt could not be read as English; nothing was added to it."

/** What stood in a database of that time: the statements that made it, and its rows by table. */
interface Fixture {
  migrations: string[]
  rows: Record<string, Record<string, unknown>[]>
}

const folder = new URL("./fixtures/", import.meta.url)

/** A database with nothing in it: to empty a ready one takes a fifth of the time that it takes to make one. */
async function emptyDatabase(t: TestContext): Promise<EmbeddedDatabase> {
  const directory = await dataFolder()
  const db = await openEmbedded(join(directory, "database"))
  t.after(async () => {
    await db.close()
    await rm(directory, { recursive: true })
  })
  await db.script("drop schema public cascade; create schema public")
  return db
}

async function restore(db: Queryable, { migrations, rows }: Fixture): Promise<void> {
  await db.script("create table schema_version (version int primary key)")
  for (const script of migrations) await db.script(script)
  for (const [table, all] of Object.entries(rows)) {
    await db.query(`delete from ${table}`)
    const names = all[0] ? Object.keys(all[0]).join(", ") : ""
    if (names)
      await db.query(
        `insert into ${table} (${names}) select ${names} from jsonb_populate_recordset(null::${table}, $1::text::jsonb)`,
        [JSON.stringify(all)],
      )
  }
  await db.query("select setval('job_rank', (select max(rank) from jobs)::bigint)")
  await db.query("select setval('job_events_seq_seq', (select max(seq) from job_events))")
}

test("a database of every earlier schema opens with the same jobs, and what ran goes on", async (t) => {
  const files = (await readdir(folder)).sort()
  assert.equal(
    files.length,
    MIGRATIONS.length,
    "a new schema needs a database of its own kept beside the others",
  )
  for (const [i, file] of files.entries()) {
    const fixture = JSON.parse(await readFile(new URL(file, folder), "utf8")) as Fixture
    assert.deepEqual(fixture.migrations, MIGRATIONS.slice(0, i + 1), "a schema that was kept is never edited")
    const db = await emptyDatabase(t)
    Object.assign(fixture.rows.jobs!.find((row) => row.state === "completed")!.outcome as object, {
      notes: [SENTENCE],
    })
    await restore(db, fixture)
    await db.query("update settings set value = 'true' where name = 'paused'") // for all keys, as it once was
    assert.equal(await migrate(db), MIGRATIONS.length)
    const jobs = new Jobs({ db, clock: () => new Date("2026-06-01T12:00:00Z") })
    const { jobs: all } = await jobs.list("local")
    const states = ["cancelled", "failed", "completed", "sampling", "queued", "backlogged"]
    assert.deepEqual(
      all.map((j) => j.state),
      states,
    )
    assert.deepEqual(
      all.map((j) => j.request),
      fixture.rows.jobs!.map((row) => row.request).reverse(),
    )
    assert.equal(all[2]!.pictures[0]!.seed, 3)
    assert.deepEqual(all[2]!.outcome!.notes, [{ code: "uncoded", message: SENTENCE }])
    assert.equal(await jobs.byClientId("local", "c3"), all[2]!.id)
    assert.deepEqual((await findBoard(db, "local", "cold"))!.pictures[0]!.weight, 1.5)
    assert.equal(await findKey(db, "not a key"), null)
    assert.equal(await jobs.paused("local"), i < 4)
    await reclaim(jobs, true)
    assert.equal((await jobs.get(all[3]!.id, "local")).state, "queued")
  }
  figure(t, "R16-upgrade", { n: files.length, opened: files.length })
})
