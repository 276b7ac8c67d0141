// Database rows as records and back.
import { type ErrorData, type GenerationRequest, type Note, noteOf } from "../request/index.ts"
import type { Job, JobEvent, JobState, Outcome, PictureRecord } from "./types.ts"

export interface JobRow {
  id: string
  key_id: string
  state: JobState
  model: string
  prompt: string
  request: GenerationRequest
  pictures: number
  dialect: string
  raw: unknown
  client_id: string | null
  priority: number
  rank: number
  tries: number
  worker: string | null
  deadline_at: Date | null
  keep_seconds: number | null
  webhook: { url: string; envelope: string } | null
  error: ErrorData | null
  outcome: (Omit<Outcome, "notes"> & { notes: (Note | string)[] }) | null
  favourite: boolean
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
  deleted_at: Date | null
}

export interface PictureRow {
  id: string
  job_id: string
  place: number
  seed_text: string
  width: number
  height: number
  format: PictureRecord["format"]
  hash: string
  bytes: number
  favourite: boolean
  created_at: Date
  expires_at: Date | null
  expired: boolean
}

export interface EventRow {
  seq: number
  xid: number
  job_id: string | null
  key_id: string
  kind: string
  data: Record<string, unknown>
  at: Date
}

export const pictureOf = (row: PictureRow): PictureRecord => ({
  id: row.id,
  jobId: row.job_id,
  place: row.place,
  seed: Number(row.seed_text),
  width: row.width,
  height: row.height,
  format: row.format,
  hash: row.hash,
  bytes: row.bytes,
  favourite: row.favourite,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  expired: row.expired,
})

export const jobOf = (row: JobRow, pictures: PictureRow[]): Job => ({
  id: row.id,
  keyId: row.key_id,
  state: row.state,
  model: row.model,
  request: row.request,
  dialect: row.dialect,
  raw: row.raw,
  clientId: row.client_id,
  priority: row.priority,
  tries: row.tries,
  error: row.error,
  outcome: row.outcome && { ...row.outcome, notes: row.outcome.notes.map(noteOf) },
  favourite: row.favourite,
  createdAt: row.created_at,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
  deadlineAt: row.deadline_at,
  deletedAt: row.deleted_at,
  pictures: pictures.filter((p) => p.job_id === row.id).map(pictureOf),
})

export const eventOf = (row: EventRow): JobEvent => ({
  cursor: `${row.xid}-${row.seq}`,
  jobId: row.job_id,
  keyId: row.key_id,
  kind: row.kind,
  data: row.data,
  at: row.at,
})
