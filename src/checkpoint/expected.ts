// The complete list of tensors of each network, name -> shape, in canonical names (architecture.md 2, 4.4, 5).
// Imports only the configurations' types.
import type { DitConfig, TextConfig, VaeConfig } from "./config.ts"

/** Tensor name -> shape. */
export type TensorTable = Map<string, readonly number[]>

/** All tensors of the DiT: 430 for the real configuration. */
export function ditTensors(config: DitConfig): TensorTable {
  const { features: F, textDim: D, layers, channels, patch } = config
  const token = channels * patch * patch
  const table: TensorTable = new Map()
  linear(table, "first", F, token, true)
  if (config.places) linear(table, "places", F, config.headDim, false)
  if (config.pools) {
    linear(table, "pool.queries", config.pools, F, false)
    table.set("pool.norm.scale", [F])
    linear(table, "pool.out", F, config.pools * F, false)
  }
  for (let i = 0; i < layers; i++) {
    table.set(`blocks.${i}.mod.lin`, [6 * F])
    ditBlock(table, `blocks.${i}`, F, config.heads, config.kvHeads, config.headDim, config.mlpDim)
  }
  linear(table, "tmlp.0", F, config.timeDim, true)
  linear(table, "tmlp.2", F, F, true)
  linear(table, "tproj.1", 6 * F, F, true)
  for (const [kind, count] of [
    ["layerwise_blocks", config.layerwiseBlocks],
    ["refiner_blocks", config.refinerBlocks],
  ] as const)
    for (let i = 0; i < count; i++)
      ditBlock(
        table,
        `txtfusion.${kind}.${i}`,
        D,
        config.textHeads,
        config.textKvHeads,
        config.textHeadDim,
        config.textMlpDim,
      )
  linear(table, "txtfusion.projector", 1, config.textLayers, false)
  table.set("txtmlp.0.scale", [D])
  linear(table, "txtmlp.1", F, D, true)
  linear(table, "txtmlp.3", F, F, true)
  table.set("last.norm.scale", [F])
  linear(table, "last.linear", token, F, true)
  table.set("last.modulation.lin", [2, F])
  return table
}

function linear(table: TensorTable, name: string, out: number, input: number, bias: boolean): void {
  table.set(`${name}.weight`, [out, input])
  if (bias) table.set(`${name}.bias`, [out])
}

function ditBlock(
  table: TensorTable,
  name: string,
  width: number,
  heads: number,
  kvHeads: number,
  headDim: number,
  mlp: number,
) {
  table.set(`${name}.prenorm.scale`, [width])
  table.set(`${name}.postnorm.scale`, [width])
  linear(table, `${name}.attn.wq`, heads * headDim, width, false)
  linear(table, `${name}.attn.wk`, kvHeads * headDim, width, false)
  linear(table, `${name}.attn.wv`, kvHeads * headDim, width, false)
  linear(table, `${name}.attn.gate`, heads * headDim, width, false)
  linear(table, `${name}.attn.wo`, width, heads * headDim, false)
  table.set(`${name}.attn.qknorm.qnorm.scale`, [headDim])
  table.set(`${name}.attn.qknorm.knorm.scale`, [headDim])
  linear(table, `${name}.mlp.gate`, mlp, width, false)
  linear(table, `${name}.mlp.up`, mlp, width, false)
  linear(table, `${name}.mlp.down`, width, mlp, false)
}

/** Names of the DiT's Linear modules, which LoRAs may change: 264 for the real configuration. */
export function ditModules(config: DitConfig): string[] {
  return [...ditTensors(config)]
    .filter(([name, shape]) => name.endsWith(".weight") && shape.length === 2)
    .map(([name]) => name.slice(0, -".weight".length))
}

/** All tensors of the text tower. */
export function textTensors(config: TextConfig): TensorTable {
  const { hidden, heads, kvHeads, headDim, mlpDim } = config
  const table: TensorTable = new Map([["embed_tokens.weight", [config.vocabulary, hidden]]])
  for (let i = 0; i < config.layers; i++) {
    const layer = `layers.${i}`
    table.set(`${layer}.input_layernorm.weight`, [hidden])
    linear(table, `${layer}.self_attn.q_proj`, heads * headDim, hidden, false)
    linear(table, `${layer}.self_attn.k_proj`, kvHeads * headDim, hidden, false)
    linear(table, `${layer}.self_attn.v_proj`, kvHeads * headDim, hidden, false)
    linear(table, `${layer}.self_attn.o_proj`, hidden, heads * headDim, false)
    table.set(`${layer}.self_attn.q_norm.weight`, [headDim])
    table.set(`${layer}.self_attn.k_norm.weight`, [headDim])
    table.set(`${layer}.post_attention_layernorm.weight`, [hidden])
    linear(table, `${layer}.mlp.gate_proj`, mlpDim, hidden, false)
    linear(table, `${layer}.mlp.up_proj`, mlpDim, hidden, false)
    linear(table, `${layer}.mlp.down_proj`, hidden, mlpDim, false)
  }
  table.set("norm.weight", [hidden])
  return table
}

