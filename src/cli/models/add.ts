// Installs a model: writes its model.json, and converts what ONNX Runtime cannot read as it stands.
import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { checkDit, checkText, checkVae } from "../../checkpoint/check.ts"
import { findComponents, type ModelComponents } from "../../checkpoint/components.ts"
import { ditConfig, textConfig, vaeConfig } from "../../checkpoint/config.ts"
import { convertCheckpoint, needsConversion } from "../../checkpoint/convert.ts"
import type { Checkpoint } from "../../checkpoint/tensor.ts"
import { AtelierError } from "../../request/errors.ts"
import { saysTurbo } from "../../sampling/catalog.ts"
import type { ManifestInput } from "../../sampling/manifest.ts"
import type { Context } from "../context.ts"
import { bar } from "../progress.ts"
import { type Added, NewModel } from "./new-model.ts"

export interface AddFlags {
  dit?: string
  text?: string
  vae?: string
  tokenizer?: string
  turbo?: boolean
}

const PARTS = ["dit", "text", "vae"] as const

export async function addModel(
  name: string,
  path: string | undefined,
  flags: AddFlags,
  context: Context,
): Promise<Added> {
  if (path === undefined && PARTS.every((part) => flags[part] === undefined))
    throw new AtelierError(
      "invalid_request",
      "Name a diffusers folder or a file that holds the model, or its parts with --dit, --text, --vae and --tokenizer.",
    )
  const model = await NewModel.named(name)
  const whole = path === undefined ? undefined : await findComponents(resolve(path))
  const files: Record<string, string> = {}
  const sha256: Record<string, string> = {}
  try {
    const found: Partial<Record<(typeof PARTS)[number], Checkpoint>> = {}
    let origin: ModelComponents | undefined
    for (const part of PARTS) {
      const own = flags[part]
      const holder = own === undefined ? whole : await findComponents(resolve(own))
      const checkpoint = holder?.[part]
      if (part === "dit") origin = holder
      if (!checkpoint)
        throw new AtelierError(
          "model_invalid",
          `${own ?? path ?? "Nothing"} holds no ${part} of Krea 2; name it with --${part} FILE.`,
        )
      found[part] = checkpoint
    }
    const dit = found.dit!
    checkDit(dit, ditConfig(dit))
    checkVae(found.vae!, vaeConfig(found.vae!))
    checkText(found.text!, textConfig(found.text!, whole))
    // Before anything is converted: that can take many minutes.
    files.tokenizer = tokenizerOf(flags.tokenizer ?? whole?.tokenizer, found.text!.path)
    for (const part of PARTS) {
      const converted = await converted8(found[part]!, model, part, context)
      files[part] = converted?.path ?? resolve(found[part]!.path)
      if (converted) sha256[part] = converted.sha256
    }
    const turbo = flags.turbo ?? saysTurbo(origin!, dit)
    return await model.install({
      title: name,
      variant: turbo ? "medium-turbo" : "large",
      files: files as ManifestInput["files"],
      text: { taps: whole?.taps ? [...whole.taps] : undefined, ropeTheta: whole?.ropeTheta },
      shift: turbo ? 1.15 : null,
      defaults: turbo
        ? { steps: 8, guidance: 0, width: 1024, height: 1024 }
        : { steps: 28, guidance: 4.5, width: 1024, height: 1024 },
      batch: 1,
      sha256: Object.keys(sha256).length > 0 ? sha256 : undefined,
    })
  } catch (error) {
    await model.discard()
    throw error
  }
}

async function converted8(
  checkpoint: Checkpoint,
  model: NewModel,
  part: string,
  { signal, terminal }: Context,
) {
  if (!needsConversion(checkpoint)) return undefined
  const target = model.file(`${part}.safetensors`)
  const progress = bar(terminal, (text) => process.stderr.write(text))
  try {
    return await convertCheckpoint(checkpoint, target, {
      signal,
      onProgress: ({ done, total }) => progress.show({ step: done, steps: total, secondsLeft: null }),
    })
  } finally {
    progress.clear()
  }
}

function tokenizerOf(given: string | undefined, text: string): string {
  const candidates = given === undefined ? [dirname(text), join(dirname(text), "..", "tokenizer")] : [given]
  const found = candidates.find((folder) => existsSync(join(folder, "tokenizer.json")))
  if (found) return resolve(found)
  throw new AtelierError(
    "file_not_found",
    `There is no tokenizer.json in ${candidates.join(" or ")}; name its folder with --tokenizer FOLDER.`,
  )
}
