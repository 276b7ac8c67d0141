// Runware over WebSocket: sessions that outlive their connection, one task per frame, one error per frame.
import { randomUUID } from "node:crypto"
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { type WebSocket, WebSocketServer } from "ws"
import { AtelierError, asAtelierError } from "../../request/index.ts"
import { type Callers, isSameMachine } from "../http.ts"
import type { Service } from "../service.ts"
import { errorItem } from "./runware.ts"
import { allFailed } from "./runware-http.ts"
import { runTask } from "./runware-tasks.ts"

const MAX_FRAME = 110_000_000
/** A silent connection is closed after this; what it did not get is kept for its successor as long. */
const IDLE_MS = 120_000
const MAX_KEPT_FRAMES = 1000

interface Session {
  id: string
  keyId: string
  /** The key is asked for at every task: it may be revoked while the connection stands. */
  secret: string
  socket: WebSocket | null
  /** Frames for which there was no connection. */
  kept: string[]
  gone: AbortController
  forget: NodeJS.Timeout | undefined
}

const newSession = (keyId: string, secret: string): Session => ({
  id: randomUUID(),
  keyId,
  secret,
  socket: null,
  kept: [],
  gone: new AbortController(),
  forget: undefined,
})

export function runwareSocket(
  s: Service,
  callers: Callers,
  idleMs = IDLE_MS,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME, perMessageDeflate: false })
  const sessions = new Map<string, Session>()
  s.closing.addEventListener("abort", () => {
    for (const client of server.clients) client.terminate()
    for (const session of sessions.values()) clearTimeout(session.forget)
  })

  const send = (session: Session, frame: object): void => {
    const text = JSON.stringify(frame)
    if (session.socket?.readyState === session.socket?.OPEN && session.socket) session.socket.send(text)
    else if (session.kept.length < MAX_KEPT_FRAMES) session.kept.push(text)
  }

  const release = (session: Session, socket: WebSocket): void => {
    if (session.socket !== socket) return
    session.socket = null
    session.forget = setTimeout(() => {
      session.gone.abort()
      sessions.delete(session.id)
    }, idleMs)
    session.forget.unref()
  }

  async function authenticate(task: Record<string, unknown>, socket: WebSocket): Promise<Session> {
    if (typeof task.apiKey !== "string" || task.apiKey === "") {
      throw new AtelierError("unauthorized", "The first task authenticates with an apiKey.")
    }
    const secret = task.apiKey
    const { id: keyId } = await callers.key(secret)
    const old = sessions.get(String(task.connectionSessionUUID))
    const session = old?.keyId === keyId ? old : newSession(keyId, secret)
    clearTimeout(session.forget)
    session.socket?.close()
    session.socket = socket
    sessions.set(session.id, session)
    send(session, { data: [{ taskType: "authentication", connectionSessionUUID: session.id }] })
    for (const frame of session.kept.splice(0)) socket.send(frame)
    return session
  }

  const accept = (socket: WebSocket): void => {
    let session: Session | null = null
    let idle = setTimeout(() => socket.close(), idleMs)
    // Frames in order: a task right behind the authentication must not overtake it.
    let last = Promise.resolve()
    socket.on("message", (data) => {
      clearTimeout(idle)
      idle = setTimeout(() => socket.close(), idleMs)
      last = last.then(() => receive(String(data)))
    })
    socket.on("error", () => socket.terminate())
    socket.on("close", () => {
      clearTimeout(idle)
      if (session) release(session, socket)
    })

    const fail = (thrown: unknown, task: Record<string, unknown>): void => {
      const frame = allFailed([errorItem(asAtelierError(thrown), task)])
      if (session) send(session, frame)
      else socket.send(JSON.stringify(frame))
    }

    async function receive(text: string): Promise<void> {
      let tasks: Record<string, unknown>[]
      try {
        const body = JSON.parse(text) as unknown
        tasks = (Array.isArray(body) ? body : [body]) as Record<string, unknown>[]
        if (tasks.length > 100 || tasks.some((t) => t === null || typeof t !== "object"))
          throw new Error("not tasks")
      } catch {
        return fail(new AtelierError("invalid_request", "A frame is a JSON array of tasks."), {})
      }
      for (const task of tasks) {
        if (task.taskType === "authentication") {
          try {
            session = await authenticate(task, socket)
          } catch (thrown) {
            return fail(thrown, task)
          }
        } else if (session) {
          const own = session
          const emit = (items: object[]): void => send(own, { data: items })
          const failed = (thrown: unknown): void =>
            send(own, allFailed([errorItem(asAtelierError(thrown), task)]))
          await callers.key(own.secret).then((key) => {
            void runTask(task, { s, callers, key, emit, signal: own.gone.signal }).catch(failed)
          }, failed)
        } else {
          return fail(new AtelierError("unauthorized", "The first task authenticates."), {
            taskType: "authentication",
          })
        }
      }
    }
  }

  return (request, socket, head) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname
    const isAllowed = callers.needsKey || isSameMachine(request.headers.host, request.headers.origin)
    if (path.replace(/\/$/, "") !== "/v1" || !isAllowed) {
      socket.end(`HTTP/1.1 ${isAllowed ? "404 Not Found" : "403 Forbidden"}\r\nConnection: close\r\n\r\n`)
      return
    }
    server.handleUpgrade(request, socket, head, accept)
  }
}
