// atelier models: what is installed, what is inside it, installing and quantising.
import type { Command } from "commander"
import { type CommonOptions, type Context, run } from "../context.ts"
import { type AddFlags, addModel } from "../models/add.ts"
import { inspectModel, sayInspected } from "../models/inspect.ts"
import { listModels, sayList } from "../models/list.ts"
import { type QuantizeFlags, quantizeModel } from "../models/quantize.ts"

export function registerModels(program: Command, context: Context): void {
  const models = program.command("models").description("installed models")
  models
    .command("list")
    .description("the installed models")
    .option("--json", "print as JSON")
    .action((flags: CommonOptions) => run(context, flags, listModels, sayList))
  models
    .command("inspect")
    .description("what a model or a checkpoint file is made of")
    .argument("<model>", "installed name, file or folder")
    .option("--json", "print as JSON")
    .action((model: string, flags: CommonOptions) =>
      run(context, flags, () => inspectModel(model), sayInspected),
    )
  models
    .command("add")
    .description(
      "install a model from files on this machine; they stay where they are unless they must be converted",
    )
    .argument("<name>", "name to install it under")
    .argument("[path]", "diffusers folder, or a file with all parts")
    .option("--dit <file>", "the image model")
    .option("--text <file>", "the text tower")
    .option("--vae <file>", "the VAE")
    .option("--tokenizer <folder>", "folder with tokenizer.json")
    .option("--turbo", "a distilled model: 8 steps, no guidance, fixed shift; default what its files say")
    .option("--no-turbo", "a model that is not distilled, whatever its files say")
    .option("--json", "print as JSON")
    .action((name: string, path: string | undefined, flags: AddFlags & CommonOptions) =>
      run(
        context,
        flags,
        () => addModel(name, path, flags, context),
        (m) => `${m.name} is installed in ${m.folder}`,
      ),
    )
  models
    .command("quantize")
    .description("write a copy in 4-bit or 8-bit blocks")
    .argument("<model>", "installed name")
    .option("--bits <bits>", "4 or 8", "4")
    .option("--block <size>", "values that share a scale: 16 to 256, or row: fastest, coarsest")
    .option("--name <name>", "name of the new model")
    .option("--json", "print as JSON")
    .action((model: string, flags: QuantizeFlags & CommonOptions) =>
      run(
        context,
        flags,
        () => quantizeModel(model, flags, context),
        (m) => `${m.name} is installed in ${m.folder}`,
      ),
    )
}