/**
 * All tensors of the VAE that one frame needs, with `taps` along time: three as in the family's files, or the one that
 * acts. The unused `time_conv` stand in `vaeTimeTensors`.
 */
export function vaeTensors(config: VaeConfig, taps: 1 | 3 = 3): TensorTable {
  const { baseDim, latentChannels: z, multipliers, resBlocks } = config
  const widths = multipliers.map((multiplier) => baseDim * multiplier)
  const deepest = widths.at(-1)!
  const table: TensorTable = new Map()
  const kernel = [taps, 3, 3]
  conv(table, "encoder.conv_in", baseDim, 3, kernel)
  let k = 0
  let width = baseDim
  for (const [level, out] of widths.entries()) {
    for (let i = 0; i < resBlocks; i++, width = out)
      residual(table, `encoder.down_blocks.${k++}`, width, out, kernel)
    if (level < widths.length - 1) conv(table, `encoder.down_blocks.${k++}.resample.1`, out, out, [3, 3])
  }
  middle(table, "encoder", deepest, kernel)
  table.set("encoder.norm_out.gamma", [deepest, 1, 1, 1])
  conv(table, "encoder.conv_out", 2 * z, deepest, kernel)
  conv(table, "quant_conv", 2 * z, 2 * z, [1, 1, 1])
  conv(table, "post_quant_conv", z, z, [1, 1, 1])
  conv(table, "decoder.conv_in", deepest, z, kernel)
  middle(table, "decoder", deepest, kernel)
  width = deepest
  for (const [level, out] of widths.toReversed().entries()) {
    for (let i = 0; i <= resBlocks; i++, width = out)
      residual(table, `decoder.up_blocks.${level}.resnets.${i}`, width, out, kernel)
    if (level === widths.length - 1) continue
    width = out / 2 // the upsampler's convolution halves the channels
    conv(table, `decoder.up_blocks.${level}.upsamplers.0.resample.1`, width, out, [3, 3])
  }
  table.set("decoder.norm_out.gamma", [baseDim * multipliers[0]!, 1, 1, 1])
  conv(table, "decoder.conv_out", 3, baseDim * multipliers[0]!, kernel)
  return table
}

/** The temporal convolutions that a video VAE also has; files may hold them, one frame never uses them. */
export function vaeTimeTensors(config: VaeConfig): TensorTable {
  const { baseDim, multipliers, resBlocks } = config
  const widths = multipliers.map((multiplier) => baseDim * multiplier)
  const table: TensorTable = new Map()
  for (const [level, width] of widths.slice(0, -1).entries())
    conv(
      table,
      `encoder.down_blocks.${level * (resBlocks + 1) + resBlocks}.time_conv`,
      width,
      width,
      [3, 1, 1],
    )
  for (const [level, width] of widths.toReversed().slice(0, -1).entries())
    conv(table, `decoder.up_blocks.${level}.upsamplers.0.time_conv`, 2 * width, width, [3, 1, 1])
  return table
}

function conv(table: TensorTable, name: string, out: number, input: number, kernel: readonly number[]): void {
  table.set(`${name}.weight`, [out, input, ...kernel])
  table.set(`${name}.bias`, [out])
}

function residual(
  table: TensorTable,
  name: string,
  input: number,
  out: number,
  kernel: readonly number[],
): void {
  table.set(`${name}.norm1.gamma`, [input, 1, 1, 1])
  conv(table, `${name}.conv1`, out, input, kernel)
  table.set(`${name}.norm2.gamma`, [out, 1, 1, 1])
  conv(table, `${name}.conv2`, out, out, kernel)
  if (input !== out) conv(table, `${name}.conv_shortcut`, out, input, [1, 1, 1])
}

function middle(table: TensorTable, side: string, width: number, kernel: readonly number[]): void {
  residual(table, `${side}.mid_block.resnets.0`, width, width, kernel)
  table.set(`${side}.mid_block.attentions.0.norm.gamma`, [width, 1, 1])
  conv(table, `${side}.mid_block.attentions.0.to_qkv`, 3 * width, width, [1, 1])
  conv(table, `${side}.mid_block.attentions.0.proj`, width, width, [1, 1])
  residual(table, `${side}.mid_block.resnets.1`, width, width, kernel)
}
