// The Qwen-Image VAE for single frames (architecture.md 5; diffusers autoencoder_kl_qwenimage.py): a causal 3-D
// convolution that sees one frame is the 2-D convolution of its last temporal tap. Either half has a global part, with the
// attention, and a local one, whose pixels depend on few neighbours: a strip of rows can go through it by itself.
import {
  add,
  addDims,
  attention,
  constant,
  conv,
  type Dim,
  div,
  maximum,
  mul,
  reshape,
  silu,
  slice,
  sqrt,
  square,
  sum,
  type Tensor,
  transpose,
  upsampleNearest,
} from "../graph/index.ts"
import type { VaeConfig } from "./config.ts"
import { decoderReach, encoderReach, type Reach } from "./reach.ts"
import type { Weights } from "./weights.ts"

/** Taps and inner states by module name, for those who compare them. */
export type States = Record<string, Tensor>

/** How a checkpoint stores convolutions: with the video model's temporal axis, or flat as ours are. */
export interface VaeLayout {
  temporalTaps: 1 | 3
}

const OFFICIAL: VaeLayout = { temporalTaps: 3 }

/** Whether a strip of rows begins and ends where the picture does; where not, it brings rows of its neighbours. */
export interface Borders {
  top: boolean
  bottom: boolean
}

const WHOLE: Borders = { top: true, bottom: true }

/** x / max(|x|, 1e-12) * sqrt(C) * gamma, the norm over channels. */
export function channelNorm(x: Tensor, gamma: Tensor): Tensor {
  const channels = x.shape[1] as number
  const length = maximum(sqrt(sum(square(x), [1], true)), 1e-12)
  const scale = mul(reshape(gamma, [1, channels, 1, 1]), Math.sqrt(channels))
  return mul(div(x, length), scale)
}

class Vae {
  readonly states: States = {}
  readonly layout: VaeLayout
  constructor(layout: VaeLayout) {
    this.layout = layout
  }

  /** A 3x3 or 1x1 convolution stored as [O,C,kt,k,k], of which the last temporal tap acts. */
  conv(x: Tensor, w: Weights, name: string, out: number, size: 1 | 3): Tensor {
    const channels = x.shape[1] as number
    const taps = size === 3 ? this.layout.temporalTaps : 1
    const stored = w.get(`${name}.weight`, [out, channels, taps, size, size])
    const weight = reshape(slice(stored, 2, taps - 1, taps), [out, channels, size, size])
    const border = size === 3 ? 1 : 0
    return conv(x, weight, w.get(`${name}.bias`, [out]), { padding: [border, border, border, border] })
  }

  norm(x: Tensor, w: Weights, name: string): Tensor {
    return channelNorm(x, w.get(`${name}.gamma`, [x.shape[1]!, 1, 1, 1]))
  }

  resBlock(x: Tensor, w: Weights, out: number): Tensor {
    const first = this.conv(silu(this.norm(x, w, "norm1")), w, "conv1", out, 3)
    const second = this.conv(silu(this.norm(first, w, "norm2")), w, "conv2", out, 3)
    return add(second, x.shape[1] === out ? x : this.conv(x, w, "conv_shortcut", out, 1))
  }

  /** Single-head attention over all pixels. */
  attention(x: Tensor, w: Weights): Tensor {
    const [batch, channels, height, width] = x.shape as [Dim, number, Dim, Dim]
    const normed = channelNorm(x, w.get("norm.gamma", [channels, 1, 1]))
    const qkvWeight = w.get("to_qkv.weight", [3 * channels, channels, 1, 1])
    const qkv = conv(normed, qkvWeight, w.get("to_qkv.bias", [3 * channels])) // [B,3C,H,W]
    const rows = transpose(reshape(qkv, [batch, 3 * channels, -1]), [0, 2, 1]) // [B,HW,3C]
    const part = (i: number): Tensor => {
      const one = slice(rows, 2, i * channels, (i + 1) * channels)
      return reshape(one, [batch, 1, one.shape[1]!, channels])
    }
    const mixed = attention(part(0), part(1), part(2)) // [B,HW,C]
    const image = reshape(transpose(mixed, [0, 2, 1]), [batch, channels, height, width])
    return add(
      x,
      conv(image, w.get("proj.weight", [channels, channels, 1, 1]), w.get("proj.bias", [channels])),
    )
  }

