// The options of `npm run data`, checked where they are read, and what --help says of them. Imports the recipe's type.
import { parseArgs } from "node:util"
import { AtelierError } from "../../request/errors.ts"
import { numberOf, oneOf } from "../options.ts"
import type { Recipe } from "./dataset.ts"
import type { Stage } from "./scene.ts"

export const DATA_HELP = `npm run data -- [options]
  --count N      pictures (default 20000)
  --seed S       seed of the set (default 1)
  --workers W    processes (default 1)
  --stage NAME   only "single" (easy pictures) or only "scene"; default both, one quarter single
  --focus        things in one pose and place, half of them what people ask for most (data/focus)
  --use NAME     "train" (default), "judge": drawings that the model never sees (data/judge), or
                 "glyphs": scenes of icons in chance colours, for the judge, too (data/glyphs)
  --size PIXELS  side of a square picture, a multiple of 128 (default): 1024 paints the same scenes at 8 times that
  --out FOLDER   default data/scenes, or data/truth with --size
  --sheet        no data set: contact sheets of styles, places and captions in data/sheets
`

/** Pixels of a native square's side. */
const NATIVE_SIDE = 128

/** What `npm run data` is asked for. Throws a sentence about an option that is unknown or has a wrong value. */
export function readDataOptions(argv: readonly string[]) {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      count: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
      workers: { type: "string", default: "1" },
      stage: { type: "string" },
      focus: { type: "boolean", default: false },
      use: { type: "string", default: "train" },
      out: { type: "string" },
      size: { type: "string", default: String(NATIVE_SIDE) },
      sheet: { type: "boolean", default: false },
      worker: { type: "string" },
      help: { type: "boolean", default: false },
    },
  })
  const workers = numberOf("workers", values.workers, { least: 1, most: 256 })
  const scale = numberOf("size", values.size, { least: NATIVE_SIDE, most: 16 * NATIVE_SIDE }) / NATIVE_SIDE
  if (!Number.isInteger(scale))
    throw new AtelierError("out_of_range", `--size ${values.size} is no multiple of ${NATIVE_SIDE}.`)
  const recipe: Recipe = {
    seed: numberOf("seed", values.seed, { least: 0 }),
    count: numberOf("count", values.count, { least: 1 }),
    use: oneOf("use", values.use, ["train", "judge", "glyphs"]),
    scale,
    ...(values.focus && { focus: true }),
    ...(values.stage !== undefined && { stage: oneOf<Stage>("stage", values.stage, ["single", "scene"]) }),
  }
  return {
    recipe,
    workers,
    /** Which of them this process is; absent in the one that starts the others. */
    worker: numberOf("worker", values.worker, { least: 1, most: workers - 1 }),
    out: values.out,
    sheet: values.sheet,
    help: values.help,
  }
}
