// The single-stream DiT of Krea 2 (architecture.md 2; krea-2 mmdit.py). Weights by the original checkpoint's names.
import {
  add,
  attention,
  concat,
  type Dim,
  gelu,
  linear,
  matmul,
  mul,
  reshape,
  rmsNorm,
  rope,
  sigmoid,
  silu,
  slice,
  softmax,
  split,
  type Tensor,
  transpose,
} from "../graph/index.ts"
import type { DitConfig } from "./config.ts"
import type { Weights } from "./weights.ts"

const EPSILON = 1e-5

/** Rotary tables [L,e/2]; text rows are all position 0. */
export interface Rope {
  cosine: Tensor
  sine: Tensor
}

interface Heads {
  width: number
  heads: number
  kvHeads: number
  headDim: number
}

/** RMSNorm whose stored scale is zero-centred. */
export const norm = (x: Tensor, scale: Tensor): Tensor => rmsNorm(x, add(scale, 1), EPSILON)

const modulate = (x: Tensor, scale: Tensor, shift: Tensor): Tensor => add(mul(add(scale, 1), x), shift)

/** [B,L,H*e] -> [B,H,L,e] */
function toHeads(x: Tensor, heads: number, size: number): Tensor {
  const [batch, length] = x.shape as [Dim, Dim]
  return transpose(reshape(x, [batch, length, heads, size]), [0, 2, 1, 3])
}

/** Gated grouped attention (2.1): x [B,L,F]; bias masks keys, [B,1,1,L]. */
export function gatedAttention(x: Tensor, w: Weights, c: Heads, table?: Rope, bias?: Tensor): Tensor {
  const { width, heads, kvHeads, headDim } = c
  const project = (name: string, rows: number) => w.in(name, (u) => linear(x, u.get("weight", [rows, width])))
  let q = norm(toHeads(project("wq", width), heads, headDim), w.get("qknorm.qnorm.scale", [headDim])) // [B,H,L,e]
  let k = norm(
    toHeads(project("wk", kvHeads * headDim), kvHeads, headDim),
    w.get("qknorm.knorm.scale", [headDim]),
  )
  const v = toHeads(project("wv", kvHeads * headDim), kvHeads, headDim) // [B,KV,L,e]
  w.note("q_normed", q)
  w.note("k_normed", k)
  if (table) {
    q = w.note("q_roped", rope(q, table.cosine, table.sine, true))
    k = w.note("k_roped", rope(k, table.cosine, table.sine, true))
  }
  const gate = sigmoid(w.note("gate", project("gate", width))) // [B,L,F]
  const mixed = w.note("sdpa", attention(q, k, v, bias)) // [B,L,F]
  return w.in("wo", (u) => linear(mul(mixed, gate), u.get("weight", [width, width])))
}

/** down(silu(gate x) * up x), no biases. */
export function swiglu(x: Tensor, w: Weights, width: number, hidden: number): Tensor {
  const gate = w.in("gate", (u) => silu(linear(x, u.get("weight", [hidden, width]))))
  const up = w.in("up", (u) => linear(x, u.get("weight", [hidden, width])))
  return w.in("down", (u) => linear(mul(gate, up), u.get("weight", [width, hidden])))
}

const biased = (x: Tensor, w: Weights, out: number, inner: number): Tensor =>
  linear(x, w.get("weight", [out, inner]), w.get("bias", [out]))

/**
 * Time conditioning (2.2): sinusoid [B,1,tdim] -> c [B,1,F] for the last layer and m [B,1,6F] for the blocks. `asked`
 * [B,1,F] is what is asked for as one vector, for networks that condition on it beside the time.
 */
export function timeConditioning(
  time: Tensor,
  w: Weights,
  config: DitConfig,
  asked?: Tensor,
): { c: Tensor; m: Tensor } {
  const { features: f, timeDim } = config
  const hidden = w.in("tmlp.0", (u) => gelu(biased(time, u, f, timeDim)))
  const own = w.in("tmlp.2", (u) => biased(hidden, u, f, f)) // [B,1,F]
  const c = asked ? add(own, asked) : own
  const m = w.in("tproj.1", (u) => biased(gelu(c), u, 6 * f, f)) // [B,1,6F]
  return { c: w.note("tmlp", c), m: w.note("tproj", m) }
}

