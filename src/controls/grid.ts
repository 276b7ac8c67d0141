// One or two fields as axes: every combination as a request, made once and kept under its own hash.
import { createHash } from "node:crypto"
import { readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { writeWhole } from "../checkpoint/files.ts"
import type { Engine } from "../request/engine.ts"
import { AtelierError } from "../request/errors.ts"
import { distinct, type Note } from "../request/notes.ts"
import { picturesOf, withPictures } from "../request/pictures.ts"
import {
  CREATIVITY,
  type CreativityLevel,
  type GenerationInput,
  type GenerationRequest,
  parseRequest,
} from "../request/request.ts"
import { braced } from "../request/wordings.ts"
import { contentHash } from "./look-cache.ts"

export interface Axis {
  /** Path in the canonical request: `creativity`, `references[0].weight`, `start.strength`. */
  field: string
  values: readonly (number | string)[]
  /** What stands at the sheet's edge, one per value. */
  labels: readonly string[]
}

export interface Cell {
  /** Places along the first (across) and the second axis (down). */
  x: number
  y: number
  request: GenerationRequest
  /** File of the picture. */
  path: string
  /** Made now, or found from an earlier run. */
  isNew: boolean
}

/** Most cells of one sheet. */
export const MOST_CELLS = 400
/** Words for fields that are deeper in the request. */
const SHORT: Readonly<Record<string, string>> = {
  strength: "start.strength",
  board: "board.strength",
  reference: "references[0].weight",
  variation: "variationOf[0].strength",
}
/** Fields whose values are texts; all others are numbers. */
const TEXT =
  /^(prompt|negativePrompt|model|board\.id|start\.(image|mask)|output\.format|\w+\[\d+\]\.(image|name))$/
/** Texts that have no commas inside. */
const NAMES: ReadonlySet<string> = new Set(["model", "output.format"])
/** What gives a part of the request that an axis needs. */
const GIVES: ReadonlyMap<string, string> = new Map([
  ["references", "--reference"],
  ["start", "--image"],
  ["board", "--board"],
  ["loras", "--lora"],
  ["variationOf", "--variation-of"],
])

const wrong = (message: string): AtelierError =>
  new AtelierError("invalid_request", message, { field: "axes" })

/**
 * An axis from `field=values`: values by commas (`creativity=raw,low,50`), whole numbers as `seed=1..4`, even steps as
 * `references[0].weight=-2..2/9` (nine values), prompts, pictures and boards by bars (`prompt=a fox|an owl`). Bars of a
 * choice, `{red|blue}`, and those behind a backslash belong to the prompt.
 */
export function parseAxis(text: string): Axis {
  const at = text.indexOf("=")
  const given = text.slice(0, at).trim()
  const field = SHORT[given] ?? given
  if (at < 1 || !/^[a-z]\w*(\[\d+\])?(\.[a-z]\w*)*$/i.test(field))
    throw wrong(
      `${JSON.stringify(text)} is no axis; write field=value,value, like creativity=raw,low,medium,high.`,
    )
  if (field === "count") throw wrong("A cell is one picture, so count is no axis; vary seed=1..4 instead.")
  const list = text.slice(at + 1)
  const isText = TEXT.test(field)
  const labels = isText ? textsOf(field, list) : numbersOf(list)
  if (labels.length === 0) throw wrong(`The axis ${field} has no values.`)
  const values = labels.map((label): number | string => {
    if (isText) return label
    if (field === "creativity" && Object.hasOwn(CREATIVITY, label))
      return CREATIVITY[label as CreativityLevel]
    const value = Number(label)
    if (Number.isFinite(value)) return value
    throw wrong(`${JSON.stringify(label)} is not a number for the axis ${field}.`)
  })
  return { field, values, labels }
}

function textsOf(field: string, list: string): string[] {
  if (NAMES.has(field)) return split(list, ",")
  if (field === "prompt") return promptsOf(list)
  // To avoid nothing is a value beside others.
  if (field === "negativePrompt" && list.includes("|")) return list.split("|").map((v) => v.trim())
  return split(list, "|")
}

function promptsOf(list: string): string[] {
  const prompts = [""]
  for (let at = 0, end = 0; at < list.length; at = end) {
    const sign = list[at]
    const closed = sign === "{" ? braced(list, at)?.close : undefined
    end = closed === undefined ? at + (sign === "\\" ? 2 : 1) : closed + 1
    if (sign === "|") prompts.push("")
    else prompts.push(prompts.pop() + list.slice(at, end))
  }
  return prompts.map((v) => v.trim()).filter(Boolean)
}

const split = (list: string, by: string): string[] =>
  list
    .split(by)
    .map((v) => v.trim())
    .filter(Boolean)

function numbersOf(list: string): string[] {
  return split(list, ",").flatMap((part) => {
    const range = /^(-?[\d.]+)\.\.(-?[\d.]+)(?:\/(\d+))?$/.exec(part)
    if (!range) return [part]
    const [from, to] = [Number(range[1]), Number(range[2])]
    const count = range[3] ? Number(range[3]) : Math.abs(to - from) + 1
    if (!Number.isInteger(count) || !Number.isFinite(from + to) || count < 2 || count > MOST_CELLS)
      throw wrong(`${part} is no range; write FROM..TO or FROM..TO/COUNT with 2 to ${MOST_CELLS} values.`)
    // Rounded, for a label of 0.30000000000000004 helps nobody.
    return Array.from({ length: count }, (_, i) =>
      String(+(from + ((to - from) * i) / (count - 1)).toFixed(4)),
    )
  })
}

/** A copy of the request with one field changed. Throws when there is no such place, a reference that is missing say. */
export function withField(input: GenerationInput, field: string, value: number | string): GenerationInput {
  const copy = structuredClone(input) as Record<string, unknown>
  const path = field.replace(/\[(\d+)\]/g, ".$1").split(".")
  let here: Record<string, unknown> = copy
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(here, key) ? here[key] : undefined
    if (typeof next !== "object" || next === null) {
      const part = field.slice(0, field.lastIndexOf("."))
      const flag = GIVES.get(path[0]!)
      throw wrong(
        `The axis ${field} needs ${part}, which the request does not have; ${flag ? `give ${flag}` : "check its spelling"}.`,
      )
    }
    here = next as Record<string, unknown>
  }
  here[path.at(-1)!] = value
  return copy as GenerationInput
}

