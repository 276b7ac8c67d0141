// What the keys of LoRA files mean: which tensor, by every trainer's name for it, and which part of its change.
import { AtelierError } from "../request/errors.ts"
import type { TensorTable } from "./expected.ts"
import { stripDitPrefix, toDiffusersName } from "./names-dit.ts"

export type Role = "down" | "up" | "alpha" | "diff" | "diff_b"

const roles: [RegExp, Role][] = [
  [/\.(lora_A(\.[^.]+)?|lora_down|lora\.down)(\.weight)?$/, "down"],
  [/\.(lora_B(\.[^.]+)?|lora_up|lora\.up)(\.weight)?$/, "up"],
  [/\.alpha$/, "alpha"],
  [/\.diff$/, "diff"],
  [/\.diff_b$/, "diff_b"],
]

const otherKinds: [RegExp, string][] = [
  [/\.lokr_|\.lokr\./, "LoKr"],
  [/\.hada_/, "LoHa"],
  [/\.dora_scale$|magnitude/, "DoRA"],
  [/\.oft_|\.boft_/, "OFT"],
  [/\.lora_mid\./, "LoRA with a middle factor"],
  [/\.lora_[AB](\.[^.]+)?\.bias$/, "LoRA with biases"],
  [/\.(a1|a2|b1|b2)\.weight$/, "GLoRA"],
  [/\.set_weight$/, "whole replaced tensors"],
]

/** Whether checkpoints of adapters have such a key, and others do not. */
export const isOfAdapter = (key: string): boolean =>
  [...roles.filter(([, role]) => role !== "alpha"), ...otherKinds].some(([pattern]) => pattern.test(key))

/** The tensor that a key changes, and as what. Throws as `loadLora`. */
export function parseKey(
  path: string,
  key: string,
  find: (name: string) => string | undefined,
): { tensor: string; role: Role } {
  const { name, role } = roleOf(path, key)
  const tensor = find(name)
  const isNorm = tensor?.endsWith(".scale") // which only has differences
  if (tensor === undefined || (isNorm && !role.startsWith("diff")))
    throw invalidLora(path, `the key ${key} names ${name}, which is no module of this image model`)
  return { tensor, role }
}

/** What a key is without regard to a model. Throws as `loadLora`. */
export function roleOf(path: string, key: string): { name: string; role: Role } {
  const other = otherKinds.find(([pattern]) => pattern.test(key))
  if (other)
    throw new AtelierError(
      "unsupported",
      `${path} holds the key ${key}: ${other[1]} is not supported; use a plain LoRA.`,
    )
  const role = roles.find(([pattern]) => pattern.test(key))
  if (!role)
    throw invalidLora(
      path,
      `the key ${key} is no part of a LoRA; names such as ...lora_A.weight or ...lora_down.weight are expected`,
    )
  return { name: key.replace(role[0], ""), role: role[1] }
}

const dottedPrefix = /^(base_model\.model\.|lycoris\.)/
const flatPrefix = /^(lora_unet_|lycoris_|lora_transformer_|lora_)/

/** A tensor's name as adapters say it. */
export const moduleOf = (tensor: string): string => tensor.replace(/\.(weight|scale)$/, "")

/**
 * Finds a tensor by an adapter's name for it. Kohya's flattening replaces every dot by an underscore, and module names
 * hold underscores themselves, so nothing is split: the flat forms of all are looked up.
 */
export function tensorFinder(table: TensorTable): (name: string) => string | undefined {
  const known = new Map<string, string>()
  for (const tensor of table.keys()) {
    if (tensor.endsWith(".bias")) continue
    // Layers that only the embedded family has are called by our name alone.
    for (const name of [tensor, moduleOf(tensor), moduleOf(toDiffusersName(tensor) ?? tensor)]) {
      known.set(name, tensor)
      known.set(name.replaceAll(".", "_"), tensor)
    }
  }
  return (name) => {
    const bare = stripDitPrefix(name.replace(dottedPrefix, ""))
    return known.get(bare) ?? known.get(bare.replace(flatPrefix, ""))
  }
}

export function invalidLora(path: string, reason: string): AtelierError {
  return new AtelierError("model_invalid", `${path} is not a usable LoRA: ${reason}.`)
}
