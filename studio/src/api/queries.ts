// Questions to the server as hooks. Answers are kept true by events, so nothing here asks twice by itself.
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query"
import { keys, knownJob } from "./cache.ts"
import { call } from "./client.ts"
import { type HistoryFilter, historyPath } from "./filter.ts"
import type { Board, Capabilities, HistoryPage, Job, Lineage, Memory, Queue } from "./types.ts"

export const useCapabilities = () =>
  useQuery({
    queryKey: keys.capabilities,
    queryFn: ({ signal }) => call<Capabilities>("GET", "capabilities", undefined, { signal }),
    retry: false,
  })

export const useHistory = (filter: HistoryFilter) =>
  useInfiniteQuery({
    queryKey: keys.history(filter),
    queryFn: ({ pageParam, signal }) =>
      call<HistoryPage>("GET", historyPath(filter, pageParam), undefined, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    placeholderData: keepPreviousData,
  })

export const useJob = (id: string | null) =>
  useQuery({
    queryKey: keys.job(id ?? ""),
    queryFn: () => call<Job>("GET", `api/jobs/${id}`),
    enabled: id !== null,
    // History holds whole jobs: what is in sight opens at once, also while the server is away.
    initialData: () => (id === null ? undefined : knownJob(id)),
  })

export const useQueue = () =>
  useQuery({ queryKey: keys.queue, queryFn: () => call<Queue>("GET", "api/queue") })

/** Where a waiting job stands; one subscription per job, redrawn only when its own place changes. */
export const usePlace = (id: string, isWaiting: boolean) =>
  useQuery({
    queryKey: keys.queue,
    queryFn: () => call<Queue>("GET", "api/queue"),
    enabled: isWaiting,
    select: (queue) => {
      const entry = queue.waiting.find((w) => w.job.id === id)
      return entry ? { place: entry.place, secondsLeft: entry.secondsLeft } : null
    },
  }).data ?? null

export const useBoards = () =>
  useQuery({
    queryKey: keys.boards,
    queryFn: () => call<{ items: Board[] }>("GET", "api/boards"),
    // No event tells of boards that were made elsewhere.
    staleTime: 0,
  })

/** The name that a board has now; null while it is not known. Moodboards are asked for only where one is meant. */
export const useBoardName = (id: string | null) =>
  useQuery({
    queryKey: keys.boards,
    queryFn: () => call<{ items: Board[] }>("GET", "api/boards"),
    enabled: id !== null,
    select: ({ items }) => items.find((board) => board.id === id)?.name ?? null,
  }).data ?? null

export const useLineage = (id: string) =>
  useQuery({
    queryKey: keys.lineage(id),
    queryFn: () => call<Lineage>("GET", `api/jobs/${id}/lineage`),
    staleTime: 0,
  })

/** Memory changes without events: asked for now and then, while the page is looked at. */
export const useMemory = () =>
  useQuery({
    queryKey: keys.memory,
    queryFn: () => call<Memory>("GET", "api/memory"),
    refetchInterval: 10_000,
  })
