// Many requests at once on open sockets, two by two in a pipeline: a client that costs next to nothing, for it shares the
// cores with the server that it measures.
import { once } from "node:events"
import { connect, type Socket } from "node:net"

export interface BurstAnswer {
  status: number
  /** From the moment at which the burst began. */
  milliseconds: number
}

const END_OF_HEAD = Buffer.from("\r\n\r\n")

/** Where the next answer in `bytes` ends, and its status; null while it is not whole. */
function nextAnswer(bytes: Buffer): { status: number; end: number } | null {
  const head = bytes.indexOf(END_OF_HEAD)
  if (head < 0) return null
  const text = bytes.toString("latin1", 0, head)
  const length = /content-length: (\d+)/i.exec(text)
  if (!length) throw new Error(`An answer without a length: ${text}`)
  const end = head + END_OF_HEAD.length + Number(length[1])
  return end <= bytes.length ? { status: Number(text.slice(9, 12)), end } : null
}

export class BurstClient {
  readonly #url: URL
  readonly #sockets: Socket[]

  private constructor(url: URL, sockets: Socket[]) {
    this.#url = url
    this.#sockets = sockets
  }

  static async open(url: string, sockets: number): Promise<BurstClient> {
    const { hostname, port } = new URL(url)
    const open = async (): Promise<Socket> => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true })
      await once(socket, "connect")
      return socket
    }
    return new BurstClient(new URL(url), await Promise.all(Array.from({ length: sockets }, open)))
  }

  /** Posts all bodies at once, spread over the sockets. Resolves when every one is answered, in no order. */
  async post(path: string, bodies: readonly unknown[]): Promise<BurstAnswer[]> {
    const answers: BurstAnswer[] = []
    const texts = this.#sockets.map(() => "")
    for (const [i, body] of bodies.entries()) {
      const json = JSON.stringify(body)
      const head = `POST ${path} HTTP/1.1\r\nhost: ${this.#url.host}\r\ncontent-type: application/json\r\n`
      texts[i % texts.length] += `${head}content-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`
    }
    const all = Promise.withResolvers<BurstAnswer[]>()
    const stops = this.#sockets.map((socket) => {
      let rest: Buffer = Buffer.alloc(0)
      const onData = (part: Buffer): void => {
        rest = rest.length > 0 ? Buffer.concat([rest, part]) : part
        for (let found = nextAnswer(rest); found; found = nextAnswer(rest)) {
          rest = rest.subarray(found.end)
          answers.push({ status: found.status, milliseconds: performance.now() - began })
        }
        if (answers.length === bodies.length) all.resolve(answers)
      }
      socket.on("data", onData).once("error", all.reject)
      return () => void socket.off("data", onData).off("error", all.reject)
    })
    const began = performance.now()
    for (const [i, socket] of this.#sockets.entries()) if (texts[i]) socket.write(texts[i])
    try {
      return await all.promise
    } finally {
      for (const stop of stops) stop()
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
