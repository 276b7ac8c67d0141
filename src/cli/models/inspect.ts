// What a model or a loose checkpoint is made of.
import { existsSync } from "node:fs"
import { checkDit, checkText, checkVae } from "../../checkpoint/check.ts"
import { findComponents, type ModelComponents } from "../../checkpoint/components.ts"
import { ditConfig, textConfig, vaeConfig } from "../../checkpoint/config.ts"
import { type LoraSummary, loraSummary } from "../../checkpoint/lora.ts"
import { openCheckpoint } from "../../checkpoint/open.ts"
import { type Checkpoint, elementCount, type StoredTensor } from "../../checkpoint/tensor.ts"
import { weightBytes } from "../../runtime/memory.ts"
import { findModel } from "../../sampling/catalog.ts"
import { fileOf, type Installed } from "../../sampling/manifest.ts"
import { millions } from "./list.ts"

export interface PartReport {
  part: "dit" | "text" | "vae"
  path: string
  tensors: number
  parameters: number
  /** Tensors by stored form: F32, BF16, "4-bit blocks of 32", "8-bit rows". */
  stored: Record<string, number>
  /** Bytes when loaded. */
  memory: number
  config: object
}

export interface ModelReport {
  model: string
  manifest?: object
  parts: PartReport[]
  /** Of a LoRA, which has no parts. */
  lora?: LoraSummary
}

export async function inspectModel(model: string): Promise<ModelReport> {
  const loose = existsSync(model) && !existsSync(`${model}/model.json`)
  if (loose) {
    const lora = model.endsWith(".safetensors") ? loraSummary(await openCheckpoint(model)) : undefined
    return lora ? { model, parts: [], lora } : { model, parts: partsOf(await findComponents(model)) }
  }
  const installed: Installed = await findModel(model)
  const parts: PartReport[] = []
  for (const part of ["dit", "text", "vae"] as const) {
    const path = fileOf(installed, part)
    if (path === undefined) continue
    if (part === "text" && installed.manifest.text.kind !== "qwen3") continue
    const found = (await findComponents(path))[part]
    if (found) parts.push(partReport(part, found, installed.manifest.text))
  }
  return { model, manifest: installed.manifest, parts }
}

function partsOf(components: ModelComponents): PartReport[] {
  const { dit, text, vae, taps, ropeTheta } = components
  return [
    ...(dit ? [partReport("dit", dit)] : []),
    ...(text ? [partReport("text", text, { taps, ropeTheta })] : []),
    ...(vae ? [partReport("vae", vae)] : []),
  ]
}

function partReport(part: PartReport["part"], checkpoint: Checkpoint, settings: object = {}): PartReport {
  const stored: Record<string, number> = {}
  let parameters = 0
  for (const tensor of checkpoint.tensors.values()) {
    const form = formOf(tensor)
    stored[form] = (stored[form] ?? 0) + 1
    parameters += elementCount(tensor.shape)
  }
  return {
    part,
    path: checkpoint.path,
    tensors: checkpoint.tensors.size,
    parameters,
    stored,
    memory: weightBytes(checkpoint),
    config: checked(part, checkpoint, settings),
  }
}

function formOf({ type, quantisation: blocks, perOutput: rows }: StoredTensor): string {
  if (rows) return `${rows.bits}-bit rows`
  return blocks ? `${blocks.bits}-bit blocks of ${blocks.blockSize}` : type
}

/** The sizes, after every tensor was found with the shape that they imply. */
function checked(part: PartReport["part"], checkpoint: Checkpoint, settings: object): object {
  if (part === "dit") {
    const config = ditConfig(checkpoint)
    checkDit(checkpoint, config)
    return config
  }
  if (part === "text") {
    const config = textConfig(checkpoint, settings)
    checkText(checkpoint, config)
    return config
  }
  const config = vaeConfig(checkpoint)
  checkVae(checkpoint, config)
  return config
}

export const sayInspected = ({ model, parts, lora }: ModelReport): string =>
  [
    model,
    ...(lora ? [`  LoRA: ${sayLora(lora)}`] : []),
    ...parts.map((p) => {
      const forms = Object.entries(p.stored).map(([form, n]) => `${n} ${form}`)
      const sizes = Object.entries(p.config).map(([k, v]) => `${k} ${Array.isArray(v) ? v.join(" ") : v}`)
      return `  ${p.part.padEnd(5)} ${p.path}\n        ${millions(p.parameters)} parameters in ${p.tensors} tensors (${forms.join(", ")}), ${(p.memory / 1e9).toFixed(2)} GB loaded\n        ${sizes.join(", ")}`
    }),
  ].join("\n")

const sayLora = ({ modules, ranks, differences }: LoraSummary): string =>
  [
    modules > 0 && `low-rank changes of ${modules} modules, rank ${ranks.join(", ")}`,
    differences > 0 && `full changes of ${differences} tensors`,
  ]
    .filter(Boolean)
    .join("; ")
