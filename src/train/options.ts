// The options of the training commands as numbers within their limits, and what --help says of them.
import { parseArgs } from "node:util"
import { AtelierError } from "../request/errors.ts"

export const HELP = `npm run train -- <recipe> [options]: trains a network of the embedded family, or prepares that. See docs/training.md.

recipes, each in runs/<recipe>:
  vae, decoder, tune    the autoencoder; its decoder alone; both halves, close to the latents there are
  sight                 the encoder that the denoiser is aligned with
  dit                   the denoiser with text tower, style encoder and sliders
  verifier              who chooses among noises
  preference            post-training of the denoiser on its own pictures
  turbo                 fewer steps and no guidance: a low-rank change of the shipped denoiser
  upsampler             from native size to eight times that
  classifier            the judge's
before and between them:
  words                 the word vectors of the commonest words
  latents               the scenes as latents
  rollouts              pictures that the denoiser paints for preference
  trajectories          ways that the denoiser's pictures go from noise, for turbo
  pairs                 what the upsampler learns from
after them, and to go on:
  export                writes models/medium and NOTICE
  export-turbo          writes models/turbo
  thesaurus             how often the thesaurus is right about words left out of it
  restore               makes runs out of models/medium
  grow                  a deeper denoiser (--layers), or one of more words (--words), out of a run

  --resume              go on from the run's last checkpoint; without it, a run that is there is refused
  --run NAME            folder of the run, runs/NAME; of export and grow, the run that they take (dit)
  --samples N           how long the run is; of rollouts, trajectories and pairs, how many
  --minutes N           stop after that long, state saved
  --threads N           of the step's graph (2)
  --seed S              of weights and batches (1)
  --sheet-minutes N     between sample sheets (10)
  --rate R, --perceptual W    of dit and preference (--rate of turbo, too)
  --unaligned, --features N, --layers N    of dit; a run that is gone on with keeps its sizes (--layers of grow, too)
  --from RUN            the run that rollouts, preference, trajectories and turbo begin from (dit)
  --steps N, --guidance G    the defaults that export writes (8, 3)
`

/** A number's least and greatest value, and whether it must be whole. */
export interface Limits {
  least: number
  most?: number
  whole?: boolean
}

/**
 * The number in an option's text; undefined where none was given. Throws invalid_request when it is no number, and
 * out_of_range.
 */
export function numberOf<T extends string | undefined>(
  option: string,
  text: T,
  { least, most = Number.MAX_SAFE_INTEGER, whole = true }: Limits,
): T extends string ? number : number | undefined {
  if (text === undefined) return undefined as T extends string ? number : number | undefined
  const value = Number(text)
  if (text.trim() === "" || !Number.isFinite(value) || (whole && !Number.isInteger(value)))
    throw new AtelierError(
      "invalid_request",
      `--${option} ${text}: this takes a ${whole ? "whole " : ""}number.`,
    )
  if (value < least || value > most)
    throw new AtelierError(
      "out_of_range",
      most === Number.MAX_SAFE_INTEGER
        ? `--${option} ${text} is too small; it takes ${least} or more.`
        : `--${option} ${text} is out of range; it takes ${least} to ${most}.`,
    )
  return value as T extends string ? number : number | undefined
}

/** The word in an option's text. Throws invalid_request when it is none of those that there are. */
export function oneOf<T extends string>(option: string, text: string, known: readonly T[]): T {
  const found = known.find((word) => word === text)
  if (found === undefined)
    throw new AtelierError(
      "invalid_request",
      `--${option} ${text}: there are ${known.join(", ")}; see --help.`,
    )
  return found
}

/** Runs what reads the options; what is wrong with them is told in one sentence, and the process ends with 2. */
export function readOrExit<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}

const least = (n: number): Limits => ({ least: n })
const share = (most: number): Limits => ({ least: 0, most, whole: false })

/** What `npm run train` is asked for. Throws a sentence about an option that is unknown or has a wrong value. */
export function readOptions(argv: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      resume: { type: "boolean", default: false },
      minutes: { type: "string" },
      samples: { type: "string" },
      seed: { type: "string", default: "1" },
      run: { type: "string" },
      features: { type: "string" },
      layers: { type: "string" },
      rate: { type: "string" },
      perceptual: { type: "string" },
      from: { type: "string", default: "dit" },
      words: { type: "boolean", default: false },
      unaligned: { type: "boolean", default: false },
      threads: { type: "string", default: "2" },
      steps: { type: "string", default: "8" },
      guidance: { type: "string", default: "3" },
      "sheet-minutes": { type: "string", default: "10" },
      help: { type: "boolean", default: false },
    },
  })
  const features = numberOf("features", values.features, least(96))
  if (features !== undefined && features % 96 !== 0 && features % 128 !== 0)
    throw new AtelierError(
      "out_of_range",
      `--features ${features} does not divide into heads and key heads; it takes a multiple of 96 or 128.`,
    )
  if (values.unaligned && values.perceptual !== undefined)
    throw new AtelierError(
      "invalid_request",
      "--perceptual asks the encoder that --unaligned leaves out; give one of them.",
    )
  if (positionals.length > 1)
    throw new AtelierError("invalid_request", `One recipe at a time: ${positionals.join(", ")}.`)
  return {
    name: positionals[0] ?? "",
    help: values.help,
    resume: values.resume,
    run: values.run,
    from: values.from,
    words: values.words,
    unaligned: values.unaligned,
    seed: numberOf("seed", values.seed, least(0)),
    samples: numberOf("samples", values.samples, least(1)),
    minutes: numberOf("minutes", values.minutes, { least: 0, whole: false }),
    threads: numberOf("threads", values.threads, { least: 1, most: 256 }),
    sheetMinutes: numberOf("sheet-minutes", values["sheet-minutes"], { least: 0, whole: false }),
    features,
    layers: numberOf("layers", values.layers, least(1)),
    rate: numberOf("rate", values.rate, share(1)),
    perceptual: numberOf("perceptual", values.perceptual, share(10)),
    steps: numberOf("steps", values.steps, { least: 1, most: 200 }),
    guidance: numberOf("guidance", values.guidance, share(20)),
  }
}
