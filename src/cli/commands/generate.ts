// atelier generate: a prompt becomes pictures in files.
import type { Command } from "commander"
import { createEngine, type EngineOptions } from "../../controls/engine.ts"
import { imageReader } from "../../image/source.ts"
import type { Generation } from "../../request/engine.ts"
import { AtelierError } from "../../request/errors.ts"
import type { Note } from "../../request/notes.ts"
import { type GenerationInput, type GenerationRequest, parseRequest } from "../../request/request.ts"
import { promptOf } from "../../request/seeds.ts"
import { DEVICES, type Device } from "../../runtime/device.ts"
import { findModel } from "../../sampling/catalog.ts"
import { type CommonOptions, type Context, run } from "../context.ts"
import { formatOf, placeFor, writePicture } from "../output.ts"
import { bar, duration } from "../progress.ts"
import { checkFiles, type GenerateFlags, namedFrom, readingFrom, requestFrom, wholeFrom } from "../request.ts"

export interface RunFlags extends CommonOptions {
  out?: string
  device?: string
  threads?: string
  allowPrivateNetwork?: boolean
}

/** What --json prints. */
export interface GenerateResult {
  pictures: { path: string; seed: number; width: number; height: number }[]
  request: GenerationRequest
  expandedPrompts: string[]
  seconds: Record<string, number>
  notes: Note[]
}

const collect = (value: string, all: string[] = []): string[] => [...all, value]

export function registerGenerate(program: Command, context: Context): void {
  program
    .command("generate")
    .description("make pictures from a prompt")
    .argument("<prompt>", "what to picture")
    .option("--alternatives", "read {a|b} in the prompt as a choice, by turns of the seeds")
    .option("-m, --model <name>", "installed model, alias, file or folder")
    .option("-s, --size <size>", "WIDTHxHEIGHT, or a shape: 1:1 4:3 3:2 16:9 2.35:1 4:5 3:4 2:3 9:16")
    .option("--steps <n>", "denoiser steps")
    .option("--candidates <n>", "noises tried for each picture, the best of which is kept; 1 is quickest")
    .option("-g, --guidance <g>", "how strictly the prompt is followed, 0 to 20")
    .option("--seed <n>", "picture i uses seed + i")
    .option(
      "--variation-of <seed:strength>",
      "make variations of this seed's picture: 0 the same, 1 another one (default 0.3); repeatable, from variation to variation",
      collect,
    )
    .option("-n, --count <n>", "how many pictures")
    .option("--negative <prompt>", "what to steer away from")
    .option("-c, --creativity <level>", "raw, low, medium, high, or 0 to 100")
    .option("-i, --image <file>", "start from this picture")
    .option("--strength <s>", "0 keeps the start picture, 1 ignores it (default 0.8; with a mask 1)")
    .option("--mask <file>", "paint only this part of it anew: what is transparent, or else white")
    .option("-r, --reference <file:weight>", "style reference, -2 (away) to 2 (towards); repeatable", collect)
    .option("-b, --board <name:strength>", "moodboard, -0.5 to 1.5")
    .option("-l, --lora <name:weight>", "LoRA by name or file, -2 to 2; repeatable", collect)
    .option("--intensity <n>", "saturation and contrast, -100 to 100")
    .option("--complexity <n>", "amount of detail, -100 to 100")
    .option("--movement <n>", "diagonal energy, -100 to 100")
    .option("-o, --out <path>", "file or folder to write to")
    .option("-f, --format <format>", "png, jpg or webp")
    .option("-q, --quality <n>", "of jpg and webp, 1 to 100")
    .option("-d, --device <device>", DEVICES.join(" | "), "auto")
    .option("--threads <n>", "processor threads")
    .option("--allow-private-network", "let picture addresses point into private networks")
    .option("--json", "print the result as JSON")
    .action(async (prompt: string, flags: GenerateFlags & RunFlags) => {
      await run(
        context,
        flags,
        async () => {
          const format = flags.format ?? formatOf(flags.out)
          const input = requestFrom(prompt, { ...flags, format })
          const { model } = parseRequest(input) // what is asked wrongly is said before anything is looked up
          const { width, height } = (await findModel(model)).manifest.defaults
          return await generateFiles({ width, height, ...input }, flags, context)
        },
        sayGenerated,
      )
    })
}

export const sayGenerated = ({ pictures, request, seconds, notes }: GenerateResult): string =>
  [
    ...notes.map((note) => note.message),
    ...pictures.map((p) => `${p.path}  ${p.width}x${p.height}, seed ${p.seed}`),
    `${request.steps} steps of ${request.model}, ${duration(seconds.total!)}`,
  ].join("\n")

/** Generates and writes; shared by `generate` and `replay`, which says what the model reads. */
export async function generateFiles(
  input: GenerationInput,
  flags: RunFlags,
  context: Context,
  expand?: EngineOptions["expand"],
): Promise<GenerateResult> {
  const request = parseRequest(input)
  const place = await placeFor(flags.out, request.output.format)
  const readImage = imageReader(flags)
  await checkFiles([request], readImage)
  const progress = bar(context.terminal && !flags.json, (text) => process.stderr.write(text))
  const engine = createEngine({
    device: deviceOf(flags.device),
    threads: threadsOf(flags.threads),
    readImage: readingFrom(place.folder, readImage),
    log: flags.json ? undefined : context.tell,
    ...(expand && { expand }),
  })
  let generation: Generation
  try {
    generation = await engine.generate(namedFrom(place.folder, request), {
      signal: context.signal,
      onProgress: progress.show,
    })
  } finally {
    progress.clear()
    await engine.close()
  }
  const single = generation.pictures.length === 1
  const pictures: GenerateResult["pictures"] = []
  for (const picture of generation.pictures) {
    const prompt = promptOf(request, picture.seed)
    const path = await writePicture(place, picture, { prompt, single, signal: context.signal })
    pictures.push({ path, seed: picture.seed, width: picture.width, height: picture.height })
  }
  const { expandedPrompts, seconds, notes } = generation
  const resolved = wholeFrom(place.folder, generation.request)
  return { pictures, request: resolved, expandedPrompts, seconds, notes }
}

function deviceOf(text = "auto"): Device {
  const device = DEVICES.find((d) => d === text)
  if (device) return device
  throw new AtelierError(
    "invalid_request",
    `--device: ${JSON.stringify(text)} is none of ${DEVICES.join(", ")}.`,
    {
      field: "device",
    },
  )
}

function threadsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 1024) return value
  throw new AtelierError(
    "out_of_range",
    `--threads: ${JSON.stringify(text)} is not a whole number from 1 to 1024.`,
    {
      field: "threads",
    },
  )
}
