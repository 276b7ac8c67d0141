// The page's words for what the server answers: taken from the server's own schemas, none written by hand.
import type { z } from "zod"
import type { GenerationRequest } from "../../../src/request/request.ts"
import type { CapabilitiesView, MemoryView } from "../../../src/server/native/about.ts"
import type { LineageView, SubmitInput } from "../../../src/server/native/jobs.ts"
import type { QueueView } from "../../../src/server/native/queue.ts"
import type {
  AssetView,
  BoardView,
  ErrorView,
  EventView,
  JobView,
  ModelView,
  PictureView,
  ProgressView,
} from "../../../src/server/native/views.ts"

export type { GenerationRequest } from "../../../src/request/request.ts"
export type Turns = NonNullable<GenerationRequest["variationOf"]>
export type Job = JobView
export type JobState = Job["state"]
export type Picture = z.output<typeof PictureView>
export type Progress = z.output<typeof ProgressView>
export type Asset = z.output<typeof AssetView>
export type Board = z.output<typeof BoardView>
export type Model = z.output<typeof ModelView>
export type Queue = z.output<typeof QueueView>
export type Capabilities = z.output<typeof CapabilitiesView>
export type Memory = z.output<typeof MemoryView>
export type Lineage = z.output<typeof LineageView>
export type ServerError = z.output<typeof ErrorView>
export type ServerEvent = z.output<typeof EventView>
export type Submit = SubmitInput

export interface HistoryPage {
  items: Job[]
  nextCursor: string | null
  total: number
}
