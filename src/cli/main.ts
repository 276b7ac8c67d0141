// The atelier command, in a process of its own.
import { processContext } from "./context.ts"
import { runCommand } from "./program.ts"

await runCommand(process.argv.slice(2), processContext())
