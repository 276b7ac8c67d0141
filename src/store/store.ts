// Opens what the service remembers with: the database brought up to date, and the blob store beside it.
import { join } from "node:path"
import type { BlobStore } from "./blobs.ts"
import type { Database } from "./database.ts"
import { diskBlobs } from "./disk-blobs.ts"
import { openEmbedded } from "./embedded.ts"
import { migrate } from "./migrations.ts"
import { parseS3Address, s3Blobs } from "./s3-blobs.ts"

export interface StoreOptions {
  /** Folder of the embedded database and of pictures on disk. */
  directory: string
  /** `postgres://...` takes the place of the embedded database. */
  databaseUrl?: string
  /** `s3://bucket/prefix` takes the place of the folder for pictures. */
  blobUrl?: string
  /** Connections to PostgreSQL; 8 unless given. */
  connections?: number
}

export interface Store {
  db: Database
  blobs: BlobStore
  close(): Promise<void>
}

export async function openStore(options: StoreOptions): Promise<Store> {
  // The driver is loaded where there is such a database.
  const db = options.databaseUrl
    ? await (await import("./postgres.ts")).openPostgres(options.databaseUrl, options.connections)
    : await openEmbedded(join(options.directory, "database"))
  await migrate(db)
  const s3 = options.blobUrl ? s3Blobs(parseS3Address(options.blobUrl)) : null
  return {
    db,
    blobs: s3 ?? diskBlobs(join(options.directory, "blobs")),
    async close() {
      s3?.close()
      await db.close()
    },
  }
}
