// Painted scenes with their truth, as the classifier learns from them; pixels are read from the shards on demand.
import { existsSync, openSync, readFileSync, readSync } from "node:fs"
import { join } from "node:path"
import type { Sample } from "../data/dataset.ts"
import { STYLE_TRAITS } from "../data/styles/names.ts"
import { backgroundIndex, conceptIndex, styleIndex, styleReserve } from "./labels.ts"
import type { Bitmap, Window } from "./pixels.ts"

/** A thing in a scene: its class and its box in pixels. */
export interface Thing extends Window {
  readonly concept: number
}

export interface LabelledScene {
  readonly file: number
  readonly offset: number
  readonly width: number
  readonly height: number
  /** Class of the style, or -1 where the drawing does not truly wear it. */
  readonly style: number
  readonly background: number
  readonly things: readonly Thing[]
  /** Whether the concept may be learned from this picture: it is not a drawing that the model learns from. */
  readonly teaches: boolean
}

export interface SceneSet {
  readonly used: readonly LabelledScene[]
  /** One in a hundred, never trained on. */
  readonly held: readonly LabelledScene[]
  readonly read: (scene: LabelledScene) => Bitmap
}

/**
 * Who learns from a set: the judge from drawings of its own ("judge") and, styles and backgrounds only, from the model's
 * ("train"), or the verifier from the model's, concepts too.
 */
export type Learner = "train" | "judge" | "verifier"

/** The judge's pictures carry concepts from drawings of its own, and styles that a filter makes. */
function labelled(s: Sample, use: Learner, file: number): LabelledScene {
  const drawn = STYLE_TRAITS[s.truth.style].native && use === "judge"
  return {
    file,
    offset: s.offset,
    width: s.width,
    height: s.height,
    style: drawn ? -1 : styleIndex(s.truth.style),
    background: backgroundIndex(s.truth.background.kind),
    things: s.truth.objects.map((o) => ({
      concept: conceptIndex(o.concept),
      x: o.x,
      y: o.y,
      w: o.w,
      h: o.h,
    })),
    teaches: use !== "train",
  }
}

/** Opens the finished shards of a set made by `npm run data`; an absent folder is an empty set. */
export function openScenes(folder: string, use: Learner, most = Number.POSITIVE_INFINITY): SceneSet {
  const index = join(folder, "index.json")
  const files: number[] = []
  const used: LabelledScene[] = []
  const held: LabelledScene[] = []
  const shards = existsSync(index)
    ? (JSON.parse(readFileSync(index, "utf8")) as { shards: string[] }).shards
    : []
  for (const shard of shards) {
    if (used.length >= most) break
    files.push(openSync(join(folder, `${shard}.bin`), "r"))
    for (const line of readFileSync(join(folder, `${shard}.jsonl`), "utf8").split("\n")) {
      if (!line) continue
      const sample = JSON.parse(line) as Sample
      const scene = labelled(sample, use, files.length - 1)
      if (sample.index % 100 === 99) held.push(scene)
      else if (use !== "train" || !sample.truth.objects.some((o) => styleReserve(o.concept))) used.push(scene)
    }
  }
  return {
    used,
    held,
    read: ({ file, offset, width, height }) => {
      const rgb = new Uint8Array(width * height * 3)
      readSync(files[file]!, rgb, 0, rgb.length, offset)
      return { width, height, rgb }
    },
  }
}
