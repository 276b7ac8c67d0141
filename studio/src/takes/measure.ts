// How large the tiles of a take are: pictures at their true shape, all of a row equally high.
import type { Job } from "../api/types.ts"

export interface Measure {
  perRow: number
  rows: number
  /** Height of one row of pictures in pixels. */
  height: number
  width: number
}

const GAP = 8
const HIGHEST = 320

/** For a take of `count` pictures of a shape in a column of `width` pixels. */
export function measure(count: number, aspect: number, width: number): Measure {
  const isNarrow = width < 560
  const most = isNarrow
    ? 2
    : Math.max(2, Math.min(8, Math.floor(width / Math.max(150, 170 * Math.sqrt(aspect)))))
  const perRow = Math.min(count, count > most ? Math.ceil(count / Math.ceil(count / most)) : most)
  const fitting = (width - GAP * (perRow - 1)) / perRow / aspect
  const height = Math.round(Math.min(fitting, isNarrow ? width * 1.2 : HIGHEST))
  return { perRow, rows: Math.ceil(count / perRow), height, width: Math.floor(height * aspect) }
}

/** While it waits, a take is a strip: what runs and what is done keeps the room. */
const STRIP = 72
export const isStrip = (job: Job): boolean => job.state === "queued" || job.state === "backlogged"

export function measureJob(job: Job, width: number): Measure {
  const m = measure(job.request.count, aspectOf(job), width)
  if (!isStrip(job)) return m
  const height = Math.min(m.height, STRIP)
  const tile = Math.max(48, Math.floor(height * aspectOf(job)))
  const perRow = Math.min(job.request.count, Math.max(1, Math.floor((width + GAP) / (tile + GAP))))
  return { perRow, rows: Math.ceil(job.request.count / perRow), height, width: tile }
}

const aspectOf = (job: Job): number => job.request.width / job.request.height
export const tilesHeight = (m: Measure): number => m.rows * m.height + (m.rows - 1) * GAP
