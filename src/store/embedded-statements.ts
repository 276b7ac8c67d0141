// Prepared statements for PGlite, whose own `query` plans anew every time: ten times what the statement itself takes.
import { type PGlite, parse, protocol } from "@electric-sql/pglite"

const { serialize } = protocol

/** A plan is made for tables as small as they are on that day; after this many uses it is made again. */
const USES = 500

interface Prepared {
  name: string
  /** Type of every parameter. */
  types: number[]
  uses: number
}

/**
 * Runs statements by name, each prepared at its first use (PostgreSQL's extended query protocol). One at a time: the
 * caller keeps the turns, as a connection wants them.
 */
export function openStatements(db: PGlite): (sql: string, params: readonly unknown[]) => Promise<object[]> {
  const known = new Map<string, Prepared>()
  let names = 0

  async function prepare(sql: string): Promise<Prepared> {
    const name = `s${names++}`
    const { messages } = await db.execProtocol(
      Buffer.concat([
        serialize.parse({ name, text: sql }),
        serialize.describe({ type: "S", name }),
        serialize.sync(),
      ]),
    )
    const prepared = { name, types: parse.parseDescribeStatementResults(messages), uses: 0 }
    known.set(sql, prepared)
    return prepared
  }

  async function forget(sql: string, { name }: Prepared): Promise<void> {
    known.delete(sql)
    await db.execProtocol(Buffer.concat([serialize.close({ type: "S", name }), serialize.sync()]))
  }

  return async (sql, params) => {
    const old = known.get(sql)
    if (old && old.uses >= USES) await forget(sql, old)
    const prepared = known.get(sql) ?? (await prepare(sql))
    prepared.uses++
    const values = params.map((value, i) => {
      if (value === null || value === undefined) return null
      const write = db.serializers[prepared.types[i]!]
      return write ? write(value) : String(value)
    })
    const { messages } = await db.execProtocol(
      Buffer.concat([
        serialize.bind({ statement: prepared.name, values }),
        serialize.describe({ type: "P" }),
        serialize.execute({}),
        serialize.sync(),
      ]),
    )
    return parse.parseResults(messages, db.parsers)[0]!.rows as object[]
  }
}
