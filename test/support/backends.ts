// Which database and which store of pictures a test runs on: embedded and on disk, unless the environment says
// ATELIER_TEST_DATABASE=postgres or ATELIER_TEST_BLOBS=s3. Servers are started once per test file.
import { randomUUID } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import S3rver from "s3rver"
import { startPostgres } from "./postgres.ts"

export interface Backend {
  databaseUrl?: string
  blobUrl?: string
  /** To be called when nothing uses it any more. */
  drop(): Promise<void>
}

export interface TestS3 {
  /** `s3://bucket/prefix?endpoint=...`; another prefix at every look. */
  address(): string
  port: number
  stop(): Promise<void>
}

/** A real S3 server with one bucket; credentials are set for this process. */
export async function startS3(): Promise<TestS3> {
  process.env.AWS_ACCESS_KEY_ID = "S3RVER"
  process.env.AWS_SECRET_ACCESS_KEY = "S3RVER"
  const directory = await mkdtemp(join(tmpdir(), "atelier-s3-"))
  const configureBuckets = [{ name: "pictures", configs: [] }]
  const server = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory, configureBuckets })
  const { port } = await server.run()
  return {
    port,
    address: () => `s3://pictures/${randomUUID()}?endpoint=http://127.0.0.1:${port}`,
    stop: async () => {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** One server for all who use it at the same time. */
function shared<T extends { stop(): Promise<void> }>(start: () => Promise<T>) {
  let server: Promise<T> | null = null
  let users = 0
  return {
    take: (): Promise<T> => {
      users++
      server ??= start()
      return server
    },
    leave: async (): Promise<void> => {
      if (--users > 0) return
      const last = server!
      server = null
      await (await last).stop()
    },
  }
}
const postgres = shared(startPostgres)
const s3 = shared(startS3)

export async function backend(): Promise<Backend> {
  const isPostgres = process.env.ATELIER_TEST_DATABASE === "postgres"
  const isS3 = process.env.ATELIER_TEST_BLOBS === "s3"
  return {
    ...(isPostgres && { databaseUrl: await (await postgres.take()).newDatabase() }),
    ...(isS3 && { blobUrl: (await s3.take()).address() }),
    drop: async () => {
      if (isS3) await s3.leave()
      if (isPostgres) await postgres.leave()
    },
  }
}
