// An API node in a process of its own, for tests that kill it. Database and pictures come from the environment.
import { serve } from "../../src/server/index.ts"

const [directory] = process.argv.slice(2)
const { url } = await serve({ directory: directory!, port: 0, role: "api", logLevel: "silent" }, null)
process.stdout.write(url)
