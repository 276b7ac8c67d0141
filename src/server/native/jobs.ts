// Native routes of jobs: submit, look, search, change, undo.
import { z } from "zod"
import { JOB_STATES, type Job } from "../../jobs/index.ts"
import { GenerationRequest } from "../../request/index.ts"
import type { Key } from "../../store/index.ts"
import { idempotency } from "../dialects/door.ts"
import type { Call } from "../http.ts"
import { check, flag, type Route, route, time, whole } from "../route.ts"
import type { Service } from "../service.ts"
import { EventView, JobView, jobView } from "./views.ts"

/** A generation request and, beside it, how the job is to be treated. */
export const SubmitBody = z
  .strictObject({
    ...GenerationRequest.shape,
    priority: z
      .number()
      .int()
      .min(-100)
      .max(100)
      .default(0)
      .describe("Higher first; 0 is normal, -10 background"),
    deadlineSeconds: z
      .number()
      .positive()
      .max(7 * 86_400)
      .optional()
      .describe("Fails when not finished by then"),
    keepSeconds: z
      .number()
      .min(60)
      .max(10 * 365 * 86_400)
      .optional()
      .describe("Pictures expire after this"),
    webhook: z.string().optional().describe("Address that is told when the job is over"),
    parent: z.uuid().optional().describe("Picture that this is a variation of"),
  })
  .meta({ id: "Submit" })
export type SubmitInput = z.input<typeof SubmitBody>

export const JobPageView = z.object({
  items: z.array(JobView),
  nextCursor: z.string().nullable(),
  total: z.number(),
})
const Lineage = z.array(z.object({ picture: z.uuid(), role: z.string(), job: z.uuid() }))
export const LineageView = z.object({ cameFrom: Lineage, ledTo: Lineage })

export const ListQuery = z.object({
  search: z.string().max(500).optional().describe("Words that must all occur in the prompt"),
  state: z.string().optional().describe("States, comma-separated"),
  favourite: flag.optional(),
  model: z.string().optional(),
  references: flag.optional().describe("Made with style references"),
  from: time.optional(),
  until: time.optional(),
  cursor: z.string().optional(),
  limit: whole(1, 200).optional().describe("50 unless given"),
})

/** What the documents say of the header of that name. */
export const IDEMPOTENCY = "The same body under the same id gets the same job for 24 hours, another body 409"

const states = z.array(z.enum(JOB_STATES))

/** Stores the job of a native request; `Idempotency-Key` gives it a name. */
export function submit(s: Service, c: Call, key: Key, asked: z.output<typeof SubmitBody>): Promise<Job> {
  const { priority, deadlineSeconds, keepSeconds, webhook, parent, ...request } = asked
  return s.submit(key, {
    request,
    dialect: "native",
    ...idempotency(c, asked),
    priority,
    ...(deadlineSeconds === undefined ? {} : { deadlineSeconds }),
    ...(keepSeconds === undefined ? {} : { keepSeconds }),
    ...(webhook === undefined ? {} : { webhook: { url: webhook, envelope: "atelier" as const } }),
    ...(parent === undefined ? {} : { parent }),
  })
}

