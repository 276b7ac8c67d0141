// Sliders as the model was trained on them: one attribute token each, and none for a slider at 0. Imports nothing.

export const SLIDERS = ["intensity", "complexity", "movement"] as const
export type Slider = (typeof SLIDERS)[number]

export interface AskedSlider {
  name: Slider
  /** Place in SLIDERS, by which the model knows it. */
  index: number
  /** -1..1, never 0. */
  value: number
}

/** The sliders that were asked for, in a fixed order; at 0 nothing is asked, which is not the same as "average". */
export function askedSliders(request: Readonly<Record<Slider, number>>): AskedSlider[] {
  return SLIDERS.flatMap((name, index) =>
    request[name] === 0 ? [] : [{ name, index, value: request[name] / 100 }],
  )
}

/**
 * What the negative branch is given, so that guidance leads away from the opposite. Intensity alone: it is what guidance
 * itself holds back (decision 056). The others follow as well without, and with it the subject is lost more often
 * (decision 059).
 */
export const counterSliders = (moved: readonly AskedSlider[]): AskedSlider[] =>
  moved.flatMap((asked) => (asked.name === "intensity" ? [{ ...asked, value: -asked.value }] : []))
