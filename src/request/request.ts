// The canonical request: one zod schema from which validation, OpenAPI, SDK types, capabilities and form
// fields all derive. Every dialect and every command maps to this and to nothing else.
import { z } from "zod"
import { AtelierError } from "./errors.ts"
import { sentenceOf } from "./sentences.ts"
import { SIZES } from "./sizes.ts"

/** Named creativity levels and their positions on the 0..100 dial. */
export const CREATIVITY = { raw: 0, low: 10, medium: 50, high: 100 } as const
export type CreativityLevel = keyof typeof CREATIVITY

/** Limits in one place, so that messages, forms and schemas never disagree. */
export const LIMITS = {
  promptCharacters: 5000,
  references: 10,
  referenceWeight: [-2, 2],
  boardStrength: [-0.5, 1.5],
  boardPictures: 100,
  /** Of all its pictures: an export, where they are text, still fits one string. */
  boardBytes: 290_000_000,
  loras: 20,
  loraWeight: [-2, 2],
  /** Of models and adapters, which on the command line may be paths. */
  nameCharacters: 4096,
  slider: [-100, 100],
  strength: [0, 1],
  count: [1, 20],
  steps: [1, 100],
  guidance: [0, 20],
  candidates: [1, 8],
  side: [256, 2048],
  sideMultiple: 16,
  seed: [0, 2 ** 32 - 1],
  variation: [0, 1],
  variations: 20,
} as const

/** A picture by value or address: a file path (command line and SDK only), an http(s) URL, a data URI, an asset id. */
const imageSource = z.string().min(1).max(110_000_000)

const side = z.number().int().min(LIMITS.side[0]).max(LIMITS.side[1]).multipleOf(LIMITS.sideMultiple)
const slider = z.number().int().min(LIMITS.slider[0]).max(LIMITS.slider[1]).default(0)

export const Reference = z.strictObject({
  image: imageSource.describe("The picture whose style is meant"),
  weight: z
    .number()
    .min(LIMITS.referenceWeight[0])
    .max(LIMITS.referenceWeight[1])
    .default(0.6)
    .describe("-2 (away from this look) to 2 (towards it); 0 is the same as not given"),
})

const Start = z.strictObject({
  image: imageSource,
  strength: z
    .number()
    .min(LIMITS.strength[0])
    .max(LIMITS.strength[1])
    .describe("0 keeps the picture, 1 ignores it; 0.8 where it is left out, 1 with a mask"),
  mask: imageSource
    .optional()
    .describe(
      "A picture of the same shape: what is transparent in it, or white where nothing is, is painted anew; the rest stays",
    ),
})