function fusionBlock(x: Tensor, w: Weights, c: DitConfig, bias?: Tensor): Tensor {
  const d = c.textDim
  const heads = { width: d, heads: c.textHeads, kvHeads: c.textKvHeads, headDim: c.textHeadDim }
  const attended = w.in("attn", (u) =>
    gatedAttention(norm(x, w.get("prenorm.scale", [d])), u, heads, undefined, bias),
  )
  const y = add(x, attended)
  return add(
    y,
    w.in("mlp", (u) => swiglu(norm(y, w.get("postnorm.scale", [d])), u, d, c.textMlpDim)),
  )
}

/** What text fusion hands on, with its inner states for those who compare them. */
export interface FusedText {
  text: Tensor
  states: Record<string, Tensor>
}

/**
 * Text fusion (2.3): taps [B,T,n,D] -> text tokens [B,T,F]. It does not depend on the time step: run it once per
 * prompt. `bias` [B,1,1,T] masks padded tokens.
 */
export function textFusion(taps: Tensor, w: Weights, c: DitConfig, bias?: Tensor): FusedText {
  const [batch, length, layers, d] = taps.shape as [Dim, Dim, number, number]
  const states: Record<string, Tensor> = {}
  const fusion = w.at("txtfusion")
  let x = reshape(taps, [-1, layers, d]) // [B*T,n,D]: attention across the taps of one token
  for (let i = 0; i < c.layerwiseBlocks; i++) {
    x = fusion.in(`layerwise_blocks.${i}`, (u) => fusionBlock(x, u, c))
    states[`txtfusion.layerwise_blocks.${i}`] = reshape(x, taps.shape)
  }
  const projector = fusion.get("projector.weight", [1, layers])
  const mixed = linear(transpose(x, [0, 2, 1]), projector) // [B*T,D,1]
  x = reshape(mixed, [batch, length, d])
  states["txtfusion.projector"] = x
  for (let i = 0; i < c.refinerBlocks; i++) {
    x = fusion.in(`refiner_blocks.${i}`, (u) => fusionBlock(x, u, c, bias))
    states[`txtfusion.refiner_blocks.${i}`] = x
  }
  states.txtfusion = x
  const normed = norm(x, w.get("txtmlp.0.scale", [d]))
  const hidden = w.in("txtmlp.1", (u) => gelu(biased(normed, u, c.features, d)))
  const text = w.in("txtmlp.3", (u) => biased(hidden, u, c.features, c.features)) // [B,T,F]
  states.txtmlp = text
  return { text, states }
}

/** One main block (2.6): x [B,L,F], m [B,1,6F] shared time modulation. */
export function block(x: Tensor, m: Tensor, table: Rope, w: Weights, c: DitConfig, bias?: Tensor): Tensor {
  const f = c.features
  const modulation = add(m, w.get("mod.lin", [6 * f]))
  const [preScale, preShift, preGate, postScale, postShift, postGate] = split(modulation, 6) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ] // each [B,1,F]
  const heads = { width: f, heads: c.heads, kvHeads: c.kvHeads, headDim: c.headDim }
  const before = modulate(w.note("prenorm", norm(x, w.get("prenorm.scale", [f]))), preScale, preShift)
  const attended = w.in("attn", (u) => gatedAttention(before, u, heads, table, bias))
  const y = add(x, mul(preGate, w.note("attn", attended)))
  const after = modulate(w.note("postnorm", norm(y, w.get("postnorm.scale", [f]))), postScale, postShift)
  const fed = w.in("mlp", (u) => swiglu(after, u, f, c.mlpDim))
  return add(y, mul(postGate, w.note("mlp", fed)))
}

