// What is in the dock: the request being written. Kept by the tab, so that a reload loses nothing.

import { hasAlternatives, literal } from "../../../src/request/wordings.ts"
import { keys, queries } from "../api/cache.ts"
import { assetThumb } from "../api/client.ts"
import type { Board, Capabilities, GenerationRequest, Job, Model, Submit, Turns } from "../api/types.ts"
import { messages } from "../messages/index.ts"
import { createStore } from "./store.ts"

export interface DraftReference {
  /** Stable while it is moved about. */
  key: string
  /** Asset or picture id; empty while it is uploading. */
  image: string
  thumb: string
  weight: number
  muted: boolean
  failed?: string
}

export interface DraftStart {
  image: string
  thumb: string
  strength: number
  failed?: string
  /** Asset id of what is painted anew; empty while it is uploading. */
  mask?: string
  maskThumb?: string
}

export interface DraftVariation {
  of: Turns
  /** The take that it came from: its lineage knows the picture. */
  job: string
}

export type Draft = Omit<
  GenerationRequest,
  "references" | "start" | "output" | "board" | "variationOf" | "alternatives"
> & {
  references: DraftReference[]
  start: DraftStart | null
  variation: DraftVariation | null
  board: (NonNullable<GenerationRequest["board"]> & { name: string }) | null
  format: GenerationRequest["output"]["format"]
  /** Whether `seed` is used again for the next take. */
  seedLocked: boolean
}

export const EMPTY: Draft = {
  model: "",
  prompt: "",
  negativePrompt: "",
  width: 0,
  height: 0,
  creativity: 50,
  seed: null,
  seedLocked: false,
  count: 4,
  references: [],
  board: null,
  start: null,
  variation: null,
  loras: [],
  intensity: 0,
  complexity: 0,
  movement: 0,
  steps: null,
  guidance: null,
  candidates: null,
  format: "png",
}

/** How far a start image is left, unless it is said. */
export const START_STRENGTH = 0.8

/** All of the picture again. What wholly replaces a part would ignore the whole. */
export function withoutMask({ mask: _m, maskThumb: _t, ...start }: DraftStart): DraftStart {
  return start.strength === 1 ? { ...start, strength: START_STRENGTH } : start
}

export const draft = createStore<Draft>(EMPTY, "draft")
// An upload that a reload cut off never comes back.
draft.set((d) => ({
  references: d.references.filter((r) => r.image && !r.failed),
  start: d.start?.image && !d.start.failed ? (d.start.mask === "" ? withoutMask(d.start) : d.start) : null,
}))

let nextKey = Date.now()
export const newKey = (): string => `r${nextKey++}`

export const drawSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]!

/** The model meant by the dock, or the first that is installed. */
export const modelOf = (capabilities: Capabilities, name: string): Model | undefined =>
  capabilities.models.find((m) => m.name === name || m.aliases.includes(name)) ?? capabilities.models[0]

export interface Shape {
  name: string
  width: number
  height: number
}

/** Shapes at the model's own number of pixels; the table's exact sizes where they fit. */
export function shapesOf(capabilities: Capabilities, model: Model): Shape[] {
  const { width, height } = model.defaults
  const scale = Math.sqrt((width * height) / 1024 ** 2)
  if (Math.abs(scale - 1) < 0.1) return capabilities.aspects
  const side = (pixels: number): number =>
    Math.min(2048, Math.max(256, Math.round((pixels * scale) / 16) * 16))
  return capabilities.aspects.map((a) => ({ name: a.name, width: side(a.width), height: side(a.height) }))
}

/** The shape of the dock: as chosen, or the model's own square. */
export function shapeOf(d: Pick<Draft, "width" | "height">, shapes: Shape[]): Shape {
  const exact = shapes.find((s) => s.width === d.width && s.height === d.height)
  if (exact) return exact
  if (!d.width || !d.height) return shapes[0]!
  return { name: `${d.width}×${d.height}`, width: d.width, height: d.height }
}

/** Another model paints. The shape stays where it has it too; what was set of its steps is of the other one. */
export function chooseModel(capabilities: Capabilities, model: Model): void {
  const { width, height } = draft.get()
  const isKnown = shapesOf(capabilities, model).some((s) => s.width === width && s.height === height)
  draft.set({
    model: model.name,
    ...(isKnown ? {} : { width: 0, height: 0 }),
    steps: null,
    guidance: null,
    candidates: null,
  })
}

