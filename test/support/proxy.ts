// A network between client and server that breaks: connections are cut, or freeze half-open without a word.
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

export interface Proxy {
  port: number
  /** Connections that pass data now. */
  readonly live: number
  /** Both ends learn of it at once. */
  cut(): void
  /** Neither end learns of it: nothing passes any more, and nothing is closed. */
  freeze(): void
  /** New connections lead to this port of the machine, as those of a load balancer do. */
  to(port: number): void
  close(): Promise<void>
}

export async function brokenNetwork(port: number): Promise<Proxy> {
  let target = port
  const live = new Set<[Socket, Socket]>()
  const all = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1")
    const pair: [Socket, Socket] = [near, far]
    live.add(pair)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      all.add(from)
      from.on("data", (data) => to.write(data))
      from.on("error", () => {})
      from.on("close", () => {
        all.delete(from)
        // A frozen pair stays half-open: that is what it is for.
        if (live.delete(pair)) to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get live() {
      return live.size
    },
    cut() {
      for (const [near] of [...live]) near.destroy()
    },
    freeze() {
      for (const pair of live) for (const socket of pair) socket.removeAllListeners("data").pause()
      live.clear()
    },
    to(port) {
      target = port
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of all) socket.destroy()
      }),
  }
}
