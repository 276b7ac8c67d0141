// The options of `npm run judge`, and what --help says of them.
import { parseArgs } from "node:util"
import { ASPECTS } from "../../request/sizes.ts"
import { numberOf, oneOf } from "../options.ts"
import { PARTS } from "./controls/measure.ts"

export const JUDGE_HELP = `npm run judge -- [controls] [options]
  controls            measure creativity, references, start image and sliders instead of prompts
  --part PART         only that part of controls; repeatable: ${PARTS.join(", ")}
  --model NAME        installed model or path (default medium)
  --examine           examine only the judge itself, on real art
  --through RUN       send the real art through a run's autoencoder first (runs/vae): the most its denoiser can reach
  --count N           a sample of the prompts, or of each part's prompts or pairs (default all)
  --json              print the report as JSON instead of a table
  --aspect RATIO      shape of the pictures, real art included (default 1:1): ${ASPECTS.join(", ")}
  --threads N         leave cores to others (default all)
  --steps N, --guidance G, --candidates K, --creativity C   other than the model's defaults
  --classifier PATH   run folder or .safetensors (default runs/classifier, else the shipped one)
  --export PATH       only write the classifier's weights to PATH, 16-bit
  --write-prompts     only draw up prompts.jsonl anew
`

/** What `npm run judge` is asked for. Throws a sentence about an option that is unknown or has a wrong value. */
export function readJudgeOptions(argv: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      model: { type: "string", default: "medium" },
      part: { type: "string", multiple: true },
      examine: { type: "boolean", default: false },
      through: { type: "string" },
      count: { type: "string" },
      json: { type: "boolean", default: false },
      aspect: { type: "string", default: "1:1" },
      threads: { type: "string" },
      steps: { type: "string" },
      guidance: { type: "string" },
      candidates: { type: "string" },
      creativity: { type: "string" },
      classifier: { type: "string" },
      export: { type: "string" },
      "write-prompts": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
  // What a request may hold is checked where it is made; here only that these are numbers.
  const number = (option: "steps" | "guidance" | "candidates" | "creativity"): number | undefined =>
    numberOf(option, values[option], { least: 0, whole: option !== "guidance" })
  const numbers = {
    count: numberOf("count", values.count, { least: 1 }),
    threads: numberOf("threads", values.threads, { least: 1, most: 256, whole: true }),
    steps: number("steps"),
    guidance: number("guidance"),
    candidates: number("candidates"),
    creativity: number("creativity"),
  }
  const parts = values.part?.map((part) => oneOf("part", part, PARTS))
  return { values, positionals, numbers, parts, aspect: oneOf("aspect", values.aspect, ASPECTS) }
}
