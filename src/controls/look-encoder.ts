// A picture's look as style tokens: the autoencoder and the style encoder as one graph, at the size that looks have.
import { openSafetensors, temporalTaps } from "../checkpoint/index.ts"
import { input, reshape, type Tensor, transpose } from "../graph/index.ts"
import { decodeImage, toPlanes } from "../image/decode.ts"
import { encode, normalise, styleTokens, Weights } from "../nets/index.ts"
import { openGraph } from "../runtime/networks.ts"
import { floats } from "../runtime/session.ts"
import { weightFiles } from "../runtime/weights.ts"
import type { PartContext } from "../sampling/parts.ts"
import type { Place } from "./look-cache.ts"

/** Side in pixels that a picture is brought to: the native square, eight by eight patches. */
const SIDE = 128
/** Latent pixels along a side, and along a patch. */
const LATENT = SIDE / 8
const PATCH = 2

export interface LookEncoder {
  /** Style tokens [S,F] of a picture file, alone: its bits need no company. Throws what `decodeImage` throws. */
  encode(bytes: Uint8Array, place: Place): Promise<Float32Array>
  close(): Promise<void>
}

/** Latent [B,C,h,w] -> patches [B,hw/4,4C], features ordered (channel, dy, dx), as `patchify` does it in numbers. */
function patches(latent: Tensor, channels: number): Tensor {
  const along = LATENT / PATCH
  const cut = reshape(latent, ["B", channels, along, PATCH, along, PATCH])
  return reshape(transpose(cut, [0, 2, 4, 1, 3, 5]), ["B", along ** 2, channels * PATCH ** 2])
}

/**
 * Opens the files `vae` and `controls`. One graph of its own: a picture crosses to the worker once, and start pictures of
 * other sizes, for which the autoencoder's own encoder is built anew, leave this one alone.
 */
export async function openLookEncoder({ runner, dit, vae, file }: PartContext): Promise<LookEncoder> {
  const [autoencoder, controls] = [
    await openSafetensors(file("vae")!),
    await openSafetensors(file("controls")!),
  ]
  const picture = input("picture", ["B", 3, SIDE, SIDE])
  const layout = { temporalTaps: temporalTaps(autoencoder) }
  const latent = normalise(encode(picture, new Weights(), vae.config, layout).output, vae.config)
  const style = styleTokens(patches(latent, dit.config.channels), new Weights(), dit.config.features)
  const both = {
    ...autoencoder,
    files: [...autoencoder.files, ...controls.files],
    tensors: new Map([...autoencoder.tensors, ...controls.tensors]),
  }
  const graph = await openGraph(runner, { style }, weightFiles(both))
  return {
    async encode(bytes, place) {
      const pixels = await decodeImage(bytes, { ...place, fit: { width: SIDE, height: SIDE } })
      const { style } = await graph.run({ picture: floats(toPlanes(pixels), [1, 3, SIDE, SIDE]) })
      return style!.data as Float32Array
    },
    close: () => graph.close(),
  }
}
