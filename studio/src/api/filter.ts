// What history is asked for, as the address of the question and as a test of one job.
import type { Job } from "./types.ts"

export interface HistoryFilter {
  search: string
  favourite: boolean
  references: boolean
  model: string | null
  /** ISO times; both open unless given. */
  from: string | null
  until: string | null
}

export const NO_FILTER: HistoryFilter = {
  search: "",
  favourite: false,
  references: false,
  model: null,
  from: null,
  until: null,
}

export const isFiltered = (f: HistoryFilter): boolean =>
  f.search !== "" || f.favourite || f.references || f.model !== null || f.from !== null || f.until !== null

export function historyPath(f: HistoryFilter, cursor: string | null, limit = 60): string {
  const query = new URLSearchParams({ limit: String(limit) })
  if (f.search) query.set("search", f.search)
  if (f.favourite) query.set("favourite", "true")
  if (f.references) query.set("references", "true")
  if (f.model) query.set("model", f.model)
  if (f.from) query.set("from", f.from)
  if (f.until) query.set("until", f.until)
  if (cursor) query.set("cursor", cursor)
  return `api/jobs?${query}`
}

/** The server's own rule, for jobs that arrive by event. */
export function matches(job: Job, f: HistoryFilter): boolean {
  const { request } = job
  const prompt = request.prompt.toLowerCase()
  return (
    job.deletedAt === null &&
    f.search
      .toLowerCase()
      .split(/\s+/)
      .every((word) => prompt.includes(word)) &&
    (!f.favourite || job.favourite || job.pictures.some((p) => p.favourite)) &&
    (!f.references || request.references.length > 0) &&
    (f.model === null || request.model === f.model) &&
    (f.from === null || job.createdAt >= f.from) &&
    (f.until === null || job.createdAt < f.until)
  )
}
