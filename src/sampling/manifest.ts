// model.json: what an installed model is made of, and how it wants to be used.
import { readFile } from "node:fs/promises"
import { isAbsolute, join } from "node:path"
import { z } from "zod"
import { AtelierError } from "../request/errors.ts"

const row = z.array(z.number())

export const Manifest = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
  aliases: z.array(z.string()).default([]),
  title: z.string(),
  variant: z.enum(["medium", "large", "medium-turbo"]),
  /** Paths beside model.json; parts beyond the first five belong to whoever registered them (parts.ts). */
  files: z
    .object({
      dit: z.string(),
      vae: z.string(),
      text: z.string().optional(),
      tokenizer: z.string().optional(),
      /** A LoRA that makes of the image model what this model is: always added, before those of a request. */
      adapter: z.string().optional(),
    })
    .catchall(z.string()),
  text: z
    .strictObject({
      /** Which encoder reads the prompt: a name in parts.ts. */
      kind: z.string().default("qwen3"),
      taps: row.optional(),
      ropeTheta: z.number().optional(),
      /** Longest prompt in tokens, for encoders that were trained on short ones. */
      limit: z.number().int().min(2).optional(),
    })
    .prefault({}),
  /** Shift of the schedule; null derives it from the picture's size. */
  shift: z.number().nullable().default(null),
  /** Width of the noise that pictures begin with; below 1 they are cleaner and less various (decision 072). */
  noise: z.number().positive().default(1),
  /** A model with its own native size says how many tokens it was trained on; others paint every pixel asked for. */
  native: z
    .strictObject({ tokens: z.tuple([z.number().int(), z.number().int()]) })
    .nullable()
    .default(null),
  defaults: z.strictObject({
    steps: z.number().int().min(1),
    guidance: z.number().min(0),
    /** Noises tried for a picture, of which a verifier keeps one. */
    candidates: z.number().int().min(1).default(1),
    width: z.number().int(),
    height: z.number().int(),
  }),
  supports: z
    .strictObject({
      references: z.boolean().default(false),
      boards: z.boolean().default(false),
      sliders: z.boolean().default(false),
      start: z.boolean().default(true),
      creativity: z.boolean().default(true),
      guidance: z.boolean().default(true),
      loras: z.boolean().default(true),
      candidates: z.boolean().default(false),
    })
    .prefault({}),
  /** Pictures that share a denoiser run. */
  batch: z.number().int().min(1).default(4),
  /** Latent to colours, in 0..1: [3][channels] and three constants. */
  preview: z
    .strictObject({ weights: z.array(row), bias: z.tuple([z.number(), z.number(), z.number()]) })
    .optional(),
  /** The model that this is a quantised copy of; while it is installed, public names mean it and not the copy. */
  quantisedFrom: z.string().optional(),
  /** Where the weights came from and under which licence, in words. */
  origin: z.string().optional(),
  /** sha256 of each file that was converted or downloaded. */
  sha256: z.record(z.string(), z.string()).optional(),
})
export type Manifest = z.output<typeof Manifest>
export type ManifestInput = z.input<typeof Manifest>

/** A model on disk: its manifest, and where its files are. */
export interface Installed {
  manifest: Manifest
  folder: string
}

/** Whose weights these are: only the embedded family reads words. */
export const weightsOf = ({ text }: Manifest): "embedded" | "open" =>
  text.kind === "words" ? "embedded" : "open"

export const fileOf = ({ manifest, folder }: Installed, part: string): string | undefined => {
  const file = manifest.files[part]
  return file === undefined ? undefined : isAbsolute(file) ? file : join(folder, file)
}

/** Reads a model's folder. Throws model_invalid with the field that is wrong. */
export async function readManifest(folder: string): Promise<Installed> {
  const path = join(folder, "model.json")
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, "utf8"))
  } catch (cause) {
    throw new AtelierError("model_invalid", `${path} is not readable JSON; install the model again.`, {
      cause,
    })
  }
  const parsed = Manifest.safeParse(value)
  if (parsed.success) return { manifest: parsed.data, folder }
  const issue = parsed.error.issues[0]!
  throw new AtelierError("model_invalid", `${path}: ${issue.path.join(".") || "the file"}: ${issue.message}.`)
}