  mid(x: Tensor, w: Weights): Tensor {
    const width = x.shape[1] as number
    const first = w.in("resnets.0", (u) => this.resBlock(x, u, width))
    this.states["mid_block.resnets.0"] = first
    const mixed = w.in("attentions.0", (u) => this.attention(first, u))
    this.states["mid_block.attentions.0"] = mixed
    const y = w.in("resnets.1", (u) => this.resBlock(mixed, u, width))
    this.states.mid_block = y
    return y
  }
}

/** The 2-D kernel of a resampler, stored without a temporal axis. */
function resample(x: Tensor, w: Weights, out: number, stride: 1 | 2): Tensor {
  const weight = w.get("resample.1.weight", [out, x.shape[1]!, 3, 3])
  // Going down, one row and one column of zeros stand at the far edges only.
  const padding = stride === 2 ? ([0, 0, 1, 1] as const) : ([1, 1, 1, 1] as const)
  return conv(x, weight, w.get("resample.1.bias", [out]), { stride, padding })
}

export interface Coded {
  output: Tensor
  states: States
}

/** Picture [B,3,H,W] in -1..1 -> moments [B,2z,H/8,W/8]: mean, then logarithm of variance. */
export function encode(image: Tensor, w: Weights, c: VaeConfig, layout = OFFICIAL): Coded {
  const local = encodeLocal(image, w, c, layout)
  const { output, states } = encodeGlobal(local.output, w, c, layout)
  return { output, states: { ...local.states, ...states } }
}

/** Picture [B,3,H,W] -> the last level's map [B,C,H/8,W/8]. A strip brings `encoderReach` more rows. */
export function encodeLocal(
  image: Tensor,
  w: Weights,
  c: VaeConfig,
  layout = OFFICIAL,
  borders = WHOLE,
): Coded {
  const vae = new Vae(layout)
  const reach = encoderReach(c)
  const e = w.at("encoder")
  let x = vae.conv(image, e, "conv_in", c.baseDim, 3)
  vae.states.conv_in = x
  let k = 0
  for (let level = 0; level < c.multipliers.length - 1; level++) {
    const width = c.baseDim * c.multipliers[level]!
    for (let i = 0; i < c.resBlocks; i++, k++) {
      x = e.in(`down_blocks.${k}`, (u) => vae.resBlock(x, u, width))
      vae.states[`down_blocks.${k}`] = x
    }
    x = e.in(`down_blocks.${k}`, (u) => resample(x, u, width, 2))
    vae.states[`down_blocks.${k++}`] = x
    const [here, next] = [reach[level]!, reach[level + 1]!]
    x = without(x, { above: here.above / 2 - next.above, below: here.below / 2 - next.below }, borders)
  }
  return { output: x, states: vae.states }
}

/** The last level's map -> moments, all of it at once. */
export function encodeGlobal(map: Tensor, w: Weights, c: VaeConfig, layout = OFFICIAL): Coded {
  const vae = new Vae(layout)
  const e = w.at("encoder")
  let x = map
  let k = (c.multipliers.length - 1) * (c.resBlocks + 1)
  for (let i = 0; i < c.resBlocks; i++, k++) {
    x = e.in(`down_blocks.${k}`, (u) => vae.resBlock(x, u, c.baseDim * c.multipliers.at(-1)!))
    vae.states[`down_blocks.${k}`] = x
  }
  x = vae.mid(x, e.at("mid_block"))
  x = vae.conv(silu(vae.norm(x, e, "norm_out")), e, "conv_out", 2 * c.latentChannels, 3)
  vae.states.conv_out = x
  return { output: vae.conv(x, w, "quant_conv", 2 * c.latentChannels, 1), states: vae.states }
}

