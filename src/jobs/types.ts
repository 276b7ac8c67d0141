// The vocabulary of jobs: states, records and the words of the event list. Imports the request only.
import type { ErrorData, GenerationRequest, Note } from "../request/index.ts"

export const WAITING_STATES = ["backlogged", "queued"] as const
export const RUNNING_STATES = ["scheduled", "processing", "sampling"] as const
export const END_STATES = ["completed", "failed", "cancelled"] as const
export const JOB_STATES = [...WAITING_STATES, ...RUNNING_STATES, ...END_STATES] as const
/**
 * backlogged: the key is over its concurrency; queued: waits for a worker; scheduled: a worker prepares its
 * pictures; processing: the engine has it; sampling: denoiser steps run.
 */
export type JobState = (typeof JOB_STATES)[number]
export type EndState = (typeof END_STATES)[number]

export const isEnd = (state: JobState): state is EndState => (END_STATES as readonly string[]).includes(state)
export const isWaiting = (state: JobState): boolean => (WAITING_STATES as readonly string[]).includes(state)

/** Whose shape a webhook message has. */
export const ENVELOPES = ["atelier", "krea", "runware", "fal", "replicate"] as const
export type Envelope = (typeof ENVELOPES)[number]

/** Moments of a job: it starts, its pictures are there, it is over in any way. */
export type WebhookEvent = "start" | "output" | "completed"
export interface Webhook {
  url: string
  envelope: Envelope
  /** Which moments are told; the end alone unless given. */
  events?: readonly WebhookEvent[]
  /** Address to which the file of each finished picture is put, told or not. */
  put?: string
}
/** What one message tells: a job's end in an envelope, or an earlier moment in Replicate's. */
export type Message = Envelope | "replicate-start" | "replicate-output"

/** What the engine told about a finished generation, without the pictures. */
export interface Outcome {
  request: GenerationRequest
  expandedPrompts: string[]
  seconds: Record<string, number>
  notes: Note[]
}

export interface PictureRecord {
  id: string
  jobId: string
  /** Place in the job, 0-based. */
  place: number
  seed: number
  width: number
  height: number
  format: "png" | "jpg" | "webp"
  hash: string
  bytes: number
  favourite: boolean
  createdAt: Date
  expiresAt: Date | null
  /** Its time is over: the file is gone and readers are told so (410). */
  expired: boolean
}

export interface Job {
  id: string
  keyId: string
  state: JobState
  model: string
  /** Canonical, seed drawn, pictures as `blob:<sha256>`. */
  request: GenerationRequest
  /** The door it came through: native, krea, runware, openai, fal, replicate, comfy, mcp. */
  dialect: string
  /** The foreign body, for dialects that echo it. */
  raw: unknown
  clientId: string | null
  priority: number
  tries: number
  error: ErrorData | null
  outcome: Outcome | null
  favourite: boolean
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  deadlineAt: Date | null
  deletedAt: Date | null
  pictures: PictureRecord[]
}

/** One line of a job's append-only event list. */
export interface JobEvent {
  /** Opaque; hand it back to go on after it. */
  cursor: string
  jobId: string | null
  keyId: string
  /** `job-<state>`, job-moved, job-marked, job-deleted, job-restored, picture-marked, queue-paused, queue-resumed. */
  kind: string
  data: Record<string, unknown>
  at: Date
}

/** A passing state of a running job; not kept. */
export interface StepEvent {
  jobId: string
  keyId: string
  step: number
  steps: number
  secondsLeft: number | null
  /** Pictures of the job. */
  count: number
  /** How often previews were made: the newest one's number, 0 before the first. */
  preview: number
}

/** Milliseconds-precise time; injected so that tests move it. */
export type Clock = () => Date
