// A picture's look as style tokens: the autoencoder and the style encoder as one graph, at the size that looks have.
import type { Checkpoint } from "../checkpoint/index.ts"
import { reshape, type Tensor, transpose } from "../graph/index.ts"
import { decodeImage, toPlanes } from "../image/decode.ts"
import { type DitConfig, styleTokens, Weights } from "../nets/index.ts"
import { encodeGraph } from "../runtime/graphs.ts"
import { openGraph } from "../runtime/networks.ts"
import type { LoadedGraph } from "../runtime/runner.ts"
import { floats } from "../runtime/session.ts"
import { weightFiles } from "../runtime/weights.ts"
import type { PartContext } from "../sampling/parts.ts"
import type { Place } from "./look-cache.ts"

/** Side in pixels that a picture is brought to: the native square, eight by eight patches. */
const SIDE = 128
/** Latent pixels along a side. */
const LATENT = SIDE / 8

export interface LookEncoder {
  /** Style tokens [S,F] of a picture file, alone: its bits need no company. Throws what `decodeImage` throws. */
  encode(bytes: Uint8Array, place: Place): Promise<Float32Array>
  close(): Promise<void>
}

/** Latent [B,C,h,w] -> patches [B,hw/p^2,p*p*C], features ordered (channel, dy, dx), as `patchify` does it in numbers. */
function patches(latent: Tensor, { channels, patch }: DitConfig): Tensor {
  const along = LATENT / patch
  const cut = reshape(latent, ["B", channels, along, patch, along, patch])
  return reshape(transpose(cut, [0, 2, 4, 1, 3, 5]), ["B", along ** 2, channels * patch ** 2])
}

/**
 * The encoder of the style encoder's file `controls`. One graph of its own, opened at the first look: a picture crosses to the
 * worker once, and start pictures of other sizes, for which the autoencoder's own encoder is built anew, leave it alone.
 */
export function lookEncoder({ runner, dit, vae }: PartContext, controls: Checkpoint): LookEncoder {
  const open = (): Promise<LoadedGraph> => {
    const { latent } = encodeGraph(vae.config, [SIDE, SIDE], vae.layout)
    const style = styleTokens(patches(latent!, dit.config), new Weights(), dit.config.features)
    const both = {
      ...vae.checkpoint,
      files: [...vae.checkpoint.files, ...controls.files],
      tensors: new Map([...vae.checkpoint.tensors, ...controls.tensors]),
    }
    return openGraph(runner, { style }, weightFiles(both))
  }
  let graph: Promise<LoadedGraph> | undefined
  return {
    async encode(bytes, place) {
      const pixels = await decodeImage(bytes, { ...place, fit: { width: SIDE, height: SIDE } })
      graph ??= open()
      const opening = graph
      // One that could not be opened is tried again.
      opening.catch(() => {
        if (graph === opening) graph = undefined
      })
      const { style } = await (await opening).run({ picture: floats(toPlanes(pixels), [1, 3, SIDE, SIDE]) })
      return style!.data as Float32Array
    },
    close: async () => await (await graph?.catch(() => undefined))?.close(),
  }
}
