// Which dialect writes which webhook message.
import type { Envelope, Job } from "../../jobs/index.ts"
import { jobView } from "../native/views.ts"
import type { Service } from "../service.ts"

export function renderWebhook(_envelope: Envelope, job: Job, _place: number | null, s: Service): unknown {
  return { type: `job-${job.state}`, job: jobView(job, s) }
}
