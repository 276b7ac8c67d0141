// The commands as one program, apart from the process that it runs in.
import { Command, CommanderError } from "commander"
import { AtelierError } from "../request/errors.ts"
import { version } from "../version.ts"
import { registerBoard } from "./commands/board.ts"
import { registerGenerate } from "./commands/generate.ts"
import { registerGrid } from "./commands/grid.ts"
import { registerModels } from "./commands/models.ts"
import { registerReplay } from "./commands/replay.ts"
import { registerServe } from "./commands/serve.ts"
import { registerService } from "./commands/service.ts"
import { type Context, EXIT } from "./context.ts"

/** Runs one command line; the exit code is left with the context. */
export async function runCommand(words: readonly string[], context: Context): Promise<void> {
  const program = new Command("atelier")
    .description("Krea 2 on your own machine: pictures from prompts, references and moodboards")
    .version(version)
    .showHelpAfterError("(--help shows what there is)")
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.tell(text.trimEnd()),
    })
    .exitOverride()
  registerGenerate(program, context)
  registerReplay(program, context)
  registerModels(program, context)
  registerBoard(program, context)
  registerGrid(program, context)
  registerServe(program, context)
  registerService(program, context)
  try {
    await program.parseAsync(words, { from: "user" })
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    // commander has said its piece already; help and version are no failures
    context.exit(thrown.exitCode === 0 ? EXIT.done : EXIT.usage)
    if (thrown.exitCode === 0 || !words.includes("--json")) return
    const message = thrown.message.replace(/^error: /, "").replace("\n", " ")
    context.print(JSON.stringify({ error: new AtelierError("invalid_request", message) }, null, 2))
  }
}
