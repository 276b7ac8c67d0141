// API keys: made once, shown once, kept as a hash.
import { randomBytes } from "node:crypto"
import { sha256 } from "./blobs.ts"
import type { Queryable } from "./database.ts"
import { KEYS } from "./sql.ts"

/** What a key may use: jobs at once, jobs waiting, submits per minute. */
export interface KeyLimits {
  concurrency: number
  backlog: number
  rate: number
}

export interface Key extends KeyLimits {
  id: string
  name: string
  webhookSecret: string
}

export interface KeyListing extends KeyLimits {
  id: string
  name: string
  createdAt: Date
  revokedAt: Date | null
}

interface KeyRow extends KeyLimits {
  id: string
  name: string
  webhook_secret: string
  created_at: Date
  revoked_at: Date | null
}

export const DEFAULT_LIMITS: KeyLimits = { concurrency: 16, backlog: 1000, rate: 600 }

const keyOf = (row: KeyRow): Key => ({
  id: row.id,
  name: row.name,
  webhookSecret: row.webhook_secret,
  concurrency: row.concurrency,
  backlog: row.backlog,
  rate: row.rate,
})
const newSecret = (): string => `whsec_${randomBytes(24).toString("base64")}`

/** The key of callers on this machine when no key is asked for. Its webhook secret is made once. */
export async function ensureLocalKey(db: Queryable, limits: KeyLimits, now: Date): Promise<Key> {
  const { concurrency, backlog, rate } = limits
  await db.query(KEYS.ensureLocal, [newSecret(), concurrency, backlog, rate, now])
  return keyOf((await db.query<KeyRow>(KEYS.get, ["local"]))[0]!)
}

/** Makes a key; `secret` is the only copy of what the caller has to send. */
export async function addKey(
  db: Queryable,
  name: string,
  limits: Partial<KeyLimits>,
  now: Date,
): Promise<{ id: string; secret: string; webhookSecret: string }> {
  const id = `key_${randomBytes(6).toString("hex")}`
  const secret = `atl_${randomBytes(24).toString("base64url")}`
  const webhookSecret = newSecret()
  const { concurrency, backlog, rate } = { ...DEFAULT_LIMITS, ...limits }
  await db.query(KEYS.add, [id, name, sha256(secret), webhookSecret, concurrency, backlog, rate, now])
  return { id, secret, webhookSecret }
}

export async function listKeys(db: Queryable): Promise<KeyListing[]> {
  const rows = await db.query<KeyRow>(KEYS.list)
  return rows.map((r) => ({
    id: r.id,
    name: r.name,
    concurrency: r.concurrency,
    backlog: r.backlog,
    rate: r.rate,
    createdAt: r.created_at,
    revokedAt: r.revoked_at,
  }))
}

/** By id or name; false when there was nothing to revoke. */
export async function revokeKey(db: Queryable, idOrName: string, now: Date): Promise<boolean> {
  return (await db.query(KEYS.revoke, [idOrName, now])).length > 0
}

const inForce = (row: KeyRow | undefined): Key | null => (row && row.revoked_at === null ? keyOf(row) : null)

/** The key for a secret; null when unknown or revoked. */
export async function findKey(db: Queryable, secret: string): Promise<Key | null> {
  return inForce((await db.query<KeyRow>(KEYS.byHash, [sha256(secret)]))[0])
}

/** The key of an id; null when unknown or revoked. */
export async function liveKeyById(db: Queryable, id: string): Promise<Key | null> {
  return inForce((await db.query<KeyRow>(KEYS.get, [id]))[0])
}

/** In force or revoked: what a revoked key's jobs still send is signed with its secret. */
export async function keyById(db: Queryable, id: string): Promise<Key | null> {
  const [row] = await db.query<KeyRow>(KEYS.get, [id])
  return row ? keyOf(row) : null
}

/** Keys in force, besides the local one. */
export async function liveKeys(db: Queryable): Promise<number> {
  return (await db.query<{ n: number }>(KEYS.live))[0]!.n
}
