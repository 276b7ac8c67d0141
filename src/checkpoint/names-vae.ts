// Names of the VAE's tensors: diffusers' are canonical; the Wan original's, which ComfyUI uses, map to them.
// Source: architecture.md 6. Imports nothing.

const prefixes = ["first_stage_model.", "vae."]

/** A VAE tensor's name without its prefix, or undefined for tensors of other components. */
export function vaeName(name: string): string | undefined {
  const prefix = prefixes.find((prefix) => name.startsWith(prefix))
  const bare = prefix === undefined ? name : name.slice(prefix.length)
  if (prefix !== undefined) return bare
  return /^(encoder|decoder|quant_conv|post_quant_conv|conv1|conv2)\./.test(bare) ? bare : undefined
}

const wanResidual: Record<string, string> = { "0": "norm1", "2": "conv1", "3": "norm2", "6": "conv2" }
const wanMiddle: Record<string, string> = { "0": "resnets.0", "1": "attentions.0", "2": "resnets.1" }

/** Whether the names (without prefix) are those of the Wan original. */
export function isWanLayout(names: Iterable<string>): boolean {
  for (const name of names)
    if (/^(encoder\.(downsamples|middle)|decoder\.(upsamples|middle))\./.test(name)) return true
  return false
}

/**
 * Canonical names of a whole VAE in the Wan layout. All names are needed at once: the flat list
 * decoder.upsamples.k splits into levels where an upsampler stands (after every R+1 residual blocks).
 * A name that no rule covers maps to itself, so that the check of tensors can report it.
 */
export function wanNames(names: readonly string[]): Map<string, string> {
  const levels = decoderLevels(names)
  return new Map(names.map((name) => [name, wanName(name, levels) ?? name]))
}

function decoderLevels(names: readonly string[]): Map<number, { level: number; index: number }> {
  const isUpsampler = new Map<number, boolean>()
  for (const name of names) {
    const match = /^decoder\.upsamples\.(\d+)\.(\w+)/.exec(name)
    if (match) isUpsampler.set(Number(match[1]), isUpsampler.get(Number(match[1])) || match[2] === "resample")
  }
  const levels = new Map<number, { level: number; index: number }>()
  let level = 0
  let index = 0
  for (const [flat, ends] of [...isUpsampler].toSorted(([a], [b]) => a - b)) {
    levels.set(flat, { level, index: index++ })
    if (ends) {
      level++
      index = 0
    }
  }
  return levels
}

function wanName(name: string, levels: Map<number, { level: number; index: number }>): string | undefined {
  const whole = /^conv([12])\.(\w+)$/.exec(name)
  if (whole) return `${whole[1] === "1" ? "quant_conv" : "post_quant_conv"}.${whole[2]}`
  const part =
    /^(encoder|decoder)\.(conv1|head\.0|head\.2|downsamples\.\d+|upsamples\.\d+|middle\.\d)\.(.+)$/.exec(name)
  if (!part) return undefined
  const [, side, place, rest] = part as unknown as [string, string, string, string]
  if (place === "conv1") return `${side}.conv_in.${rest}`
  if (place === "head.0") return `${side}.norm_out.${rest}`
  if (place === "head.2") return `${side}.conv_out.${rest}`
  const number = place.slice(place.indexOf(".") + 1)
  const inside = wanInside(rest)
  if (place.startsWith("middle."))
    return inside && wanMiddle[number] && `${side}.mid_block.${wanMiddle[number]}.${inside}`
  if (place.startsWith("downsamples.")) return inside && `${side}.down_blocks.${number}.${inside}`
  const at = levels.get(Number(number))
  if (!at || !inside) return undefined
  const block = /^(resample|time_conv)\b/.test(inside) ? "upsamplers.0" : `resnets.${at.index}`
  return `${side}.up_blocks.${at.level}.${block}.${inside}`
}

function wanInside(rest: string): string | undefined {
  const residual = /^residual\.(\d)\.(\w+)$/.exec(rest)
  if (residual) return wanResidual[residual[1]!] && `${wanResidual[residual[1]!]}.${residual[2]}`
  return rest.startsWith("shortcut.") ? `conv_${rest}` : rest
}
