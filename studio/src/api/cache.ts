// Keeps fetched jobs true while events arrive: one place that changes the caches of history and queue.
import { type InfiniteData, QueryClient } from "@tanstack/react-query"
import { announce } from "../state/announce.ts"
import { setStep } from "../state/steps.ts"
import { call } from "./client.ts"
import type { StepEvent } from "./events.ts"
import { type HistoryFilter, matches } from "./filter.ts"
import type { HistoryPage, Job, JobState, ServerEvent } from "./types.ts"

export const queries = new QueryClient({
  defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY, retry: 1, refetchOnWindowFocus: false } },
})

export const keys = {
  history: (filter: HistoryFilter) => ["history", filter] as const,
  job: (id: string) => ["job", id] as const,
  queue: ["queue"] as const,
  boards: ["boards"] as const,
  capabilities: ["capabilities"] as const,
  memory: ["memory"] as const,
  lineage: (id: string) => ["lineage", id] as const,
}

type History = InfiniteData<HistoryPage>
const END: readonly JobState[] = ["completed", "failed", "cancelled"]
export const isOver = (state: JobState): boolean => END.includes(state)

/** A job that the cache knows, wherever it stands; not one that was deleted. */
export function knownJob(id: string): Job | undefined {
  const own = queries.getQueryData<Job>(keys.job(id))
  if (own) return own.deletedAt === null ? own : undefined
  for (const [, data] of queries.getQueriesData<History>({ queryKey: ["history"] })) {
    for (const page of data?.pages ?? []) {
      const found = page.items.find((job) => job.id === id)
      if (found) return found
    }
  }
  return undefined
}

/** Replaces a job everywhere; one that history has not seen yet goes to where its time puts it. */
export function putJob(job: Job): void {
  queries.setQueryData(keys.job(job.id), job)
  for (const [key, data] of queries.getQueriesData<History>({ queryKey: ["history"] })) {
    if (!data) continue
    const fits = matches(job, key[1] as HistoryFilter)
    queries.setQueryData(key, placed(data, job, fits))
  }
}

function placed(data: History, job: Job, fits: boolean): History {
  const at = data.pages.findIndex((page) => page.items.some((j) => j.id === job.id))
  if (at >= 0) {
    return withPage(data, at, (items) =>
      fits ? items.map((j) => (j.id === job.id ? job : j)) : items.filter((j) => j.id !== job.id),
    )
  }
  if (!fits || data.pages.length === 0) return data
  const isOlder = (j: Job): boolean => j.createdAt < job.createdAt
  const page = data.pages.findIndex((p) => p.items.some(isOlder))
  const isComplete = !data.pages.at(-1)?.nextCursor
  const target = page >= 0 ? page : isComplete || data.pages.length === 1 ? data.pages.length - 1 : -1
  if (target < 0) return data
  return withPage(data, target, (items) => {
    const before = items.findIndex(isOlder)
    return before < 0 ? [...items, job] : items.toSpliced(before, 0, job)
  })
}

const withPage = (data: History, at: number, change: (items: Job[]) => Job[]): History => ({
  ...data,
  pages: data.pages.map((page, i) => (i === at ? { ...page, items: change(page.items) } : page)),
})

/** Kept as one that was deleted: what is looked at and not there would be asked for again. */
function dropJob(id: string): void {
  const known = knownJob(id)
  if (known) putJob({ ...known, deletedAt: new Date().toISOString() })
}

/** Jobs to be asked for again; asked together, once per short while. */
const dirty = new Set<string>()
/** Ends of jobs that the page did not know yet. */
const untold = new Map<string, ServerEvent>()
/** Asked for while the server was away: no event will tell of them again. */
const missed = new Set<string>()
function refresh(id: string): void {
  dirty.add(id)
  if (dirty.size > 1) return
  setTimeout(() => {
    const ids = [...dirty]
    dirty.clear()
    for (const each of ids)
      void call<Job>("GET", `api/jobs/${each}`).then(
        (job) => {
          missed.delete(each)
          putJob(job)
          const event = untold.get(each)
          untold.delete(each)
          if (event) announce(job, job.state, event)
        },
        () => missed.add(each),
      )
  }, 40)
}

let isQueueDue = false
function refreshQueue(): void {
  if (isQueueDue) return
  isQueueDue = true
  setTimeout(() => {
    isQueueDue = false
    void queries.invalidateQueries({ queryKey: keys.queue })
  }, 120)
}

export function onEvent(event: ServerEvent): void {
  const { job: id, kind, state } = event
  if (kind.startsWith("job-") || kind.startsWith("queue-")) refreshQueue()
  if (!id) return
  if (kind === "job-deleted") {
    dropJob(id)
    return
  }
  const known = knownJob(id)
  // An end comes once, and may have been seen already by a look that was quicker, or before the job itself was known.
  const isResult = state === "completed" || state === "failed"
  if (state && known && (isResult || known.state !== state)) announce(known, state, event)
  else if (isResult && !known) untold.set(id, event)
  // Handed back to the queue, it has taken no step.
  const isWaiting = state === "queued" || state === "backlogged"
  if (state && !isOver(state) && known)
    putJob({ ...known, state, progress: isWaiting ? null : known.progress })
  else refresh(id)
  if (isWaiting) setStep(id, null)
  if (state && isOver(state)) {
    setStep(id, null)
    // What it was made from has led to one more; which those are only the server knows.
    void queries.invalidateQueries({ queryKey: ["lineage"] })
  }
}

export function onStep(step: StepEvent): void {
  setStep(step.job, step.progress)
  const known = knownJob(step.job)
  if (known && step.progress) announce(known, "sampling", null, step.progress)
}

/** The stream stands again: what could not be fetched while it did not is fetched now. */
export function onAgain(): void {
  const ids = [...missed]
  missed.clear()
  for (const id of ids) refresh(id)
  refreshQueue()
}

/** What was fetched before the stream stood may have missed something. */
export function onFirst(): void {
  void queries.invalidateQueries({ queryKey: ["history"] })
  void queries.invalidateQueries({ queryKey: keys.queue })
}
