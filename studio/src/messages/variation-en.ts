// What the page says of variations of a picture, in English.
export const variation = {
  of: "Variation of",
  slider: "Variation: from the same picture to another one",
  exact: "Variation: exact strength",
  changes: {
    nothing: "the same picture",
    details: "details change",
    shapes: "shapes change",
    all: "another picture",
  },
  hint: "0 is the same picture, 0.3 changes details, 0.6 shapes, 1 is another picture",
  remove: "Stop varying this picture",
  most: (n: number) =>
    `${n} variations lead to this picture, and no more can follow. Vary an earlier one, or use this one as start image.`,
}