export const GenerationRequest = z.strictObject({
  model: z
    .string()
    .min(1)
    .max(LIMITS.nameCharacters)
    .default("medium")
    .describe("Installed model name, alias or AIR id"),
  prompt: z.string().max(LIMITS.promptCharacters).describe("What to picture"),
  alternatives: z
    .boolean()
    .optional()
    .describe(
      "Whether {a|b} in the prompt is a choice: seeds in a row take turns through all that it can say",
    ),
  negativePrompt: z
    .string()
    .max(LIMITS.promptCharacters)
    .default("")
    .describe("What the guidance steers away from"),
  width: side.default(SIZES["1:1"][0]).describe("Output width in pixels, a multiple of 16"),
  height: side.default(SIZES["1:1"][1]).describe("Output height in pixels, a multiple of 16"),
  creativity: z
    .number()
    .min(0)
    .max(100)
    .default(CREATIVITY.medium)
    .describe("How freely the prompt is interpreted: raw 0, low 10, medium 50, high 100"),
  seed: z
    .number()
    .int()
    .min(LIMITS.seed[0])
    .max(LIMITS.seed[1])
    .nullable()
    .default(null)
    .describe("Picture i uses seed + i; null draws one"),
  variationOf: z
    .array(
      z.strictObject({
        seed: z.number().int().min(LIMITS.seed[0]).max(LIMITS.seed[1]),
        strength: z.number().min(LIMITS.variation[0]).max(LIMITS.variation[1]).default(0.3),
      }),
    )
    .max(LIMITS.variations)
    .optional()
    .describe(
      "Makes variations of the picture of this seed: strength 0 is the same picture, 1 another one; the seed says which. More entries lead from variation to variation",
    ),
  count: z.number().int().min(LIMITS.count[0]).max(LIMITS.count[1]).default(1).describe("How many pictures"),
  references: z.array(Reference).max(LIMITS.references).default([]).describe("Style references"),
  board: z
    .strictObject({
      id: z.string().min(1).describe("Moodboard id, name or share code"),
      strength: z.number().min(LIMITS.boardStrength[0]).max(LIMITS.boardStrength[1]).default(0.35),
    })
    .nullable()
    .default(null)
    .describe("A moodboard: a saved set of pictures used as one look"),
  loras: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(LIMITS.nameCharacters),
        weight: z.number().min(LIMITS.loraWeight[0]).max(LIMITS.loraWeight[1]).default(1),
      }),
    )
    .max(LIMITS.loras)
    .default([])
    .describe("LoRA adapters by installed name or file"),
  start: z
    .strictObject({ ...Start.shape, strength: Start.shape.strength.optional() })
    // Below 1 what was there shines through, which is seldom what a mask is made for.
    .transform((start) => ({ ...start, strength: start.strength ?? (start.mask === undefined ? 0.8 : 1) }))
    .pipe(Start)
    .nullable()
    .default(null)
    .describe("Image to image"),
  intensity: slider.describe("Saturation and contrast, 0 = not asked"),
  complexity: slider.describe("Amount of detail, 0 = not asked"),
  movement: slider.describe("Diagonal energy, 0 = not asked"),
  steps: z
    .number()
    .int()
    .min(LIMITS.steps[0])
    .max(LIMITS.steps[1])
    .nullable()
    .default(null)
    .describe("Denoiser steps; null takes the model's own"),
  guidance: z
    .number()
    .min(LIMITS.guidance[0])
    .max(LIMITS.guidance[1])
    .nullable()
    .default(null)
    .describe("Classifier-free guidance, v = c + g (c - u); null takes the model's own, 0 is off"),
  candidates: z
    .number()
    .int()
    .min(LIMITS.candidates[0])
    .max(LIMITS.candidates[1])
    .nullable()
    .default(null)
    .describe(
      "Noises tried for each picture, of which the one that shows the prompt best is kept; null takes the model's own, 1 tries none",
    ),
  output: z
    .strictObject({
      format: z.enum(["png", "jpg", "webp"]).default("png"),
      quality: z.number().int().min(1).max(100).default(95),
    })
    .prefault({}),
})

/** A complete request: every default filled in. */
export type GenerationRequest = z.output<typeof GenerationRequest>
/** What a caller may write: defaults left out. */
export type GenerationInput = z.input<typeof GenerationRequest>

/** `references[2].weight` from a zod path. */
export const fieldName = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (s, p) => (typeof p === "number" ? `${s}[${p}]` : s ? `${s}.${String(p)}` : String(p)),
    "",
  )

/** What stands at a zod path. */
export const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key], input)

/**
 * Checks a request and fills its defaults. Throws AtelierError `invalid_request` or `out_of_range` whose
 * sentence names the field, the value and the limit.
 */
export function parseRequest(input: unknown): GenerationRequest {
  const parsed = GenerationRequest.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const field = fieldName(issue.path)
  const value = valueAt(input, issue.path)
  const ranged = issue.code === "too_big" || issue.code === "too_small" || issue.code === "not_multiple_of"
  throw new AtelierError(ranged ? "out_of_range" : "invalid_request", sentenceOf(issue, field, value), {
    field,
    details: { issues: parsed.error.issues.length },
  })
}