/** The request that the dock stands for; what the model cannot do and what is muted is left out. */
export function requestOf(d: Draft, capabilities: Capabilities): Submit {
  const model = modelOf(capabilities, d.model)
  if (!model) throw new Error(messages().view.noModel)
  const { supports } = model
  const { width, height } = shapeOf(d, shapesOf(capabilities, model))
  const references = supports.references
    ? d.references
        .filter((r) => r.image && !r.failed && !r.muted && r.weight !== 0)
        .map((r) => ({ image: r.image, weight: r.weight }))
    : []
  return {
    model: model.name,
    prompt: d.prompt.trim(),
    ...(hasAlternatives(d.prompt.trim()) ? { alternatives: true } : {}),
    width,
    height,
    count: d.count,
    seed: d.seedLocked ? d.seed : null,
    ...(supports.creativity ? { creativity: d.creativity } : {}),
    ...(d.variation ? { variationOf: d.variation.of } : {}),
    ...(references.length ? { references } : {}),
    ...(supports.boards && d.board ? { board: { id: d.board.id, strength: d.board.strength } } : {}),
    ...(supports.start && d.start?.image && !d.start.failed
      ? {
          start: {
            image: d.start.image,
            strength: d.start.strength,
            ...(d.start.mask && { mask: d.start.mask }),
          },
        }
      : {}),
    ...(supports.sliders
      ? nonZero({ intensity: d.intensity, complexity: d.complexity, movement: d.movement })
      : {}),
    ...(d.steps === null ? {} : { steps: d.steps }),
    ...(supports.guidance && d.guidance !== null ? { guidance: d.guidance } : {}),
    ...(supports.candidates && d.candidates !== null ? { candidates: d.candidates } : {}),
    ...(supports.guidance && d.negativePrompt ? { negativePrompt: d.negativePrompt } : {}),
    ...(supports.loras && d.loras.length ? { loras: d.loras } : {}),
    ...(d.format === "png" ? {} : { output: { format: d.format } }),
  }
}

const nonZero = <T extends Record<string, number>>(values: T): Partial<T> =>
  Object.fromEntries(Object.entries(values).filter(([, v]) => v !== 0)) as Partial<T>

/** The same way, with the last picture on it left so far. */
export const turnedBy = ({ of, job }: DraftVariation, strength: number): DraftVariation => ({
  of: of.with(-1, { ...of.at(-1)!, strength }),
  job,
})

/** Where a take's noise comes from. Without it, a seed of a variation would be another picture's. */
export const variationIn = ({ id, request: { variationOf: of } }: Job): DraftVariation | null =>
  of?.length ? { of, job: id } : null

/** A board's name as far as the page has met it, else empty. */
export const boardName = (id: string): string => {
  const now = draft.get().board
  const known = queries.getQueryData<{ items: Board[] }>(keys.boards)?.items.find((b) => b.id === id)
  return known?.name ?? (now?.id === id ? now.name : "")
}

/** A take's prompt for the dock, which reads alternatives: where the take did not, braces are braces. */
export const writtenIn = ({ request: { prompt, alternatives } }: Job): string =>
  alternatives ? prompt : literal(prompt)

/** A take's settings for the dock. Steps, guidance and candidates that were the model's own go back to being that. */
export function draftOf(job: Job, model: Model | undefined): Omit<Draft, "seedLocked"> {
  const { output, references, start, board, variationOf: _v, alternatives: _a, ...plain } = job.request
  const own = model?.defaults
  return {
    ...plain,
    prompt: writtenIn(job),
    steps: plain.steps === own?.steps ? null : plain.steps,
    guidance: plain.guidance === own?.guidance ? null : plain.guidance,
    candidates: plain.candidates === own?.candidates ? null : plain.candidates,
    board: board && {
      ...board,
      name: boardName(board.id),
    },
    references: references.map((r) => ({
      key: newKey(),
      image: r.image,
      thumb: assetThumb(r.image),
      weight: r.weight,
      muted: false,
    })),
    start: start && {
      ...start,
      thumb: assetThumb(start.image),
      ...(start.mask !== undefined && { maskThumb: assetThumb(start.mask) }),
    },
    variation: variationIn(job),
    format: output.format,
  }
}
