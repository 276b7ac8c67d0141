// One process per data folder, and a private way to talk to it: a socket in the folder that only its owner can
// open. It vanishes with the process, so a kill leaves nothing that has to be cleaned by hand.
import { createHash } from "node:crypto"
import { chmodSync, mkdirSync, realpathSync, rmSync } from "node:fs"
import { createServer, type RequestListener, request, type Server } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { AtelierError } from "../request/index.ts"

/** Socket paths are limited to about 100 bytes; deeper folders get one in a private folder of the temp directory. */
export function socketPath(directory: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const real = realpathSync(directory)
  const hash = createHash("sha256").update(real).digest("hex").slice(0, 16)
  if (process.platform === "win32") return `\\\\.\\pipe\\atelier-${hash}`
  const near = join(real, "atelier.sock")
  if (Buffer.byteLength(near) < 100) return near
  const far = join(tmpdir(), `atelier-${process.getuid?.() ?? 0}-${hash}`)
  mkdirSync(far, { recursive: true, mode: 0o700 })
  return join(far, "atelier.sock")
}

const isAlive = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.on("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.on("error", () => resolve(false))
  })

/** Takes the folder or throws `conflict`. `onRequest` answers `atelier keys` and the like from other processes. */
export async function lockDirectory(
  directory: string,
  onRequest: RequestListener,
): Promise<{ release(): Promise<void> }> {
  const path = socketPath(directory)
  if (await isAlive(path)) {
    throw new AtelierError(
      "conflict",
      `Another atelier serves ${directory}. Stop it, or give another folder.`,
    )
  }
  if (process.platform !== "win32") rmSync(path, { force: true })
  const server: Server = createServer(onRequest)
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(path, resolve)
  })
  if (process.platform !== "win32") chmodSync(path, 0o600)
  // The lock alone keeps no process alive.
  server.unref()
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Asks the process that holds the folder; null when there is none. Throws what it answered. */
export async function askHolder(directory: string, command: string, body: unknown): Promise<unknown | null> {
  const path = socketPath(directory)
  if (!(await isAlive(path))) return null
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, path: `/${command}`, method: "POST" }, (answer) => {
      let text = ""
      answer.setEncoding("utf8")
      answer.on("data", (part: string) => {
        text += part
      })
      answer.on("end", () => {
        const told = JSON.parse(text) as { result?: unknown; error?: ConstructorParameters<typeof Error>[0] }
        if (answer.statusCode === 200) resolve(told.result)
        else reject(new AtelierError("invalid_request", String(told.error)))
      })
    })
    asked.on("error", reject)
    asked.end(JSON.stringify(body))
  })
}
