// Several looks at one picture, taken together: no single view of a drawing is as sure as four.
import { mirrored, together } from "../../image/views.ts"
import { thingsIn } from "./foreground.ts"
import type { Classifier, Verdict } from "./network.ts"
import { withoutPaper } from "./paper.ts"
import { atNative, type Bitmap, squareAround, view, type Window } from "./pixels.ts"

/** Margin around a thing that is looked at alone, as a share of its longer side. */
const MARGIN = 0.15

/** A picture in the scale of the real art, and the same without a watercolour's margin. */
export interface Seen {
  readonly picture: Bitmap
  readonly painted: Bitmap
}

/** Every picture is looked at in the scale of the real art, so that both get the same treatment. */
export async function asSeen(picture: Bitmap): Promise<Seen> {
  const native = await atNative(picture)
  return { picture: native, painted: withoutPaper(native) }
}

/**
 * A verdict for each picture. Concept and style come from the whole picture and from its
 * largest thing, both also mirrored; the background from the whole and its mirror image; features from the whole.
 */
export async function lookClosely(
  pictures: readonly Seen[],
  classifier: Pick<Classifier, "side" | "look">,
): Promise<Verdict[]> {
  const { side, look } = classifier
  const views = pictures.flatMap(({ picture, painted }) => {
    const [thing] = thingsIn(painted)
    const whole = view(picture, side)
    const near = thing ? view(painted, side, squareAround(thing, MARGIN)) : whole
    return [whole, mirrored(whole, side), near, mirrored(near, side)]
  })
  const verdicts = await look(views)
  return pictures.map((_, i): Verdict => {
    const four = verdicts.slice(4 * i, 4 * i + 4)
    const all = (part: "concept" | "style" | "background", list = four): Float32Array =>
      together(list.map((v) => v[part]))
    return {
      concept: all("concept"),
      style: all("style"),
      background: all("background", four.slice(0, 2)),
      features: four[0]!.features,
    }
  })
}

/** What is under a window, and its mirror image, taken together: probabilities of the concepts. */
export async function lookThrough(
  windows: readonly { readonly picture: Bitmap; readonly window: Window }[],
  { side, look }: Pick<Classifier, "side" | "look">,
): Promise<Float32Array[]> {
  const verdicts = await look(
    windows.flatMap(({ picture, window }) => {
      const seen = view(picture, side, window)
      return [seen, mirrored(seen, side)]
    }),
  )
  return windows.map((_, i) => together(verdicts.slice(2 * i, 2 * i + 2).map((v) => v.concept)))
}
