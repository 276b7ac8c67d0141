// Names of the DiT's tensors: the original Krea names are canonical; diffusers' and prefixes map to them.
// Source: architecture.md 6. Imports nothing.

const prefixes = ["model.diffusion_model.", "diffusion_model.", "model.transformer.", "transformer."]

// Beginnings, original | diffusers. Longer ones stand before the shorter ones that they begin with.
const beginnings = [
  ["first.", "img_in."],
  ["tmlp.0.", "time_embed.linear_1."],
  ["tmlp.2.", "time_embed.linear_2."],
  ["tproj.1.", "time_mod_proj."],
  ["txtfusion.", "text_fusion."],
  ["txtmlp.0.scale", "txt_in.norm.weight"],
  ["txtmlp.1.", "txt_in.linear_1."],
  ["txtmlp.3.", "txt_in.linear_2."],
  ["blocks.", "transformer_blocks."],
  ["last.norm.scale", "final_layer.norm.weight"],
  ["last.linear.", "final_layer.linear."],
  ["last.modulation.lin", "final_layer.scale_shift_table"],
] as const

// What follows the number of a block.
const insideBlock = [
  ["mod.lin", "scale_shift_table"],
  ["prenorm.scale", "norm1.weight"],
  ["postnorm.scale", "norm2.weight"],
  ["attn.wq.", "attn.to_q."],
  ["attn.wk.", "attn.to_k."],
  ["attn.wv.", "attn.to_v."],
  ["attn.wo.", "attn.to_out.0."],
  ["attn.gate.", "attn.to_gate."],
  ["attn.qknorm.qnorm.scale", "attn.norm_q.weight"],
  ["attn.qknorm.knorm.scale", "attn.norm_k.weight"],
  ["mlp.", "ff."],
] as const

const original = 0
const diffusers = 1

function rename(name: string, from: 0 | 1, to: 0 | 1): string | undefined {
  const beginning = beginnings.find((pair) => name.startsWith(pair[from]))
  if (!beginning) return undefined
  const rest = name.slice(beginning[from].length)
  const block = /^((?:layerwise_blocks\.|refiner_blocks\.)?\d+\.)(.*)$/.exec(rest)
  if (!block || (beginning[original] !== "blocks." && beginning[original] !== "txtfusion."))
    return beginning[to] + rest
  const inside = insideBlock.find((pair) => block[2]!.startsWith(pair[from]))
  if (!inside) return undefined
  return beginning[to] + block[1]! + inside[to] + block[2]!.slice(inside[from].length)
}

/** The diffusers name of an original tensor name: blocks.0.attn.wq.weight -> transformer_blocks.0.attn.to_q.weight. */
export function toDiffusersName(name: string): string | undefined {
  return rename(name, original, diffusers)
}

/** The original name of a diffusers tensor name, or undefined when there is none. */
export function fromDiffusersName(name: string): string | undefined {
  return rename(name, diffusers, original)
}

/** A name without the prefix under which a file keeps its DiT. */
export function stripDitPrefix(name: string): string {
  const prefix = prefixes.find((prefix) => name.startsWith(prefix))
  return prefix === undefined ? name : name.slice(prefix.length)
}

// "places" and "pool" are the embedded family's own (docs/decisions/033-places.md, 043-pooled-words.md).
const originalTops = new Set([
  "first",
  "tmlp",
  "tproj",
  "txtfusion",
  "txtmlp",
  "blocks",
  "last",
  "places",
  "pool",
])
const diffusersTops = new Set([
  "img_in",
  "time_embed",
  "time_mod_proj",
  "text_fusion",
  "txt_in",
  "transformer_blocks",
  "final_layer",
])

/**
 * The canonical name of a tensor that belongs to the DiT, undefined for others. A name inside the DiT that
 * no rule covers stays as it is, so that the check of tensors can report it.
 */
export function ditName(name: string): string | undefined {
  const bare = stripDitPrefix(name)
  const top = bare.slice(0, bare.indexOf("."))
  if (originalTops.has(top)) return bare
  if (diffusersTops.has(top)) return fromDiffusersName(bare) ?? bare
  return undefined
}

/** Tensors that some repacks carry and no implementation uses. */
export function isUnusedDitTensor(name: string): boolean {
  return name === "last.up.weight" || name === "last.down.weight"
}