/** The share code of a board, which changes with its pictures. Throws not_found. */
export type BoardCode = (id: string) => Promise<string>

/** Everything that shapes the picture, pictures and boards by their content, as 20 hexadecimal digits. */
export async function requestHash(
  request: GenerationRequest,
  boardCode: BoardCode = async (id) => id,
): Promise<string> {
  const byContent = async (source: string): Promise<string> => {
    const path = source.startsWith("file:") && URL.canParse(source) ? new URL(source) : source
    const isFile = source.length < 4096 && (await stat(path).catch(() => undefined))?.isFile()
    return isFile ? contentHash(await readFile(path)) : source
  }
  const contents = await Promise.all(picturesOf(request).map(({ source }) => byContent(source)))
  const { references, start } = withPictures(request, contents)
  const board = request.board && { ...request.board, id: await boardCode(request.board.id) }
  const text = JSON.stringify({ ...request, references, board, start })
  return createHash("sha256").update(text).digest("hex").slice(0, 20)
}

export interface GridOptions {
  engine: Engine
  /** Where the single pictures are kept; those already there are not made again. */
  folder: string
  /** Requests under way at once: pictures of one size share denoiser runs. */
  parallel?: number
  signal?: AbortSignal
  /** Told after each picture. */
  onCell?: (done: number, total: number, cell: Cell) => void
}

/** Plans all cells, so that a wrong value is said before the first picture is made. */
export async function planGrid(
  base: GenerationInput,
  axes: readonly Axis[],
  folder: string,
  boardCode?: BoardCode,
): Promise<Cell[]> {
  const [across, down] = axes
  if (!across || axes.length > 2) throw wrong(`A grid has one or two axes; ${axes.length} were given.`)
  if (down?.field === across.field) throw wrong(`Both axes are ${across.field}; choose two different fields.`)
  const total = across.values.length * (down?.values.length ?? 1)
  if (total > MOST_CELLS) throw wrong(`The grid has ${total} cells, and ${MOST_CELLS} is the limit.`)
  // One seed for all: what differs between two cells shall be the axes alone.
  const whole = parseRequest({ ...base, seed: base.seed ?? 0, count: 1 })
  const cells: Cell[] = []
  for (const [y, second] of (down?.values ?? [undefined]).entries())
    for (const [x, first] of across.values.entries()) {
      let input: GenerationInput = withField(whole, across.field, first)
      if (down && second !== undefined) input = withField(input, down.field, second)
      const request = parseRequest(input)
      const path = join(folder, `${await requestHash(request, boardCode)}.${request.output.format}`)
      const isNew = !(await stat(path).catch(() => undefined))?.isFile()
      cells.push({ x, y, request, path, isNew })
    }
  return cells
}

/** Makes the cells that are not there yet and gives the engine's notes. Stopped at any moment, it goes on where it was. */
export async function makeCells(cells: readonly Cell[], options: GridOptions): Promise<Note[]> {
  const { engine, parallel = 4, signal, onCell } = options
  // Two cells may ask for the same picture: it is made once.
  const missing = [...new Map(cells.filter((c) => c.isNew).map((c) => [c.path, c])).values()]
  const told: Note[] = []
  let next = 0
  let done = 0
  const work = async (): Promise<void> => {
    while (next < missing.length) {
      const cell = missing[next++]!
      const { pictures, notes } = await engine.generate(cell.request, signal ? { signal } : {})
      told.push(...notes)
      await writeWhole(cell.path, (file) => file.write(pictures[0]!.bytes), signal)
      onCell?.(++done, missing.length, cell)
    }
  }
  const workers = Array.from({ length: Math.min(parallel, missing.length) }, () => work())
  const failed = (await Promise.allSettled(workers)).find((r) => r.status === "rejected")
  if (failed) throw failed.reason
  return distinct(told)
}
