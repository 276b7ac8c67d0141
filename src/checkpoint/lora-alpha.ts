// The alpha of a LoRA whose weights do not hold it.
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { AtelierError } from "../request/errors.ts"
import { isRecord } from "./safetensors.ts"
import type { Checkpoint } from "./tensor.ts"

/**
 * A module's alpha by its key: what the settings say, or else the rank. peft keeps them in a file beside the weights;
 * diffusers copies them into the header, under the component's name. Throws model_invalid when they are not JSON.
 */
export async function alphaBeside({
  path,
  metadata,
}: Checkpoint): Promise<(key: string, rank: number) => number> {
  const beside = join(dirname(path), "adapter_config.json")
  const header = metadata.lora_adapter_metadata
  const isPeft = basename(path) === "adapter_model.safetensors" && existsSync(beside)
  if (header === undefined && !isPeft) return (_, rank) => rank
  const settings = parsed(
    header ?? (await readFile(beside, "utf8")),
    header === undefined ? beside : `${path} has lora_adapter_metadata that`,
  )
  const value = (name: string) => settings[`transformer.${name}`] ?? settings[name]
  const [pattern, general] = [value("alpha_pattern"), value("lora_alpha")]
  const own = isRecord(pattern) ? Object.entries(pattern) : []
  return (key, rank) => {
    const module = key.replace(/\.lora.*$/, "")
    const alpha = own.find(([name]) => module === name || module.endsWith(`.${name}`))?.[1] ?? general
    if (typeof alpha !== "number") return rank
    return value("use_rslora") === true ? alpha * Math.sqrt(rank) : alpha // rank-stabilised: alpha / sqrt(rank)
  }
}

function parsed(text: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch (cause) {
    throw new AtelierError("model_invalid", `${what} is not JSON.`, { cause })
  }
}
