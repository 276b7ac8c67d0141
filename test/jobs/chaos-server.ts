// The server that chaos.test.ts kills: a process of its own, with slow steps. It loads, waits for its port on stdin,
// then serves: the next one can load while the last one still runs.
import { once } from "node:events"
import { flushCompileCache } from "node:module"
import { serve } from "../../src/server/index.ts"
import { testEngine } from "../support/engine.ts"

const [directory, step] = process.argv.slice(2)
const engine = testEngine({ side: 16, stepMilliseconds: Number(step) })
// A killed process writes no cache at its end.
flushCompileCache()
const [port] = (await once(process.stdin, "data")) as [Buffer]
const running = await serve({ directory, port: Number(port), logLevel: "silent" }, engine)
process.stdout.write(`ready ${running.url}\n`)
