// What the judge finds in one picture, set against what its prompt states.
import { backgroundColour, objectColour } from "./colour.ts"
import { type Piece, thingsIn } from "./foreground.ts"
import { backgroundIndex, conceptIndex, styleIndex } from "./labels.ts"
import { type Classifier, rankOf, type Verdict } from "./network.ts"
import { type Bitmap, squareAround, type Window } from "./pixels.ts"
import type { Prompt } from "./prompts.ts"
import { asSeen, lookClosely, lookThrough } from "./views.ts"

export interface Shot {
  readonly prompt: Prompt
  readonly picture: Bitmap
}

/** Only what the prompt states is judged; the rest stays undefined. */
export interface Observation {
  readonly prompt: Prompt
  readonly features: Float32Array
  /** Place of the named concept among all, from 1, for prompts with one thing. */
  readonly conceptRank?: number
  readonly style?: boolean
  readonly backgroundType?: boolean
  readonly backgroundColour?: boolean
  readonly objectColour?: boolean
  /** How many things were found, for prompts with a number. */
  readonly count?: number
  readonly relation?: boolean
}

/**
 * Where the first and the second thing of a pair should be: the two largest pieces along the axis of the relation, or
 * the picture's halves where there are no two. Undefined if the pieces stand along the other axis.
 */
export function pairWindows(b: Bitmap, relation: "left" | "above"): [Window, Window] | undefined {
  const things: Piece[] = thingsIn(b)
  const [p, q] = things
  if (!p || !q) {
    const [w, h] = relation === "left" ? [b.width * 0.54, b.height] : [b.width, b.height * 0.54]
    const square = (x: number, y: number): Window => squareAround({ x, y, w, h }, 0)
    return [square(0, 0), square(b.width - w, b.height - h)]
  }
  const [dx, dy] = [Math.abs(p.cx - q.cx), Math.abs(p.cy - q.cy)]
  if (relation === "left" ? dx < dy : dy < dx) return undefined
  const key = relation === "left" ? "cx" : "cy"
  const [first, second] = p[key] < q[key] ? [p, q] : [q, p]
  return [squareAround(first, 0.14), squareAround(second, 0.14)]
}

/** Both places must prefer the thing that belongs there: chance gets one in four. */
export function inOrder(first: Float32Array, second: Float32Array, concepts: readonly string[]): boolean {
  const [a, b] = concepts.map(conceptIndex) as [number, number]
  return first[a]! > first[b]! && second[b]! > second[a]!
}

/** Looks at every picture and measures what its prompt states; in the order of the shots. */
export async function observe(shots: readonly Shot[], classifier: Classifier): Promise<Observation[]> {
  const out: Observation[] = []
  const chunk = 64
  for (let from = 0; from < shots.length; from += chunk) {
    const part = await Promise.all(
      shots
        .slice(from, from + chunk)
        .map(async ({ prompt, picture }) => ({ prompt, ...(await asSeen(picture)) })),
    )
    const verdicts = await lookClosely(part, classifier)
    const pairs = part.flatMap(({ prompt, painted }, i) => {
      const windows = prompt.relation && pairWindows(painted, prompt.relation)
      return windows ? [{ i, windows }] : []
    })
    const halves = await lookThrough(
      pairs.flatMap(({ i, windows }) => windows.map((window) => ({ picture: part[i]!.painted, window }))),
      classifier,
    )
    const ordered = new Map(
      pairs.map(({ i }, k) => [i, inOrder(halves[2 * k]!, halves[2 * k + 1]!, part[i]!.prompt.concepts)]),
    )
    part.forEach(({ prompt, painted }, i) => {
      out.push(oneOf(prompt, painted, verdicts[i]!, ordered.get(i) ?? false))
    })
  }
  return out
}

function oneOf(prompt: Prompt, picture: Bitmap, v: Verdict, ordered: boolean): Observation {
  const { concepts, style, background, backgroundColour: wall, colour, count, relation } = prompt
  return {
    prompt,
    features: v.features,
    ...(concepts.length === 1 && { conceptRank: rankOf(v.concept, conceptIndex(concepts[0]!)) }),
    ...(style && { style: rankOf(v.style, styleIndex(style)) === 1 }),
    ...(background && { backgroundType: rankOf(v.background, backgroundIndex(background)) === 1 }),
    ...(wall && { backgroundColour: backgroundColour(picture) === wall }),
    ...(colour && { objectColour: objectColour(picture) === colour }),
    ...(count && { count: thingsIn(picture).length }),
    ...(relation && { relation: ordered }),
  }
}

/** Probability that a picture wears a style, 0..1. */
export const styleProbability = (v: Verdict, style: string): number => v.style[styleIndex(style)]!
/** Probability that a picture shows a concept, 0..1. */
export const conceptProbability = (v: Verdict, concept: string): number => v.concept[conceptIndex(concept)]!
