// The atelier command: one file per command in commands/.
import { Command, CommanderError } from "commander"
import { version } from "../version.ts"
import { registerGenerate } from "./commands/generate.ts"
import { registerModels } from "./commands/models.ts"
import { registerReplay } from "./commands/replay.ts"
import { EXIT, processContext } from "./context.ts"

const context = processContext()
const program = new Command("atelier")
  .description("Krea 2 on your own machine: pictures from prompts, references and moodboards")
  .version(version)
  .showHelpAfterError("(--help shows what there is)")
  .exitOverride()
registerGenerate(program, context)
registerReplay(program, context)
registerModels(program, context)

try {
  await program.parseAsync()
} catch (thrown) {
  if (!(thrown instanceof CommanderError)) throw thrown
  // commander has said its piece already; help and version are no failures
  process.exitCode = thrown.exitCode === 0 ? EXIT.done : EXIT.usage
}
