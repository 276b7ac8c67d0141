// The networks with their inputs named: what is compiled, once per model. Each returns named outputs.
import { input, type Tensor } from "../graph/index.ts"
import type { DitConfig, TextConfig, VaeConfig } from "../nets/index.ts"
import * as nets from "../nets/index.ts"

/** Inner states by name, filled when a graph is built for comparison. */
export type Notes = Map<string, Tensor>

const named = (notes: Notes | undefined): nets.Weights => new nets.Weights(undefined, "", notes)

/** taps [B,T,n,D], bias [B,1,1,T] -> text [B,T,F]. Once per prompt. */
export function fusionGraph(c: DitConfig, notes?: Notes): Record<string, Tensor> {
  const taps = input("taps", ["B", "T", c.textLayers, c.textDim])
  const { text, states } = nets.textFusion(taps, named(notes), c, input("bias", ["B", 1, 1, "T"]))
  for (const [name, state] of Object.entries(states)) notes?.set(name, state)
  return { text }
}

/** image [B,N,P], time [B,1,tdim], text [B,T,F], cosine and sine [T+N,e/2], bias [B,1,1,T+N] -> velocity [B,N,P]. */
export function denoiserGraph(c: DitConfig, notes?: Notes): Record<string, Tensor> {
  const half = c.headDim / 2
  const { velocity, states, last } = nets.denoiser(
    {
      image: input("image", ["B", "N", c.channels * c.patch ** 2]),
      text: input("text", ["B", "T", c.features]),
      time: input("time", ["B", 1, c.timeDim]),
      rope: { cosine: input("cosine", ["N+T", half]), sine: input("sine", ["N+T", half]) },
      bias: input("bias", ["B", 1, 1, "N+T"]),
    },
    named(notes),
    c,
  )
  states.forEach((state, i) => {
    notes?.set(`blocks.${i}`, state)
  })
  notes?.set("last", last)
  return { velocity }
}

/** ids [B,L], cosine and sine [L,e/2], bias [B,1,L,L] -> taps [B,L,n,D]. */
export function textGraph(c: TextConfig): Record<string, Tensor> {
  const half = c.headDim / 2
  const table = { cosine: input("cosine", ["L", half]), sine: input("sine", ["L", half]) }
  const bias = input("bias", ["B", 1, "L", "L"])
  return { taps: nets.textTaps(input("ids", ["B", "L"], "int64"), table, bias, named(undefined), c) }
}

/** latent [B,z,h,w] of the DiT -> picture [B,3,8h,8w] in -1..1. */
export function decodeGraph(c: VaeConfig, layout?: nets.VaeLayout, notes?: Notes): Record<string, Tensor> {
  const latent = nets.denormalise(input("latent", ["B", c.latentChannels, "h", "w"]), c)
  const { output, states } = nets.decode(latent, named(undefined), c, layout)
  for (const [name, state] of Object.entries(states)) notes?.set(name, state)
  notes?.set("latent", latent)
  return { picture: output }
}

/** picture [B,3,height,width] in -1..1 -> latent [B,z,h,w] of the DiT (the posterior's mean, normalised). */
export function encodeGraph(
  c: VaeConfig,
  [height, width]: readonly [number, number],
  layout?: nets.VaeLayout,
  notes?: Notes,
): Record<string, Tensor> {
  const picture = input("picture", ["B", 3, height, width])
  const { output, states } = nets.encode(picture, named(undefined), c, layout)
  for (const [name, state] of Object.entries(states)) notes?.set(name, state)
  notes?.set("moments", output)
  return { latent: nets.normalise(output, c) }
}

/** latent [B,z,h,w] of the DiT -> map [B,C,h,w] for `decodeLocalGraph`. */
export function decodeGlobalGraph(c: VaeConfig, layout: nets.VaeLayout): Record<string, Tensor> {
  const latent = nets.denormalise(input("latent", ["B", c.latentChannels, "h", "w"]), c)
  return { map: nets.decodeGlobal(latent, named(undefined), c, layout).output }
}

/** map [B,C,h,w] -> picture [B,3,8h,8w] in -1..1, without the rows that a strip brings of its neighbours. */
export function decodeLocalGraph(
  c: VaeConfig,
  layout: nets.VaeLayout,
  borders: nets.Borders,
): Record<string, Tensor> {
  const map = input("map", ["B", c.baseDim * c.multipliers.at(-1)!, "h", "w"])
  return { picture: nets.decodeLocal(map, named(undefined), c, layout, borders).output }
}

/** picture [B,3,height,width] in -1..1 -> map [B,C,h,w] for `encodeGlobalGraph`, without its neighbours' rows. */
export function encodeLocalGraph(
  c: VaeConfig,
  [height, width]: readonly [number, number],
  layout: nets.VaeLayout,
  borders: nets.Borders,
): Record<string, Tensor> {
  const picture = input("picture", ["B", 3, height, width])
  return { map: nets.encodeLocal(picture, named(undefined), c, layout, borders).output }
}

/** map [B,C,h,w] -> latent [B,z,h,w] of the DiT. */
export function encodeGlobalGraph(
  c: VaeConfig,
  [height, width]: readonly [number, number],
  layout: nets.VaeLayout,
): Record<string, Tensor> {
  const map = input("map", ["B", c.baseDim * c.multipliers.at(-2)!, height, width])
  return { latent: nets.normalise(nets.encodeGlobal(map, named(undefined), c, layout).output, c) }
}