export const jobRoutes = (s: Service): Route[] => [
  route({
    method: "post",
    path: "/api/jobs",
    tag: "jobs",
    summary:
      "Submit a generation. The answer means that the job is on disk. ?wait=60 holds it until the job is over",
    query: z.object({ wait: whole(0, 600).optional().describe("Seconds") }),
    body: SubmitBody,
    headers: { "Idempotency-Key": IDEMPOTENCY },
    answer: JobView,
    status: 201,
    counts: true,
    run: async ({ c, key, query, body }) => {
      const job = await submit(s, c, key, body)
      if (!query.wait) return jobView(job, s)
      const seconds = query.wait
      return jobView(await s.jobs.wait(job.id, key.id, { seconds, signal: c.req.raw.signal }), s)
    },
  }),
  route({
    method: "get",
    path: "/api/jobs",
    tag: "jobs",
    summary: "History, newest first, with search and filters",
    query: ListQuery,
    answer: JobPageView,
    run: async ({ key, query }) => {
      const { state, ...filter } = query
      const wanted = state ? { states: check(states, state.split(",")) } : {}
      const [page, total] = await Promise.all([
        s.jobs.list(key.id, { ...filter, ...wanted }),
        s.jobs.count(key.id),
      ])
      return { items: page.jobs.map((j) => jobView(j, s)), nextCursor: page.nextCursor, total }
    },
  }),
  route({
    method: "get",
    path: "/api/jobs/{id}",
    tag: "jobs",
    summary: "One job. ?wait=60 holds the answer until it is over",
    query: z.object({ wait: whole(0, 600).optional() }),
    answer: JobView,
    run: async ({ c, key, id, query }) => {
      if (!query.wait) return jobView(await s.jobs.get(id, key.id), s)
      return jobView(await s.jobs.wait(id, key.id, { seconds: query.wait, signal: c.req.raw.signal }), s)
    },
  }),
  route({
    method: "patch",
    path: "/api/jobs/{id}",
    tag: "jobs",
    summary: "Mark as favourite, or change the priority while it waits",
    body: z.strictObject({
      favourite: z.boolean().optional(),
      priority: z.number().int().min(-100).max(100).optional(),
    }),
    answer: JobView,
    run: async ({ key, id, body }) => {
      // What can be refused comes first, so that a refusal has changed nothing.
      if (body.priority !== undefined) await s.jobs.move(id, key.id, { priority: body.priority })
      if (body.favourite !== undefined) await s.jobs.mark(id, key.id, body.favourite)
      return jobView(await s.jobs.get(id, key.id), s)
    },
  }),
  route({
    method: "delete",
    path: "/api/jobs/{id}",
    tag: "jobs",
    summary: "Delete a finished job and its pictures; can be restored for 24 hours",
    answer: JobView,
    run: async ({ key, id }) => jobView(await s.jobs.remove(id, key.id), s),
  }),
  route({
    method: "post",
    path: "/api/jobs/{id}/restore",
    tag: "jobs",
    summary: "Undo a delete",
    answer: JobView,
    run: async ({ key, id }) => jobView(await s.jobs.remove(id, key.id, false), s),
  }),
  route({
    method: "post",
    path: "/api/jobs/{id}/cancel",
    tag: "jobs",
    summary: "Cancel; final at once. A job that is over stays as it is",
    answer: JobView,
    run: async ({ key, id }) => {
      await s.jobs.cancel(id, key.id)
      return jobView(await s.jobs.get(id, key.id), s)
    },
  }),
  route({
    method: "post",
    path: "/api/jobs/{id}/retry",
    tag: "jobs",
    summary: "Start a failed or cancelled job over, with the same seed",
    answer: JobView,
    counts: true,
    run: async ({ key, id }) => jobView(await s.jobs.retry(id, key.id), s),
  }),
  route({
    method: "post",
    path: "/api/jobs/{id}/move",
    tag: "queue",
    summary: "Reorder a waiting job among one's own",
    body: z
      .strictObject({
        to: z.enum(["front", "back"]).optional(),
        before: z.uuid().optional(),
        after: z.uuid().optional(),
      })
      .refine(
        (b) => Object.values(b).filter((v) => v !== undefined).length === 1,
        "give one of to, before and after",
      ),
    answer: JobView,
    run: async ({ key, id, body }) => jobView(await s.jobs.move(id, key.id, body), s),
  }),
  route({
    method: "get",
    path: "/api/jobs/{id}/lineage",
    tag: "jobs",
    summary: "The pictures it was made from, and the jobs made from its pictures",
    answer: LineageView,
    run: ({ key, id }) => s.jobs.lineage(id, key.id),
  }),
  route({
    method: "get",
    path: "/api/jobs/{id}/events",
    tag: "jobs",
    summary: "The job's own event list, oldest first",
    answer: z.object({ items: z.array(EventView.pick({ kind: true, data: true, at: true })) }),
    run: async ({ key, id }) => {
      await s.jobs.get(id, key.id)
      return { items: await s.jobs.eventsOf(id) }
    },
  }),
]
