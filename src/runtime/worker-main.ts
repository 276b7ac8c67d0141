// The worker process: holds the sessions and blocks on them, so that nobody else has to.
import { asAtelierError } from "../request/errors.ts"
import type { Answer, Request } from "./protocol.ts"
import { type LoadedGraph, localRunner, type Runner } from "./runner.ts"

let runner: Runner | undefined
const graphs = new Map<number, LoadedGraph>()

async function answer(request: Request): Promise<Omit<Answer & { id: number }, "id">> {
  switch (request.do) {
    case "start":
      runner = localRunner(request.options)
      return {}
    case "open":
      graphs.set(request.graph, await runner!.open(request.file))
      return {}
    case "run":
      return { values: await graphs.get(request.graph)!.run(request.feeds, request.options) }
    case "close":
      await graphs.get(request.graph)?.close()
      graphs.delete(request.graph)
      return {}
    case "memory":
      return { bytes: process.memoryUsage.rss() }
  }
}

async function serve(request: Request): Promise<void> {
  try {
    process.send!({ ...(await answer(request)), id: request.id })
  } catch (thrown) {
    process.send!({ id: request.id, error: asAtelierError(thrown).toJSON() })
  }
}

process.on("message", (request: Request) => void serve(request))
// An interrupt reaches the whole process group; the engine decides what it means.
process.on("SIGINT", () => {})
process.on("SIGTERM", () => {})
process.on("disconnect", () => process.exit(0))
