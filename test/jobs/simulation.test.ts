// R17: seeds of a simulated service (test/support/simulation.ts) break nothing that is promised.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { type Database, migrate, openEmbedded } from "../../src/store/index.ts"
import { openPostgres } from "../../src/store/postgres.ts"
import { type Backend, backend } from "../support/backends.ts"
import { amount, figure } from "../support/figures.ts"
import { Simulation } from "../support/simulation.ts"

let db: Database
let where: Backend
before(async () => {
  where = await backend()
  // In memory: what the disk does is not asked here.
  db = where.databaseUrl ? await openPostgres(where.databaseUrl) : await openEmbedded(null)
  await migrate(db)
})
after(async () => {
  await db.close()
  await where.drop()
})

test("whatever dies, breaks and hangs in whatever order, every job ends once and with its own pictures", async (t) => {
  // What workers do every second they are made to do by the seed instead, or no seed would replay.
  t.mock.timers.enable({ apis: ["setInterval"] })
  const n = amount(3, 500)
  const first = Number(process.env.ATELIER_SEED ?? 1)
  const broken: string[] = []
  let jobs = 0
  for (let seed = first; seed < first + n; seed++) {
    const world = new Simulation(db, seed)
    for (const text of await world.run()) broken.push(`seed ${seed}: ${text}`)
    jobs += world.acknowledged.length
  }
  figure(t, "R17-simulation", { n, first_seed: first, jobs, broken: broken.length })
  assert.deepEqual(broken, [])
  assert.ok(jobs > n * 5)
})
