// A picture of the training set as its record says, for tests of what is trained on it.
import type { Located } from "../../src/train/pictures.ts"

/** A square cartoon of a red fox on plain white, but for what is said otherwise. */
export const pictureRecord = (index: number, change: Partial<Located> = {}): Located => ({
  index,
  shard: 0,
  offset: 0,
  width: 128,
  height: 128,
  caption: "a red fox",
  styleless: "a red fox",
  stage: "single",
  style: "cartoon",
  background: "plain white",
  place: "plain",
  concepts: ["fox"],
  boxes: [],
  leans: false,
  measures: [0, 0, 0],
  ...change,
})
