// The Qwen3-VL language tower, text path (architecture.md 4.4; transformers modeling_qwen3_vl.py).
import {
  add,
  attention,
  concat,
  type Dim,
  gather,
  linear,
  mul,
  reshape,
  rmsNorm,
  rope,
  silu,
  type Tensor,
  transpose,
} from "../graph/index.ts"
import type { TextConfig } from "./config.ts"
import type { Rope } from "./dit.ts"
import type { Weights } from "./weights.ts"

const EPSILON = 1e-6

function decoderLayer(x: Tensor, table: Rope, bias: Tensor, w: Weights, c: TextConfig): Tensor {
  const { hidden, heads, kvHeads, headDim } = c
  const [batch, length] = x.shape as [Dim, Dim]
  const self = w.at("self_attn")
  const n = rmsNorm(x, w.get("input_layernorm.weight", [hidden]), EPSILON)
  const project = (name: string, count: number): Tensor => {
    const y = self.in(name, (u) => linear(n, u.get("weight", [count * headDim, hidden])))
    return transpose(reshape(y, [batch, length, count, headDim]), [0, 2, 1, 3]) // [B,H,L,e]
  }
  const turned = (y: Tensor, name: string): Tensor =>
    rope(rmsNorm(y, self.get(`${name}.weight`, [headDim]), EPSILON), table.cosine, table.sine, false)
  const q = turned(project("q_proj", heads), "q_norm")
  const k = turned(project("k_proj", kvHeads), "k_norm")
  const merged = attention(q, k, project("v_proj", kvHeads), bias) // [B,L,H*e]
  const y = add(
    x,
    self.in("o_proj", (u) => linear(merged, u.get("weight", [hidden, heads * headDim]))),
  )
  const after = rmsNorm(y, w.get("post_attention_layernorm.weight", [hidden]), EPSILON)
  const mlp = w.at("mlp")
  const gate = mlp.in("gate_proj", (u) => silu(linear(after, u.get("weight", [c.mlpDim, hidden]))))
  const up = mlp.in("up_proj", (u) => linear(after, u.get("weight", [c.mlpDim, hidden])))
  return add(
    y,
    mlp.in("down_proj", (u) => linear(mul(gate, up), u.get("weight", [hidden, c.mlpDim]))),
  )
}

/**
 * Hidden states of embedded tokens [B,L,D]: index 0 the embedding, index i after layer i-1, none normed. Layers
 * beyond the last one asked for are not built. `bias` [1 or B,1,L,L] is causal and hides padding.
 */
export function textStates(
  embedded: Tensor,
  table: Rope,
  bias: Tensor,
  w: Weights,
  c: TextConfig,
  upTo: number,
): Tensor[] {
  const states = [embedded]
  for (let i = 0; i < upTo; i++)
    states.push(w.in(`layers.${i}`, (u) => decoderLayer(states[i]!, table, bias, u, c)))
  return states
}

/** Token ids [B,L] -> taps [B,L,n,D], in the order of `config.taps`. */
export function textTaps(ids: Tensor, table: Rope, bias: Tensor, w: Weights, c: TextConfig): Tensor {
  const embedded = gather(w.get("embed_tokens.weight", [c.vocabulary, c.hidden]), ids)
  return stackTaps(textStates(embedded, table, bias, w, c, Math.max(...c.taps)), c.taps)
}

export function stackTaps(states: readonly Tensor[], taps: readonly number[]): Tensor {
  const [batch, length, width] = states[0]!.shape as [Dim, Dim, Dim]
  return concat(
    taps.map((i) => reshape(states[i]!, [batch, length, 1, width])),
    2,
  )
}
