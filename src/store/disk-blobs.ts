// Blobs as files: written beside, synced, renamed into place, folder synced. A reader sees all or nothing.
import { randomUUID } from "node:crypto"
import * as nodeFs from "node:fs/promises"
import { dirname, join, relative, sep } from "node:path"
import { AtelierError } from "../request/index.ts"
import type { BlobStore } from "./blobs.ts"

/** The calls used, so that tests can make the n-th of them fail. */
export type FileSystem = Pick<
  typeof nodeFs,
  "mkdir" | "open" | "rename" | "rm" | "readFile" | "access" | "readdir" | "stat"
>

/** A blob store under `root`. Throws `file_write` when the disk refuses. */
export function diskBlobs(root: string, fs: FileSystem = nodeFs): BlobStore {
  const path = (key: string): string => join(root, ...key.split("/"))
  const synced = new Set<string>()

  const syncFolder = async (folder: string): Promise<void> => {
    const handle = await fs.open(folder, "r")
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
  /** Makes a folder and syncs each parent that gained an entry, once per folder and process. */
  const ensureFolder = async (folder: string): Promise<void> => {
    if (synced.has(folder)) return
    await fs.mkdir(folder, { recursive: true })
    for (let f = folder; f.length > root.length; f = dirname(f)) await syncFolder(dirname(f))
    synced.add(folder)
  }

  return {
    async put(key, bytes, { fleeting = false } = {}) {
      const file = path(key)
      const beside = `${file}.${randomUUID()}.part`
      try {
        await ensureFolder(dirname(file))
        try {
          const handle = await fs.open(beside, "w", 0o600)
          try {
            await handle.writeFile(bytes)
            if (!fleeting) await handle.sync()
          } finally {
            await handle.close()
          }
          await fs.rename(beside, file)
        } catch (thrown) {
          await fs.rm(beside, { force: true }).catch(() => {})
          throw thrown
        }
        if (!fleeting) await syncFolder(dirname(file))
      } catch (thrown) {
        const why = thrown instanceof Error ? thrown.message : String(thrown)
        throw new AtelierError("file_write", `A picture could not be stored: ${why}.`, { cause: thrown })
      }
    },
    async get(key) {
      try {
        return await fs.readFile(path(key))
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null
        throw thrown
      }
    },
    has: (key) =>
      fs.access(path(key)).then(
        () => true,
        () => false,
      ),
    async delete(key) {
      await fs.rm(path(key), { force: true, recursive: true })
    },
    async *list(prefix) {
      const entries = await fs.readdir(path(prefix), { recursive: true, withFileTypes: true }).catch(() => [])
      for (const entry of entries) {
        if (!entry.isFile()) continue
        const file = join(entry.parentPath, entry.name)
        const seen = await fs.stat(file).catch(() => null) // gone since
        if (seen) yield { key: relative(root, file).split(sep).join("/"), written: seen.mtime }
      }
    },
  }
}
