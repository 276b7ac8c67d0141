// The content filter's picture stage for models with open weights: a classifier of five classes, nsfwjs' MobileNet.
import { AtelierError, type ModelInfo, type Picture } from "../request/index.ts"
import { CLASSES, openMobilenet, SIDE } from "../vision/index.ts"
import { withDecoder } from "./decoder.ts"
import type { FilterVerdict } from "./filter.ts"

/** In the order of the network's outputs. */
const NAMES = ["drawing", "hentai", "neutral", "porn", "sexy"] as const
export type Likelihoods = Record<(typeof NAMES)[number], number>

/** A picture is withheld when the two explicit classes together are at least this likely. */
const EXPLICIT = 0.7

export interface PictureClassifier {
  classify(bytes: Uint8Array): Promise<Likelihoods>
  close(): Promise<void>
}

/** Opens the classifier from a folder, into which its weights are fetched once (3.5 MB that are read, no code). */
export async function openPictureClassifier(folder: string): Promise<PictureClassifier> {
  const network = await openMobilenet(folder, CLASSES, 1)
  return {
    classify: async (picture) => {
      const rgb = await withDecoder(picture, (open) =>
        open()
          .flatten({ background: "#ffffff" })
          .toColourspace("srgb")
          .removeAlpha()
          .resize(SIDE, SIDE, { fit: "fill" })
          .raw()
          .toBuffer(),
      )
      const plane = SIDE * SIDE
      const image = Float32Array.from(
        { length: 3 * plane },
        (_, i) => rgb[(i % plane) * 3 + Math.floor(i / plane)]! / 255,
      )
      const likelihoods = await network.run(image)
      return Object.fromEntries(NAMES.map((name, i) => [name, likelihoods[i]!])) as Likelihoods
    },
    close: () => network.close(),
  }
}

export interface PictureJudge {
  judge: (picture: Picture, request: { model: string }) => Promise<FilterVerdict>
  /** Fetches and opens the classifier before the first picture, if a model asks for it; false when it cannot. */
  prepare(): Promise<boolean>
  close(): Promise<void>
}

/**
 * Judges pictures of models with open weights, which can show anything. The embedded family was trained on emoji and
 * icons alone; a classifier made for photographs would only take its flat figures for something else.
 * Throws `unavailable` when the classifier can neither be found nor fetched: no open model goes unfiltered.
 */
export function pictureJudge(
  folder: string,
  models: () => Promise<ModelInfo[]>,
  open: (folder: string) => Promise<PictureClassifier> = openPictureClassifier,
): PictureJudge {
  let opening: Promise<PictureClassifier> | undefined
  const classifier = (): Promise<PictureClassifier> => {
    opening ??= open(folder).catch((cause: unknown) => {
      opening = undefined // the next picture tries again
      throw new AtelierError(
        "unavailable",
        `The content filter's picture classifier is not in ${folder} and could not be fetched. Start once with a ` +
          "network, give a judge of your own (docs/serving.md), or --no-filter where the model's licence allows it.",
        { cause },
      )
    })
    return opening
  }
  const isOpen = async (name?: string): Promise<boolean> =>
    (await models()).some((m) => m.weights === "open" && (name === undefined || m.name === name))
  return {
    async judge(picture, { model }) {
      if (!(await isOpen(model))) return { allowed: true }
      const { porn, hentai } = await (await classifier()).classify(picture.bytes)
      return porn + hentai >= EXPLICIT ? { allowed: false, category: "explicit" } : { allowed: true }
    },
    async prepare() {
      if (!(await isOpen())) return true
      return classifier().then(
        () => true,
        () => false,
      )
    },
    async close() {
      await (await opening?.catch(() => undefined))?.close()
    },
  }
}
