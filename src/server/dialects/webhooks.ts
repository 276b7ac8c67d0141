// Which dialect writes which webhook message.
import type { Job, Message } from "../../jobs/index.ts"
import { jobView } from "../native/views.ts"
import type { Service } from "../service.ts"
import { falWebhook } from "./fal.ts"
import { kreaJob } from "./krea.ts"
import { paintedPrediction, prediction, startedPrediction } from "./replicate.ts"
import { runwareWebhook } from "./runware.ts"

type Body = object | Promise<object>
const RENDERERS: Record<Message, (job: Job, place: number | null, s: Service) => Body> = {
  atelier: (job, _, s) => ({ type: `job-${job.state}`, job: jobView(job, s) }),
  krea: (job, _, s) => kreaJob(job, s),
  runware: runwareWebhook,
  fal: (job, _, s) => falWebhook(job, s),
  replicate: (job, _, s) => prediction(job, s),
  "replicate-start": (job, _, s) => startedPrediction(job, s),
  "replicate-output": (job, _, s) => paintedPrediction(job, s),
}

export const renderWebhook = (message: Message, job: Job, place: number | null, s: Service): Body =>
  RENDERERS[message](job, place, s)
