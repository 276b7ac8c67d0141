// File `verifier`: a classifier of the model's own art, which says how well a painted picture shows what its prompt names.
import { openSafetensors } from "../checkpoint/index.ts"
import { input, softmax } from "../graph/index.ts"
import { type Pixels, resizePixels, toPlanes } from "../image/decode.ts"
import { type ClassifierConfig, classify, Weights } from "../nets/index.ts"
import { openGraph } from "../runtime/networks.ts"
import { floats } from "../runtime/session.ts"
import { weightFiles } from "../runtime/weights.ts"
import { type Asked, agreementOf, askedReader, type VerifierClasses } from "./asked.ts"
import { json, readPart, required } from "./part-files.ts"
import type { PartContext, Verifier } from "./parts.ts"
import { readThesaurus, type ThesaurusEntry } from "./words.ts"

/** The file `classes` beside the weights: the network's sizes, and what its outputs are called. */
export interface VerifierFile extends VerifierClasses {
  network: Pick<ClassifierConfig, "side" | "widths" | "blocks">
}

/** How much of a picture's sides each look takes in; each is looked at as it is and mirrored. */
const LOOKS = [1, 0.9, 0.8]

/** Rows from right to left: planes [3,side,side]. */
function mirrored(planes: Float32Array, side: number): Float32Array {
  const out = new Float32Array(planes.length)
  for (let row = 0; row < planes.length; row += side)
    for (let x = 0; x < side; x++) out[row + x] = planes[row + side - 1 - x]!
  return out
}

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

/** Rows of probabilities taken together: their normalised geometric mean. */
function together(rows: Float32Array, looks: number): Float32Array {
  const classes = rows.length / looks
  const mean = Float32Array.from({ length: classes }, (_, k) => {
    let sum = 0
    for (let look = 0; look < looks; look++) sum += Math.log(rows[look * classes + k]! + 1e-9)
    return Math.exp(sum / looks)
  })
  const total = mean.reduce((sum, p) => sum + p, 0)
  return mean.map((p) => p / total)
}

export async function openVerifier(context: PartContext): Promise<Verifier> {
  const checkpoint = await openSafetensors(required(context, "verifier"))
  const { network, ...classes } = await readPart(required(context, "classes"), json<VerifierFile>)
  const thesaurus = context.file("thesaurus")
  const entries = thesaurus ? await readPart(thesaurus, json<ThesaurusEntry[]>) : []
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
    asked: askedReader(classes, readThesaurus(entries)),
    async agreement(picture: Pixels, asked: Asked) {
      const views = await Promise.all(
        LOOKS.map(async (share) => {
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
      const seen = (name: keyof typeof outputs): Float32Array =>
        together(out[name]!.data as Float32Array, count)
      return agreementOf(asked, {
        concept: seen("concept"),
        style: seen("style"),
        background: seen("background"),
      })
    },
    close: () => graph.close(),
  }
}
