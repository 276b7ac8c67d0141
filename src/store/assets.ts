// Assets: pictures that came from callers, uploaded or inside a request, by id.
import { randomUUID } from "node:crypto"
import type { Queryable } from "./database.ts"
import { ASSETS } from "./sql-library.ts"

export interface Asset {
  id: string
  keyId: string
  /** Inputs arrived inside requests and are not listed. */
  kind: "upload" | "input"
  hash: string
  mime: string
  width: number
  height: number
  bytes: number
  name: string | null
  description: string | null
  createdAt: Date
  deletedAt: Date | null
}

interface AssetRow extends Omit<Asset, "keyId" | "createdAt" | "deletedAt"> {
  key_id: string
  created_at: Date
  deleted_at: Date | null
}

const assetOf = ({ key_id, created_at, deleted_at, ...rest }: AssetRow): Asset => ({
  ...rest,
  keyId: key_id,
  createdAt: created_at,
  deletedAt: deleted_at,
})

/** An input whose bytes this key has sent before, and not deleted, is the same asset again; of those that come under one id the first stays. */
export async function addAsset(
  db: Queryable,
  asset: Omit<Asset, "id" | "createdAt" | "deletedAt"> & { id?: string },
  now: Date,
): Promise<Asset> {
  if (asset.kind === "input") {
    const [same] = await db.query<AssetRow>(ASSETS.sameInput, [asset.keyId, asset.hash])
    if (same) return assetOf(same)
  }
  const { keyId, kind, hash, mime, width, height, bytes, name, description } = asset
  const id = asset.id ?? randomUUID()
  const values = [id, keyId, kind, hash, mime, width, height, bytes, name, description, now]
  const [added] = await db.query<AssetRow>(ASSETS.add, values)
  return added ? assetOf(added) : (await findAsset(db, id, keyId))!
}

/** `keyId` null finds it for anyone who knows the id. Deleted ones are found too: old jobs need them. */
export async function findAsset(db: Queryable, id: string, keyId: string | null): Promise<Asset | null> {
  const [row] = await db.query<AssetRow>(ASSETS.get, [id, keyId])
  return row ? assetOf(row) : null
}

export async function listAssets(
  db: Queryable,
  keyId: string,
  before: Date | null,
  limit: number,
): Promise<Asset[]> {
  return (await db.query<AssetRow>(ASSETS.list, [keyId, before, limit])).map(assetOf)
}

export async function removeAsset(db: Queryable, id: string, keyId: string, now: Date): Promise<boolean> {
  return (await db.query(ASSETS.remove, [id, keyId, now])).length > 0
}
