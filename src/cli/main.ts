// The atelier command, in a process of its own.
import { processContext } from "./context.ts"
import { runCommand } from "./program.ts"

// Started by a launcher on an older Node: its kill -9 is this process's, or a server would live on unseen, with its
// port and folder. The channel alone keeps nothing alive.
process.on("disconnect", () => process.exit(1))
process.channel?.unref()

const context = processContext()
await runCommand(process.argv.slice(2), context)
// Work that heeds no signal is under way still.
if (context.signal.aborted) process.exit()
