// Where graphs run: in this process, or in a worker process. May import session.
import { type GraphFile, Session, type SessionOptions, type Value } from "./session.ts"

export type Feeds = Readonly<Record<string, Value>>
export type Values = Record<string, Value>

export interface RunOptions {
  /** The output, [B,3,H,W] in -1..1, that comes back as bytes [B,H,W,3]: a quarter of the traffic. */
  pixels?: string
}

/** A graph that is loaded and ready. */
export interface LoadedGraph {
  run(feeds: Feeds, options?: RunOptions): Promise<Values>
  close(): Promise<void>
}

export interface Runner {
  open(graph: GraphFile): Promise<LoadedGraph>
  close(): Promise<void>
}

/** Runs in the calling thread and blocks it: for tests, tools and the worker process itself. */
export function localRunner(options: SessionOptions): Runner {
  const open = new Set<LoadedGraph>()
  return {
    async open(graph) {
      const session = await Session.open(graph, options)
      const loaded: LoadedGraph = {
        run: async (feeds, { pixels } = {}) => {
          const values = await session.run(feeds)
          return pixels === undefined ? values : { ...values, [pixels]: toPixels(values[pixels]!) }
        },
        close: async () => {
          if (open.delete(loaded)) await session.close()
        },
      }
      open.add(loaded)
      return loaded
    },
    async close() {
      for (const graph of open) await graph.close()
    },
  }
}

/** [B,3,H,W] in -1..1 -> bytes [B,H,W,3], clamped and rounded. */
export function toPixels({ data, shape }: Value): Value {
  const [batch, , height, width] = shape as [number, number, number, number]
  const area = height * width
  const bytes = new Uint8Array(batch * area * 3)
  for (let plane = 0; plane < batch * 3; plane++) {
    const to = Math.floor(plane / 3) * area * 3 + (plane % 3)
    for (let i = 0, from = plane * area; i < area; i++, from++) {
      const value = Math.min(1, Math.max(-1, Number(data[from]!)))
      bytes[to + i * 3] = Math.round((value + 1) * 127.5)
    }
  }
  return { type: "bool", shape: [batch, height, width, 3], data: bytes }
}
