// What an installation makes up once and keeps: every node of it reads the same.
import type { Queryable } from "./database.ts"
import { SETTINGS } from "./sql.ts"

/** The value of a name; `make` fills it in the first time. */
export async function ensureSetting<T>(db: Queryable, name: string, make: () => Promise<T>): Promise<T> {
  const read = async (): Promise<T | undefined> =>
    (await db.query<{ value: T }>(SETTINGS.get, [name]))[0]?.value
  const kept = await read()
  if (kept !== undefined) return kept
  await db.query(SETTINGS.ensure, [name, JSON.stringify(await make())])
  return (await read())!
}