/** Latent [B,z,h,w] (not normalised) -> picture [B,3,8h,8w], before the clamp to -1..1. */
export function decode(latent: Tensor, w: Weights, c: VaeConfig, layout = OFFICIAL): Coded {
  const global = decodeGlobal(latent, w, c, layout)
  const { output, states } = decodeLocal(global.output, w, c, layout)
  return { output, states: { ...global.states, ...states } }
}

/** Latent [B,z,h,w] -> the first level's map [B,C,h,w], all of it at once. */
export function decodeGlobal(latent: Tensor, w: Weights, c: VaeConfig, layout = OFFICIAL): Coded {
  const vae = new Vae(layout)
  const d = w.at("decoder")
  const width = c.baseDim * c.multipliers.at(-1)!
  let x = vae.conv(latent, w, "post_quant_conv", c.latentChannels, 1)
  vae.states.post_quant_conv = x
  x = vae.conv(x, d, "conv_in", width, 3)
  vae.states.conv_in = x
  x = vae.mid(x, d.at("mid_block"))
  return { output: decoderLevel(x, d, width, 0, c, vae), states: vae.states }
}

/** The first level's map [B,C,h,w] -> picture [B,3,8h,8w]. A strip brings `decoderReach` more rows. */
export function decodeLocal(
  map: Tensor,
  w: Weights,
  c: VaeConfig,
  layout = OFFICIAL,
  borders = WHOLE,
): Coded {
  const vae = new Vae(layout)
  const d = w.at("decoder")
  const reach = decoderReach(c)
  let x = map
  const widths = c.multipliers.map((m) => m * c.baseDim).reverse()
  for (let level = 1; level < widths.length; level++) {
    const below = d.at(`up_blocks.${level - 1}`)
    x = below.in("upsamplers.0", (u) => resample(upsampleNearest(x), u, widths[level - 1]! / 2, 1))
    vae.states[`up_blocks.${level - 1}`] = x
    x = decoderLevel(x, d, widths[level]!, level, c, vae)
    const rows = 2 * reach[level - 1]! - reach[level]!
    x = without(x, { above: rows, below: rows }, borders)
  }
  vae.states[`up_blocks.${widths.length - 1}`] = x
  x = vae.norm(x, d, "norm_out")
  vae.states.norm_out = x
  x = vae.conv(silu(x), d, "conv_out", 3, 3)
  vae.states.conv_out = x
  const last = reach.at(-1)!
  return { output: without(x, { above: last, below: last }, borders), states: vae.states }
}

function decoderLevel(
  input: Tensor,
  d: Weights,
  width: number,
  level: number,
  c: VaeConfig,
  vae: Vae,
): Tensor {
  let x = input
  const up = d.at(`up_blocks.${level}`)
  for (let i = 0; i <= c.resBlocks; i++) {
    x = up.in(`resnets.${i}`, (u) => vae.resBlock(x, u, width))
    vae.states[`up_blocks.${level}.resnets.${i}`] = x
  }
  return x
}

/**
 * A strip's map without rows of its neighbours: those whose values are wrong, for they lie at an edge where the network has padded,
 * and those that nothing needs any more.
 */
function without(x: Tensor, { above, below }: Reach, { top, bottom }: Borders): Tensor {
  const height = x.shape[2]!
  return slice(x, 2, top ? 0 : above, bottom ? height : addDims(height, -below))
}

/** DiT latent -> decoder input: z * deviation + mean, per channel. */
export function denormalise(latent: Tensor, c: VaeConfig): Tensor {
  return add(mul(latent, channelConstant(c.latentDeviation)), channelConstant(c.latentMean))
}

/** Posterior mean -> DiT latent: (z - mean) / deviation, per channel. */
export function normalise(moments: Tensor, c: VaeConfig): Tensor {
  const mean = slice(moments, 1, 0, c.latentChannels)
  return div(add(mean, channelConstant(c.latentMean.map((m) => -m))), channelConstant(c.latentDeviation))
}

const channelConstant = (values: readonly number[]): Tensor => constant(values, [1, values.length, 1, 1])
