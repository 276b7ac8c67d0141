// One process per data folder, and a private way to talk to it: a socket in the folder that only its owner can
// open. It vanishes with the process, so a kill leaves nothing that has to be cleaned by hand.
import { createHash, randomBytes } from "node:crypto"
import { chmodSync, linkSync, mkdirSync, realpathSync, renameSync, rmSync, statSync } from "node:fs"
import { createServer, type RequestListener, request, type Server } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as after } from "node:timers/promises"
import { AtelierError, asAtelierError, type ErrorData } from "../request/index.ts"

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Makes a folder and those above it. Node's own recursive way turns for ever below one that takes none, as /proc. */
function makeFolder(path: string): void {
  if (isFolder(path)) return
  if (dirname(path) !== path) makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (cause) {
    if (isFolder(path)) return // another was quicker
    const why = asAtelierError(cause).message
    throw new AtelierError("file_write", `There can be no folder ${path} (${why}); give another.`, { cause })
  }
}

/** Socket paths are limited to about 100 bytes; deeper folders get one in a private folder of the temp directory. */
export function socketPath(directory: string): string {
  makeFolder(directory)
  const real = realpathSync(directory)
  const hash = createHash("sha256").update(real).digest("hex").slice(0, 16)
  if (process.platform === "win32") return `\\\\.\\pipe\\atelier-${hash}`
  const near = join(real, "atelier.sock")
  if (Buffer.byteLength(near) < 100) return near
  const far = join(tmpdir(), `atelier-${process.getuid?.() ?? 0}-${hash}`)
  makeFolder(far)
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

const taken = (directory: string): AtelierError =>
  new AtelierError("conflict", `Another atelier serves ${directory}. Stop it, or give another folder.`)

/** Takes the folder or throws `conflict`. `onRequest` answers `atelier keys` and the like from other processes. */
export async function lockDirectory(
  directory: string,
  onRequest: RequestListener,
): Promise<{ release(): Promise<void> }> {
  const path = socketPath(directory)
  const isPipe = process.platform === "win32"
  if (isPipe && (await isAlive(path))) throw taken(directory)
  // It listens before it has the name: whoever finds the name finds somebody who answers. No longer than the name.
  const own = isPipe ? path : join(dirname(path), `.${randomBytes(4).toString("hex")}`)
  const server: Server = createServer(onRequest)
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(own, resolve)
  })
  // The lock alone keeps no process alive.
  server.unref()
  const release = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  if (isPipe) return { release }
  chmodSync(own, 0o600)
  const { ino } = statSync(own)
  try {
    await takeName(own, path, directory)
  } catch (refused) {
    await release()
    throw refused
  }
  rmSync(own)
  return {
    release: () => {
      if (inodeOf(path) === ino) rmSync(path, { force: true })
      return release()
    },
  }
}

const inodeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino

/** Does it, and tells whether it could be done: false when it failed with `code`. */
function unless(code: string, act: () => void): boolean {
  try {
    act()
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === code) return false
    throw thrown
  }
}

/** Gives a listening socket the folder's name: by a hard link, which only one of those who start at once can make. */
async function takeName(own: string, path: string, directory: string): Promise<void> {
  while (!unless("EEXIST", () => linkSync(own, path))) {
    const found = inodeOf(path)
    if (await isAlive(path)) throw taken(directory)
    // A killed process left the name. It is moved away and not removed: should another have taken it since the look,
    // that one's socket was moved, and gets its name back, unless a third was quicker.
    const away = `${own}x`
    if (!unless("ENOENT", () => renameSync(path, away))) continue
    try {
      if (inodeOf(away) !== found) unless("EEXIST", () => linkSync(away, path))
    } finally {
      rmSync(away)
    }
  }
}

/** What a process answers that holds the folder and has no store open yet, or none to share. */
export const answerBusy: RequestListener = (_, response) => {
  const error = new AtelierError("unavailable", "The process that holds the folder is busy; ask again.")
  response.writeHead(503, { "content-type": "application/json" }).end(JSON.stringify({ error }))
}

const ASK_AGAIN_MS = 200

/**
 * Asks the process that holds the folder; null when there is none. Throws what it answered, and `unavailable` when it
 * stays busy for `patience` seconds: with its start, or with a command of its own.
 */
export async function askHolder(
  directory: string,
  command: string,
  body: unknown,
  patience = 30,
): Promise<unknown | null> {
  const path = socketPath(directory)
  const end = performance.now() + patience * 1000
  while (await isAlive(path)) {
    const answer = await post(path, command, JSON.stringify(body)).catch((cause: NodeJS.ErrnoException) => {
      // It ended since the look, before it was asked anything.
      if (cause.code === "ENOENT" || cause.code === "ECONNREFUSED") return undefined
      throw unreadable(directory, cause)
    })
    if (answer === undefined) continue
    if (answer.status !== 503) return resultOf(answer.text, directory)
    if (performance.now() > end)
      throw new AtelierError(
        "unavailable",
        `Another atelier has held ${directory} for ${patience} s, by starting or by a command; try again when it is done.`,
      )
    await after(ASK_AGAIN_MS)
  }
  return null
}

const unreadable = (directory: string, cause: unknown): AtelierError =>
  new AtelierError(
    "unavailable",
    `The atelier that holds ${directory} gave no whole answer (${asAtelierError(cause).message}); look whether it still runs, and ask again.`,
    { cause },
  )

function resultOf(text: string, directory: string): unknown {
  let told: { result?: unknown; error?: ErrorData }
  try {
    told = JSON.parse(text) as typeof told
  } catch (cause) {
    throw unreadable(directory, cause)
  }
  if (told.error) throw AtelierError.from(told.error)
  return told.result
}

const post = (socketPath: string, command: string, body: string): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: `/${command}`, method: "POST" }, (answer) => {
      let text = ""
      answer.setEncoding("utf8")
      answer.on("data", (part: string) => {
        text += part
      })
      answer.on("end", () => resolve({ status: answer.statusCode!, text }))
      answer.on("error", reject)
    })
    asked.on("error", reject)
    asked.end(body)
  })
