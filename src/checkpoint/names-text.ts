// Names of the text tower's tensors: canonical are `embed_tokens`, `layers.N.*` and `norm` of the Qwen3
// decoder. Source: architecture.md 6. Imports nothing.

// llama.cpp's names, inside blk.N.
const llamaInside: Record<string, string> = {
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  attn_norm: "input_layernorm",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
}
const llamaTop: Record<string, string> = { token_embd: "embed_tokens", output_norm: "norm" }

// ComfyUI's all-in-one files put the tower's own name in between: text_encoders.qwen3vl_4b.transformer.
const prefix =
  /^(?:text_encoders\.[^.]+\.(?:transformer\.)?|text_encoder\.)?(?:model\.)?(?:language_model\.)?(?:model\.)?/

/** What a tensor is to the text tower. */
export type TextName = { kind: "text"; name: string } | { kind: "ignored" } | undefined

/**
 * The canonical name of a text-tower tensor; "ignored" for the vision tower and the output head, which
 * text-to-image never runs; undefined for tensors of other components.
 */
export function textName(name: string): TextName {
  const bare = name.replace(prefix, "")
  if (/^(embed_tokens|norm|layers\.\d+)\./.test(bare)) return { kind: "text", name: bare }
  if (/^(visual|lm_head|merger|deepstack)\.|^(output|rope_freqs)\.weight$|^(v|mm)\./.test(bare))
    return { kind: "ignored" }
  const block = /^blk\.(\d+)\.([a-z_]+)\.(\w+)$/.exec(bare)
  if (block) {
    const inside = llamaInside[block[2]!]
    return { kind: "text", name: inside ? `layers.${block[1]}.${inside}.${block[3]}` : bare }
  }
  const top = /^(\w+)\.weight$/.exec(bare)
  const renamed = top && Object.hasOwn(llamaTop, top[1]!) ? llamaTop[top[1]!] : undefined
  if (renamed) return { kind: "text", name: `${renamed}.weight` }
  return bare !== name && /^text_encoders?\./.test(name) ? { kind: "text", name: bare } : undefined
}
