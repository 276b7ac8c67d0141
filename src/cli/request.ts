// From command-line words to the canonical request. Checks only what the words alone can get wrong.

import { AtelierError } from "../request/errors.ts"
import { CREATIVITY, type CreativityLevel, type GenerationInput } from "../request/request.ts"
import { ASPECTS, type Aspect, SIZES } from "../request/sizes.ts"

/** Options of `generate`, as commander hands them over. */
export interface GenerateFlags {
  alternatives?: boolean
  model?: string
  size?: string
  steps?: string
  candidates?: string
  guidance?: string
  seed?: string
  variationOf?: string[]
  count?: string
  negative?: string
  image?: string
  strength?: string
  mask?: string
  lora?: string[]
  creativity?: string
  reference?: string[]
  board?: string
  intensity?: string
  complexity?: string
  movement?: string
  format?: string
  quality?: string
}

const wrong = (option: string, message: string): AtelierError =>
  new AtelierError("invalid_request", `--${option}: ${message}`, { field: option })

function number(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() === "" || !Number.isFinite(value))
    throw wrong(option, `${JSON.stringify(text)} is not a number.`)
  return value
}

/** 1024x768, or the name of a shape. */
export function parseSize(text: string): [width: number, height: number] {
  if ((ASPECTS as readonly string[]).includes(text)) return [...SIZES[text as Aspect]]
  const match = /^(\d+)\s*[x×*]\s*(\d+)$/i.exec(text)
  if (match) return [Number(match[1]), Number(match[2])]
  throw wrong("size", `${JSON.stringify(text)} is neither WIDTHxHEIGHT nor one of ${ASPECTS.join(", ")}.`)
}

/** `name:weight`; the weight may be left out. A colon inside the name (C:\, https:) is no separator. */
export function parseWeighted(option: string, text: string): { name: string; weight?: number } {
  const at = text.lastIndexOf(":")
  const tail = at < 0 ? "" : text.slice(at + 1)
  if (at > 0 && /^[+-]?(\d+\.?\d*|\.\d+)$/.test(tail))
    return { name: text.slice(0, at), weight: Number(tail) }
  if (at > 1 && !/[\\/]/.test(tail))
    throw wrong(option, `${JSON.stringify(tail)} is not a weight; write NAME:0.8.`)
  return { name: text }
}

function creativity(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (Object.hasOwn(CREATIVITY, text)) return CREATIVITY[text as CreativityLevel]
  const value = Number(text)
  if (Number.isFinite(value) && text.trim() !== "") return value
  throw wrong(
    "creativity",
    `${JSON.stringify(text)} is neither a number nor one of ${Object.keys(CREATIVITY).join(", ")}.`,
  )
}

/** The request's fields that were named; the schema fills and checks the rest. */
export function requestFrom(prompt: string, flags: GenerateFlags): GenerationInput {
  const size = flags.size === undefined ? undefined : parseSize(flags.size)
  const board = flags.board === undefined ? undefined : parseWeighted("board", flags.board)
  if (flags.strength !== undefined && flags.image === undefined)
    throw wrong("strength", "it says how far to leave --image, and no --image was given.")
  if (flags.mask !== undefined && flags.image === undefined)
    throw wrong("mask", "it says which part of --image to paint anew, and no --image was given.")
  const fields: GenerationInput = {
    prompt,
    alternatives: flags.alternatives,
    model: flags.model,
    negativePrompt: flags.negative,
    width: size?.[0],
    height: size?.[1],
    creativity: creativity(flags.creativity),
    seed: number("seed", flags.seed),
    variationOf: flags.variationOf?.map((text) => {
      const { name, weight } = parseWeighted("variation-of", text)
      return { seed: number("variation-of", name)!, strength: weight }
    }),
    count: number("count", flags.count),
    references: flags.reference?.map((text) => {
      const { name, weight } = parseWeighted("reference", text)
      return { image: name, weight }
    }),
    board: board && { id: board.name, strength: board.weight },
    loras: flags.lora?.map((text) => parseWeighted("lora", text)),
    start:
      flags.image === undefined
        ? undefined
        : { image: flags.image, strength: number("strength", flags.strength), mask: flags.mask },
    intensity: number("intensity", flags.intensity),
    complexity: number("complexity", flags.complexity),
    movement: number("movement", flags.movement),
    steps: number("steps", flags.steps),
    guidance: number("guidance", flags.guidance),
    candidates: number("candidates", flags.candidates),
    output: {
      format: flags.format as "png" | undefined,
      quality: number("quality", flags.quality),
    },
  }
  return Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined)) as GenerationInput
}
