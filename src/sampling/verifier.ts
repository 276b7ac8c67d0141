// File `verifier`: a classifier of the model's own art, which says how well a painted picture shows what its prompt names.
import { openSafetensors } from "../checkpoint/index.ts"
import { input, softmax } from "../graph/index.ts"
import { type Pixels, resizePixels, toPlanes } from "../image/decode.ts"
import { mirrored, together } from "../image/views.ts"
import { type ClassifierConfig, classify, Weights } from "../nets/index.ts"
import { openGraph } from "../runtime/networks.ts"
import { floats } from "../runtime/session.ts"
import { weightFiles } from "../runtime/weights.ts"
import { type Asked, agreementOf, askedReader, type VerifierClasses } from "./asked.ts"
import { json, readPart, required, thesaurusOf } from "./part-files.ts"
import type { PartContext, Verifier } from "./parts.ts"

/** The file `classes` beside the weights: the network's sizes, and what its outputs are called. */
export interface VerifierFile extends VerifierClasses {
  network: Pick<ClassifierConfig, "side" | "widths" | "blocks">
}

/** How much of a picture's sides each view takes in; each is seen as it is and mirrored. */
const VIEWS = [1, 0.9, 0.8]

/** The middle of a picture. */
function middle({ width, height, data }: Pixels, share: number): Pixels {
  const [w, h] = [Math.round(width * share), Math.round(height * share)]
  const [left, top] = [(width - w) >> 1, (height - h) >> 1]
  const out = new Uint8Array(w * h * 3)
  for (let y = 0; y < h; y++) {
    const from = ((y + top) * width + left) * 3
    out.set(data.subarray(from, from + w * 3), y * w * 3)
  }
  return { width: w, height: h, data: out }
}

export async function openVerifier(context: PartContext): Promise<Verifier> {
  const checkpoint = await openSafetensors(required(context, "verifier"))
  const { network, ...classes } = await readPart(required(context, "classes"), json<VerifierFile>)
  const { side } = network
  const heads = classify(input("image", ["B", 3, side, side]), new Weights(), {
    ...network,
    concepts: classes.concepts.length,
    styles: classes.styles.length,
    backgrounds: classes.backgrounds.length,
  })
  const outputs = {
    concept: softmax(heads.concept),
    style: softmax(heads.style),
    background: softmax(heads.background),
  }
  const graph = await openGraph(context.runner, outputs, weightFiles(checkpoint))
  return {
    asked: askedReader(classes, await thesaurusOf(context)),
    async agreement(picture: Pixels, asked: Asked) {
      const views = await Promise.all(
        VIEWS.map(async (share) => {
          const part = share < 1 ? middle(picture, share) : picture
          return toPlanes(await resizePixels(part, { width: side, height: side, stretched: true }))
        }),
      )
      const count = 2 * views.length
      const image = new Float32Array(count * 3 * side * side)
      for (const [i, planes] of views.entries()) {
        image.set(planes, 2 * i * planes.length)
        image.set(mirrored(planes, side), (2 * i + 1) * planes.length)
      }
      const out = await graph.run({ image: floats(image, [count, 3, side, side]) })
      const seen = (name: keyof typeof outputs): Float32Array => {
        const rows = out[name]!.data as Float32Array
        const size = rows.length / count
        return together(Array.from({ length: count }, (_, i) => rows.subarray(i * size, (i + 1) * size)))
      }
      return agreementOf(asked, {
        concept: seen("concept"),
        style: seen("style"),
        background: seen("background"),
      })
    },
    close: () => graph.close(),
  }
}