export interface DenoiserInputs {
  /** Patches of the noisy latent [B,N,p*p*C], features ordered (channel, dy, dx). */
  image: Tensor
  /** Sinusoidal embedding of t [B,1,tdim], t = 1 is noise. */
  time: Tensor
  /** Text (and style) tokens at model width [B,T,F], from textFusion. */
  text: Tensor
  rope: Rope
  /** Masks padded text keys, [B,1,1,T+N]; leave out when every token is real. */
  bias?: Tensor
}

/**
 * Where each image token stands, [N,F]: a projection of its rotary angles' cosines and sines. Rotation alone tells a
 * token what lies beside it; a small model learns much later from that what belongs to its own place.
 */
function places({ cosine, sine }: Rope, textLength: Dim, w: Weights, c: DitConfig): Tensor {
  const angles = slice(concat([cosine, sine], 1), 0, textLength, cosine.shape[0]!) // [N,e]
  return w.in("places", (u) => linear(angles, u.get("weight", [c.features, c.headDim])))
}

/**
 * The condition tokens as one vector [B,1,F]: learned queries each take a weighted mean of the tokens, normalised and
 * projected together. It turns and scales every block's input at once, where a small model learns to read the tokens
 * one attention at a time (adaptive normalisation against tokens in context: Peebles and Xie 2023, 3.2).
 */
function pooled(text: Tensor, bias: Tensor | undefined, w: Weights, c: DitConfig, pools: number): Tensor {
  const [batch, length] = text.shape as [Dim, Dim]
  const { features: f } = c
  const scores = transpose(linear(text, w.get("pool.queries.weight", [pools, f])), [0, 2, 1]) // [B,Q,T]
  const masked = bias ? add(scores, reshape(slice(bias, 3, 0, length), [batch, 1, length])) : scores
  const means = norm(matmul(softmax(masked), text), w.get("pool.norm.scale", [f])) // [B,Q,F]
  // Length one in all: the projection starts at zero, and its first steps must not shake every block.
  const unit = mul(reshape(means, [batch, 1, pools * f]), (pools * f) ** -0.5)
  return w.in("pool.out", (u) => linear(unit, u.get("weight", [f, pools * f])))
}

/** The velocity dx/dt [B,N,p*p*C], and the stream after each block [B,T+N,F]. */
export function denoiser(
  inputs: DenoiserInputs,
  w: Weights,
  config: DitConfig,
): { velocity: Tensor; states: Tensor[]; last: Tensor } {
  const { features: f, channels, patch } = config
  const token = channels * patch * patch
  const asked = config.pools ? pooled(inputs.text, inputs.bias, w, config, config.pools) : undefined
  const { c, m } = timeConditioning(inputs.time, w, config, asked)
  const image = w.note(
    "first",
    w.in("first", (u) => biased(inputs.image, u, f, token)),
  ) // [B,N,F]
  const textLength = inputs.text.shape[1]!
  const placed = config.places ? add(image, places(inputs.rope, textLength, w, config)) : image
  let x = concat([inputs.text, placed], 1) // [B,T+N,F]
  const states: Tensor[] = []
  for (let i = 0; i < config.layers; i++) {
    x = w.in(`blocks.${i}`, (u) => block(x, m, inputs.rope, u, config, inputs.bias))
    states.push(x)
  }
  const last = w.at("last")
  const table = last.get("modulation.lin", [2, f])
  const scale = add(c, reshape(slice(table, 0, 0, 1), [f])) // [B,1,F]
  const shift = add(c, reshape(slice(table, 0, 1, 2), [f]))
  const final = (y: Tensor): Tensor =>
    last.in("linear", (u) =>
      biased(modulate(norm(y, last.get("norm.scale", [f])), scale, shift), u, token, f),
    )
  // Only image rows are wanted; slicing first saves the text rows' share of the last product.
  const velocity = final(slice(x, 1, textLength, x.shape[1]!))
  return { velocity, states, last: final(x) }
}
