// The server that chaos.test.ts kills: a process of its own, with slow steps.
import { serve } from "../../src/server/index.ts"
import { testEngine } from "../support/engine.ts"

const [directory, port, step] = process.argv.slice(2)
const engine = testEngine({ side: 16, stepMilliseconds: Number(step) })
const running = await serve({ directory, port: Number(port), logLevel: "silent" }, engine)
process.stdout.write(`ready ${running.url}\n`)
