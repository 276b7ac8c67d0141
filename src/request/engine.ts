// The port between those who ask for pictures (jobs, server, command line) and the engine that makes them.
import type { Note } from "./notes.ts"
import type { GenerationRequest } from "./request.ts"

/** A state of one generation, handed out after every denoiser step. */
export interface Progress {
  /** Steps done, 1..steps. */
  step: number
  steps: number
  /** Measured over the steps done so far; null before the first. */
  secondsLeft: number | null
  /** Cheap previews (small PNG files), one per picture, only on the steps for which they were asked. */
  previews?: Uint8Array[]
}

/** One finished picture. */
export interface Picture {
  /** Place in the batch; its noise came from `seed`. */
  index: number
  seed: number
  width: number
  height: number
  format: "png" | "jpg" | "webp"
  /** The encoded file, with the request and provenance in its metadata. */
  bytes: Uint8Array
}

/** What one request gave. */
export interface Generation {
  pictures: Picture[]
  /** The request with everything resolved: seed drawn, model named, steps and guidance filled in. */
  request: GenerationRequest
  /** What the text tower read, per picture: the prompt after creativity. */
  expandedPrompts: string[]
  /** Wall-clock seconds by stage: text, denoise, decode, encode, total. */
  seconds: Record<string, number>
  /** Things worth telling: a fallback that was taken, a prompt that was cut. */
  notes: Note[]
}

export interface GenerateOptions {
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
  /** Ask for previews every this many steps; 0 (the default) for none. */
  previewEvery?: number
}

/** What an installed model can do: forms show only this, validation allows only this. */
export interface ModelInfo {
  /** Installed name: `medium`. */
  name: string
  /** Other names that mean this model: `krea:krea@2-medium`, `krea-2/medium`. */
  aliases: string[]
  title: string
  variant: "medium" | "large" | "medium-turbo"
  /** Trained here on emoji and icons, or the official open weights, which can show anything. */
  weights: "embedded" | "open"
  supports: {
    references: boolean
    boards: boolean
    sliders: boolean
    start: boolean
    creativity: boolean
    guidance: boolean
    loras: boolean
    candidates: boolean
  }
  defaults: { steps: number; guidance: number; candidates: number; width: number; height: number }
  /** Largest batch of pictures that the memory plan allows at the default size. */
  batch: number
  parameters: number
}

/**
 * Makes pictures. `generate` may be called concurrently: pictures of the same size and model share denoiser
 * steps, up to the model's batch, and their pixels do not depend on who they shared with. An aborted signal
 * rejects with AtelierError `cancelled` within one step; a dead worker rejects with `worker_lost`.
 */
export interface Engine {
  models(): Promise<ModelInfo[]>
  generate(request: GenerationRequest, options?: GenerateOptions): Promise<Generation>
  close(): Promise<void>
}
