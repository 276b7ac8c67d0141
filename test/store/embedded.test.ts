// Statements of the embedded database: prepared once, and as right as if they were planned every time.
import assert from "node:assert/strict"
import { after, test } from "node:test"
import { openEmbedded } from "../../src/store/index.ts"

const db = await openEmbedded(null)
after(() => db.close())
await db.script("create table things (id int primary key, note text, facts jsonb, at timestamptz)")

const ADD = "insert into things values ($1, $2, $3::text::jsonb, $4) returning id"
const GET = "select note, facts, at from things where id = $1"

test("a statement keeps its types over more uses than one plan lives", async () => {
  const at = new Date("2026-05-04T03:02:01Z")
  for (let id = 0; id < 1200; id++) {
    assert.deepEqual(await db.query(ADD, [id, id % 2 ? "odd" : null, `{"n": ${id}}`, at]), [{ id }])
  }
  for (const id of [0, 499, 500, 501, 1199])
    assert.deepEqual(await db.query(GET, [id]), [{ note: id % 2 ? "odd" : null, facts: { n: id }, at }])
})

test("an error is the caller's alone: the same statement works for the next one", async () => {
  await assert.rejects(db.query(ADD, [7, "again", "{}", new Date()]), { code: "23505" })
  await assert.rejects(db.query("select * from nowhere"), { code: "42P01" })
  assert.deepEqual(await db.query(ADD, [5000, "after", "{}", new Date()]), [{ id: 5000 }])
})

test("a transaction that fails leaves nothing, and what follows it works", async () => {
  const work = db.transaction(async (tx) => {
    await tx.query(ADD, [6000, "one", "{}", new Date()])
    await tx.query(ADD, [7, "taken", "{}", new Date()])
  })
  await assert.rejects(work, { code: "23505" })
  assert.deepEqual(await db.query(GET, [6000]), [])
  await db.transaction((tx) => tx.query(ADD, [6001, "kept", "{}", new Date()]))
  assert.equal((await db.query<{ note: string }>(GET, [6001]))[0]!.note, "kept")
})

test("a table that changes under a statement is read as it is now", async () => {
  await db.script("alter table things add column size int; drop table if exists other")
  assert.equal((await db.query(GET, [7])).length, 1)
  await db.script("alter table things rename column note to remark")
  await assert.rejects(db.query(GET, [7]), { code: "42703" })
  await db.script("alter table things rename column remark to note")
  assert.equal((await db.query(GET, [7])).length, 1)
})
