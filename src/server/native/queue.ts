// Native routes of the queue, and the event stream.
import { streamSSE } from "hono/streaming"
import { z } from "zod"
import {
  isWaiting,
  JOB_STATES,
  type Job,
  type JobEvent,
  type JobState,
  type StepEvent,
} from "../../jobs/index.ts"
import { beat } from "../beat.ts"
import { Pace } from "../pace.ts"
import { type Asked, type Route, route } from "../route.ts"
import type { Service } from "../service.ts"
import { JobView, jobView, progressOf } from "./views.ts"

export const QueueView = z
  .object({
    paused: z.boolean(),
    running: z.array(JobView),
    waiting: z.array(
      z.object({
        job: JobView,
        place: z.number().int().describe("1-based place among one's own waiting jobs"),
        secondsLeft: z
          .number()
          .nullable()
          .describe("Estimated time until it is done; null before anything was measured"),
      }),
    ),
  })
  .meta({ id: "Queue" })

export function queueRoutes(s: Service): Route[] {
  const pace = new Pace()
  s.jobs.events.follow(null, null, (event) => {
    if (event.kind === "job-completed") pace.note(event)
  })
  const view = async (keyId: string): Promise<z.output<typeof QueueView>> => {
    const [jobs, paused] = await Promise.all([s.jobs.queue(keyId), s.jobs.paused(keyId)])
    const { seconds } = pace
    let ahead = jobs.filter((j) => !isWaiting(j.state)).reduce((n, j) => n + j.request.count, 0)
    return {
      paused,
      running: jobs.filter((j) => !isWaiting(j.state)).map((j) => jobView(j, s)),
      waiting: jobs
        .filter((j) => isWaiting(j.state))
        .map((job, i) => {
          ahead += job.request.count
          return {
            job: jobView(job, s),
            place: i + 1,
            secondsLeft: seconds === null ? null : Math.round(seconds * ahead),
          }
        }),
    }
  }
  const pause = (paused: boolean) =>
    route({
      method: "post",
      path: paused ? "/api/queue/pause" : "/api/queue/resume",
      tag: "queue",
      summary: paused ? "Let what runs of one's own finish and start nothing new of it" : "Go on",
      answer: QueueView,
      run: async ({ key }) => {
        await s.jobs.pause(paused, key.id)
        return view(key.id)
      },
    })

  return [
    route({
      method: "get",
      path: "/api/queue",
      tag: "queue",
      summary: "One's own unfinished jobs: running, and waiting in the order in which they would start",
      answer: QueueView,
      run: ({ key }) => view(key.id),
    }),
    pause(true),
    pause(false),
    route({
      method: "post",
      path: "/api/queue/cancel",
      tag: "queue",
      summary: "Cancel all of one's own unfinished jobs",
      answer: z.object({ cancelled: z.number().int() }),
      run: async ({ key }) => ({ cancelled: await s.jobs.cancelAll(key.id) }),
    }),
    route({
      method: "get",
      path: "/api/events",
      tag: "events",
      summary:
        "Server-sent events of one's own jobs. Resume with Last-Event-ID (or ?after=): nothing is missed and nothing " +
        "comes twice. `step-end` events are passing and have no id",
      query: z.object({ after: z.string().optional(), job: z.uuid().optional() }),
      answer: "events",
      run: async (asked) => eventStream(asked, s),
    }),
  ]
}

const stateOf = (kind: string): JobState | null => {
  const word = kind.replace("job-", "")
  return (JOB_STATES as readonly string[]).includes(word) ? (word as JobState) : null
}

/** Characters of events that wait to be read by one stream. */
const MOST_UNREAD = 8_000_000

function eventStream(
  { c, key, askAgain, query }: Asked<{ after?: string | undefined; job?: string | undefined }, unknown>,
  s: Service,
): Response {
  const keyId = key.id
  const jobId = query.job
  const from = c.req.header("last-event-id") ?? query.after ?? null
  return streamSSE(c, async (stream) => {
    const closed = Promise.withResolvers<void>()
    const close = (): void => closed.resolve()
    let unread = 0
    const send = (message: { event: string; data: string; id?: string }): void => {
      const { length } = message.data
      unread += length
      // Who does not read would have all of history held for him; he goes on by his last event's id.
      if (unread > MOST_UNREAD) {
        close()
        return
      }
      void stream
        .writeSSE(message)
        .then(() => {
          unread -= length
        })
        .catch(close)
    }
    // The first message says where the stream stands, so that a client which saw nothing yet can resume too.
    send({ event: "hello", data: "{}", id: from ?? s.jobs.events.cursor })
    const stopEvents = s.jobs.events.follow(keyId, from, (event: JobEvent) => {
      if (jobId && event.jobId !== jobId) return
      const { kind, data, at } = event
      const told = { job: event.jobId, kind, state: stateOf(kind), data, at: at.toISOString() }
      send({ event: kind, data: JSON.stringify(told), id: event.cursor })
    })
    const stopSteps = s.jobs.events.onStep((step: StepEvent) => {
      if (step.keyId !== keyId || (jobId && step.jobId !== jobId)) return
      const count = step.count
      const progress = progressOf({ id: step.jobId, request: { count } as Job["request"] }, s)
      send({ event: "step-end", data: JSON.stringify({ job: step.jobId, kind: "step-end", progress }) })
    })
    const stopBeat = beat(stream, s.options.heartbeatSeconds, askAgain, close)
    stream.onAbort(close)
    s.closing.addEventListener("abort", close)
    if (s.closing.aborted) close()
    await closed.promise
    // The server outlives its streams, and would keep each that it could still call.
    s.closing.removeEventListener("abort", close)
    stopBeat()
    stopEvents()
    stopSteps()
  })
}
