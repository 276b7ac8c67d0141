// A copy of an installed model in 4-bit or 8-bit blocks: the image model and the text tower; the VAE stays.
import { basename } from "node:path"
import { findComponents } from "../../checkpoint/components.ts"
import { quantiseCheckpoint } from "../../checkpoint/convert.ts"
import { AtelierError } from "../../request/errors.ts"
import { findModel } from "../../sampling/catalog.ts"
import { fileOf } from "../../sampling/manifest.ts"
import type { Context } from "../context.ts"
import { bar } from "../progress.ts"
import { type Added, NewModel } from "./new-model.ts"

export interface QuantizeFlags {
  bits: string
  block?: string
  name?: string
}

// Measured (docs/performance.md): 8-bit products are faster with long blocks, and lose nothing to the eye;
// four bits need short ones.
const BLOCK = { 4: 32, 8: 128 } as const

/** A model that was given by its path is called after its file or folder, as far as a name can be. */
const shortName = (name: string): string =>
  basename(name)
    .replace(/\.(safetensors|gguf)$/, "")
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+|-+$/g, "") || "model"

export async function quantizeModel(model: string, flags: QuantizeFlags, context: Context): Promise<Added> {
  const bits = Number(flags.bits)
  if (bits !== 4 && bits !== 8)
    throw new AtelierError(
      "out_of_range",
      `--bits: ${JSON.stringify(flags.bits)} is not possible; 4 and 8 are.`,
      {
        field: "bits",
      },
    )
  const blockSize = flags.block === "row" ? "row" : Number(flags.block ?? BLOCK[bits])
  if (Number.isNaN(blockSize))
    throw new AtelierError(
      "out_of_range",
      `--block: ${JSON.stringify(flags.block)} is neither row nor a number of values.`,
      { field: "block" },
    )
  const source = await findModel(model)
  const name = flags.name ?? `${shortName(source.manifest.name)}-q${bits}`
  const target = await NewModel.named(name)
  const files: Record<string, string> = {}
  const sha256: Record<string, string> = {}
  for (const part of Object.keys(source.manifest.files)) files[part] = fileOf(source, part)!
  try {
    const progress = bar(context.terminal, (text) => process.stderr.write(text))
    for (const part of ["dit", "text"] as const) {
      // A word encoder is small, and not of this family.
      if (part === "text" && source.manifest.text.kind !== "qwen3") continue
      const checkpoint = files[part] === undefined ? undefined : (await findComponents(files[part]))[part]
      if (!checkpoint) continue
      const written = await quantiseCheckpoint(checkpoint, target.file(`${part}.safetensors`), {
        bits,
        blockSize,
        signal: context.signal,
        onProgress: ({ done, total }) => progress.show({ step: done, steps: total, secondsLeft: null }),
      }).finally(progress.clear)
      files[part] = `${part}.safetensors`
      sha256[part] = written.sha256
    }
    const title = `${source.manifest.title}, ${bits} bits`
    return await target.install({
      ...source.manifest,
      title,
      aliases: [],
      quantisedFrom: source.manifest.name,
      files: files as { dit: string; vae: string },
      sha256,
    })
  } catch (error) {
    await target.discard()
    throw error
  }
}
