// Which dialect writes which webhook message.
import type { Envelope, Job } from "../../jobs/index.ts"
import { jobView } from "../native/views.ts"
import type { Service } from "../service.ts"
import { falWebhook } from "./fal.ts"
import { kreaJob } from "./krea.ts"
import { prediction } from "./replicate.ts"
import { runwareWebhook } from "./runware.ts"

type Message = object | Promise<object>
const RENDERERS: Record<Envelope, (job: Job, place: number | null, s: Service) => Message> = {
  atelier: (job, _, s) => ({ type: `job-${job.state}`, job: jobView(job, s) }),
  krea: (job, _, s) => kreaJob(job, s),
  runware: runwareWebhook,
  fal: (job, _, s) => falWebhook(job, s),
  replicate: (job, _, s) => prediction(job, s),
}

export const renderWebhook = (envelope: Envelope, job: Job, place: number | null, s: Service): Message =>
  RENDERERS[envelope](job, place, s)
