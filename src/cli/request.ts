// From command-line words to the canonical request. Checks only what the words alone can get wrong.

import { existsSync } from "node:fs"
import { relative, resolve, sep } from "node:path"
import type { Axis } from "../controls/grid.ts"
import type { ImageResolver } from "../image/source.ts"
import { AtelierError } from "../request/errors.ts"
import { picturesOf, withPictures } from "../request/pictures.ts"
import {
  CREATIVITY,
  type CreativityLevel,
  type GenerationInput,
  type GenerationRequest,
  LIMITS,
} from "../request/request.ts"
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

/** Sources of pictures that name no file on this machine; of `file:` the whole path stands in it. */
const ADDRESS = /^(data|https?|file):/i

/**
 * `name:weight`; the weight may be left out. A colon inside the name (C:\, https:) is no separator, nor is one of a
 * file that there is. `limits` say which numbers can be weights, where a name may end in any.
 */
export function parseWeighted(
  option: string,
  text: string,
  limits?: readonly [number, number],
): { name: string; weight?: number } {
  const isAddress = ADDRESS.test(text)
  const at = text.lastIndexOf(":")
  const tail = at < 0 ? "" : text.slice(at + 1)
  if (at < 1 || (!isAddress && !limits && existsSync(text))) return { name: text }
  const [least, most] = limits ?? (isAddress ? LIMITS.referenceWeight : [-Infinity, Infinity])
  const weight = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(tail) ? Number(tail) : Number.NaN
  const isPort = /^https?:\/\/[^/?#]*$/i.test(text)
  if (weight >= least && weight <= most && !isPort) return { name: text.slice(0, at), weight }
  if (limits || isAddress || at === 1 || /[\\/]/.test(tail)) return { name: text }
  throw wrong(
    option,
    `${JSON.stringify(tail)} is not a weight; write NAME:0.8, also where the name has a colon itself.`,
  )
}

/** Files by their whole paths, whichever folder the command runs in. */
const wholePath = (source: string): string => (ADDRESS.test(source) ? source : resolve(source))
/** The same of what may be the name of something installed: an adapter, a model. */
const wholeAdapter = (name: string): string =>
  name.endsWith(".safetensors") && existsSync(name) ? resolve(name) : name
const wholeModel = (name: string): string =>
  /[\\/]|\.(safetensors|gguf|json)$/.test(name) && existsSync(name) ? resolve(name) : name

const renamed = (request: GenerationRequest, name: (source: string) => string): GenerationRequest =>
  withPictures(
    request,
    picturesOf(request).map(({ source }) => (ADDRESS.test(source) ? source : name(source))),
  )

/**
 * A request as its pictures in a folder hold it: files by their way from there. So pictures and the files that they were
 * made from can be moved together, and who is given a picture is not told the folders of who made it.
 */
export const namedFrom = (folder: string, request: GenerationRequest): GenerationRequest =>
  renamed(request, (path) => relative(folder, path).split(sep).join("/"))

/** The inverse: a request of a picture in a folder, with its files by their whole paths. */
export const wholeFrom = (folder: string, request: GenerationRequest): GenerationRequest =>
  renamed(request, (path) => {
    const beside = resolve(folder, path)
    return !existsSync(beside) && existsSync(path) ? resolve(path) : beside // earlier versions kept what was typed
  })

/** Reads a request's files by their way from a folder. */
export const readingFrom =
  (folder: string, readImage: ImageResolver): ImageResolver =>
  (source, field) =>
    readImage(ADDRESS.test(source) ? source : resolve(folder, source), field)

/** An axis of a grid whose values are files, by their whole paths; labels stay as they were written. */
export function wholeAxis(axis: Axis): Axis {
  const whole = /^(references\[\d+\]|start)\.(image|mask)$/.test(axis.field)
    ? wholePath
    : /^loras\[\d+\]\.name$/.test(axis.field)
      ? wholeAdapter
      : axis.field === "model"
        ? wholeModel
        : undefined
  return whole ? { ...axis, values: axis.values.map((value) => whole(String(value))) } : axis
}

/** Reads the files of requests, so that a missing one is told before a model is loaded for it. */
export async function checkFiles(
  requests: readonly GenerationRequest[],
  readImage: ImageResolver,
): Promise<void> {
  const files = new Map(requests.flatMap(picturesOf).map(({ source, field }) => [source, field]))
  for (const [source, field] of files) if (!/^(data|https?):/i.test(source)) await readImage(source, field)
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
  const board =
    flags.board === undefined ? undefined : parseWeighted("board", flags.board, LIMITS.boardStrength)
  if (flags.strength !== undefined && flags.image === undefined)
    throw wrong("strength", "it says how far to leave --image, and no --image was given.")
  if (flags.mask !== undefined && flags.image === undefined)
    throw wrong("mask", "it says which part of --image to paint anew, and no --image was given.")
  const fields: GenerationInput = {
    prompt,
    alternatives: flags.alternatives,
    model: flags.model && wholeModel(flags.model),
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
      return { image: wholePath(name), weight }
    }),
    board: board && { id: board.name, strength: board.weight },
    loras: flags.lora?.map((text) => {
      const { name, weight } = parseWeighted("lora", text)
      return { name: wholeAdapter(name), weight }
    }),
    start:
      flags.image === undefined
        ? undefined
        : {
            image: wholePath(flags.image),
            strength: number("strength", flags.strength),
            mask: flags.mask && wholePath(flags.mask),
          },
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
