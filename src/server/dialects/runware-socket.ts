// Runware over WebSocket: sessions that outlive their connection, one task per frame, one error per frame.
import { randomUUID } from "node:crypto"
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { WebSocket, WebSocketServer } from "ws"
import { AtelierError, asAtelierError } from "../../request/index.ts"
import { type Callers, isSameMachine, parseJson } from "../http.ts"
import type { Service } from "../service.ts"
import { errorItem } from "./runware.ts"
import { allFailed } from "./runware-http.ts"
import { runTask } from "./runware-tasks.ts"

const MAX_FRAME = 110_000_000
const MAX_KEPT_FRAMES = 1000

interface Session {
  id: string
  keyId: string
  /** The key is asked for at every task: it may be revoked while the connection stands. */
  secret: string
  socket: WebSocket | null
  /**
   * Frames that are not known to have arrived, oldest first. A connection can be dead for minutes before anybody
   * notices: what was sent into it belongs to its successor.
   */
  kept: { n: number; text: string }[]
  /** Frames so far. */
  sent: number
  gone: AbortController
  forget: NodeJS.Timeout | undefined
}

const newSession = (keyId: string, secret: string): Session => ({
  id: randomUUID(),
  keyId,
  secret,
  socket: null,
  kept: [],
  sent: 0,
  gone: new AbortController(),
  forget: undefined,
})

export function runwareSocket(
  s: Service,
  callers: Callers,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const idleMs = s.options.sessionSeconds * 1000
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME, perMessageDeflate: false })
  const sessions = new Map<string, Session>()
  s.closing.addEventListener("abort", () => {
    for (const client of server.clients) client.terminate()
    for (const session of sessions.values()) clearTimeout(session.forget)
  })

  /** A protocol ping behind what was sent: its pong says that everything before it has arrived. */
  const askForArrival = ({ id, sent }: Session, socket: WebSocket): void => socket.ping(`${id} ${sent}`)

  const send = (session: Session, frame: object): void => {
    const text = JSON.stringify(frame)
    const { socket } = session
    session.sent++
    if (session.kept.length < MAX_KEPT_FRAMES) session.kept.push({ n: session.sent, text })
    if (socket?.readyState !== WebSocket.OPEN) return
    socket.send(text)
    askForArrival(session, socket)
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
    if (session.socket !== socket) session.socket?.close()
    session.socket = socket
    sessions.set(session.id, session)
    socket.send(JSON.stringify({ data: [{ taskType: "authentication", connectionSessionUUID: session.id }] }))
    for (const { text } of session.kept) socket.send(text)
    askForArrival(session, socket)
    return session
  }

  const accept = (socket: WebSocket): void => {
    let session: Session | null = null
    const own = new Set<Session>()
    const lose = (): void => {
      for (const each of own) release(each, socket)
    }
    // Who is silent may be gone without a word, and then never answers the close.
    const onIdle = (): void => {
      lose()
      socket.close()
    }
    let idle = setTimeout(onIdle, idleMs)
    // Frames in order: a task right behind the authentication must not overtake it.
    let last = Promise.resolve()
    socket.on("message", (data) => {
      clearTimeout(idle)
      idle = setTimeout(onIdle, idleMs)
      last = last.then(() => receive(String(data)))
    })
    socket.on("error", () => socket.terminate())
    socket.on("close", () => {
      clearTimeout(idle)
      lose()
    })
    socket.on("pong", (data) => {
      const [id, n] = String(data).split(" ")
      for (const each of own) if (each.id === id) each.kept = each.kept.filter((frame) => frame.n > Number(n))
    })

    const fail = (thrown: unknown, task: Record<string, unknown>): void => {
      const frame = allFailed([errorItem(asAtelierError(thrown), task)])
      if (session) send(session, frame)
      else socket.send(JSON.stringify(frame))
    }

    async function receive(text: string): Promise<void> {
      let tasks: Record<string, unknown>[]
      try {
        const body = parseJson(text)
        tasks = (Array.isArray(body) ? body : [body]) as Record<string, unknown>[]
        if (
          tasks.length === 0 ||
          tasks.length > 100 ||
          tasks.some((t) => t === null || typeof t !== "object")
        )
          throw new Error("not tasks")
      } catch {
        return fail(new AtelierError("invalid_request", "A frame is a JSON array of tasks."), {})
      }
      for (const task of tasks) {
        if (task.taskType === "authentication") {
          try {
            session = await authenticate(task, socket)
            own.add(session)
            if (socket.readyState === WebSocket.CLOSED) lose() // it was cut while its key was looked up
          } catch (thrown) {
            return fail(thrown, task)
          }
        } else if (session) {
          const asker = session
          const emit = (items: object[]): void => send(asker, { data: items })
          const failed = (thrown: unknown): void =>
            send(asker, allFailed([errorItem(asAtelierError(thrown), task)]))
          await callers.key(asker.secret).then((key) => {
            void runTask(task, { s, callers, key, emit, signal: asker.gone.signal }).catch(failed)
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
